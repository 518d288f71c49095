"""How a phone number behaves, and how one that was stopped goes on."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from application.pages import PageRequest
from application.ports.context_cache import SealedContext
from application.ports.turns import Waiting
from domain.channels import ChannelStatus
from domain.monitoring import AlertKind, AlertState
from tests.doors.conftest import bearer
from tests.doors.test_rest_routes import NUMBER
from tests.fakes.clock import MONDAY_MORNING

DEFAULTS = {
    "shows_typing": True,
    "template": None,
    "hears_stop": True,
    "stop_words": [],
    "start_words": [],
    "human_pause_minutes": 720,
    "unreadable_sentence": None,
}
OTHERS = {
    "shows_typing": False,
    "template": {"name": "come_back", "language": "en_US"},
    "hears_stop": False,
    "stop_words": ["halt"],
    "start_words": ["los"],
    "human_pause_minutes": 0,
    "unreadable_sentence": "I cannot open this.",
}


@pytest.fixture
def patch(rest, shop):
    async def patch(body):
        return await rest.patch(shop.path(NUMBER), json=body, headers=bearer(shop.key))

    return patch


async def test_a_new_phone_number_behaves_by_default_or_as_told(rest, shop):
    path = f"/users/{shop.user_id}/phone_numbers"
    plain = await rest.post(path, json={"type": "webchat"}, headers=bearer(shop.key))
    told = await rest.post(path, json={"type": "webchat", "settings": OTHERS}, headers=bearer(shop.key))
    partly = await rest.post(
        path, json={"type": "webchat", "settings": {"human_pause_minutes": 43_200}}, headers=bearer(shop.key)
    )
    assert plain.json()["settings"] == DEFAULTS
    assert told.json()["settings"] == OTHERS
    assert partly.json()["settings"] == DEFAULTS | {"human_pause_minutes": 43_200}


async def test_settings_change_one_by_one_and_what_is_absent_stays(rest, shop, patch):
    assert (await patch({"settings": OTHERS})).json()["settings"] == OTHERS
    changed = await patch({"settings": {"template": None, "stop_words": []}})
    assert changed.json()["settings"] == OTHERS | {"template": None, "stop_words": []}
    assert (await patch({"settings": {}})).json() == changed.json()
    assert (await rest.get(shop.path(NUMBER), headers=bearer(shop.key))).json() == changed.json()


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"colour": "red"}, "settings.colour"),
        ({"template": {"name": "hello"}}, "settings.template.language"),
        ({"template": {"name": "Hello!", "language": "en"}}, "settings.template.name"),
        ({"template": {"name": "hello", "language": "English"}}, "settings.template.language"),
        ({"template": {"name": "hello", "language": "en", "text": "Hi"}}, "settings.template.text"),
        ({"human_pause_minutes": -1}, "settings.human_pause_minutes"),
        ({"human_pause_minutes": 43_201}, "settings.human_pause_minutes"),
        ({"human_pause_minutes": 1.5}, "settings.human_pause_minutes"),
        ({"stop_words": ["halt", " "]}, "settings.stop_words"),
        ({"start_words": ["a" * 51]}, "settings.start_words"),
        ({"start_words": ["los"] * 101}, "settings.start_words"),
        ({"stop_words": "halt"}, "settings.stop_words"),
        ({"unreadable_sentence": ""}, "settings.unreadable_sentence"),
        ({"unreadable_sentence": "a" * 1_001}, "settings.unreadable_sentence"),
        ({"shows_typing": None}, "settings.shows_typing"),
    ],
)
async def test_a_setting_that_is_wrong_is_named(rest, shop, patch, settings, field):
    for answer in (
        await patch({"settings": settings}),
        await rest.post(
            f"/users/{shop.user_id}/phone_numbers",
            json={"type": "webchat", "settings": settings},
            headers=bearer(shop.key),
        ),
    ):
        assert answer.status_code == 422, answer.text
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/" + field.replace(".", "/")]
    shown = (await rest.get(shop.path(NUMBER), headers=bearer(shop.key))).json()
    assert shown["settings"] == DEFAULTS


async def _is_stopped(house, shop, status) -> UUID:
    """The platform has stopped the number; two customers wait, and its owner was told."""
    id_ = UUID(shop.phone_number_id)
    number = house.store.phone_numbers[id_]
    house.store.phone_numbers[id_] = replace(number, status=status, status_detail={"code": 190})
    kind = AlertKind.ACCESS_REFUSED if status is ChannelStatus.UNAUTHORIZED else AlertKind.CHANNEL_PARKED
    await house.alerts.raise_alert(kind, str(id_), UUID(shop.user_id), "Stopped.")
    await house.alerts.raise_alert(kind, str(house.ids.new()), None, "Another's.")
    house.turns.waits = [Waiting(house.ids.new(), id_), Waiting(house.ids.new(), id_)]
    house.turns.asked = None
    house.contexts.kept[id_] = SealedContext(house.ids.new(), b"old", MONDAY_MORNING)
    return id_


@pytest.mark.parametrize("status", [ChannelStatus.UNAUTHORIZED, ChannelStatus.PARKED])
@pytest.mark.parametrize("body", [{"access_token": "fresh"}, {"status": "active"}])
async def test_a_stopped_number_goes_on_in_order_with_a_new_token_or_when_told(house, shop, rest, patch, status, body):
    id_ = await _is_stopped(house, shop, status)
    shown = (await rest.get(shop.path(NUMBER), headers=bearer(shop.key))).json()
    assert (shown["status"], shown["status_detail"]) == (status, {"code": 190})

    answer = (await patch(body)).json()

    assert (answer["status"], answer["status_detail"]) == ("active", None)
    assert house.turns.asked.phone_number_id == id_
    queued = [entry.conversation_id for entry in await house.application.work.queue.claim(id_, house.ids.new(), 5)]
    assert queued == [waiting.conversation_id for waiting in house.turns.waits]
    open_ = await house.alerts.list(None, AlertState.OPEN, PageRequest())
    assert [alert.detail for alert in open_.items] == ["Another's."]
    assert (id_ in house.contexts.kept) == ("access_token" not in body)


async def test_a_change_of_something_else_resumes_nothing(house, shop, patch):
    id_ = await _is_stopped(house, shop, ChannelStatus.PARKED)

    assert (await patch({"display_name": "Till"})).json()["status"] == "parked"
    assert house.turns.asked is None
    assert id_ in house.contexts.kept


async def test_nobody_parks_a_number_by_hand(patch):
    answer = await patch({"status": "parked"})
    assert answer.status_code == 422
    assert "status" in answer.text


async def test_the_token_of_a_removed_number_is_forgotten(house, shop, rest):
    id_ = await _is_stopped(house, shop, ChannelStatus.PARKED)
    await rest.delete(shop.path(NUMBER), headers=bearer(shop.key))
    assert id_ not in house.contexts.kept


async def test_settings_refuse_unknown_fields_in_the_description_too(rest):
    schemas = (await rest.get("/openapi.json")).json()["components"]["schemas"]
    for name in ("PhoneNumberBody", "PhoneNumberPatch", "SettingsBody", "TemplateBody"):
        assert schemas[name]["additionalProperties"] is False, name
    assert "additionalProperties" not in schemas["SettingsView"]

"""Each alert that is looked for, by a fault that causes it, and its end."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest

from application.pages import PageRequest
from application.ports.alerts import Watched
from domain.alert_rules import RULES, Limits, Told, rules
from domain.answers import NotAnswered
from domain.channels import ChannelType, Notice
from domain.conversations import PauseReason, UnansweredReason
from domain.delivery import settlement_without_reply
from domain.monitoring import Alert, AlertKind, AlertState
from tests.builders import a_prompt, a_voice, an_agent
from tests.contract.paths import Path, Shop
from tests.fakes.clock import MONDAY_MORNING

OPENED, RESOLVED, NOTHING = Watched(opened=1), Watched(resolved=1), Watched()


async def _look(path: Path, kind: AlertKind, limits: Limits | None = None) -> Watched:
    limits = limits or RULES[kind].limits
    assert limits
    return await path.alerts.watch(kind, limits)


async def _open(path: Path) -> list[Alert]:
    return list((await path.alerts.list(None, AlertState.OPEN, PageRequest())).items)


async def _causes(path: Path) -> list[tuple[AlertKind, str]]:
    return [(alert.kind, alert.subject) for alert in await _open(path)]


def test_every_kind_has_a_rule_and_every_rule_says_whose_it_is() -> None:
    assert set(RULES) == set(AlertKind)
    ours = {kind for kind, rule in RULES.items() if rule.told is Told.ADMINISTRATOR}
    assert ours == {AlertKind.PROVIDER_OUTAGE, AlertKind.WORKERS_GONE, AlertKind.WORKER_SILENT}


def test_limits_follow_the_settings_and_leave_room_between_opening_and_ending() -> None:
    limits = {rule.kind: rule.limits for rule in rules(overdue_seconds=60, queue_capacity=100, undecided_seconds=7)}

    assert limits[AlertKind.QUEUE_FILLING] == Limits(80, 60)
    assert limits[AlertKind.QUEUE_OVERFLOW] == Limits(ends_at=80)
    assert limits[AlertKind.REPLY_OVERDUE] == Limits(60, 30)
    assert limits[AlertKind.SEND_UNDECIDED] == Limits(7)


# --- queues


async def _writes(path: Path, shop: Shop, count: int) -> list:
    return [await path.writes(shop, address=f"49170{place}") for place in range(count)]


async def test_a_queue_that_fills_is_told_from_four_fifths_until_less_than_three_are_left(path: Path) -> None:
    shop, other, worker = await path.a_shop(), await path.a_shop(), await path.a_worker()
    filling = Limits(8, 6)
    conversations = await _writes(path, shop, 7)
    await _writes(path, other, 2)
    assert await _look(path, AlertKind.QUEUE_FILLING, filling) == NOTHING

    conversations.append(await path.writes(shop, address="one more"))
    assert await _look(path, AlertKind.QUEUE_FILLING, filling) == OPENED
    assert await _causes(path) == [(AlertKind.QUEUE_FILLING, str(shop.number.id))]
    assert [alert.user_id for alert in await _open(path)] == [shop.user.id]

    for conversation in conversations[:2]:
        await worker.answers(await worker.begins(conversation))
    assert await _look(path, AlertKind.QUEUE_FILLING, filling) == NOTHING
    await worker.answers(await worker.begins(conversations[2]))
    assert await _look(path, AlertKind.QUEUE_FILLING, filling) == RESOLVED
    assert await _look(path, AlertKind.QUEUE_FILLING, filling) == NOTHING


async def test_a_turn_under_way_still_takes_its_place(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    await worker.begins(await path.writes(shop))

    assert await _look(path, AlertKind.QUEUE_FILLING, Limits(1, 1)) == OPENED


async def test_a_full_queue_has_ended_only_when_there_is_room_again(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    conversations = await _writes(path, shop, 4)
    await path.alerts.raise_alert(AlertKind.QUEUE_OVERFLOW, str(shop.number.id), None, "")

    assert await _look(path, AlertKind.QUEUE_OVERFLOW, Limits(ends_at=4)) == NOTHING
    await worker.answers(await worker.begins(conversations[0]))
    assert await _look(path, AlertKind.QUEUE_OVERFLOW, Limits(ends_at=4)) == RESOLVED


# --- customers who wait


async def test_who_waits_beyond_the_limit_is_told_of_until_nobody_waits_half_as_long(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    limits = Limits(300, 150)
    first = await path.writes(shop, address="1")
    await path.time.passes(200)
    assert await _look(path, AlertKind.REPLY_OVERDUE, limits) == NOTHING
    second = await path.writes(shop, address="2")
    await path.time.passes(101)
    assert await _look(path, AlertKind.REPLY_OVERDUE, limits) == OPENED
    assert await _causes(path) == [(AlertKind.REPLY_OVERDUE, str(shop.number.id))]

    await path.time.passes(60)
    await worker.turns.renew_lease(worker.id, ())
    await worker.answers(await worker.begins(first))
    assert await _look(path, AlertKind.REPLY_OVERDUE, limits) == NOTHING
    await worker.answers(await worker.begins(second))
    assert await _look(path, AlertKind.REPLY_OVERDUE, limits) == RESOLVED


async def test_what_waits_for_credits_or_is_answered_is_not_overdue(path: Path) -> None:
    rich, poor, worker = await path.a_shop(), await path.a_shop(0), await path.a_worker()
    await worker.answers(await worker.begins(await path.writes(rich)))
    await worker.turns.begin(await path.writes(poor), worker.id)
    await path.time.passes(1_000)

    assert await _look(path, AlertKind.REPLY_OVERDUE) == NOTHING


# --- workers


async def test_a_worker_that_falls_silent_is_told_of_until_it_is_heard_again(path: Path) -> None:
    worker, other = await path.a_worker(), await path.a_worker()
    await path.time.passes(50)
    await other.turns.renew_lease(other.id, ())
    assert await _look(path, AlertKind.WORKER_SILENT) == NOTHING

    await path.time.passes(11)
    await other.turns.renew_lease(other.id, ())
    assert await _look(path, AlertKind.WORKER_SILENT) == OPENED
    assert await _causes(path) == [(AlertKind.WORKER_SILENT, str(worker.id))]
    assert await _look(path, AlertKind.WORKER_SILENT) == NOTHING

    await worker.turns.renew_lease(worker.id, ())
    assert await _look(path, AlertKind.WORKER_SILENT) == RESOLVED


async def test_a_worker_that_is_taken_out_or_never_heard_again_is_told_of_no_longer(path: Path) -> None:
    out, lost = await path.a_worker(), await path.a_worker()
    await path.time.passes(61)
    assert await _look(path, AlertKind.WORKER_SILENT) == Watched(opened=2)

    await out.turns.end_lease(out.id)
    assert await _look(path, AlertKind.WORKER_SILENT) == RESOLVED
    assert await _causes(path) == [(AlertKind.WORKER_SILENT, str(lost.id))]
    await path.time.passes(3_600)
    assert await _look(path, AlertKind.WORKER_SILENT) == RESOLVED
    assert await _look(path, AlertKind.WORKER_SILENT) == NOTHING


async def test_messages_that_wait_with_no_worker_alive_are_told_of_until_there_is_one(path: Path) -> None:
    shop = await path.a_shop()
    assert await _look(path, AlertKind.WORKERS_GONE) == NOTHING
    await path.writes(shop)
    assert await _look(path, AlertKind.WORKERS_GONE) == NOTHING

    await path.time.passes(31)
    assert await _look(path, AlertKind.WORKERS_GONE) == OPENED
    assert await _look(path, AlertKind.WORKERS_GONE) == NOTHING
    assert [alert.user_id for alert in await _open(path)] == [None]

    await path.a_worker()
    assert await _look(path, AlertKind.WORKERS_GONE) == RESOLVED


# --- the platform's words about an account


def _told(shop: Shop, minute: int, content: dict, field: str = "account_update") -> Notice:
    at = MONDAY_MORNING + timedelta(minutes=minute)
    return Notice(ChannelType.WHATSAPP, shop.number.meta_phone_number_id, None, field, content, at)


FLAGGED, UNFLAGGED = {"event": "FLAGGED"}, {"event": "UNFLAGGED"}
BANNED = {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}
REINSTATED = {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "REINSTATE"}}


@pytest.mark.parametrize(
    ("field", "before", "after"),
    [
        ("account_update", BANNED, REINSTATED),
        ("account_update", {"event": "ACCOUNT_OFFBOARDED"}, {"event": "ACCOUNT_RECONNECTED"}),
        ("phone_number_quality_update", FLAGGED, UNFLAGGED),
    ],
)
async def test_a_restricted_channel_is_told_of_until_that_is_lifted(path: Path, field, before, after) -> None:
    shop, _other = await path.a_shop(), await path.a_shop()
    await path.inbox.keep_notices([_told(shop, 1, before, field), _told(shop, 2, {"event": "ONBOARDING"}, field)])
    assert await _look(path, AlertKind.CHANNEL_RESTRICTED) == OPENED
    assert await _look(path, AlertKind.CHANNEL_RESTRICTED) == NOTHING
    assert await _causes(path) == [(AlertKind.CHANNEL_RESTRICTED, str(shop.number.id))]

    await path.inbox.keep_notices([_told(shop, 3, after, field)])
    assert await _look(path, AlertKind.CHANNEL_RESTRICTED) == RESOLVED


async def test_what_is_lifted_of_one_kind_still_holds_of_another(path: Path) -> None:
    shop = await path.a_shop()
    quality = "phone_number_quality_update"
    await path.inbox.keep_notices([_told(shop, 1, BANNED), _told(shop, 2, FLAGGED, quality)])
    assert await _look(path, AlertKind.CHANNEL_RESTRICTED) == OPENED

    await path.inbox.keep_notices([_told(shop, 3, UNFLAGGED, quality)])

    assert await _look(path, AlertKind.CHANNEL_RESTRICTED) == NOTHING
    assert len(await _open(path)) == 1


@pytest.mark.parametrize(("ends", "noticed"), [(1_641_330_498, NOTHING), (4_102_444_800, OPENED)])
async def test_a_restriction_holds_as_long_as_it_says(path: Path, ends, noticed) -> None:
    shop = await path.a_shop()
    kinds = ["RESTRICTED_BIZ_INITIATED_MESSAGING", "RESTRICTED_ADD_PHONE_NUMBER_ACTION"]
    info = [{"restriction_type": kind, "expiration": ends} for kind in kinds]
    await path.inbox.keep_notices([_told(shop, 1, {"event": "ACCOUNT_RESTRICTION", "restriction_info": info})])

    assert await _look(path, AlertKind.CHANNEL_RESTRICTED) == noticed


@pytest.mark.parametrize("content", [{}, {"event": None}, {"event": "ACCOUNT_RESTRICTION", "restriction_info": "soon"}])
async def test_words_of_another_form_do_no_harm(path_on_postgres: Path, content) -> None:
    shop = await path_on_postgres.a_shop()
    await path_on_postgres.inbox.keep_notices([_told(shop, 1, content)])

    assert (await _look(path_on_postgres, AlertKind.CHANNEL_RESTRICTED)).resolved == 0


# --- tokens


async def test_a_token_that_nears_its_end_is_told_of_until_another_one_lasts(path: Path) -> None:
    shop = await path.a_shop()
    await path.world.phone_numbers.change(shop.number, b"sealed", resumes=False)
    backstage, number = path.world.backstage, shop.number.id

    async def ends_in(days: float) -> Watched:
        await backstage.token_is(number, old=timedelta(days=30), left=timedelta(days=days))
        return await _look(path, AlertKind.TOKEN_ENDING)

    assert await ends_in(4) == NOTHING
    assert await ends_in(2.9) == OPENED
    assert await ends_in(-1) == NOTHING
    assert await ends_in(6) == NOTHING
    assert await _causes(path) == [(AlertKind.TOKEN_ENDING, str(number))]
    assert await ends_in(60) == RESOLVED


# --- what is gone


@pytest.mark.parametrize("kind", [AlertKind.ACCESS_REFUSED, AlertKind.CHANNEL_PARKED])
async def test_what_was_wrong_with_a_phone_number_has_ended_when_it_is_removed(path: Path, kind) -> None:
    shop, other = await path.a_shop(), await path.a_shop()
    for one in (shop, other):
        await path.alerts.raise_alert(kind, str(one.number.id), one.user.id, "")
    assert await _look(path, kind) == NOTHING

    await path.world.phone_numbers.remove(shop.user.id, shop.number.id)

    assert await _look(path, kind) == RESOLVED
    assert await _causes(path) == [(kind, str(other.number.id))]


async def _answers_by_machine(path: Path, shop: Shop) -> UUID:
    worker = await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    await worker.turns.settle(turn, settlement_without_reply(NotAnswered(UnansweredReason.AUTO_REPLIER, "")))
    await path.alerts.raise_alert(AlertKind.AUTO_REPLIER, str(turn.conversation_id), shop.user.id, "")
    return turn.conversation_id


async def _is_resumed(path: Path, shop: Shop, conversation_id: UUID) -> None:
    await path.world.conversations.resume(shop.user.id, conversation_id)


async def _is_taken_over(path: Path, shop: Shop, conversation_id: UUID) -> None:
    await path.world.conversations.pause(shop.user.id, conversation_id, None, PauseReason.BY_HAND)


async def _is_archived(path: Path, shop: Shop, conversation_id: UUID) -> None:
    await path.world.conversations.archive(shop.user.id, conversation_id)


async def _loses_its_customer(path: Path, shop: Shop, conversation_id: UUID) -> None:
    conversation = await path.world.conversations.get(shop.user.id, conversation_id)
    await path.world.customer_records.erase(shop.user.id, conversation.customer.id)


async def _loses_its_number(path: Path, shop: Shop, _conversation_id: UUID) -> None:
    await path.world.phone_numbers.remove(shop.user.id, shop.number.id)


@pytest.mark.parametrize("ends", [_is_resumed, _is_taken_over, _is_archived, _loses_its_customer, _loses_its_number])
async def test_a_machine_that_answers_ours_is_told_of_until_its_conversation_goes_on_or_ends(path: Path, ends) -> None:
    shop, other = await path.a_shop(), await path.a_shop()
    conversation_id, still = await _answers_by_machine(path, shop), await _answers_by_machine(path, other)
    assert await _look(path, AlertKind.AUTO_REPLIER) == NOTHING

    await ends(path, shop, conversation_id)

    assert await _look(path, AlertKind.AUTO_REPLIER) == RESOLVED
    assert await _causes(path) == [(AlertKind.AUTO_REPLIER, str(still))]


# --- models


async def test_a_prompt_in_use_whose_model_ends_is_told_of_until_it_names_another(path: Path) -> None:
    shop = await path.a_shop()
    prompt = await path.world.prompts.add(a_prompt(shop.user.id, voice=a_voice(model="gpt-5")))
    await path.world.prompts.add(a_prompt(shop.user.id, voice=a_voice(model="gpt-5")))
    ends = {"gpt-5": date(2026, 12, 11), "gpt-4o": date(2027, 1, 14)}
    assert await path.alerts.watch_models(ends, {}) == NOTHING

    second = await path.a_second_number(shop)
    await path.world.agents.change(_speaking(second, prompt.id))
    assert await path.alerts.watch_models({}, {}) == NOTHING
    assert await path.alerts.watch_models(ends, {}) == OPENED
    assert await path.alerts.watch_models(ends, {}) == NOTHING
    (alert,) = await _open(path)
    assert (alert.kind, alert.subject, alert.user_id) == (AlertKind.MODEL_ENDING, prompt.id, shop.user.id)

    await path.world.prompts.add_version(shop.user.id, prompt.id, a_voice(model="gpt-6"))
    assert await path.alerts.watch_models(ends, {}) == RESOLVED


async def test_a_setting_whose_model_ends_is_the_house_s_to_change(path: Path) -> None:
    ends = {"gpt-5": date(2026, 12, 11)}

    assert await path.alerts.watch_models(ends, {"EXTRACTION_MODEL": "gpt-5"}) == OPENED
    assert [(alert.subject, alert.user_id) for alert in await _open(path)] == [("EXTRACTION_MODEL", None)]
    assert await path.alerts.watch_models(ends, {"EXTRACTION_MODEL": "gpt-6"}) == RESOLVED


def _speaking(shop: Shop, prompt_id: str):
    return an_agent(shop.user.id, id=shop.agent.id, phone_number_id=shop.number.id, prompt_id=prompt_id)

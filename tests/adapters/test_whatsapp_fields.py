from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.channels.notices import BYTES_MAX
from domain.channels import ChannelType, Echo, Notice
from tests.adapters.deliveries import WHATSAPP, read_change, read_payload, whatsapp_message, whatsapp_value

AT = datetime.fromtimestamp(1_700_000_000, UTC)
FIELDS = [
    "history",
    "smb_app_state_sync",
    "account_update",
    "account_alerts",
    "account_review_update",
    "business_capability_update",
    "phone_number_quality_update",
    "phone_number_name_update",
    "message_template_status_update",
    "message_template_quality_update",
    "message_template_components_update",
    "template_category_update",
    "security",
    "user_preferences",
    "calls",
    "flows",
    "group_lifecycle_update",
    "payment_configuration_update",
    "partner_solutions",
    "business_username_update",
    "automatic_events",
    "messaging_handovers",
    "tracking_events",
    "of_tomorrow",
]


def _echo(**fields: Any) -> dict[str, Any]:
    return {
        "id": "wamid.e",
        "from": "1555",
        "timestamp": "1700000000",
        "type": "text",
        "text": {"body": "Sent"},
    } | fields


# --- notices


@pytest.mark.parametrize("field", FIELDS)
def test_what_is_about_the_account_is_kept_as_it_came(field: str) -> None:
    value = {"event": "X", "deep": {"list": [1, None, "\x00"]}}

    entry = {"id": "waba", "time": 1700000000, "changes": [{"field": field, "value": value}]}
    delivery = read_payload({"object": WHATSAPP, "entry": [entry]})

    kept = {"event": "X", "deep": {"list": [1, None, "\ufffd"]}}
    assert delivery.notices == [Notice(ChannelType.WHATSAPP, None, "waba", field, kept, AT)]
    assert (delivery.messages, delivery.ignored, delivery.unreadable) == ([], 0, 0)


@pytest.mark.parametrize(
    "value",
    [
        {"metadata": {"phone_number_id": "42"}, "timestamp": "1700000000"},
        {"metadata": {"phone_number_id": 42}, "user_preferences": [{"timestamp": 1700000000}]},
    ],
)
def test_a_notice_says_whose_it_is_and_when_it_was(value: dict[str, Any]) -> None:
    (notice,) = read_change("user_preferences", value).notices

    assert (notice.account, notice.business, notice.at) == ("42", "waba", AT)


def test_a_notice_that_is_too_large_is_kept_as_its_keys_and_its_size() -> None:
    value = {"history": "x" * BYTES_MAX, "metadata": {"phone_number_id": "42"}}

    (notice,) = read_change("history", value).notices

    assert notice.account == "42"
    assert notice.content["keys"] == ["history", "metadata"]
    assert notice.content["bytes"] > BYTES_MAX


@pytest.mark.parametrize("value", [None, 7, "x", [], [{}]])
def test_a_notice_that_says_nothing_readable_is_counted(value: Any) -> None:
    delivery = read_change("account_update", value)

    assert (delivery.notices, delivery.unreadable) == ([], 1)


def test_a_field_with_a_long_name_is_kept_under_its_beginning() -> None:
    (notice,) = read_change("f" * 500, {"a": 1}).notices

    assert notice.field == "f" * 100


def test_errors_of_the_account_stand_beside_its_messages() -> None:
    errors = [{"code": 131000, "title": "Something went wrong"}]
    text = whatsapp_message(type="text", text={"body": "Hi"})

    delivery = read_change("messages", whatsapp_value(text, errors=errors))

    assert len(delivery.messages) == 1
    assert [(one.field, one.account, one.content) for one in delivery.notices] == [("errors", "42", {"errors": errors})]


@pytest.mark.parametrize("errors", [[], None, 7])
def test_no_errors_are_no_notice(errors: Any) -> None:
    assert read_change("messages", whatsapp_value(errors=errors)).notices == []


# --- echoes


@pytest.mark.parametrize("field", ["smb_message_echoes", "message_echoes"])
@pytest.mark.parametrize(
    ("whom", "address", "aliases"),
    [
        ({"to": "4917"}, "4917", ()),
        ({"to": "4917", "to_user_id": "US.1", "to_parent_user_id": "US.ENT.1"}, "4917", ("US.1", "US.ENT.1")),
        ({"to_user_id": "US.1"}, "US.1", ()),
    ],
)
def test_what_a_person_wrote_elsewhere_is_an_echo(field: str, whom: dict[str, Any], address: str, aliases: Any) -> None:
    delivery = read_change(field, {"metadata": {"phone_number_id": "42"}, "message_echoes": [_echo(**whom)]})

    assert delivery.messages == []
    assert delivery.echoes == [
        Echo(ChannelType.WHATSAPP, "42", address, "wamid.e", "text", "Sent", AT, aliases, None, is_ours=False)
    ]


@pytest.mark.parametrize("bad", [None, 7, {}, _echo(), _echo(to="1", id=None)])
def test_a_bad_echo_is_counted_and_spoils_no_other(bad: Any) -> None:
    echoes = [_echo(to="1"), bad, _echo(to="1", id="wamid.f")]

    delivery = read_change("smb_message_echoes", {"metadata": {"phone_number_id": "42"}, "message_echoes": echoes})

    assert ([one.platform_message_id for one in delivery.echoes], delivery.unreadable) == (["wamid.e", "wamid.f"], 1)


# --- moves


@pytest.mark.parametrize(
    ("update", "moves"),
    [
        ({"user_id": {"previous": "US.1", "current": "US.2"}}, [("US.1", "US.2")]),
        (
            {
                "user_id": {"previous": "US.1", "current": "US.2"},
                "parent_user_id": {"previous": "US.ENT.1", "current": "US.ENT.2"},
            },
            [("US.1", "US.2"), ("US.ENT.1", "US.ENT.2")],
        ),
        ({"wa_id": "4917", "user_id": {"current": "US.2"}}, [("4917", "US.2")]),
    ],
)
def test_a_new_user_id_is_a_move(update: dict[str, Any], moves: list[tuple[str, str]]) -> None:
    bad = [None, {}, {"user_id": {"current": "US.2"}}, {"user_id": "US.2"}]
    told = {"metadata": {"phone_number_id": "42"}, "user_id_update": [update | {"timestamp": "1700000000"}, *bad]}

    delivery = read_change("user_id_update", told)

    assert [(one.account, one.before, one.after, one.at) for one in delivery.moves] == [
        ("42", *move, AT) for move in moves
    ]
    assert delivery.unreadable == len(bad)


# --- statuses


@pytest.mark.parametrize(
    ("fields", "pricing"),
    [
        ({"pricing": {"billable": True, "type": "regular"}}, {"billable": True, "type": "regular"}),
        ({"conversation": {"id": "c", "pricing": {"billable": False}}}, {"billable": False}),
        ({"conversation": {"id": "c"}}, None),
        ({"pricing": "free", "conversation": []}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize(
    "whom",
    [
        {"recipient_id": "1"},
        {"recipient_user_id": "US.1", "parent_recipient_user_id": "US.ENT.1"},
        {"recipient_id": "g", "recipient_type": "group", "participant_recipient_id": "1"},
        {"recipient_id": {}, "recipient_participant_id": 7},
        {},
    ],
)
def test_a_receipt_brings_its_price_whomever_it_is_about(fields: dict[str, Any], pricing: Any, whom: Any) -> None:
    status = {"id": "wamid.1", "status": "delivered", "timestamp": "1700000000"} | fields | whom

    (receipt,) = read_change("messages", whatsapp_value(statuses=[status])).receipts

    assert (receipt.status, receipt.pricing, receipt.at, receipt.error) == ("delivered", pricing, AT, None)


@pytest.mark.parametrize("errors", [None, [], "many", [7], {}])
def test_a_failure_is_news_also_when_its_reason_cannot_be_read(errors: Any) -> None:
    status = {"id": "wamid.1", "status": "failed", "errors": errors}

    (receipt,) = read_change("messages", whatsapp_value(statuses=[status])).receipts

    assert (receipt.status, receipt.error) == ("failed", None)


# --- standby, envelopes


def test_messages_while_somebody_else_holds_the_thread_are_only_shown() -> None:
    text = whatsapp_message(type="text", text={"body": "Hi"})

    (shown,), (ours,) = (read_change(field, whatsapp_value(text)).messages for field in ("standby", "messages"))

    assert (shown.is_standby, ours.is_standby) == (True, False)


def test_a_change_without_its_envelope_is_read() -> None:
    value = whatsapp_value(whatsapp_message(type="text", text={"body": "Hi"}), messaging_product="whatsapp")

    (message,) = read_payload({"field": "messages", "value": value}).messages

    assert (message.account, message.text, message.business) == ("42", "Hi", None)


@pytest.mark.parametrize(
    "payload",
    [
        {"field": "messages", "value": {}},
        {"field": "about", "value": {"a": 1}},
        {"field": 7, "value": {"a": 1}},
        {"object": "page", "entry": [{"id": 1, "messaging": [{"message": {"mid": "m", "text": "Hi"}}]}]},
        {"object": WHATSAPP, "entry": []},
        {"object": WHATSAPP, "entry": [{}]},
        {"object": WHATSAPP, "entry": {}},
        {"object": WHATSAPP, "entry": [{"id": "1", "changes": [{}]}]},
        {"object": WHATSAPP},
        {},
        [],
        None,
        "text",
    ],
    ids=repr,
)
def test_what_tells_nobody_anything_is_accepted(payload: Any) -> None:
    delivery = read_payload(payload)

    assert (delivery.messages, delivery.notices) == ([], [])

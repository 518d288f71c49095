import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from application.ports.channel_gateway import UnreadableWebhook
from domain.channels import ChannelType, Delivery, InboundMessage, is_made
from tests.adapters.deliveries import PAYLOADS
from tests.adapters.deliveries import read_body as _read


def _envelope(*changes: Any, **fields: Any) -> bytes:
    envelope = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": list(changes)}]}
    return json.dumps(envelope | fields).encode()


def _delivery(value: Any) -> Delivery:
    return _read(_envelope({"field": "messages", "value": value}))


def _value(*messages: Any, **fields: Any) -> dict[str, Any]:
    return {"metadata": {"phone_number_id": "42"}, "messages": list(messages)} | fields


def _text(id_: str = "wamid.1", body: Any = "Hello", **fields: Any) -> dict[str, Any]:
    defaults = {"id": id_, "from": "4917012345", "timestamp": "1700000000", "type": "text", "text": {"body": body}}
    return defaults | fields


def _status(**fields: Any) -> dict[str, Any]:
    return {"id": "wamid.1", "status": "sent", "timestamp": "1700000000"} | fields


def test_a_text_is_read_exactly() -> None:
    path = PAYLOADS / "simulators" / "whatsapp" / "text__facebook-openapi__text-message.json"
    said = json.loads(path.read_bytes())["entry"][0]["changes"][0]["value"]

    (message,) = _read(path.read_bytes()).messages

    assert message == InboundMessage(
        channel=ChannelType.WHATSAPP,
        account="106540352242922",
        address="16505551234",
        name=said["contacts"][0]["profile"]["name"],
        platform_message_id=said["messages"][0]["id"],
        type="text",
        text="Does it come in another color?",
        written_at=datetime.fromtimestamp(int(said["messages"][0]["timestamp"]), UTC),
        business="419561257915477",
    )


# --- receipts


@pytest.mark.parametrize(
    ("status", "known"),
    [("sent", "sent"), ("delivered", "delivered"), ("read", "read"), ("played", "read"), ("failed", "failed")],
)
def test_a_receipt_says_which_message_came_how_far(status: str, known: str) -> None:
    ours = "01920000-0000-7000-8000-000000000001"

    (receipt,) = _delivery(_value(statuses=[_status(status=status, biz_opaque_callback_data=ours)])).receipts

    assert (receipt.status, receipt.message_id) == (known, UUID(ours))
    assert (receipt.account, receipt.platform_message_id) == ("42", "wamid.1")


def test_a_receipt_of_failure_brings_the_platform_s_reason() -> None:
    errors = [{"code": 131026, "title": "Undeliverable"}, {"code": 1}]

    (receipt,) = _delivery(_value(statuses=[_status(status="failed", errors=errors)])).receipts

    assert receipt.error == errors[0]


def test_a_receipt_says_which_question_its_message_answers() -> None:
    ours, question = UUID(int=1), UUID(int=2)

    (receipt,) = _delivery(_value(statuses=[_status(biz_opaque_callback_data=f"{ours} {question}")])).receipts

    assert (receipt.message_id, receipt.question_id) == (ours, question)


@pytest.mark.parametrize("data", ["", "not an id", "order 7", " ", None, 7])
def test_callback_data_of_others_is_no_id_of_ours(data) -> None:
    (receipt,) = _delivery(_value(statuses=[_status(biz_opaque_callback_data=data)])).receipts

    assert (receipt.message_id, receipt.question_id) == (None, None)


@pytest.mark.parametrize("status", ["in_orbit", "deleted", "warning", ""])
def test_a_status_nobody_documents_is_ignored(status: str) -> None:
    delivery = _delivery(_value(statuses=[_status(status=status)]))

    assert (delivery.receipts, delivery.ignored, delivery.unreadable) == ([], 1, 0)


# --- names and addresses


def test_names_are_matched_by_address_whatever_their_order() -> None:
    contacts = [
        {"wa_id": "2", "profile": {"name": "Zoe"}},
        {"wa_id": "3", "profile": {}},
        {"user_id": "US.1", "profile": {"name": "Ada \x00"}},
        {"wa_id": "1", "profile": {"name": "Kim"}},
    ]
    froms = [{"from": "1"}, {"from": "2"}, {"from": "3"}, {"from": None, "from_user_id": "US.1"}]
    texts = [_text(str(place), **one) for place, one in enumerate(froms)]

    messages = _delivery(_value(*texts, contacts=contacts)).messages

    assert [(one.address, one.name) for one in messages] == [
        ("1", "Kim"),
        ("2", "Zoe"),
        ("3", None),
        ("US.1", "Ada \ufffd"),
    ]


# --- what is not as documented

BAD = [
    None,
    7,
    "text",
    [],
    {},
    {"id": 7},
    _text(**{"from": ""}),
    _text(**{"from": {}}),
    _text(**{"from": "1" * 201}),
]


@pytest.mark.parametrize("bad", BAD, ids=repr)
def test_a_bad_message_is_counted_and_spoils_no_other(bad: Any) -> None:
    delivery = _delivery(_value(_text("before"), bad, _text("after"), statuses=[_status()]))

    assert [message.platform_message_id for message in delivery.messages] == ["before", "after"]
    assert (len(delivery.receipts), delivery.unreadable) == (1, 1)


@pytest.mark.parametrize("id_", [None, "", {}, "x" * 201])
def test_a_message_without_an_id_has_the_same_one_whenever_it_comes(id_: Any) -> None:
    told = [_text(id_=id_), _text(id_=id_), _text(id_=id_, body="Another")]

    first, again, other = (message.platform_message_id for message in _delivery(_value(*told)).messages)

    assert first == again != other
    assert is_made(first)


@pytest.mark.parametrize(
    "bad", [None, [], {"status": "sent"}, {"id": "x" * 201, "status": "sent"}, _status(status=7)], ids=repr
)
def test_a_bad_receipt_is_counted_and_spoils_no_other(bad: Any) -> None:
    delivery = _delivery(_value(_text(), statuses=[_status(), bad, _status(id="wamid.2")]))

    assert [receipt.platform_message_id for receipt in delivery.receipts] == ["wamid.1", "wamid.2"]
    assert (len(delivery.messages), delivery.unreadable) == (1, 1)


@pytest.mark.parametrize("field", ["contacts", "statuses"])
@pytest.mark.parametrize("bad", [None, 7, {}, "none", [None], [7]], ids=repr)
def test_a_bad_list_spoils_no_message(field: str, bad: Any) -> None:
    delivery = _delivery(_value(_text(), **{field: bad}))

    assert [message.text for message in delivery.messages] == ["Hello"]
    assert delivery.unreadable == 1


@pytest.mark.parametrize("bad", [None, 7, [], {"field": 7}, {"field": "messages", "value": 7}], ids=repr)
def test_a_bad_change_or_entry_spoils_no_other(bad: Any) -> None:
    good = {"field": "messages", "value": _value(_text())}

    among_changes = _read(_envelope(good, bad, good))
    among_entries = _read(_envelope(entry=[{"changes": [good]}, bad, {"changes": 7}, {"changes": [good]}]))

    assert (len(among_changes.messages), len(among_entries.messages)) == (2, 2)


@pytest.mark.parametrize("timestamp", ["", "soon", "9" * 30, "9" * 5_000, -(10**18), "1e3", 1700000000, None, {}, 1.5])
def test_a_strange_time_does_not_lose_the_message(timestamp: Any) -> None:
    assert len(_delivery(_value(_text(timestamp=timestamp))).messages) == 1


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ("cut \ud83d", "cut \ufffd"),
        ("cut \ud83d in the middle of it all", "cut \ufffd in the middle of it all"),
        ("a lone \ude00 lower half", "a lone \ufffd lower half"),
        ("\ud83d\ud83d\ude00 \\ud83d", "\ufffd\U0001f600 \\ud83d"),
        ("a\x00b", "a\ufffdb"),
        ("\ud83d\udc4d", "👍"),
        ("ä/\u2028", "ä/\u2028"),
    ],
)
def test_what_cannot_be_stored_is_mended(body: str, kept: str) -> None:
    contacts = [{"wa_id": "4917012345", "profile": {"name": body}}]

    (first, second) = _delivery(_value(_text("1", body), _text("2\x00"), contacts=contacts)).messages

    assert (first.text, first.name) == (kept, kept)
    assert (second.platform_message_id, second.text) == ("2\ufffd", "Hello")


@pytest.mark.parametrize("body", [b"", b"{", b"not json", b"\xff\xfe{}", b'{"object": NaN', b'{"a":1}}'])
def test_what_is_not_json_is_refused_as_such(body: bytes) -> None:
    with pytest.raises(UnreadableWebhook):
        _read(body)


@pytest.mark.parametrize("depth", [900, 100_000])
@pytest.mark.parametrize("where", ["%s", '{"object":"whatsapp_business_account","entry":[%s]}', "message"])
def test_deep_nesting_does_no_harm(depth: int, where: str) -> None:
    nested = "[" * depth + "]" * depth
    if where == "message":
        where = _envelope({"field": "messages", "value": _value(_text(), "DEEP")}).decode().replace('"DEEP"', "%s")

    delivery = _read((where % nested).encode())

    assert delivery.messages == [] or delivery.messages[0].text == "Hello"


@pytest.mark.parametrize("object_", ["page", "user", "", None, 7])
def test_deliveries_about_other_things_are_ignored(object_: Any) -> None:
    change = {"field": "messages", "value": _value(_text())}

    delivery = _read(_envelope(change, object=object_))

    assert (delivery.messages, delivery.ignored, delivery.unreadable) == ([], 1, 0)


def test_a_delivery_with_a_thousand_updates_is_read_whole_and_in_order() -> None:
    changes = [
        {"field": "messages", "value": _value(*(_text(f"{outer}.{inner}") for inner in range(25)))}
        for outer in range(40)
    ]

    messages = _read(_envelope(*changes)).messages

    assert [one.platform_message_id for one in messages] == [f"{a}.{b}" for a in range(40) for b in range(25)]

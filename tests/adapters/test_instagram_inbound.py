from datetime import UTC, datetime
from typing import Any

import pytest

from domain.channels import Change, ChannelType, Delivery, Echo, InboundMessage, Medium, MediumKind, Receipt, is_made
from tests.adapters.deliveries import INSTAGRAM, instagram_event, read_events, read_payload

AT = datetime.fromtimestamp(1_700_000_000.123, UTC)
IG = ChannelType.INSTAGRAM


def _message(**fields: Any) -> dict[str, Any]:
    return instagram_event(message={"mid": "m.1"} | fields)


def _read(**fields: Any) -> InboundMessage:
    delivery = read_events(_message(**fields))
    assert (delivery.unreadable, delivery.ignored) == (0, 0)
    (message,) = delivery.messages
    return message


def _is_nothing(delivery: Delivery) -> bool:
    said = (delivery.messages, delivery.receipts, delivery.echoes, delivery.changes, delivery.moves, delivery.notices)
    return not any(said)


# --- messages


def test_a_text_is_read_exactly() -> None:
    assert _read(text="Hi \u0000") == InboundMessage(
        IG, "shop", "customer", None, "m.1", "text", "Hi \ufffd", AT, business="shop"
    )


@pytest.mark.parametrize(
    ("told", "type_", "media", "content"),
    [
        ({"type": "image", "payload": {"url": "u"}}, "image", (Medium(MediumKind.IMAGE, url="u"),), None),
        ({"type": "video", "payload": {"url": "u"}}, "video", (Medium(MediumKind.VIDEO, url="u"),), None),
        ({"type": "audio", "payload": {"url": "u"}}, "audio", (Medium(MediumKind.AUDIO, url="u"),), None),
        ({"type": "file", "payload": {"url": "u"}}, "file", (Medium(MediumKind.DOCUMENT, url="u"),), None),
        ({"type": "image"}, "image", (Medium(MediumKind.IMAGE),), None),
        ({"type": "image", "payload": None}, "image", (Medium(MediumKind.IMAGE),), None),
        ({"type": "share", "payload": {"url": "u"}}, "share", (), {"shares": [{"kind": "share", "url": "u"}]}),
        (
            {"type": "story_mention", "payload": {"url": "u"}},
            "story_mention",
            (),
            {"shares": [{"kind": "story_mention", "url": "u"}]},
        ),
        (
            {"type": "ig_reel", "payload": {"reel_video_id": 1, "title": "t", "url": "u"}},
            "ig_reel",
            (),
            {"shares": [{"kind": "ig_reel", "url": "u", "title": "t"}]},
        ),
        ({"type": "reel", "payload": {"url": "u"}}, "reel", (), {"shares": [{"kind": "reel", "url": "u"}]}),
        ({"type": "ig_post", "payload": {"ig_post_media_id": "1"}}, "ig_post", (), {"shares": [{"kind": "ig_post"}]}),
        (
            {"type": "ig_story", "payload": {"story_media_url": "u"}},
            "ig_story",
            (),
            {"shares": [{"kind": "ig_story", "url": "u"}]},
        ),
        ({"type": "like_heart"}, "like_heart", (), {"shares": [{"kind": "like_heart"}]}),
        (
            {"type": "fallback", "title": "t", "url": "u", "payload": None},
            "fallback",
            (),
            {"shares": [{"kind": "fallback", "url": "u", "title": "t"}]},
        ),
        (
            {"type": "template", "payload": {"generic": {"elements": [{"title": "t"}]}}},
            "template",
            (),
            {"shares": [{"kind": "template", "title": "t"}]},
        ),
        ({"type": "ephemeral"}, "ephemeral", (), {"ephemeral": True}),
        ({"type": "unsupported_type"}, "unsupported", (), None),
        (
            {"type": "location", "title": "Home", "payload": {"coordinates": {"lat": 1.5, "long": 2}}},
            "location",
            (),
            {"location": {"latitude": 1.5, "longitude": 2, "name": "Home"}},
        ),
        ({"type": "of_tomorrow", "payload": 7}, "of_tomorrow", (), {"shares": [{"kind": "of_tomorrow"}]}),
        ({"type": 7}, "unknown", (), None),
        (7, "unknown", (), None),
    ],
)
def test_an_attachment_is_a_file_or_something_of_instagram_s_own(
    told: Any, type_: str, media: Any, content: Any
) -> None:
    message = _read(attachments=[told])

    assert (message.type, message.text, message.media, message.content) == (type_, None, media, content)


@pytest.mark.parametrize(
    ("fields", "type_", "content"),
    [
        ({"quick_reply": {"payload": "p"}}, "text", {"reply": {"payload": "p"}}),
        ({"reply_to": {"mid": "m.0"}}, "text", {"reply_to": {"id": "m.0"}}),
        (
            {"reply_to": {"story": {"id": 17, "url": "u"}}},
            "text",
            {"reply_to": {"story": {"id": "17", "url": "u"}}},
        ),
        ({"referral": {"ref": "r", "product": {"id": 1}}}, "text", {"referral": {"ref": "r", "product": {"id": 1}}}),
        ({"is_unsupported": True}, "unsupported", None),
        ({"quick_reply": 7, "reply_to": "m", "referral": [], "attachments": "none"}, "text", None),
        (
            {"attachments": [{"type": "share", "payload": {"url": "u"}}]},
            "text",
            {"shares": [{"kind": "share", "url": "u"}]},
        ),
        ({"is_deleted": False, "is_echo": False, "is_self": None}, "text", None),
    ],
)
def test_what_comes_with_a_text_is_kept(fields: dict[str, Any], type_: str, content: Any) -> None:
    message = _read(text="Hi", **fields)

    assert (message.type, message.text, message.content) == (type_, "Hi", content)


def test_a_message_that_says_nothing_is_kept_as_unknown() -> None:
    assert (_read().type, _read(text="").type, _read(text=7).type) == ("unknown", "unknown", "unknown")


@pytest.mark.parametrize("mid", [None, "", {}, "m" * 201])
def test_a_message_without_an_id_has_the_same_one_whenever_it_comes(mid: Any) -> None:
    told = [_message(mid=mid, text="Hi"), _message(mid=mid, text="Hi"), _message(mid=mid, text="Ho")]

    first, again, other = (one.platform_message_id for one in read_events(*told).messages)

    assert first == again != other
    assert is_made(first)


@pytest.mark.parametrize("what", ["is_echo", "is_deleted"])
def test_an_echo_or_a_deletion_without_an_id_tells_nothing(what: str) -> None:
    delivery = read_events(_message(mid=None, text="Hi", **{what: True}), _message(mid="m.2", text="Hi"))

    assert ([one.platform_message_id for one in delivery.messages], delivery.unreadable) == (["m.2"], 1)


@pytest.mark.parametrize(
    "fields",
    [{"sender": {"id": 12}, "recipient": {"id": 34}}, {"sender": {"id": "12"}, "recipient": None}],
)
def test_a_customer_may_be_told_as_a_number(fields: dict[str, Any]) -> None:
    (message,) = read_events(_message(text="Hi") | fields).messages

    assert (message.account, message.address) == ("shop", "12")


@pytest.mark.parametrize(
    ("timestamp", "at"),
    [
        (1700000000123, AT),
        ("1700000000", datetime.fromtimestamp(1_700_000_000, UTC)),
        ("1700000000123", AT),
        (1700000000, datetime.fromtimestamp(1_700_000_000, UTC)),
        (None, datetime.fromtimestamp(1_700_000_000, UTC)),  # the entry's
        ({}, datetime.fromtimestamp(1_700_000_000, UTC)),
        (10**30, datetime.fromtimestamp(1_700_000_000, UTC)),
        (-5, datetime.fromtimestamp(1_700_000_000, UTC)),
    ],
)
def test_a_time_is_told_in_milliseconds_or_seconds(timestamp: Any, at: datetime) -> None:
    (message,) = read_events(_message(text="Hi") | {"timestamp": timestamp}).messages

    assert message.written_at == at


# --- taps


def test_a_postback_is_text_and_payload() -> None:
    event = instagram_event(postback={"mid": "m.1", "title": "Prices", "payload": "P", "referral": {"ref": "r"}})

    (message,) = read_events(event).messages

    assert (message.platform_message_id, message.type, message.text) == ("m.1", "postback", "Prices")
    assert message.content == {"reply": {"title": "Prices", "payload": "P"}, "referral": {"ref": "r"}}


def test_a_postback_without_an_id_has_the_same_one_whenever_it_comes() -> None:
    taps = [
        instagram_event(postback={"title": "A", "payload": "P"}),
        instagram_event(postback={"title": "A", "payload": "P"}),
        instagram_event(postback={"title": "A", "payload": "Q"}),
        instagram_event(postback={"title": "A", "payload": "P"}, timestamp=1700000000124),
        instagram_event(postback={"title": "A", "payload": "P"}, sender={"id": "another"}),
    ]

    ids = [one.platform_message_id for one in read_events(*taps).messages]

    assert ids[0] == ids[1]
    assert len(set(ids)) == 4
    assert all(is_made(id_) for id_ in ids)


def test_only_customers_tap_also_where_the_entry_names_the_customer() -> None:
    event = instagram_event(postback={"mid": "m.1", "title": "A"}, sender={"id": "shop"}, recipient={"id": "other"})

    (message,) = read_events(event).messages

    assert message.address == "shop"


# --- echoes


@pytest.mark.parametrize(
    ("sender", "recipient", "fields"),
    [
        ("shop", "customer", {"is_echo": True}),
        ("customer", "shop", {"is_echo": True}),
        ("page", "customer", {"is_echo": True}),
        ("shop", "customer", {}),
        ("shop", "customer", {"is_self": True}),
    ],
)
def test_what_the_business_wrote_is_an_echo_to_the_customer(
    sender: str, recipient: str, fields: dict[str, Any]
) -> None:
    event = _message(text="Hi", **fields) | {"sender": {"id": sender}, "recipient": {"id": recipient}}

    delivery = read_events(event)

    assert delivery.echoes == [Echo(IG, "shop", "customer", "m.1", "text", "Hi", AT)]
    assert delivery.messages == []


@pytest.mark.parametrize(
    ("sender", "recipient", "fields"),
    [("shop", "shop", {"is_self": True, "is_echo": True}), ("shop", "customer", {"is_echo": True, "is_deleted": True})],
)
def test_what_the_business_wrote_to_itself_or_took_back_is_nobody_s(sender: str, recipient: str, fields: Any) -> None:
    delivery = read_events(_message(text="Hi", **fields) | {"sender": {"id": sender}, "recipient": {"id": recipient}})

    assert (_is_nothing(delivery), delivery.ignored, delivery.unreadable) == (True, 1, 0)


# --- changes, receipts, notices


def test_a_message_that_was_taken_back_leaves_nothing() -> None:
    delivery = read_events(_message(is_deleted=True))

    assert (delivery.changes, delivery.messages) == ([Change(IG, "shop", "m.1", None, AT)], [])


def test_an_edited_message_has_its_new_text() -> None:
    delivery = read_events(instagram_event(message_edit={"mid": "m.1", "text": "Better", "num_edit": 1}))

    assert (delivery.changes, delivery.messages) == ([Change(IG, "shop", "m.1", "Better", AT)], [])


@pytest.mark.parametrize(
    "fields",
    [
        {"message_edit": {"mid": "m.1", "num_edit": 0}},
        {"message_edit": {"mid": "m.1", "text": "Hi", "num_edit": 0}},
        {"message_edit": {"mid": "m.1", "num_edit": 2}},
        {"message_edit": {"mid": "m.1", "text": "Hi", "num_edit": 1}, "sender": {"id": "shop"}},
    ],
)
def test_an_edit_that_changed_nothing_of_a_customer_s_is_ignored(fields: dict[str, Any]) -> None:
    delivery = read_events(instagram_event(**fields))

    assert (_is_nothing(delivery), delivery.ignored, delivery.unreadable) == (True, 1, 0)


def test_that_a_customer_saw_a_message_is_a_receipt() -> None:
    delivery = read_events(instagram_event(read={"mid": "m.0"}))

    assert delivery.receipts == [Receipt(IG, "shop", "m.0", None, "read", AT)]


@pytest.mark.parametrize(
    "kind",
    [
        "reaction",
        "referral",
        "optin",
        "pass_thread_control",
        "take_thread_control",
        "request_thread_control",
        "of_tomorrow",
    ],
)
def test_what_is_in_a_thread_and_no_message_is_a_notice(kind: str) -> None:
    event = instagram_event(**{kind: {"mid": "m.0", "emoji": "\u0000"}})

    delivery = read_events(event)

    (notice,) = delivery.notices
    assert (notice.account, notice.business, notice.field, notice.at) == ("shop", "shop", kind, AT)
    assert notice.content == event | {kind: {"mid": "m.0", "emoji": "\ufffd"}}
    assert delivery.messages == []


@pytest.mark.parametrize("field", ["comments", "live_comments", "mentions", "story_insights", "of_tomorrow"])
def test_what_is_about_the_account_is_a_notice(field: str) -> None:
    change = {"field": field, "value": {"id": "1", "text": "Nice", "from": {"id": "9"}}}

    delivery = read_payload({"object": INSTAGRAM, "entry": [{"id": "shop", "time": 1700000000, "changes": [change]}]})

    (notice,) = delivery.notices
    assert (notice.account, notice.field, notice.content) == ("shop", field, change["value"])
    assert delivery.messages == []


# --- envelopes


@pytest.mark.parametrize("field", ["messages", "messaging_postbacks", "standby", "messaging_seen"])
def test_events_also_come_as_changes(field: str) -> None:
    value = {"sender": {"id": "12334"}, "recipient": {"id": "23245"}, "timestamp": "1527459824"}
    change = {"field": field, "value": value | {"message": {"mid": "random_mid", "text": "random_text"}}}

    (message,) = read_payload({"object": INSTAGRAM, "entry": [{"id": "0", "changes": [change]}]}).messages

    assert (message.account, message.address, message.text) == ("0", "12334", "random_text")
    assert message.is_standby == (field == "standby")


def test_messages_while_somebody_else_holds_the_thread_are_only_shown() -> None:
    (shown,) = read_events(_message(text="Hi"), key="standby").messages

    assert shown.is_standby


@pytest.mark.parametrize("entry", [{}, {"id": None}])
def test_an_entry_that_does_not_say_whose_it_is_is_told_by_its_events(entry: dict[str, Any]) -> None:
    events = [
        _message(text="Hi"),
        _message(text="Hi", is_echo=True) | {"sender": {"id": "shop"}, "recipient": {"id": "customer"}},
    ]

    delivery = read_payload({"object": INSTAGRAM, "entry": [entry | {"messaging": events}]})

    assert [(one.account, one.address) for one in delivery.messages] == [("shop", "customer")]
    assert [(one.account, one.address) for one in delivery.echoes] == [("shop", "customer")]


def test_a_change_without_its_envelope_is_read() -> None:
    (message,) = read_payload({"field": "messages", "value": _message(text="Hi")}).messages

    assert (message.channel, message.account, message.address) == (IG, "shop", "customer")


@pytest.mark.parametrize("bad", [None, 7, "x", [], {}, {"message": 7}, {"message": {}}, {"postback": 7}, {"read": {}}])
def test_a_bad_event_is_counted_and_spoils_no_other(bad: Any) -> None:
    delivery = read_events(_message(text="Hi"), bad, _message(mid="m.2", text="Hi"))

    assert [one.platform_message_id for one in delivery.messages] == ["m.1", "m.2"]
    assert delivery.unreadable + delivery.ignored == 1


@pytest.mark.parametrize("bad", [None, 7, {}, "none", [None]])
@pytest.mark.parametrize("key", ["standby", "changes"])
def test_a_bad_list_spoils_no_other(bad: Any, key: str) -> None:
    entry = {"id": "shop", "messaging": [_message(text="Hi")], key: bad}

    delivery = read_payload({"object": INSTAGRAM, "entry": [entry]})

    assert (len(delivery.messages), delivery.unreadable) == (1, 1)

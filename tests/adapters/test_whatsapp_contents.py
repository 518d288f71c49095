import json
from typing import Any

import pytest

from domain.channels import InboundMessage, Medium, MediumKind
from tests.adapters.deliveries import (
    WHATSAPP,
    read_change,
    read_message,
    read_payload,
    whatsapp_message,
    whatsapp_value,
)

HEXADECIMAL = "9b4e2915fd8445d6a8a53c859063c0d3e6d7de2f986367588151703a00cb4832"
BASE64 = "m04pFf2ERdaopTyFkGPA0+bX3i+YY2dYgVFwOgDLSDI="


def _read(**fields: Any) -> InboundMessage:
    delivery = read_message(**fields)
    assert delivery.unreadable == 0
    (message,) = delivery.messages
    return message


# --- files


@pytest.mark.parametrize("kind", ["image", "video", "audio", "voice", "document", "sticker"])
def test_a_file_is_named_by_its_id_and_brings_its_caption(kind: str) -> None:
    file = {
        "id": "7",
        "mime_type": "a/b",
        "sha256": BASE64,
        "caption": "Look!",
        "filename": "a.pdf",
        "url": "https://x",
    }

    message = _read(type=kind, **{kind: file})

    assert (message.type, message.text, message.content) == (kind, "Look!", None)
    assert message.media == (Medium(MediumKind(kind), "7", "https://x", "a/b", HEXADECIMAL, "a.pdf"),)


@pytest.mark.parametrize(
    "told", [{"type": "voice", "audio": {"id": "7"}}, {"type": "audio", "audio": {"id": "7", "voice": True}}]
)
def test_a_voice_message_is_a_voice_however_it_is_told(told: dict[str, Any]) -> None:
    assert _read(**told).media == (Medium(MediumKind.VOICE, "7"),)


@pytest.mark.parametrize(
    ("told", "known"),
    [(BASE64, HEXADECIMAL), (HEXADECIMAL.upper(), HEXADECIMAL), ("4654+8g=", None), ("ä", None), ("", None), (7, None)],
)
def test_a_checksum_is_kept_in_hexadecimal_where_it_is_one(told: Any, known: str | None) -> None:
    assert _read(type="image", image={"id": "7", "sha256": told}).media[0].sha256 == known


@pytest.mark.parametrize("image", [None, {}, [], "7", {"id": {}, "url": 7}])
def test_a_file_that_the_platform_could_not_take_is_a_missing_one(image: Any) -> None:
    message = _read(type="image", image=image, errors=[{"code": 131052, "title": "Download failed", "href": "/"}])

    assert message.media == (Medium(MediumKind.IMAGE),)
    assert message.content == {"errors": [{"code": 131052, "title": "Download failed"}]}


# --- what was tapped, filled in, put into a basket


@pytest.mark.parametrize(
    ("told", "text", "content"),
    [
        (
            {"type": "button_reply", "button_reply": {"id": "a", "title": "Yes"}},
            "Yes",
            {"reply": {"id": "a", "title": "Yes"}},
        ),
        (
            {"type": "list_reply", "list_reply": {"id": "a", "title": "Big", "description": "10 l"}},
            "Big",
            {"reply": {"id": "a", "title": "Big", "description": "10 l"}},
        ),
        (
            {"type": "call_permission_reply", "call_permission_reply": {"response": "accept"}},
            None,
            {"reply": {"id": "call_permission_reply", "payload": "accept"}},
        ),
        ({"type": "something_new"}, None, None),
        ({"type": []}, None, None),
        ([], None, None),
    ],
)
def test_what_was_tapped_is_text_and_reply(told: Any, text: str | None, content: Any) -> None:
    message = _read(type="interactive", interactive=told)

    assert (message.type, message.text, message.content) == ("interactive", text, content)


@pytest.mark.parametrize(
    ("response", "flow"),
    [
        ('{"size": "L", "n": {"m": [1]}}', {"answers": {"size": "L", "n": {"m": [1]}}}),
        ({"size": "L"}, {"answers": {"size": "L"}}),
        ('{"broken', {"answers": {}, "unread": True}),
        ("[1]", {"answers": {}, "unread": True}),
        (None, {"answers": {}, "unread": True}),
        ("[" * 5_000, {"answers": {}, "unread": True}),
        ('{"n": 123456789012345678901234567890}', {"answers": {"n": "123456789012345678901234567890"}}),
        ('{"a": "\\u0000"}', {"answers": {"a": "\ufffd"}}),
    ],
)
def test_a_form_brings_its_answers_or_says_that_they_cannot_be_read(response: Any, flow: dict[str, Any]) -> None:
    told = {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": response}}

    assert _read(type="interactive", interactive=told).content == {"flow": {"name": "flow", "body": "Sent"} | flow}


def test_a_button_of_a_template_is_text_and_payload() -> None:
    message = _read(type="button", button={"text": "Stop", "payload": "OUT"})

    assert (message.text, message.content) == ("Stop", {"reply": {"title": "Stop", "payload": "OUT"}})


def test_an_order_is_kept_item_by_item() -> None:
    items = [{"product_retailer_id": "a", "quantity": 2, "item_price": 1.5, "currency": "EUR"}, "odd"]

    message = _read(type="order", order={"catalog_id": 9, "text": "Please", "product_items": items})

    item = {"product": "a", "quantity": 2, "price": 1.5, "currency": "EUR"}
    assert message.content == {"order": {"catalog_id": "9", "text": "Please", "items": [item]}}


def test_a_card_is_kept_with_what_reaches_the_person() -> None:
    cards = [
        {
            "name": {"first_name": "Ada", "last_name": "B"},
            "org": {"company": "C"},
            "phones": [{"wa_id": "49"}, {"phone": "+49 1"}, {}],
            "emails": [{"email": "a@b.example"}],
        },
        7,
    ]

    card = {"name": "Ada B", "phones": ["49", "+49 1"], "emails": ["a@b.example"], "organisation": "C"}
    assert _read(type="contacts", contacts=cards).content == {"contacts": [card]}


# --- the type


@pytest.mark.parametrize(
    ("told", "type_"),
    [
        ({"text": {"body": "Hi"}}, "text"),
        ({"type": None, "location": {"latitude": 1, "longitude": 2}}, "location"),
        ({"contacts": [{"name": {"formatted_name": "A"}}]}, "contacts"),
        ({"type": 7, "image": {"id": "1"}}, "image"),
        ({}, "unknown"),
        ({"errors": [{"code": 1}]}, "unknown"),
        ({"type": "request_welcome"}, "request_welcome"),
        ({"type": "unsupported", "unsupported": {"type": "poll"}, "errors": [{"code": 131051}]}, "unsupported"),
        ({"type": "ephemeral"}, "ephemeral"),
        ({"type": "hologram", "hologram": {"id": "1"}}, "hologram"),
    ],
)
def test_the_type_is_the_platform_s_word_or_the_name_of_what_is_there(told: dict[str, Any], type_: str) -> None:
    assert _read(**told).type == type_


def test_what_disappears_says_nothing_that_could_be_answered() -> None:
    assert _read(type="ephemeral").content is None


@pytest.mark.parametrize("told", [None, "Hello", {}, {"body": 7}, {"body": None}])
def test_a_text_that_cannot_be_read_is_kept_without_one(told: Any) -> None:
    message = _read(type="text", text=told)

    assert (message.type, message.text, message.content) == ("text", None, None)


# --- what may come with any message


@pytest.mark.parametrize(
    ("fields", "content"),
    [
        ({"context": {"id": "wamid.0", "from": "42"}}, {"reply_to": {"id": "wamid.0", "from": "42"}}),
        ({"context": {"from": "42"}}, None),
        ({"context": {"forwarded": True}}, {"forwarded": "once"}),
        ({"context": {"forwarded": True, "frequently_forwarded": True}}, {"forwarded": "often"}),
        (
            {"context": {"id": "w", "referred_product": {"product_retailer_id": "p"}}},
            {"reply_to": {"id": "w"}, "referral": {"product": {"product_retailer_id": "p"}}},
        ),
        (
            {"referral": {"source_url": "https://x", "n": [{"\x00": None}]}},
            {"referral": {"source_url": "https://x", "n": [{"\ufffd": None}]}},
        ),
        ({"group_id": "group"}, {"group": "group"}),
        ({"context": 7, "referral": "ad", "errors": {}}, None),
        ({"context": None, "identity": {"hash": "h"}}, None),
    ],
)
def test_what_comes_with_a_text_is_kept(fields: dict[str, Any], content: Any) -> None:
    message = _read(type="text", text={"body": "Hi"}, **fields)

    assert (message.text, message.content) == ("Hi", content)


# --- what happened to messages and to customers


@pytest.mark.parametrize("emoji", ["", None])
def test_a_reaction_without_an_emoji_was_taken_back(emoji: str | None) -> None:
    message = _read(type="reaction", reaction={"message_id": "wamid.0", "emoji": emoji})

    assert (message.text, message.content) == (None, {"reaction": {"to": "wamid.0"}})


@pytest.mark.parametrize(
    "now",
    [
        {"type": "text", "text": {"body": "Better"}},
        {"type": "image", "image": {"caption": "Better", "id": "7"}},
        {"text": {"body": "Better"}},
    ],
)
def test_an_edit_is_a_message_of_its_own_and_changes_another(now: dict[str, Any]) -> None:
    delivery = read_message(type="edit", edit={"original_message_id": "wamid.0", "message": now})

    (message,), (change,) = delivery.messages, delivery.changes
    assert (message.type, message.text) == ("edit", None)
    assert message.content == {"edit": {"of": "wamid.0", "text": "Better"}}
    assert (change.account, change.platform_message_id, change.text, change.at) == (
        "42",
        "wamid.0",
        "Better",
        message.written_at,
    )


@pytest.mark.parametrize("edit", [{"original_message_id": "wamid.0"}, {"message": {"text": {"body": "a"}}}, None, 7])
def test_an_edit_that_does_not_say_what_changed_changes_nothing(edit: Any) -> None:
    delivery = read_message(type="edit", edit=edit)

    assert (len(delivery.messages), delivery.changes) == (1, [])


def test_a_message_that_was_taken_back_leaves_nothing() -> None:
    delivery = read_message(type="revoke", revoke={"original_message_id": "wamid.0"})

    assert delivery.messages[0].content == {"revoke": {"of": "wamid.0"}}
    assert [(one.platform_message_id, one.text) for one in delivery.changes] == [("wamid.0", None)]


@pytest.mark.parametrize(
    ("fields", "system", "address", "moves"),
    [
        ({}, {"type": "user_changed_number", "wa_id": "2"}, "1", [("1", "2")]),
        ({}, {"type": "user_changed_number", "new_wa_id": "2"}, "1", [("1", "2")]),
        ({}, {"type": "customer_changed_number", "wa_id": "2"}, "1", [("1", "2")]),
        (
            {"from_user_id": "US.1"},
            {"type": "user_changed_number", "wa_id": "2", "user_id": "US.2", "previous_user_id": "US.1"},
            "1",
            [("1", "2"), ("US.1", "US.2")],
        ),
        (
            {"from": None},
            {"type": "user_changed_user_id", "user_id": "MX.2", "previous_user_id": "CO.1"},
            "CO.1",
            [("CO.1", "MX.2")],
        ),
        (
            {"from": None},
            {"type": "user_changed_user_id", "user_id": "MX.2", "body": "User changed from CO.1 to MX.2"},
            "CO.1",
            [("CO.1", "MX.2")],
        ),
        ({"from_user_id": "US.1"}, {"type": "user_changed_user_id", "user_id": "US.2"}, "1", [("US.1", "US.2")]),
        ({"from": None}, {"type": "user_changed_user_id", "user_id": "MX.2"}, "MX.2", []),
        ({}, {"type": "customer_identity_changed", "wa_id": "1"}, "1", []),
        ({}, {"type": "user_changed_number", "wa_id": "1"}, "1", []),
        ({}, {"type": "user_changed_number"}, "1", []),
        ({}, {"type": []}, "1", []),
        ({}, None, "1", []),
    ],
)
def test_news_of_a_customer_are_kept_and_tell_what_they_are_called_now(
    fields: dict[str, Any], system: Any, address: str, moves: list[tuple[str, str]]
) -> None:
    delivery = read_message(**{"from": "1", "type": "system", "system": system} | fields)

    (message,) = delivery.messages
    assert (message.type, message.address, message.text, delivery.unreadable) == ("system", address, None, 0)
    assert [(one.account, one.before, one.after) for one in delivery.moves] == [("42", *move) for move in moves]


# --- who writes

NUMBER, USER, PARENT = "4917", "US.1", "US.ENT.1"


@pytest.mark.parametrize(
    ("fields", "contact", "address", "aliases"),
    [
        ({"from": NUMBER, "from_user_id": USER, "from_parent_user_id": PARENT}, {}, NUMBER, (USER, PARENT)),
        ({"from_user_id": USER}, {"user_id": USER}, USER, ()),
        ({"from_user_id": USER}, {"user_id": USER, "wa_id": NUMBER}, NUMBER, (USER,)),
        ({"from_parent_user_id": PARENT}, {"parent_user_id": PARENT, "user_id": USER}, PARENT, (USER,)),
        ({"from": NUMBER}, {"wa_id": NUMBER, "user_id": USER, "parent_user_id": PARENT}, NUMBER, (USER, PARENT)),
        ({"from": "5511987654321"}, {"wa_id": "551187654321"}, "5511987654321", ("551187654321",)),
        ({"from": NUMBER}, {"wa_id": "<WHATSAPP_ID>"}, NUMBER, ()),
        ({"from": NUMBER, "from_user_id": USER}, {"wa_id": "50", "user_id": "US.2"}, NUMBER, (USER,)),
        ({"from": 4917}, {"wa_id": 4917}, NUMBER, ()),
        ({}, {"wa_id": NUMBER}, NUMBER, ()),
    ],
)
def test_a_customer_is_called_by_the_number_and_by_all_else_besides(
    fields: dict[str, Any], contact: dict[str, Any], address: str, aliases: tuple[str, ...]
) -> None:
    message = {"id": "1", "type": "text", "text": {"body": "Hi"}} | fields

    (read,) = read_change("messages", whatsapp_value(message, contacts=[contact])).messages

    assert (read.address, read.aliases) == (address, aliases)


def test_what_customers_call_themselves_is_found_by_any_of_their_ids() -> None:
    contacts = [
        {"user_id": "US.2", "profile": {"username": "zoe"}},
        {"wa_id": "1", "profile": {"name": "Kim", "username": "kim"}},
        {"parent_user_id": "US.ENT.3", "profile": {"name": 7, "username": []}},
    ]
    texts = [
        whatsapp_message(id=str(place), type="text", text={"body": "Hi"}, **one)
        for place, one in enumerate(
            [
                {"from": "1"},
                {"from": None, "from_user_id": "US.2"},
                {"from": "3", "from_parent_user_id": "US.ENT.3"},
                {"from": "4"},
            ]
        )
    ]

    messages = read_change("messages", whatsapp_value(*texts, contacts=contacts)).messages

    assert [(one.name, one.username) for one in messages] == [("Kim", "kim"), (None, "zoe"), (None, None), (None, None)]


def test_two_numbers_of_a_business_and_a_message_twice_in_one_delivery_are_all_read() -> None:
    one = whatsapp_message(type="text", text={"body": "Hi"})
    first = whatsapp_value(one, one)
    second = whatsapp_value(one, metadata={"phone_number_id": 43})

    changes = [{"field": "messages", "value": value} for value in (first, second)]
    read = read_payload({"object": WHATSAPP, "entry": [{"id": "waba", "changes": changes}]}).messages

    assert [(message.account, message.business) for message in read] == [("42", "waba"), ("42", "waba"), ("43", "waba")]


def test_deep_content_is_cut_and_loses_nothing_else() -> None:
    deep: Any = "bottom"
    for _ in range(100):
        deep = [deep]

    message = _read(type="text", text={"body": "Hi"}, referral={"deep": deep, "ref": "a"})

    assert message.text == "Hi"
    assert message.content is not None
    assert message.content["referral"]["ref"] == "a"
    assert len(json.dumps(message.content)) < 200

"""What is more than a text: files, places, orders, long replies, customers without a number, signs of life, traces."""

import base64
import http.client
import json
import re
import struct
import zlib
from datetime import datetime
from urllib.parse import urlsplit

import pytest

from tests.rig.house import a_customer, call, delivery, text_message
from tests.rig.waiting import until

WHATSAPP_CHARACTERS_MAX = 4_096
INSTAGRAM_BYTES_MAX = 1_000


def _png():
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\x00\xff\x00\x00")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


PNG = _png()
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
OGG = b"OggS\x00\x02" + bytes(60)


def _kept_by_meta(house, mime_type, content):
    body = {"mime_type": mime_type, "base64": base64.b64encode(content).decode()}
    return house.meta.control("POST", "media", body)["id"]


def _receives(tenant, sender, kind, value, **more):
    message = text_message(sender, "")
    del message["text"]
    tenant.receives(delivery(tenant.account, {**message, "type": kind, kind: value, **more}))


def _heard(tenant):
    """The parts of what the model was told by the customer, as its provider has them."""
    conversation_id = tenant.conversation()["openai_conversation_id"]
    path = f"/v1/conversations/{conversation_id}/items?order=asc&limit=100"
    items = call(tenant.house.openai.url, "GET", path, headers={"Authorization": "Bearer any"}).json["data"]
    return [part for item in items if item.get("role") == "user" for part in item["content"]]


def _told(tenant):
    return " ".join(part.get("text", "") for part in _heard(tenant))


def test_an_image_goes_to_the_model_as_an_image_and_back_to_its_owner_only(tenant):
    house, sender = tenant.house, a_customer()
    media_id = _kept_by_meta(house, "image/png", PNG)

    _receives(tenant, sender, "image", {"id": media_id, "mime_type": "image/png", "caption": "What is this?"})
    question, _ = tenant.settled()

    assert (question["status"], question["text"]) == ("answered", "What is this?")
    assert "input_image" in {part["type"] for part in _heard(tenant)}
    (medium,) = question["media"]
    assert (medium["kind"], medium["mime_type"], medium["status"], medium["bytes"]) == (
        "image",
        "image/png",
        "kept",
        len(PNG),
    )
    path = f"{tenant.path}/messages/{question['id']}/media/0"
    served = house.rest("GET", path, key=tenant.key)
    assert (served.status, served.content, served.headers["content-type"]) == (200, PNG, "image/png")
    stranger = house.tenant()
    assert house.rest("GET", path, key=stranger.key).status == 404
    assert house.rest("GET", path.replace(tenant.id, stranger.id), key=stranger.key).status == 404
    assert house.rest("GET", path.replace("media/0", "media/1"), key=tenant.key).status == 404


def test_a_document_goes_to_the_model_as_a_file(tenant):
    media_id = _kept_by_meta(tenant.house, "application/pdf", PDF)

    _receives(
        tenant,
        a_customer(),
        "document",
        {"id": media_id, "mime_type": "application/pdf", "filename": "menu.pdf", "caption": "Your menu?"},
    )
    question, _ = tenant.settled()

    assert question["status"] == "answered"
    assert question["media"][0]["filename"] == "menu.pdf"
    assert "input_file" in {part["type"] for part in _heard(tenant)}


def test_a_voice_message_is_answered_and_kept(tenant):
    media_id = _kept_by_meta(tenant.house, "audio/ogg", OGG)

    _receives(tenant, a_customer(), "audio", {"id": media_id, "mime_type": "audio/ogg; codecs=opus", "voice": True})
    question, _ = tenant.settled()

    assert question["status"] == "answered"
    assert (question["media"][0]["kind"], question["media"][0]["status"]) == ("voice", "kept")
    assert _told(tenant).strip()
    assert tenant.credits() == (999, 0)


def test_a_file_that_is_gone_does_not_cost_the_customer_the_answer(tenant):
    _receives(tenant, a_customer(), "image", {"id": "404404404", "mime_type": "image/png", "caption": "See?"})
    question, _ = tenant.settled()

    assert question["status"] == "answered"
    assert question["media"][0]["status"] != "kept"
    assert question["media"][0]["reason"]
    assert "See?" in _told(tenant)
    path = f"{tenant.path}/messages/{question['id']}/media/0"
    assert tenant.house.rest("GET", path, key=tenant.key).status == 404


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("location", {"latitude": 52.52, "longitude": 13.405, "name": "Alexanderplatz"}, ("52.52", "Alexanderplatz")),
        (
            "contacts",
            [{"name": {"formatted_name": "Ada Byron"}, "phones": [{"phone": "+49 30 1234"}]}],
            ("Ada Byron", "+49 30 1234"),
        ),
        (
            "order",
            {
                "catalog_id": "1",
                "text": "Quickly, please",
                "product_items": [{"product_retailer_id": "sku-7", "quantity": 2, "item_price": 30, "currency": "EUR"}],
            },
            ("sku-7", "2", "30", "EUR", "Quickly, please"),
        ),
        (
            "interactive",
            {
                "type": "nfm_reply",
                "nfm_reply": {"name": "flow", "body": "Sent", "response_json": '{"guests": "four"}'},
            },
            ("guests", "four"),
        ),
    ],
)
def test_what_is_no_text_is_told_to_the_model_in_words(tenant, kind, value, words):
    _receives(tenant, a_customer(), kind, value)

    assert tenant.settled()[0]["status"] == "answered"
    told = _told(tenant)
    assert [word for word in words if word not in told] == []


def _long_markdown():
    paragraph = "Room **{0}** has a *view*, see [our page](https://example.com/{0}). It is lovely 🌊 and quiet. "
    return "# Rooms\n\n" + "\n\n".join(paragraph.format(number) * 2 for number in range(45))


def _long_emoji():
    return " ".join(f"Sentence {number} 🏖️🌊👩‍👩‍👧." for number in range(90))


def _asks_for(tenant, sender, answer):
    tenant.house.openai.script(f"long {sender}", answer=answer)
    tenant.hears(f"long {sender}", sender)
    return [each for each in tenant.settled() if each["author"] == "agent"]


def test_a_long_reply_on_whatsapp_comes_in_parts_formatted_and_in_order(tenant):
    parts = _asks_for(tenant, a_customer(), _long_markdown())
    sent = [record["text"] for record in tenant.sends()]

    assert len(_long_markdown()) > 2 * WHATSAPP_CHARACTERS_MAX
    assert 3 <= len(parts) <= 4
    assert sent == [each["text"] for each in parts]
    assert max(map(len, sent)) <= WHATSAPP_CHARACTERS_MAX
    assert "**" not in "".join(sent)
    assert "*0*" in sent[0]
    numbers = [int(number) for text in sent for number in re.findall(r"Room \*(\d+)\*", text)]
    assert numbers == [number for number in range(45) for _ in range(2)]
    delivered = tenant.once(lambda found: {each["status"] for each in found} == {"answered", "read"})
    assert len({each["platform_message_id"] for each in delivered}) == 1 + len(parts)
    assert tenant.credits() == (999, 0)


def test_a_part_that_fails_later_is_refunded_once(tenant):
    sender = a_customer()
    tenant.house.meta.script(
        sender, times=5, failed_later={"code": 131026, "title": "Undeliverable", "after": ["sent"]}
    )

    _asks_for(tenant, sender, _long_markdown())
    tenant.once(lambda found: {each["status"] for each in found if each["author"] == "agent"} == {"failed"})

    assert tenant.ledger() == ["add", "hold", "capture", "refund"]
    assert tenant.credits() == (1_000, 0)


def test_a_long_reply_on_instagram_comes_in_parts_of_bytes(house):
    shop = house.tenant(channel="instagram")
    parts = _asks_for(shop, a_customer(), _long_emoji())
    sent = [record["text"] for record in shop.sends()]

    assert len(parts) > 2
    assert max(len(text.encode()) for text in sent) <= INSTAGRAM_BYTES_MAX
    assert sent == [each["text"] for each in parts]
    assert " ".join(sent).split() == _long_emoji().split()
    shop.once(lambda found: {each["status"] for each in found} == {"answered", "read"})
    assert shop.conversation()["paused_reason"] is None
    assert shop.credits() == (999, 0)


def _with_user_id(tenant, text, user_id, number=None):
    message = {**text_message(number or "", text), "from_user_id": user_id}
    contact = {"profile": {"name": "Ada", "username": "ada"}, "user_id": user_id}
    if number:
        contact["wa_id"] = number
    else:
        del message["from"]
    body = delivery(tenant.account, message)
    body["entry"][0]["changes"][0]["value"]["contacts"] = [contact]
    tenant.receives(body)


def test_a_customer_without_a_number_is_answered_by_their_user_id(tenant):
    user_id = f"US.{a_customer()}"
    _with_user_id(tenant, "one", user_id)
    tenant.settled()

    assert tenant.messages()[0]["status"] == "answered"
    assert (tenant.sends()[0]["to"], tenant.sends()[0]["customer_id"]) == (user_id, user_id)


def test_a_customer_who_is_called_otherwise_stays_one_customer(tenant):
    before, after, number, new_number = f"US.{a_customer()}", f"US.{a_customer()}", a_customer(), a_customer()
    _with_user_id(tenant, "one", before)
    tenant.settled()
    _with_user_id(tenant, "two", before, number)
    tenant.settled()

    update = delivery(tenant.account)
    change = update["entry"][0]["changes"][0]
    change["field"] = "user_id_update"
    change["value"]["user_id_update"] = [
        {"wa_id": number, "user_id": {"previous": before, "current": after}, "timestamp": "1760000000"}
    ]
    tenant.receives(update)
    _with_user_id(tenant, "three", after)
    tenant.settled()
    moved = {"body": "moved", "wa_id": new_number, "type": "user_changed_number"}
    _receives(tenant, number, "system", moved)
    tenant.hears("four", new_number)
    tenant.settled()

    conversation = tenant.conversation()
    assert conversation["message_count"] == 9
    asked = [each for each in tenant.messages() if each["direction"] == "inbound"]
    assert [(each["type"], each["status"]) for each in asked] == [
        ("text", "answered"),
        ("text", "answered"),
        ("text", "answered"),
        ("system", "unanswerable"),
        ("text", "answered"),
    ]
    assert tenant.sends()[-1]["customer_id"] == new_number
    assert len(tenant.sends()) == 4


def _signs(tenant):
    return [record for record in tenant.house.meta.records("typing") if record["phone_number_id"] == tenant.account]


def test_the_customer_sees_that_they_are_being_answered_unless_the_number_hides_it(tenant):
    sender = a_customer()
    with tenant.house.openai.turned(latency_ms=500):
        tenant.hears("one", sender)
        tenant.settled()
        (sign,) = _signs(tenant)
        tenant.change_number(settings={"shows_typing": False})
        tenant.hears("two", sender)
        tenant.settled()

    assert sign["platform_message_id"] == tenant.messages()[0]["platform_message_id"]
    assert sign["time"] < tenant.sends()[0]["time"]
    assert len(_signs(tenant)) == 1


def test_instagram_shows_typing_too(house):
    shop, sender = house.tenant(channel="instagram"), a_customer()
    with house.openai.turned(latency_ms=500):
        shop.hears("one", sender)
        shop.settled()

    assert [r for r in house.meta.records("typing", sender) if r["customer_id"] == sender]


def test_a_reply_quotes_what_it_answers_when_the_customer_wrote_again_meanwhile(tenant):
    sender = a_customer()
    with tenant.house.openai.turned(latency_ms=700):
        tenant.hears("one", sender)
        until(lambda: tenant.house.sql("select id from turns where user_id = %s and status = 'open'", tenant.id))
        tenant.hears("two", sender)
        tenant.settled()

    one = tenant.messages()[0]["platform_message_id"]
    assert [record["reply_to"] for record in tenant.sends()] == [one, None]


def _trace(tenant, message):
    trace = tenant.get(f"messages/{message['id']}/trace")
    times = [datetime.fromisoformat(step["at"]) for step in trace["steps"]]
    assert times == sorted(times)
    return trace["reason"], [step["stage"] for step in trace["steps"]]


def test_the_trace_of_an_answered_message_tells_every_stage(tenant):
    tenant.hears("Hello", a_customer())
    question, reply = tenant.once(lambda found: found[-1]["status"] == "read")

    reason, stages = _trace(tenant, question)
    assert reason is None
    for stage in ("received", "held", "generating", "generated", "sending", "sent", "captured", "answered", "read"):
        assert stage in stages
    reply_reason, reply_stages = _trace(tenant, reply)
    assert reply_reason is None
    assert "delivered" in reply_stages


def test_the_trace_says_the_one_reason_for_no_answer(tenant):
    sender = a_customer()
    tenant.hears("Hello", sender)
    first = tenant.settled()[0]
    _receives(tenant, sender, "reaction", {"message_id": first["platform_message_id"], "emoji": "👍"})
    reaction = tenant.settled()[-1]

    reason, stages = _trace(tenant, reaction)
    assert reason == "type_not_answered"
    assert "filtered" in stages
    assert "held" not in stages
    assert tenant.credits() == (999, 0)


def test_the_trace_of_a_blocked_message_names_the_credits(house):
    poor = house.tenant(credits=0)
    poor.hears("Hello", a_customer())
    (blocked,) = poor.once(lambda found: [each["status"] for each in found] == ["blocked"])

    reason, stages = _trace(poor, blocked)
    assert reason == "insufficient_credits"
    assert stages[-1] == "blocked"


def test_a_visitor_of_a_web_chat_is_answered_in_their_stream(house):
    tenant = house.tenant()
    chat = tenant.make("phone_numbers", {"type": "webchat", "allowed_origins": ["https://shop.example"]})
    prompt = tenant.get("prompts")["items"][0]
    tenant.make("agents", {"name": "W", "prompt_id": prompt["id"], "phone_number_id": chat["id"]})
    browser = {"Origin": "https://shop.example"}

    opened = house.rest("POST", f"/webchat/{chat['id']}/sessions", {}, headers={**browser, "Authorization": ""})
    assert opened.status == 201, opened.content
    visitor = {**browser, "Authorization": f"Bearer {opened.json['token']}"}
    said = {"id": "0198c0de-0000-7000-8000-000000000001", "text": "Are you open?"}
    taken = [house.rest("POST", "/webchat/messages", said, headers=visitor).status for _ in range(2)]
    tenant.settled()

    assert taken == [202, 202]
    assert [each["author"] for each in tenant.messages()] == ["customer", "agent"]
    assert tenant.messages()[0]["status"] == "answered"
    reply = tenant.messages()[1]["text"]
    assert json.dumps(reply)[1:-1].encode() in _first_events(house, visitor)
    assert tenant.credits() == (999, 0)
    elsewhere = {"Origin": "https://evil.example", "Authorization": ""}
    assert house.rest("POST", f"/webchat/{chat['id']}/sessions", {}, headers=elsewhere).status == 403


def _first_events(house, headers):
    """What the stream begins with, up to the second message."""
    address = urlsplit(house.ready["rest_url"])
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    try:
        connection.request("GET", "/webchat/events?after=0", headers=headers)
        response = connection.getresponse()
        assert response.status == 200
        found = b""
        while b"agent" not in found or not found.endswith(b"\n\n"):
            found += response.read1(65_536)
        return found
    finally:
        connection.close()

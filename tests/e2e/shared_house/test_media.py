"""Files that customers send, through the whole house; and what is neither text nor file."""

import base64
import struct
import zlib

import pytest

from tests.rig.house import (
    a_customer,
    call,
)


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

    tenant.receives_kind(sender, "image", {"id": media_id, "mime_type": "image/png", "caption": "What is this?"})
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

    tenant.receives_kind(
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

    tenant.receives_kind(a_customer(), "audio", {"id": media_id, "mime_type": "audio/ogg; codecs=opus", "voice": True})
    question, _ = tenant.settled()

    assert question["status"] == "answered"
    assert (question["media"][0]["kind"], question["media"][0]["status"]) == ("voice", "kept")
    assert _told(tenant).strip()
    assert tenant.credits() == (999, 0)


def test_a_file_that_is_gone_does_not_cost_the_customer_the_answer(tenant):
    tenant.receives_kind(a_customer(), "image", {"id": "404404404", "mime_type": "image/png", "caption": "See?"})
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
    tenant.receives_kind(a_customer(), kind, value)

    assert tenant.settled()[0]["status"] == "answered"
    told = _told(tenant)
    assert [word for word in words if word not in told] == []

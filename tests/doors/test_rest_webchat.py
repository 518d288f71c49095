"""The browser's side of web chat: which pages are let in, who is known, what may be asked how often."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from uuid import uuid4

import pytest

from application.ports.live import Delta, Topic, Typing
from entrypoints.rest.main import serve_rest
from tests.doors.conftest import bearer, made, served
from tests.doors.stubs import ADMIN_KEY

SHOP = "https://shop.example"
OTHER = "https://other.example"


@pytest.fixture
async def chat(house, current_application, rest):
    """A web chat that may be shown on SHOP, and another one on OTHER."""
    house.takes_messages()
    for name in ("visitor", "write_in_chat", "follow_chat", "web_chats"):
        object.__setattr__(current_application, name, getattr(house.application, name))
    user = await made(rest, "/users", {"name": "Bakery"})
    path = f"/users/{user['id']}/phone_numbers"
    await made(rest, path, {"type": "webchat", "allowed_origins": [OTHER]})
    return {"user": user["id"]} | await made(rest, path, {"type": "webchat", "allowed_origins": [SHOP]})


async def session_of(rest, chat, body=None, origin=SHOP, **headers):
    return await rest.post(f"/webchat/{chat['id']}/sessions", json=body or {}, headers={"Origin": origin, **headers})


async def token_of(rest, chat):
    return (await session_of(rest, chat)).json()["token"]


async def write(rest, token, text="Hello", id=None, origin=SHOP):
    body = {"id": str(id or uuid4()), "text": text}
    return await rest.post("/webchat/messages", json=body, headers={"Origin": origin, **bearer(token)})


async def identity_secret(rest, chat, rotate=False):
    path = f"/users/{chat['user']}/phone_numbers/{chat['id']}/webchat"
    answer = await (
        rest.post(f"{path}/rotate", headers=bearer(ADMIN_KEY)) if rotate else rest.get(path, headers=bearer(ADMIN_KEY))
    )
    assert answer.status_code == 200
    return answer.json()


async def test_a_page_that_is_allowed_gets_a_session_and_may_read_it(rest, chat):
    answer = await session_of(rest, chat)

    assert answer.status_code == 201
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert "access-control-allow-credentials" not in answer.headers
    assert answer.json()["visitor_id"].startswith("anonymous-")
    assert answer.json()["last_sequence"] == 0


@pytest.mark.parametrize(
    "origin", [SHOP + ":8443", "http://shop.example", "https://shop.example.evil", "null", "*", ""]
)
async def test_any_other_page_gets_nothing_and_may_not_even_read_why(rest, chat, origin):
    answer = await session_of(rest, chat, origin=origin)

    assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")
    assert "access-control-allow-origin" not in answer.headers


async def test_a_page_of_another_web_chat_is_refused_and_told_so(rest, chat):
    refused = await session_of(rest, chat, origin=OTHER)
    token = await token_of(rest, chat)

    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (403, OTHER)
    assert (await write(rest, token, origin=OTHER)).status_code == 403


@pytest.mark.parametrize("path", ["/webchat/{id}/sessions", "/webchat/messages", "/webchat/events"])
async def test_a_preflight_names_exactly_the_page_or_nobody(rest, chat, path):
    allowed = await rest.options(path.format_map(chat), headers={"Origin": SHOP})
    refused = await rest.options(path.format_map(chat), headers={"Origin": "https://evil.example"})

    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (204, SHOP)
    assert "authorization" in allowed.headers["access-control-allow-headers"]
    assert (refused.status_code, refused.headers.get("access-control-allow-origin")) == (403, None)


async def test_no_other_route_is_for_pages(rest, chat):
    for path in ("/users", "/health/live"):
        answer = await rest.get(path, headers={"Origin": SHOP, **bearer(ADMIN_KEY)})
        assert "access-control-allow-origin" not in answer.headers


async def test_a_session_is_renewed_for_the_same_visitor(rest, chat):
    first = (await session_of(rest, chat)).json()
    again = (await session_of(rest, chat, **bearer(first["token"]))).json()
    somebody = (await session_of(rest, chat)).json()

    assert again["visitor_id"] == first["visitor_id"] != somebody["visitor_id"]


async def test_a_session_ends_after_thirty_days_and_can_still_be_renewed(rest, chat, house):
    first = (await session_of(rest, chat)).json()
    house.clock.advance(30 * 86_400)

    late = await write(rest, first["token"])
    again = (await session_of(rest, chat, **bearer(first["token"]))).json()

    assert (late.status_code, late.json()["code"]) == (401, "session_over")
    assert late.headers["access-control-allow-origin"] == SHOP
    assert again["visitor_id"] == first["visitor_id"]


@pytest.mark.parametrize(
    "spoil", [lambda t: "", lambda t: "x", lambda t: t[:-4] + "AAAA", lambda t: "A" + t[1:], lambda t: t + "é"]
)
async def test_a_token_that_we_have_not_made_opens_nothing(rest, chat, spoil):
    token = spoil(await token_of(rest, chat)).encode()
    body = {"id": str(uuid4()), "text": "Hello"}

    answer = await rest.post(
        "/webchat/messages", json=body, headers={"Origin": SHOP, "Authorization": b"Bearer " + token}
    )

    assert answer.status_code == 401


async def test_a_signed_visitor_is_who_the_site_says(rest, chat):
    secret = (await identity_secret(rest, chat))["identity_secret"]
    signature = hmac.new(secret.encode(), b"user-17", hashlib.sha256).hexdigest()

    right = await session_of(rest, chat, {"visitor": {"id": "user-17", "name": "Ada", "signature": signature}})
    wrong = await session_of(rest, chat, {"visitor": {"id": "user-18", "signature": signature}})
    await identity_secret(rest, chat, rotate=True)
    rotated = await session_of(rest, chat, {"visitor": {"id": "user-17", "signature": signature}})

    assert (right.status_code, right.json()["visitor_id"]) == (201, "user-17")
    assert [(each.status_code, each.json()["code"]) for each in (wrong, rotated)] == [
        (403, "identity_signature_wrong")
    ] * 2


async def test_the_owner_gets_the_tag_to_copy_and_the_same_secret_until_it_is_rotated(rest, chat):
    first, second = await identity_secret(rest, chat), await identity_secret(rest, chat)
    rotated = await identity_secret(rest, chat, rotate=True)

    assert first == second
    assert rotated["identity_secret"] != first["identity_secret"]
    assert f'/webchat/widget.js" data-phone-number="{chat["id"]}"' in first["script_tag"]


async def test_a_message_is_stored_once_however_often_it_is_sent(rest, chat, house):
    token, own_id = await token_of(rest, chat), uuid4()

    answers = [await write(rest, token, " Hello ", own_id) for _ in range(3)]

    assert [(each.status_code, each.json()) for each in answers] == [(202, {"sequence": 1})] * 3
    assert [message.text for message in house.store.messages.values()] == ["Hello"]


@pytest.mark.parametrize("text", ["", "  ", "x" * 4_001, "a\0b"])
async def test_a_text_that_is_none_is_refused(rest, chat, house, text):
    assert (await write(rest, await token_of(rest, chat), text)).status_code == 422
    assert not house.store.messages


async def test_whoever_writes_too_fast_is_told_when_to_go_on_and_others_are_not_held_up(rest, chat, house):
    token, other = await token_of(rest, chat), await token_of(rest, chat)

    statuses = [(await write(rest, token)).status_code for _ in range(5)]
    sixth = await write(rest, token)

    assert statuses == [202] * 5
    assert (sixth.status_code, sixth.json()["code"], sixth.headers["retry-after"]) == (429, "too_fast", "3")
    assert (await write(rest, other)).status_code == 202
    house.clock.advance(3)
    assert (await write(rest, token)).status_code == 202


async def test_an_address_opens_only_so_many_sessions(rest, chat, house):
    behind_proxy = [await session_of(rest, chat, **{"X-Forwarded-For": "10.0.0.1, 203.0.113.7"}) for _ in range(31)]

    assert [each.status_code for each in behind_proxy] == [201] * 30 + [429]
    assert (await session_of(rest, chat, **{"X-Forwarded-For": "203.0.113.8"})).status_code == 201


async def test_the_widget_is_kept_and_asked_about_by_its_tag(rest):
    first = await rest.get("/webchat/widget.js")
    again = await rest.get("/webchat/widget.js", headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["content-type"].startswith("text/javascript")
    assert first.headers["cache-control"] == "public, max-age=300"
    assert first.headers["content-encoding"] == "gzip"
    assert (again.status_code, again.content) == (304, b"")


# --- the stream, on a real socket


class Stream:
    """A reader of events, as the widget is one."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def event(self):
        """The next event's name and data."""
        while True:
            line = (await asyncio.wait_for(self.reader.readline(), 5)).decode().strip()
            if line.startswith("event: "):
                data = (await self.reader.readline()).decode()
                return line[7:], json.loads(data.removeprefix("data: "))


def asked(token, after=0):
    head = f"GET /webchat/events?after={after} HTTP/1.1\r\nHost: x\r\nOrigin: {SHOP}\r\n"
    return f"{head}Authorization: Bearer {token}\r\n\r\n".encode()


async def followed(port, token, after=0):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(asked(token, after))
    status = (await reader.readline()).decode()
    await asyncio.wait_for(reader.readuntil(b":\n"), 5)
    return status, Stream(reader, writer)


async def test_a_stream_begins_behind_what_was_seen_and_goes_on_with_what_happens(rest, chat, house):
    token = await token_of(rest, chat)
    for text in ("one", "two", "three"):
        await write(rest, token, text)
    visitor = next(iter(house.store.customers.values())).address
    turn = uuid4()

    async with served(serve_rest, house.application) as (port, _, _):
        _, stream = await followed(port, token, after=1)
        stored = [await stream.event() for _ in range(2)]
        topic = Topic(next(iter(house.live.streams)).web_chat_id, visitor)
        house.live.publish(topic, Typing())
        house.live.publish(topic, Delta(turn, 0, "Hi"))
        live = [await stream.event() for _ in range(2)]
        await write(rest, token, "four")
        later = await stream.event()
        stream.writer.close()

    assert [(name, data["sequence"], data["text"]) for name, data in [*stored, later]] == [
        ("message", 2, "two"),
        ("message", 3, "three"),
        ("message", 4, "four"),
    ]
    assert set(later[1]) == {"sequence", "author", "text", "at", "id"}
    assert live == [("typing", {}), ("delta", {"turn": str(turn), "start": 0, "text": "Hi"})]


async def test_a_reader_that_leaves_is_forgotten_and_the_door_closes_on_those_who_stay(rest, chat, house):
    token = await token_of(rest, chat)
    async with served(serve_rest, house.application) as (port, stop, task):
        _, leaves = await followed(port, token)
        _, stays = await followed(port, token)
        (streams,) = house.live.streams.values()
        leaves.writer.close()
        for _ in range(200):
            if len(streams) == 1:
                break
            await asyncio.sleep(0.02)
        assert len(streams) == 1

        stop.set()

        assert (await asyncio.wait_for(stays.reader.read(), 5)).endswith(b"0\r\n\r\n")
        await asyncio.wait_for(task, 5)
        stays.writer.close()


async def test_a_visitor_follows_in_five_places_at_most(rest, chat, house):
    token = await token_of(rest, chat)
    async with served(serve_rest, house.application) as (port, _, _):
        streams = [(await followed(port, token))[1] for _ in range(5)]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(asked(token))
        assert b"429" in await reader.readline()
        for each in [writer, *(stream.writer for stream in streams)]:
            each.close()


@pytest.mark.parametrize("after", ["-1", "x", "1e3", "99999999999999999999", "²"])
async def test_a_place_that_cannot_be_is_refused(rest, chat, after):
    headers = {"Origin": SHOP, **bearer(await token_of(rest, chat))}
    answer = await rest.get("/webchat/events", params={"after": after}, headers=headers)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (422, SHOP)


@pytest.mark.parametrize(
    "origin", ["https://a.example", "http://localhost:3000", "http://127.0.0.1", "http://[::1]:8080", "*"]
)
async def test_an_origin_is_taken_as_browsers_send_it(rest, chat, origin):
    path = f"/users/{chat['user']}/phone_numbers/{chat['id']}"
    assert (await rest.patch(path, json={"allowed_origins": [origin]}, headers=bearer(ADMIN_KEY))).status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["a.example", "https://a.example/", "https://A.example", "https://a.example:443", "ftp://a", "https://*.a.example"],
)
async def test_what_no_browser_sends_is_refused_when_it_is_set_up(rest, chat, origin):
    path = f"/users/{chat['user']}/phone_numbers/{chat['id']}"
    answer = await rest.patch(path, json={"allowed_origins": [origin]}, headers=bearer(ADMIN_KEY))
    assert answer.status_code == 422

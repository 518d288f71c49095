"""The REST door on a real socket: what a caller may take of it, and how it ends."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from functools import partial
from types import SimpleNamespace
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from adapters.local.ports import free_port
from entrypoints.rest import main
from entrypoints.rest.app import create_rest_app
from entrypoints.rest.limits import with_body_deadline
from entrypoints.rest.main import serve_rest
from entrypoints.serving import CannotListen
from tests.doors.conftest import listening, served
from tests.doors.stubs import ADMIN_KEY

MEBIBYTE = 1024 * 1024
KEY = f"Authorization: Bearer {ADMIN_KEY}\r\nContent-Type: application/json\r\n"


async def exchanged(port: int, *parts: bytes, seconds: float = 10) -> bytes:
    """Everything that is answered until the connection is closed from there."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await asyncio.wait_for(reader.read(), seconds)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def answered(port: int, *parts: bytes) -> tuple[int, dict]:
    """The status of the first answer and its body, without waiting for the end of the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=MEBIBYTE)
    answering = asyncio.create_task(_answer(reader))
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
    except ConnectionError:
        pass
    try:
        return await asyncio.wait_for(answering, 10)
    finally:
        writer.close()


async def _answer(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
    body = await reader.readexactly(length)
    return int(head.split()[1]), json.loads(body) if "json" in head else body


def announced(path: str, length: int) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{KEY}Content-Length: {length}\r\n\r\n".encode()


def chunked(path: str) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{KEY}Transfer-Encoding: chunked\r\n\r\n".encode()


def chunks(count: int) -> list[bytes]:
    size = 256 * 1024
    return [f"{size:x}\r\n".encode() + b"x" * size + b"\r\n"] * (count * MEBIBYTE // size) + [b"0\r\n\r\n"]


# A delivery up to eight times too large is read and thrown away first: its sender could not read the 413 otherwise.
@pytest.mark.parametrize(("path", "mebibytes"), [("/users", 1), ("/webhooks/meta", 32)])
async def test_a_body_that_is_announced_too_large_is_refused_unread(house, path, mebibytes):
    async with served(serve_rest, house.application) as (port, _, _):
        status, problem = await answered(port, announced(path, mebibytes * MEBIBYTE + 1))
        assert (status, problem["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(("path", "mebibytes"), [("/users", 1), ("/webhooks/meta", 4)])
async def test_a_chunked_body_is_cut_off_where_it_gets_too_large(house, path, mebibytes):
    async with served(serve_rest, house.application) as (port, _, _):
        status, problem = await answered(port, chunked(path), *chunks(mebibytes + 1))
        assert (status, problem["code"]) == (413, "body_too_large")
        assert not house.reader.deliveries


async def test_a_delivery_of_exactly_four_mebibytes_is_taken(house):
    async with served(serve_rest, house.application) as (port, _, _):
        assert await answered(port, announced("/webhooks/meta", 4 * MEBIBYTE), b"x" * 4 * MEBIBYTE) == (200, b"ok")
        assert await answered(port, chunked("/webhooks/meta"), *chunks(4)) == (200, b"ok")
        assert [len(body) for _, body in house.reader.deliveries] == [4 * MEBIBYTE] * 2


async def test_a_connection_that_is_slow_with_its_headers_is_closed(house):
    async with served(serve_rest, house.application) as (port, _, _):
        began = asyncio.get_running_loop().time()
        await exchanged(port, b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-")
        assert 1.5 < asyncio.get_running_loop().time() - began < 4


async def test_headers_beyond_sixteen_kilobytes_are_refused(house):
    async with served(serve_rest, house.application) as (port, _, _):
        answer = await exchanged(port, b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Big: " + b"x" * 20_000 + b"\r\n\r\n")
        assert b" 200 " not in answer.partition(b"\r\n")[0]


@pytest.mark.parametrize("path", ["/users", "/webhooks/meta"])
async def test_a_body_that_does_not_arrive_in_time_is_given_up(house, monkeypatch, path):
    monkeypatch.setattr(main, "with_body_deadline", partial(with_body_deadline, seconds_max=0.2))
    async with served(serve_rest, house.application) as (port, _, _):
        answer = await exchanged(port, announced(path, 10) + b"{")
        assert answer.startswith(b"HTTP/1.1 408")
        assert b'"request_timeout"' in answer


async def test_a_sender_that_hangs_up_in_the_middle_stores_nothing_and_harms_nobody(house):
    async with served(serve_rest, house.application) as (port, _, _):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(announced("/webhooks/meta", 10) + b"{")
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.close()
        await asyncio.sleep(0.1)
        assert (await answered(port, announced("/webhooks/meta", 2) + b"{}"))[0] == 200
        assert len(house.reader.deliveries) == 1


async def a_user(house) -> UUID:
    user, _ = await house.application.users.add(await house.application.authenticate(ADMIN_KEY), "Shop")
    return user.id


async def test_a_request_in_flight_is_finished_before_the_door_closes(house):
    user_id = await a_user(house)
    house.credits.seconds = 0.5
    async with served(serve_rest, house.application) as (port, stop, task):
        asking = asyncio.create_task(
            answered(port, f"GET /users/{user_id}/credits HTTP/1.1\r\nHost: x\r\n{KEY}\r\n".encode())
        )
        await house.credits.asked.wait()
        stop.set()
        await asyncio.sleep(0.1)
        assert not task.done()
        assert (await asking)[0] == 200
        await asyncio.wait_for(task, 5)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


async def test_an_idle_connection_does_not_hold_the_door_open(house):
    async with served(serve_rest, house.application) as (port, stop, task):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        await _answer(reader)
        stop.set()
        await asyncio.wait_for(task, 3)
        writer.close()


async def test_a_port_in_use_is_one_line_that_names_it(house):
    async with served(serve_rest, house.application) as (port, _, _):
        with pytest.raises(CannotListen, match=rf"^REST cannot listen on 127.0.0.1:{port}: address already in use.$"):
            await serve_rest(house.application, "127.0.0.1", port)


async def test_an_address_of_another_machine_is_named_too(house):
    with pytest.raises(CannotListen, match=r"^REST cannot listen on 192\.0\.2\.1:8000: "):
        await serve_rest(house.application, "192.0.2.1", 8000)


async def test_the_server_writes_nothing_of_its_own(house, capfd):
    with capture_logs():
        async with served(serve_rest, house.application) as (port, _, _):
            await answered(port, b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("granian.access").handlers == []


async def test_a_body_that_is_complete_may_be_thought_about_for_as_long_as_it_takes():
    messages = iter([{"type": "http.request", "body": b"x", "more_body": False}, {"type": "http.disconnect"}])
    seen = []

    async def receive():
        await asyncio.sleep(0.05 * len(seen))
        return next(messages)

    async def app(scope, receive, send):
        seen.append(await receive())
        seen.append(await receive())

    await with_body_deadline(app, seconds_max=0.02)({"type": "http"}, receive, None)
    assert [message["type"] for message in seen] == ["http.request", "http.disconnect"]


def test_the_app_can_be_made_without_a_loop():
    assert create_rest_app(SimpleNamespace()).debug is False


async def test_sigterm_ends_the_door_when_nobody_else_decides(house):
    port = free_port()
    task = asyncio.create_task(serve_rest(house.application, "127.0.0.1", port))
    await listening(port, task)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(task, 5)

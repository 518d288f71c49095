"""Streams by gRPC and by server-sent events on real sockets: live, resumed, and ended cleanly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import grpc
import pytest

from application.ports.live import Changed, ConversationTopic
from entrypoints.rest.main import serve_rest
from entrypoints.rpc._generated.frontdesk.v1 import conversation_pb2 as pb
from entrypoints.rpc._generated.frontdesk.v1.conversation_pb2_grpc import ConversationServiceStub
from entrypoints.rpc.main import serve_rpc
from tests.doors.conftest import Shop, bearer, served
from tests.doors.stubs import FILE, House


def becomes(house: House, shop: Shop, status: str) -> None:
    """The shop's last message reaches a status, and whoever follows is told to look."""
    message = house.store.messages[UUID(shop.message_id)]
    house.store.messages[message.id] = replace(message, status=status)
    house.live.publish(ConversationTopic(message.conversation_id), Changed())


@pytest.fixture
async def stub(house) -> AsyncIterator[ConversationServiceStub]:
    async with (
        served(serve_rpc, house.application) as (port, _, _),
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield ConversationServiceStub(channel)


def watch(shop: Shop, after: int = 0) -> pb.WatchMessagesRequest:
    return pb.WatchMessagesRequest(
        user_id=shop.user_id, conversation_id=shop.conversation_id, after_sequence_number=after
    )


def told(answer: pb.WatchMessagesResponse) -> tuple[int, str, bool]:
    status = pb.MessageStatus.Name(answer.message.status).removeprefix("MESSAGE_STATUS_").lower()
    return answer.message.sequence_number, status, answer.is_update


def metadata(shop: Shop):
    return (("authorization", f"Bearer {shop.key}"),)


async def test_a_watch_tells_what_is_stored_then_what_changes_and_can_be_resumed(stub, shop, house):
    call = stub.WatchMessages(watch(shop), metadata=metadata(shop))
    assert [told(await call.read()) for _ in range(2)] == [(1, "answered", False), (2, "failed", False)]
    becomes(house, shop, "pending")
    assert told(await asyncio.wait_for(call.read(), 5)) == (2, "pending", True)
    call.cancel()

    again = stub.WatchMessages(watch(shop, after=1), metadata=metadata(shop))
    assert [told(await again.read()) for _ in range(2)] == [(2, "pending", False), (1, "answered", True)]
    again.cancel()


async def test_a_watcher_knows_when_nothing_can_be_missed_and_leaves_nothing_behind(stub, shop, house):
    call = stub.WatchMessages(watch(shop, after=2), metadata=metadata(shop))
    await asyncio.wait_for(call.initial_metadata(), 5)
    assert any(house.live.streams.values())
    call.cancel()
    async with asyncio.timeout(5):
        while any(house.live.streams.values()):  # noqa: ASYNC110 - the listener leaves without a word
            await asyncio.sleep(0.01)


async def test_a_door_that_closes_tells_watchers_to_come_again(house, shop):
    async with (
        served(serve_rpc, house.application) as (port, stop, task),
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        call = ConversationServiceStub(channel).WatchMessages(watch(shop), metadata=metadata(shop))
        answers = aiter(call)
        await anext(answers)
        stop.set()
        with pytest.raises(grpc.aio.AioRpcError, match="watch on behind the last sequence number") as caught:
            await drained(answers)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        await asyncio.wait_for(task, 5)


async def drained(answers: AsyncIterator[object]) -> None:
    async for _ in answers:
        pass


async def test_a_file_comes_as_what_it_is_and_then_in_pieces(stub, shop):
    request = pb.DownloadMediumRequest(user_id=shop.user_id, message_id=shop.message_id, place=0)
    first, *rest = [piece async for piece in stub.DownloadMedium(request, metadata=metadata(shop))]
    assert (first.medium.mime_type, first.medium.bytes, first.data) == ("image/png", len(FILE), b"")
    assert b"".join(piece.data for piece in rest) == FILE


async def test_the_same_is_told_as_server_sent_events(house, shop):
    async with served(serve_rest, house.application) as (port, _, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        path = f"/users/{shop.user_id}/conversations/{shop.conversation_id}/events?after=1"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shop.key}\r\n\r\n".encode())
        assert await event(reader) == (2, "failed", False)
        assert await event(reader) == (1, "answered", True)
        becomes(house, shop, "sent")
        assert await event(reader) == (2, "sent", True)
        writer.close()


async def event(reader: asyncio.StreamReader) -> tuple[int, str, bool]:
    async with asyncio.timeout(5):
        while not (line := await reader.readline()).startswith(b"data: "):
            assert line
    data = json.loads(line.removeprefix(b"data: "))
    return data["message"]["sequence_number"], data["message"]["status"], data["is_update"]


@pytest.mark.parametrize(
    ("query", "key", "status"),
    [("", "", 401), ("", "fd_wrong", 401), ("?after=x", None, 422), ("?after=-1", None, 422)],
)
async def test_events_are_refused_as_everything_else_is(rest, shop, query, key, status):
    headers = bearer(shop.key if key is None else key)
    path = f"/users/{shop.user_id}/conversations/{shop.conversation_id}/events{query}"
    answer = await rest.get(path, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_a_strangers_conversation_has_no_events(rest, shop, stranger):
    for user, conversation in [
        (stranger.user_id, stranger.conversation_id),
        (shop.user_id, stranger.conversation_id),
        (shop.user_id, UUID(int=404)),
    ]:
        answer = await rest.get(f"/users/{user}/conversations/{conversation}/events", headers=bearer(shop.key))
        assert answer.status_code == 404

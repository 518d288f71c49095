"""Pages of messages as callers read them: with the usual client of each door, until the messages are at hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import aiohttp
import grpc

from bench.house import House
from bench.load import OK, Delivered
from entrypoints.rpc._generated.frontdesk.v1.conversation_pb2 import ListMessagesRequest
from entrypoints.rpc._generated.frontdesk.v1.conversation_pb2_grpc import ConversationServiceStub

Read = Callable[[], Awaitable[int]]
"""Read the page once more; the status of the answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A page of a user's messages, by that user's key; `cursor` is empty for the first."""

    user_id: str
    key: str
    limit: int
    cursor: str


Reader = Callable[[House, Asked], AbstractAsyncContextManager[Read]]


@asynccontextmanager
async def by_rest(house: House, asked: Asked) -> AsyncIterator[Read]:
    """With aiohttp, the quickest of the usual clients; the messages are dictionaries."""
    url = f"{house.ready['rest_url']}/users/{asked.user_id}/messages?limit={asked.limit}"
    url += f"&cursor={asked.cursor}" if asked.cursor else ""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {asked.key}"}) as session:

        async def read() -> int:
            async with session.get(url) as answer:
                items = (await answer.json())["items"] if answer.status == OK else []
                return answer.status if len(items) == asked.limit else 0

        yield read


@asynccontextmanager
async def by_rpc(house: House, asked: Asked) -> AsyncIterator[Read]:
    """With the generated stub over one channel; the messages are protobuf's."""
    request = ListMessagesRequest(user_id=asked.user_id, page_size=asked.limit, page_token=asked.cursor)
    metadata = (("authorization", f"Bearer {asked.key}"),)
    async with grpc.aio.insecure_channel(house.ready["grpc_target"]) as channel:
        stub = ConversationServiceStub(channel)

        async def read() -> int:
            try:
                answer = await stub.ListMessages(request, metadata=metadata)
            except grpc.aio.AioRpcError as error:
                return int(error.code().value[0])
            return OK if len(answer.messages) == asked.limit else 0

        await channel.channel_ready()
        yield read


async def as_fast_as_it_goes(read: Read, count: int, at_once: int) -> list[Delivered]:
    """Read `count` times, `at_once` at a time."""
    delivered: list[Delivered] = []
    left = iter(range(count))

    async def read_on() -> None:
        delivered.extend([await _delivered(read, number, time.time()) for number in left])

    await asyncio.gather(*(read_on() for _ in range(at_once)))
    return delivered


async def by_the_clock(read: Read, count: int, per_second: float) -> list[Delivered]:
    """Read when it is due, whether or not the earlier ones were answered."""
    began, under_way = time.time(), []
    for number in range(count):
        due = began + number / per_second
        await asyncio.sleep(max(0.0, due - time.time()))
        under_way.append(asyncio.ensure_future(_delivered(read, number, due)))
    return await asyncio.gather(*under_way)


async def _delivered(read: Read, number: int, due: float) -> Delivered:
    status = await read()
    return Delivered(str(number), due, time.time(), status)

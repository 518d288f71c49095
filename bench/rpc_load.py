"""The two loops by gRPC: the same request over one channel, bytes out and bytes in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc

from bench.house import House
from bench.load import OK, Delivered

Ask = Callable[[float], Awaitable[Delivered]]


@dataclass(frozen=True, slots=True)
class Call:
    """A unary call, as it travels."""

    method: str
    request: bytes
    key: str


async def closed_calls(house: House, call: Call, count: int, at_once: int) -> list[Delivered]:
    """Call `count` times as fast as it is answered, `at_once` at a time."""
    delivered: list[Delivered] = []
    left = iter(range(count))

    async def call_on(ask: Ask) -> None:
        delivered.extend([await ask(time.time()) for _ in left])

    async with _asking(house, call) as ask:
        await asyncio.gather(*(call_on(ask) for _ in range(at_once)))
    return delivered


async def open_calls(house: House, call: Call, count: int, per_second: float) -> list[Delivered]:
    """Call when it is due, whether or not the earlier ones were answered."""
    async with _asking(house, call) as ask:
        began, under_way = time.time(), []
        for number in range(count):
            due = began + number / per_second
            await asyncio.sleep(max(0.0, due - time.time()))
            under_way.append(asyncio.ensure_future(ask(due)))
        return await asyncio.gather(*under_way)


@asynccontextmanager
async def _asking(house: House, call: Call) -> AsyncIterator[Ask]:
    async with grpc.aio.insecure_channel(house.ready["grpc_target"]) as channel:
        method = channel.unary_unary(call.method)
        metadata = (("authorization", f"Bearer {call.key}"),)

        async def ask(due: float) -> Delivered:
            try:
                await method(call.request, metadata=metadata)
            except grpc.aio.AioRpcError as error:
                return Delivered("", due, time.time(), error.code().value[0])
            return Delivered("", due, time.time(), OK)

        await channel.channel_ready()
        yield ask

"""How much is to be done: in memory and in Postgres."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from adapters.persistence.backlog import PostgresBacklog
from adapters.persistence.database import Database
from application.ports.backlog import Backlog
from domain.channels import ChannelStatus
from domain.conversations import PauseReason
from domain.delivery import Parked
from domain.scaling import BacklogSize
from tests.contract.paths import Path, a_reply, memory_path, postgres_path
from tests.fakes.backlog import MemoryBacklog


@dataclass(frozen=True)
class Room:
    path: Path
    backlog: Callable[[float], Backlog]


@asynccontextmanager
async def _on_postgres(database) -> AsyncIterator[Room]:
    async with postgres_path(database.url, database.url_judge) as path, Database(database.url).opened() as opened:
        yield Room(path, lambda quiet_seconds: PostgresBacklog(opened, quiet_seconds))


def _in_memory() -> Room:
    path = memory_path()
    store = path.world.users._store
    return Room(path, lambda quiet_seconds: MemoryBacklog(store, quiet_seconds))


@pytest.fixture(params=["memory", "postgres"])
async def room(request) -> AsyncIterator[Room]:
    if request.param == "memory":
        yield _in_memory()
        return
    async with _on_postgres(request.getfixturevalue("database")) as room:
        yield room


async def size(room: Room, quiet_seconds: float = 0) -> BacklogSize:
    """The size, with the oldest's age rounded: a real clock goes on."""
    found = await room.backlog(quiet_seconds).size()
    return BacklogSize(found.waiting, round(found.oldest_seconds, -1), found.in_flight)


async def test_where_nobody_writes_nothing_is_to_be_done(room: Room) -> None:
    assert await size(room) == BacklogSize(0, 0.0, 0)


async def test_messages_of_all_numbers_wait_and_the_oldest_tells_the_age(room: Room) -> None:
    one, other = await room.path.a_shop(), await room.path.a_shop()
    await room.path.writes(one)
    await room.path.writes(one)
    await room.path.time.passes(60)
    await room.path.writes(other)

    assert await size(room) == BacklogSize(3, 60.0, 0)


async def test_a_turn_in_a_living_worker_s_hands_is_in_flight_and_who_writes_on_meanwhile_is_not_late(
    room: Room,
) -> None:
    shop, worker = await room.path.a_shop(), await room.path.a_worker()
    conversation_id = await room.path.writes(shop)
    await worker.begins(conversation_id)
    await room.path.writes(shop)
    await room.path.time.passes(20)

    assert await size(room) == BacklogSize(1, 0.0, 1)

    await room.path.time.leases_run_out()
    assert (await size(room)).in_flight == 0


async def test_what_nobody_could_answer_does_not_wait(room: Room) -> None:
    shop, poor = await room.path.a_shop(), await room.path.a_shop(0)
    worker = await room.path.a_worker()
    await worker.turns.begin(await room.path.writes(poor), worker.id)
    conversation_id = await room.path.writes(shop)
    conversations = room.path.world.conversations

    await conversations.pause(shop.user.id, conversation_id, None, PauseReason.BY_HAND)

    assert await size(room) == BacklogSize(0, 0.0, 0)


async def test_what_came_to_a_parked_number_does_not_wait_and_its_turn_is_in_nobody_s_hands(room: Room) -> None:
    shop, worker = await room.path.a_shop(), await room.path.a_worker()
    turn, reply = await worker.begins(await room.path.writes(shop)), a_reply()
    await worker.turns.record_reply(turn, reply)
    await room.path.writes(shop, address="another")
    assert await size(room) == BacklogSize(1, 0.0, 1)

    await worker.turns.park(turn, reply.parts[0].message_id, Parked({"code": 190}, ChannelStatus.UNAUTHORIZED), None)

    assert await size(room) == BacklogSize(0, 0.0, 0)


async def test_who_is_let_write_on_does_not_wait_yet(room: Room) -> None:
    shop = await room.path.a_shop()
    await room.path.writes(shop)

    assert await size(room, quiet_seconds=30) == BacklogSize(0, 0.0, 0)

    await room.path.time.passes(50)
    assert await size(room, quiet_seconds=30) == BacklogSize(1, 20.0, 0)

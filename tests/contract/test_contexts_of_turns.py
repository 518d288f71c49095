"""What each turn is told of its business: every change is seen by the next one, whatever the cache keeps."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis

from adapters.clock import RandomIds
from adapters.coordination.connection import opened_redis
from adapters.coordination.context_cache import RedisContextCache
from adapters.persistence.briefings import PostgresBriefings
from adapters.persistence.database import Database
from adapters.persistence.turns import PostgresTurns
from application.ports.briefings import Briefing, Briefings
from application.ports.turns import NoTurn
from domain.agents import Prompt
from domain.channels import ChannelSettings
from domain.conversations import LaneScope, Turn
from tests.builders import a_phone_number, a_prompt, a_voice, an_agent
from tests.contract.paths import Path, Shop, Worker, memory_path, postgres_path
from tests.fakes.briefings import MemoryBriefings
from tests.fakes.vault import PlainVault

VAULT = PlainVault()


@dataclass
class Counter:
    """A database that counts the statements which reach it."""

    database: Database
    statements: list[str] = field(default_factory=list)

    @property
    def house(self) -> "Counter":
        return self

    async def fetch(self, statement: Any, parameters: Any) -> Any:
        self.statements.append(str(statement))
        return await self.database.house.fetch(statement, parameters)


@dataclass
class Office:
    """A shop whose agent speaks from a prompt of its own, and a worker that asks what it must know."""

    path: Path
    briefings: Briefings
    worker: Worker
    shop: Shop
    prompt: Prompt
    conversation_id: UUID | None = None

    @property
    def user_id(self) -> UUID:
        return self.shop.user.id

    async def begins(self) -> Turn:
        """The customer writes, and the worker takes the turn."""
        self.conversation_id = await self.path.writes(self.shop)
        return await self.worker.begins(self.conversation_id)

    async def brief(self, turn: Turn) -> Briefing | None:
        return await self.briefings.brief(turn.agent_id, turn.phone_number_id, turn.context_version)

    async def next_briefing(self) -> Briefing | None:
        """What the next turn is told, which is answered."""
        turn = await self.begins()
        told = await self.brief(turn)
        await self.worker.answers(turn)
        return told


async def _opened(path: Path, briefings: Briefings) -> Office:
    world = path.world
    shop = await path.a_shop()
    prompt = await world.prompts.add(a_prompt(shop.user.id))
    agent = await world.agents.change(replace(shop.agent, prompt_id=prompt.id))
    number = await world.phone_numbers.change(shop.number, VAULT.seal("EAAG", shop.number.id))
    return Office(path, briefings, await path.a_worker(), Shop(shop.user, number, agent), prompt)


@asynccontextmanager
async def an_office_on(given: Any, redis_url: str) -> AsyncIterator[Office]:
    async with AsyncExitStack() as stack:
        path = await stack.enter_async_context(postgres_path(given.url, given.url_judge))
        database = await stack.enter_async_context(Database(given.url).opened())
        redis = await stack.enter_async_context(opened_redis(redis_url))
        yield await _opened(path, PostgresBriefings(database, VAULT, RedisContextCache(redis, 300)))


@pytest.fixture(params=["memory", "stores"])
async def office(request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    if request.param == "memory":
        path = memory_path()
        yield await _opened(path, MemoryBriefings(path.world.users._store, VAULT))
        return
    async with an_office_on(request.getfixturevalue("database"), request.getfixturevalue("redis_url")) as office:
        yield office


Change = Callable[[Office], Awaitable[Any]]
CURT = a_voice(instructions="Be curt.")


async def a_new_version_of_the_prompt(office: Office) -> None:
    await office.path.world.prompts.add_version(office.user_id, office.prompt.id, CURT)


async def another_prompt(office: Office) -> None:
    other = await office.path.world.prompts.add(a_prompt(office.user_id, voice=CURT))
    await office.path.world.agents.change(replace(office.shop.agent, prompt_id=other.id))


async def a_pin(office: Office) -> None:
    """Ends at the same words that were there before, over others in between."""
    await a_new_version_of_the_prompt(office)
    assert (await office.next_briefing()).prompt_version == 2
    await office.path.world.agents.change(replace(office.shop.agent, prompt_version=1))


async def a_new_token(office: Office) -> None:
    await office.path.world.phone_numbers.change(office.shop.number, VAULT.seal("another", office.shop.number.id))


async def other_settings(office: Office) -> None:
    settings = ChannelSettings(human_pause_minutes=3)
    await office.path.world.phone_numbers.change(replace(office.shop.number, settings=settings), None)


async def another_agent(office: Office) -> None:
    world = office.path.world
    await world.agents.remove(office.user_id, office.shop.agent.id)
    await world.agents.add(an_agent(office.user_id, prompt_id="pmpt_2", phone_number_id=office.shop.number.id))


CHANGES: dict[str, tuple[Change, Callable[[Briefing], Any], Any]] = {
    "a new version of its prompt": (
        a_new_version_of_the_prompt,
        lambda told: (told.prompt_version, told.voice),
        (2, CURT),
    ),
    "another prompt": (another_prompt, lambda told: (told.prompt_version, told.voice), (1, CURT)),
    "a pin to an older version": (a_pin, lambda told: (told.prompt_version, told.voice), (1, a_voice())),
    "a new token": (a_new_token, lambda told: told.access_token, "another"),
    "other settings": (other_settings, lambda told: told.settings.human_pause_minutes, 3),
    "another agent": (another_agent, lambda told: (told.prompt_id, told.voice), ("pmpt_2", None)),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_the_next_turn_sees(office: Office, change: str) -> None:
    made, seen, expected = CHANGES[change]
    before = await office.next_briefing()
    assert seen(before) != expected or change == "a pin to an older version"

    await made(office)

    assert seen(await office.next_briefing()) == expected
    assert seen(await office.next_briefing()) == expected


@pytest.mark.parametrize("change", CHANGES)
async def test_a_turn_that_read_before_the_change_and_kept_it_behind_is_not_believed(
    office: Office, change: str
) -> None:
    made, seen, expected = CHANGES[change]
    older = await office.begins()
    await office.brief(older)
    await office.worker.answers(older)

    await made(office)
    await office.brief(older)  # it asks for what there was, and may keep what it gets

    assert seen(await office.next_briefing()) == expected


async def test_a_business_that_is_gone_has_no_briefing(office: Office) -> None:
    turn = await office.begins()
    await office.brief(turn)
    await office.path.world.users.erase(office.user_id)

    assert await office.briefings.brief(turn.agent_id, turn.phone_number_id, None) is None
    office.path.shops.clear()


async def test_credit_that_is_gone_is_seen_whatever_is_at_hand(office: Office) -> None:
    turn = await office.begins()
    await office.brief(turn)
    await office.worker.answers(turn)
    available = (await office.path.account(office.shop)).available
    for place in range(available):
        assert await office.next_briefing(), place

    last = await office.path.writes(office.shop)
    assert await office.worker.turns.begin(last, office.worker.id) is NoTurn.BLOCKED
    await office.path.world.credits.add(office.user_id, 1, None, None)
    assert await office.brief(await office.worker.begins(last))


async def test_whoever_was_busy_lately_is_warm(office: Office) -> None:
    assert await office.briefings.warm_up(10) == 0
    await office.next_briefing()
    assert await office.briefings.warm_up(10) == 1
    assert await office.briefings.warm_up(0) == 0


# --- what only the real stores can get wrong


@asynccontextmanager
async def a_process(given: Any, redis_url: str) -> AsyncIterator[tuple[PostgresBriefings, Counter]]:
    """A worker's briefings, with connections of its own, and the statements that it makes."""
    async with Database(given.url).opened() as database, opened_redis(redis_url) as redis:
        counter = Counter(database)
        yield PostgresBriefings(counter, VAULT, RedisContextCache(redis, 300)), counter


async def _commands(redis_url: str) -> dict[str, int]:
    async with Redis.from_url(redis_url) as redis:
        statistics = await redis.info("commandstats")
    quiet = {"info", "hello", "select", "client|setinfo", "ping"}
    calls = {name.removeprefix("cmdstat_"): one["calls"] for name, one in statistics.items()}
    return {name: count for name, count in calls.items() if name not in quiet}


async def test_a_warm_context_costs_one_command_and_no_statement(database, redis_url) -> None:
    async with (
        an_office_on(database, redis_url) as office,
        a_process(database, redis_url) as (briefings, counter),
        Database(database.url).opened() as pool,
    ):
        turn = await office.begins()
        await briefings.brief(turn.agent_id, turn.phone_number_id, turn.context_version)
        await office.worker.answers(turn)
        counter.statements.clear()
        before = await _commands(redis_url)

        begun = Counter(pool)
        turns = PostgresTurns(begun, RandomIds(), 30, 0, 60, LaneScope.CONVERSATION)
        conversation_id = await office.path.writes(office.shop)
        turn = await turns.begin(conversation_id, office.worker.id)
        told = await briefings.brief(turn.agent_id, turn.phone_number_id, turn.context_version)

        after = await _commands(redis_url)
        assert told.access_token == "EAAG"
        assert (len(begun.statements), counter.statements) == (1, [])
        assert {name: count - before.get(name, 0) for name, count in after.items() if count != before.get(name)} == {
            "getex": 1
        }
        await office.worker.answers(turn)


async def test_what_was_warmed_up_is_not_read_again(database, redis_url) -> None:
    async with an_office_on(database, redis_url) as office, a_process(database, redis_url) as (briefings, counter):
        await office.next_briefing()
        async with Redis.from_url(redis_url) as redis:
            await redis.flushall()
        assert await briefings.warm_up(10) == 1
        counter.statements.clear()

        turn = await office.begins()
        assert await briefings.brief(turn.agent_id, turn.phone_number_id, turn.context_version)
        assert counter.statements == []
        await office.worker.answers(turn)


async def test_a_hundred_turns_at_once_share_their_look_up(database, redis_url) -> None:
    async with an_office_on(database, redis_url) as office, a_process(database, redis_url) as (briefings, counter):
        turn = await office.begins()
        asked = (turn.agent_id, turn.phone_number_id, turn.context_version)
        told = await asyncio.gather(*(briefings.brief(*asked) for _ in range(100)))

        assert {one.access_token for one in told} == {"EAAG"}
        assert len(counter.statements) == 1


async def test_of_many_processes_that_miss_at_once_one_reads(database, redis_url) -> None:
    async with AsyncExitStack() as stack:
        office = await stack.enter_async_context(an_office_on(database, redis_url))
        processes = [await stack.enter_async_context(a_process(database, redis_url)) for _ in range(4)]
        turn = await office.begins()
        asked = (turn.agent_id, turn.phone_number_id, turn.context_version)
        calls = [briefings.brief(*asked) for briefings, _ in processes for _ in range(25)]
        told = await asyncio.gather(*calls)

        assert {one.access_token for one in told} == {"EAAG"}
        assert sum(len(counter.statements) for _, counter in processes) == 1


async def test_a_reader_that_died_holds_the_others_up_for_a_moment_only(database, redis_url) -> None:
    async with an_office_on(database, redis_url) as office, opened_redis(redis_url) as redis:
        turn = await office.begins()
        await RedisContextCache(redis, 300).claim({turn.phone_number_id: turn.context_version})

        assert await asyncio.wait_for(office.brief(turn), 2)


@pytest.mark.parametrize("change", CHANGES)
async def test_without_redis_every_turn_is_told_from_postgres(database, change: str) -> None:
    made, seen, expected = CHANGES[change]
    async with an_office_on(database, "redis://127.0.0.1:1/0") as office:
        assert await office.next_briefing()
        await made(office)
        assert seen(await office.next_briefing()) == expected
        assert await office.briefings.warm_up(10) >= 1


async def test_what_lies_in_redis_is_used_only_if_it_is_ours_and_of_that_number(database, redis_url) -> None:
    async with an_office_on(database, redis_url) as office, Redis.from_url(redis_url) as redis:
        assert (await office.next_briefing()).access_token == "EAAG"
        (key,) = await redis.keys("context:*")
        kept = await redis.get(key)
        assert b"EAAG" in kept  # the vault of this test has no locks

        for planted in (b"", b"short", kept[:30], kept[:20] + b"something else", kept[:20] + bytes(16) + kept[36:]):
            await redis.set(key, planted)
            assert (await office.next_briefing()).access_token == "EAAG"
        assert await redis.get(key) == kept[:16] + (await redis.get(key))[16:]


async def test_what_was_changed_by_hand_is_seen_too(database, redis_url) -> None:
    async with an_office_on(database, redis_url) as office, Database(database.url).opened() as opened:
        await office.next_briefing()
        number = office.shop.number.id
        async with opened.house.transaction() as connection:
            sealed = VAULT.seal("by hand", number)
            await connection.execute("update phone_numbers set access_token = %s where id = %s", (sealed, number))
        assert (await office.next_briefing()).access_token == "by hand"


async def test_a_change_is_seen_by_a_turn_that_waited_for_it_to_be_committed(database, redis_url) -> None:
    """The statement that begins the turn began before the change: it names what there is behind the lock."""
    async with an_office_on(database, redis_url) as office, Database(database.url).opened() as opened:
        await office.next_briefing()
        conversation_id = await office.path.writes(office.shop)
        async with opened.house.transaction() as connection:
            await connection.execute("select from conversations where id = %s for no key update", (conversation_id,))
            beginning = asyncio.create_task(office.worker.begins(conversation_id))
            await _waits_for_a_lock(opened)
            await a_new_version_of_the_prompt(office)
        turn = await beginning
        told = await office.brief(turn)
        await office.worker.answers(turn)
        assert told.prompt_version == 2


async def _waits_for_a_lock(database: Database) -> None:
    waiting = "select count(*) from pg_locks where not granted"
    while not (await database.house.fetch(waiting, ()))[0][0]:  # noqa: ASYNC110 - only Postgres knows
        await asyncio.sleep(0.01)


async def test_a_version_of_a_prompt_never_changes_its_text(database, redis_url) -> None:
    async with an_office_on(database, redis_url) as office, Database(database.url).opened() as opened:
        with pytest.raises(Exception, match="add another version"):
            await opened.house.fetch(
                "update prompt_versions set instructions = 'other' where prompt_id = %s returning 1",
                (office.prompt.id,),
            )


async def test_two_numbers_in_one_batch_are_told_apart(database, redis_url) -> None:
    async with an_office_on(database, redis_url) as office:
        world = office.path.world
        other = await world.phone_numbers.add(a_phone_number(office.user_id), VAULT.seal("other", office.user_id))
        agent = await world.agents.add(an_agent(office.user_id, phone_number_id=other.id))
        turn = await office.begins()
        first, second = await asyncio.gather(office.brief(turn), office.briefings.brief(agent.id, other.id, None))
        assert (first.access_token, second.access_token) == ("EAAG", None)
        await office.worker.answers(turn)

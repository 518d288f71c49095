from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from uuid import UUID

import pytest

from adapters.coordination.connection import opened_redis
from adapters.coordination.context_cache import RedisContextCache
from adapters.persistence.briefings import PostgresBriefings
from adapters.persistence.database import Database
from application.ports.briefings import Briefing, Briefings
from domain.channels import ChannelSettings, ChannelType, Template
from domain.users import User
from tests.builders import a_phone_number, a_prompt, a_voice, an_agent, an_id
from tests.contract.worlds import World, memory_world, postgres_world
from tests.fakes.briefings import MemoryBriefings
from tests.fakes.vault import PlainVault

VAULT = PlainVault()


@dataclass(frozen=True)
class Desk:
    world: World
    briefings: Briefings
    version: Callable[[UUID, UUID], Awaitable[UUID | None]]

    async def brief(self, agent_id: UUID, phone_number_id: UUID) -> Briefing | None:
        """What a turn is told that begins now."""
        version = await self.version(agent_id, phone_number_id)
        return await self.briefings.brief(agent_id, phone_number_id, version)

    async def has_agent_with_token(self, user: User, token: bytes | None = None, **fields) -> tuple:
        number = a_phone_number(user.id)
        await self.world.phone_numbers.add(number, token or VAULT.seal("EAAG🔑", number.id))
        return await self.world.agents.add(an_agent(user.id, phone_number_id=number.id, **fields)), number


@pytest.fixture(params=["memory", "postgres"])
async def desk(request) -> AsyncIterator[Desk]:
    if request.param == "memory":
        world = memory_world()
        store = world.users._store

        async def named(agent_id: UUID, phone_number_id: UUID) -> UUID | None:
            return store.context_version(agent_id, phone_number_id)

        yield Desk(world, MemoryBriefings(store, VAULT), named)
        return
    given = request.getfixturevalue("database")
    async with (
        postgres_world(given.url, given.url_judge) as world,
        Database(given.url).opened() as database,
        opened_redis(request.getfixturevalue("redis_url")) as redis,
    ):

        async def version(agent_id: UUID, phone_number_id: UUID) -> UUID | None:
            (([found],),) = await database.house.fetch(
                "select context_versions(array[%s], array[%s])", (agent_id, phone_number_id)
            )
            return found

        yield Desk(world, PostgresBriefings(database, VAULT, RedisContextCache(redis, 300)), version)


async def test_a_briefing_tells_which_voice_answers_through_which_account(desk: Desk) -> None:
    user = await desk.world.has_user()
    prompt = await desk.world.prompts.add(a_prompt(user.id))
    agent, number = await desk.has_agent_with_token(user, prompt_id=prompt.id)

    briefing = await desk.brief(agent.id, number.id)

    assert briefing == Briefing(prompt.id, 1, prompt.voice, ChannelType.WHATSAPP, number.meta_phone_number_id, "EAAG🔑")


async def test_every_change_is_seen_by_the_next_turn(desk: Desk) -> None:
    user = await desk.world.has_user()
    prompt = await desk.world.prompts.add(a_prompt(user.id))
    agent, number = await desk.has_agent_with_token(user, prompt_id=prompt.id)
    await desk.brief(agent.id, number.id)

    voice = a_voice(instructions="Be brief.", temperature=None, max_output_tokens=None)
    await desk.world.prompts.add_version(user.id, prompt.id, voice)
    await desk.world.phone_numbers.change(number, VAULT.seal("a new token", number.id))

    briefing = await desk.brief(agent.id, number.id)
    assert briefing
    assert (briefing.prompt_version, briefing.voice, briefing.access_token) == (2, voice, "a new token")


async def test_a_prompt_of_the_dashboard_has_no_voice_here(desk: Desk) -> None:
    user = await desk.world.has_user()
    agent, number = await desk.has_agent_with_token(user, prompt_id="pmpt_1")

    briefing = await desk.brief(agent.id, number.id)

    assert briefing
    assert (briefing.prompt_id, briefing.prompt_version, briefing.voice) == ("pmpt_1", None, None)


async def test_a_token_that_is_missing_or_of_another_row_is_none(desk: Desk) -> None:
    user = await desk.world.has_user()
    agent, number = await desk.has_agent_with_token(user, VAULT.seal("EAAG", an_id()))
    bare = await desk.world.phone_numbers.add(a_phone_number(user.id), None)

    briefings = [await desk.brief(agent.id, one.id) for one in (number, bare)]

    assert [briefing and briefing.access_token for briefing in briefings] == [None, None]


async def test_there_is_no_briefing_for_what_was_removed(desk: Desk) -> None:
    user = await desk.world.has_user()
    agent, number = await desk.has_agent_with_token(user)
    gone = replace(agent, id=an_id())

    assert await desk.brief(gone.id, number.id) is None
    assert await desk.brief(agent.id, an_id()) is None
    await desk.world.agents.remove(user.id, agent.id)
    assert await desk.brief(agent.id, number.id) is None


async def test_a_briefing_tells_how_the_phone_number_behaves(desk: Desk) -> None:
    user = await desk.world.has_user()
    agent, number = await desk.has_agent_with_token(user)
    settings = ChannelSettings(template=Template("come_back", "pt_BR"), human_pause_minutes=0, stop_words=("halt",))
    await desk.world.phone_numbers.change(replace(number, settings=settings), None)

    briefing = await desk.brief(agent.id, number.id)

    assert briefing
    assert briefing.settings == settings

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from adapters.coordination.connection import opened_redis
from adapters.coordination.token_cache import RedisTokenCache
from adapters.persistence.briefings import PostgresBriefings
from adapters.persistence.database import Database
from application.ports.briefings import Briefing, Briefings
from domain.channels import ChannelSettings, ChannelType, Template
from domain.users import User
from tests.builders import a_phone_number, a_prompt, a_voice, an_agent, an_id
from tests.contract.worlds import World, memory_world, postgres_world
from tests.fakes.briefings import MemoryBriefings
from tests.fakes.token_cache import MemoryTokenCache
from tests.fakes.vault import PlainVault

VAULT = PlainVault()


@dataclass(frozen=True)
class Desk:
    world: World
    briefings: Briefings

    async def has_agent_with_token(self, user: User, token: bytes | None = None, **fields) -> tuple:
        number = a_phone_number(user.id)
        await self.world.phone_numbers.add(number, token or VAULT.seal("EAAG🔑", number.id))
        return await self.world.agents.add(an_agent(user.id, phone_number_id=number.id, **fields)), number


@pytest.fixture(params=["memory", "postgres"])
async def desk(request) -> AsyncIterator[Desk]:
    if request.param == "memory":
        world = memory_world()
        yield Desk(world, MemoryBriefings(world.users._store, VAULT))
        return
    given = request.getfixturevalue("database")
    async with (
        postgres_world(given.url, given.url_judge) as world,
        Database(given.url).opened() as database,
        opened_redis(request.getfixturevalue("redis_url")) as redis,
    ):
        yield Desk(world, PostgresBriefings(database, VAULT, RedisTokenCache(redis, 300)))


async def test_a_briefing_tells_which_voice_answers_through_which_account(desk: Desk) -> None:
    user = await desk.world.has_user()
    prompt = await desk.world.prompts.add(a_prompt(user.id))
    agent, number = await desk.has_agent_with_token(user, prompt_id=prompt.id)

    briefing = await desk.briefings.brief(agent.id, number.id)

    assert briefing == Briefing(prompt.id, 1, prompt.voice, ChannelType.WHATSAPP, number.meta_phone_number_id, "EAAG🔑")


async def test_every_change_is_seen_by_the_next_turn(desk: Desk) -> None:
    user = await desk.world.has_user()
    prompt = await desk.world.prompts.add(a_prompt(user.id))
    agent, number = await desk.has_agent_with_token(user, prompt_id=prompt.id)
    await desk.briefings.brief(agent.id, number.id)

    voice = a_voice(instructions="Be brief.", temperature=None, max_output_tokens=None)
    await desk.world.prompts.add_version(user.id, prompt.id, voice)
    await desk.world.phone_numbers.change(number, VAULT.seal("a new token", number.id))

    briefing = await desk.briefings.brief(agent.id, number.id)
    assert briefing
    assert (briefing.prompt_version, briefing.voice, briefing.access_token) == (2, voice, "a new token")


async def test_a_prompt_of_the_dashboard_has_no_voice_here(desk: Desk) -> None:
    user = await desk.world.has_user()
    agent, number = await desk.has_agent_with_token(user, prompt_id="pmpt_1")

    briefing = await desk.briefings.brief(agent.id, number.id)

    assert briefing
    assert (briefing.prompt_id, briefing.prompt_version, briefing.voice) == ("pmpt_1", None, None)


async def test_a_token_that_is_missing_or_of_another_row_is_none(desk: Desk) -> None:
    user = await desk.world.has_user()
    agent, number = await desk.has_agent_with_token(user, VAULT.seal("EAAG", an_id()))
    bare = await desk.world.phone_numbers.add(a_phone_number(user.id), None)

    briefings = [await desk.briefings.brief(agent.id, one.id) for one in (number, bare)]

    assert [briefing and briefing.access_token for briefing in briefings] == [None, None]


async def test_there_is_no_briefing_for_what_was_removed(desk: Desk) -> None:
    user = await desk.world.has_user()
    agent, number = await desk.has_agent_with_token(user)
    gone = replace(agent, id=an_id())

    assert await desk.briefings.brief(gone.id, number.id) is None
    assert await desk.briefings.brief(agent.id, an_id()) is None
    await desk.world.agents.remove(user.id, agent.id)
    assert await desk.briefings.brief(agent.id, number.id) is None


async def test_a_briefing_tells_how_the_phone_number_behaves(desk: Desk) -> None:
    user = await desk.world.has_user()
    agent, number = await desk.has_agent_with_token(user)
    settings = ChannelSettings(template=Template("come_back", "pt_BR"), human_pause_minutes=0, stop_words=("halt",))
    await desk.world.phone_numbers.change(replace(number, settings=settings), None)

    briefing = await desk.briefings.brief(agent.id, number.id)

    assert briefing
    assert briefing.settings == settings


@pytest.fixture
async def real(database) -> AsyncIterator[tuple[World, Database]]:
    async with postgres_world(database.url, database.url_judge) as world, Database(database.url).opened() as opened:
        yield world, opened


async def test_a_token_at_hand_is_not_read_again_and_a_changed_one_never_missed(real) -> None:
    world, database = real
    tokens = MemoryTokenCache()
    desk = Desk(world, PostgresBriefings(database, VAULT, tokens))
    user = await world.has_user()
    agent, number = await desk.has_agent_with_token(user)
    first = await desk.briefings.brief(agent.id, number.id)
    (kept,) = tokens.kept.values()
    assert kept.sealed == VAULT.seal("EAAG🔑", number.id)

    # What stands in the cache in the right version is what is used.
    tokens.kept[number.id] = replace(kept, sealed=VAULT.seal("from the cache", number.id))
    second = await desk.briefings.brief(agent.id, number.id)
    # Nobody drops it: the change alone makes it useless, also for whoever puts the old one back.
    await world.phone_numbers.change(number, VAULT.seal("a new token", number.id))
    tokens.kept[number.id] = kept
    third = await desk.briefings.brief(agent.id, number.id)
    tokens.is_down = True
    fourth = await desk.briefings.brief(agent.id, number.id)

    seen = [one and one.access_token for one in (first, second, third, fourth)]
    assert seen == ["EAAG🔑", "from the cache", "a new token", "a new token"]
    assert first
    assert third
    assert first.token_version != third.token_version == tokens.kept[number.id].version


async def test_a_token_that_was_set_by_hand_is_another_version_too(real, database) -> None:
    world, opened = real
    desk = Desk(world, PostgresBriefings(opened, VAULT, MemoryTokenCache()))
    agent, number = await desk.has_agent_with_token(await world.has_user())
    await desk.briefings.brief(agent.id, number.id)

    async with opened.house.transaction() as connection:
        sealed = VAULT.seal("by hand", number.id)
        await connection.execute("update phone_numbers set access_token = %s where id = %s", (sealed, number.id))

    briefing = await desk.briefings.brief(agent.id, number.id)
    assert briefing
    assert briefing.access_token == "by hand"

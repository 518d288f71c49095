"""What the registry's adapters leave to the schema and to locks, seen from two connections."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import psycopg
import pytest

from application.ports.answers import AnsweredBefore, StillRunning
from domain.conversations import ConversationStatus
from tests.builders import a_customer, an_agent, an_api_key, an_id, named
from tests.contract.worlds import KEEP_CONVERSATION, KEEP_CUSTOMER, World, postgres_world
from tests.fakes.clock import MONDAY_MORNING
from tests.rig.postgres import until_locked_out


@pytest.fixture
async def world(database) -> AsyncIterator[World]:
    async with postgres_world(database.url, database.url_judge) as real:
        yield real


@pytest.fixture
async def other_side(database) -> AsyncIterator[psycopg.AsyncConnection]:
    async with await psycopg.AsyncConnection.connect(database.url_judge, autocommit=True) as connection:
        yield connection


async def test_a_user_without_an_account_cannot_be_written(other_side: psycopg.AsyncConnection) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="users_have_an_account"):
        await other_side.execute("insert into users (id, name) values (%s, 'Bakery')", (an_id(),))


async def test_a_conversation_that_is_being_opened_is_not_missed_by_the_agent_that_is_linked(
    world: World, database
) -> None:
    user = await world.has_user()
    phone_number = await world.has_phone_number(user)
    customer, conversation_id = a_customer(), an_id()
    agent = an_agent(user.id, phone_number_id=phone_number.id)

    async with await psycopg.AsyncConnection.connect(database.url_judge) as opening:
        await opening.execute(KEEP_CUSTOMER, (customer.id, customer.address, customer.name, phone_number.id))
        states = ("active", None, 0, MONDAY_MORNING, MONDAY_MORNING)
        await opening.execute(KEEP_CONVERSATION, (conversation_id, None, customer.id, *states, phone_number.id))
        linking = asyncio.create_task(world.agents.add(agent))
        await until_locked_out(database)
        await opening.commit()

    await linking
    assert (await world.conversations.get(user.id, conversation_id)).agent_id == agent.id


async def test_a_change_that_knew_an_older_phone_number_still_ends_the_conversations_of_the_newer(
    world: World, database
) -> None:
    user = await world.has_user()
    front, back = await world.has_phone_number(user), await world.has_phone_number(user)
    agent = await world.has_agent(user, front)
    taken_at_the_back = await world.has_conversation(back, agent_id=agent.id)

    async with await psycopg.AsyncConnection.connect(database.url_judge) as moving:
        await moving.execute("update agents set phone_number_id = %s where id = %s", (back.id, agent.id))
        renaming = asyncio.create_task(world.agents.change(replace(agent, name="Grace")))
        await until_locked_out(database)
        await moving.commit()

    await renaming
    left = await world.conversations.get(user.id, taken_at_the_back.id)
    assert left.status == ConversationStatus.ARCHIVED


@pytest.mark.parametrize("what", ["linking", "unlinking", "deleting an agent", "a phone number", "a user"])
async def test_the_phone_number_is_locked_before_its_conversations_whatever_ends_them(
    world: World, database, what: str
) -> None:
    user = await world.has_user()
    phone_number, other = await world.has_phone_number(user), await world.has_phone_number(user)
    agent = await world.has_agent(user, phone_number)
    conversation = await world.has_conversation(phone_number, agent_id=agent.id)
    ending = {
        "linking": lambda: world.agents.change(replace(agent, phone_number_id=other.id)),
        "unlinking": lambda: world.agents.change(replace(agent, phone_number_id=None)),
        "deleting an agent": lambda: world.agents.remove(user.id, agent.id),
        "a phone number": lambda: world.phone_numbers.remove(user.id, phone_number.id),
        "a user": lambda: world.users.erase(user.id),
    }[what]

    async with await psycopg.AsyncConnection.connect(database.url_judge) as turn:
        await turn.execute("select from phone_numbers where id = %s for no key update", (phone_number.id,))
        task = asyncio.create_task(ending())
        await until_locked_out(database)
        try:
            await turn.execute("select from conversations where id = %s for no key update nowait", (conversation.id,))
        finally:
            await turn.rollback()
            await task


async def test_while_a_request_is_under_way_the_same_one_is_told_to_come_again(world: World, database) -> None:
    user = await world.has_user()

    async with await psycopg.AsyncConnection.connect(database.url_judge) as holding:
        await holding.execute("select from credit_accounts where user_id = %s for update", (user.id,))
        first = asyncio.create_task(world.credits.add(user.id, 10, None, named()))
        await until_locked_out(database)
        for _ in range(64):
            with pytest.raises(StillRunning):
                await world.credits.add(user.id, 10, None, named())
        await holding.commit()

    added = await first
    with pytest.raises(AnsweredBefore) as before:
        await world.credits.add(user.id, 10, None, named())
    assert before.value.answer == repr(added).encode()
    assert (await world.credits.account(user.id)).balance == 10


async def test_a_request_that_is_broken_off_may_come_again_at_once(world: World, database) -> None:
    user = await world.has_user()

    async with await psycopg.AsyncConnection.connect(database.url_judge) as holding:
        await holding.execute("select from credit_accounts where user_id = %s for update", (user.id,))
        first = asyncio.create_task(world.credits.add(user.id, 10, None, named()))
        await until_locked_out(database)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first

    assert (await world.credits.add(user.id, 10, None, named())).account.balance == 10


async def test_a_hot_key_is_not_written_again(world: World, other_side: psycopg.AsyncConnection) -> None:
    user = await world.has_user()
    key = await world.users.add_key(an_api_key(user.id))
    await world.users.find_key(key.id)
    written = await _last_writer(other_side, key.id)

    await asyncio.gather(*(world.users.find_key(key.id) for _ in range(32)))

    assert await _last_writer(other_side, key.id) == written


async def _last_writer(connection: psycopg.AsyncConnection, key_id: UUID) -> object:
    return await (await connection.execute("select xmin from api_keys where id = %s", (key_id,))).fetchone()

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.conversations import Conversation, ConversationStatus
from domain.shared import Conflict, InvalidInput, NotFound
from tests.builders import a_prompt, an_agent, an_id
from tests.contract.listing import all_pages
from tests.contract.worlds import World
from tests.fakes.clock import MONDAY_MORNING

LEAD_FORM = {"type": "object", "properties": {"größe": {"type": "number", "maximum": 4.5}}, "required": []}


async def test_an_agent_is_read_back_as_it_was_added(world: World) -> None:
    user = await world.has_user()
    phone_number = await world.has_phone_number(user)
    prompt = await world.prompts.add(a_prompt(user.id))
    agent = an_agent(user.id, prompt_id=prompt.id, phone_number_id=phone_number.id, lead_form=LEAD_FORM)

    added = await world.agents.add(agent)

    assert added == agent
    assert await world.agents.get(user.id, agent.id) == agent


async def test_an_agent_needs_a_user(world: World) -> None:
    with pytest.raises(NotFound, match="user"):
        await world.agents.add(an_agent(an_id()))


async def test_a_phone_number_has_one_agent(world: World) -> None:
    user = await world.has_user()
    phone_number = await world.has_phone_number(user)
    first = await world.has_agent(user, phone_number)
    second = await world.has_agent(user)

    with pytest.raises(Conflict):
        await world.agents.add(an_agent(user.id, phone_number_id=phone_number.id))
    with pytest.raises(Conflict):
        await world.agents.change(replace(second, phone_number_id=phone_number.id))

    assert await world.agents.get(user.id, first.id) == first
    assert await world.agents.get(user.id, second.id) == second


async def test_of_two_agents_that_take_a_phone_number_at_once_one_gets_it(world: World) -> None:
    user = await world.has_user()
    phone_number = await world.has_phone_number(user)
    agents = [an_agent(user.id, phone_number_id=phone_number.id) for _ in range(4)]

    outcomes = await asyncio.gather(*map(world.agents.add, agents), return_exceptions=True)

    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 3
    assert len(await all_pages(lambda page: world.agents.list(user.id, page))) == 1


async def test_an_agent_names_only_what_its_user_owns(world: World) -> None:
    user, stranger = await world.has_user(), await world.has_user()
    others_number = await world.has_phone_number(stranger)
    others_prompt = await world.prompts.add(a_prompt(stranger.id))
    agent = await world.has_agent(user)

    for others in ({"phone_number_id": others_number.id}, {"phone_number_id": an_id()}):
        with pytest.raises(NotFound, match="phone number"):
            await world.agents.add(an_agent(user.id, **others))
        with pytest.raises(NotFound, match="phone number"):
            await world.agents.change(replace(agent, **others))
    with pytest.raises(NotFound, match="prompt"):
        await world.agents.add(an_agent(user.id, prompt_id=others_prompt.id))
    with pytest.raises(NotFound, match="prompt"):
        await world.agents.change(replace(agent, prompt_id=others_prompt.id))
    assert await all_pages(lambda page: world.agents.list(user.id, page)) == [agent]


async def test_a_strangers_agent_does_not_exist(world: World) -> None:
    user, stranger = await world.has_user(), await world.has_user()
    agent = await world.has_agent(user)

    with pytest.raises(NotFound, match="agent"):
        await world.agents.get(stranger.id, agent.id)
    with pytest.raises(NotFound, match="agent"):
        await world.agents.change(replace(agent, user_id=stranger.id))
    with pytest.raises(NotFound, match="agent"):
        await world.agents.remove(stranger.id, agent.id)
    assert await world.agents.get(user.id, agent.id) == agent


@pytest.mark.parametrize("lead_form", [{"a": "\x00"}, {"\ud800": 1}, {"a": float("nan")}])
async def test_a_lead_form_that_no_store_keeps_is_refused(world: World, lead_form: dict[str, object]) -> None:
    user = await world.has_user()

    with pytest.raises(InvalidInput) as refusal:
        await world.agents.add(an_agent(user.id, lead_form=lead_form))

    assert refusal.value.field == "lead_form"


async def test_agents_are_listed_for_their_user_alone(world: World) -> None:
    user = await world.has_user()
    days = [MONDAY_MORNING + timedelta(days=day) for day in (0, 0, 1)]
    agents = [await world.has_agent(user, created_at=day) for day in days]
    await world.has_agent(await world.has_user())

    assert await all_pages(lambda page: world.agents.list(user.id, page), limit=2) == agents
    newest_first = await all_pages(lambda page: world.agents.list(user.id, page), limit=2, newest_first=True)
    assert newest_first == agents[::-1]


async def test_an_agent_changes_without_disturbing_its_conversations(world: World) -> None:
    user = await world.has_user()
    phone_number = await world.has_phone_number(user)
    agent = await world.has_agent(user, phone_number)
    conversation = await world.has_conversation(phone_number, agent_id=agent.id)
    changed = replace(agent, name="Grace", prompt_id="pmpt_other", lead_form=LEAD_FORM)

    assert await world.agents.change(changed) == changed

    assert await world.agents.get(user.id, agent.id) == changed
    assert await world.conversations.get(user.id, conversation.id) == conversation


@pytest.mark.parametrize("linked", ["when it is added", "later"])
async def test_a_linked_agent_takes_the_conversations_that_wait_for_one(world: World, linked: str) -> None:
    user = await world.has_user()
    phone_number, elsewhere = await world.has_phone_number(user), await world.has_phone_number(user)
    waiting = await world.has_conversation(phone_number)
    ended = await world.has_conversation(phone_number, status=ConversationStatus.ARCHIVED)
    not_here = await world.has_conversation(elsewhere)

    if linked == "later":
        unlinked = await world.has_agent(user)
        agent = await world.agents.change(replace(unlinked, phone_number_id=phone_number.id))
    else:
        agent = await world.has_agent(user, phone_number)

    assert await world.conversations.get(user.id, waiting.id) == replace(waiting, agent_id=agent.id)
    assert await world.conversations.get(user.id, ended.id) == ended
    assert await world.conversations.get(user.id, not_here.id) == not_here


async def test_a_link_that_is_refused_leaves_the_waiting_conversations_alone(world: World) -> None:
    user = await world.has_user()
    phone_number = await world.has_phone_number(user)
    await world.has_agent(user, phone_number)
    waiting = await world.has_conversation(phone_number)

    with pytest.raises(Conflict):
        await world.has_agent(user, phone_number)

    assert await world.conversations.get(user.id, waiting.id) == waiting


@pytest.mark.parametrize("destination", ["another number", "none"])
async def test_an_agent_that_leaves_a_phone_number_ends_its_conversations(world: World, destination: str) -> None:
    user = await world.has_user()
    phone_number, other = await world.has_phone_number(user), await world.has_phone_number(user)
    agent = await world.has_agent(user, phone_number)
    conversation = await world.has_conversation(phone_number, agent_id=agent.id)
    waiting_there = await world.has_conversation(other)
    moves = destination == "another number"

    await world.agents.change(replace(agent, phone_number_id=other.id if moves else None))

    assert await world.conversations.get(user.id, conversation.id) == _archived(conversation)
    taken = replace(waiting_there, agent_id=agent.id) if moves else waiting_there
    assert await world.conversations.get(user.id, waiting_there.id) == taken


async def test_a_removed_agent_ends_its_conversations_and_leaves_them_readable(world: World) -> None:
    user = await world.has_user()
    phone_number = await world.has_phone_number(user)
    agent = await world.has_agent(user, phone_number)
    conversation = await world.has_conversation(phone_number, agent_id=agent.id)

    await world.agents.remove(user.id, agent.id)

    with pytest.raises(NotFound, match="agent"):
        await world.agents.get(user.id, agent.id)
    left = await world.conversations.get(user.id, conversation.id)
    assert left == replace(_archived(conversation), agent_id=None)


async def test_a_successor_does_not_take_what_its_predecessor_ended(world: World) -> None:
    user = await world.has_user()
    phone_number = await world.has_phone_number(user)
    predecessor = await world.has_agent(user, phone_number)
    conversation = await world.has_conversation(phone_number, agent_id=predecessor.id)
    await world.agents.remove(user.id, predecessor.id)

    await world.has_agent(user, phone_number)

    assert (await world.conversations.get(user.id, conversation.id)).agent_id is None


def _archived(conversation: Conversation) -> Conversation:
    return replace(conversation, status=ConversationStatus.ARCHIVED)


async def test_an_agent_is_pinned_to_a_version_that_exists(world: World) -> None:
    user = await world.has_user()
    prompt = await world.prompts.add(a_prompt(user.id))
    pinned = await world.agents.add(an_agent(user.id, prompt_id=prompt.id, prompt_version=1))

    assert (await world.agents.get(user.id, pinned.id)).prompt_version == 1
    with pytest.raises(NotFound, match="prompt version"):
        await world.agents.change(replace(pinned, prompt_version=2))
    with pytest.raises(NotFound, match="prompt version"):
        await world.agents.add(an_agent(user.id, prompt_id=prompt.id, prompt_version=2))

    await world.prompts.add_version(user.id, prompt.id, prompt.voice)
    assert (await world.agents.change(replace(pinned, prompt_version=2))).prompt_version == 2
    assert (await world.agents.change(replace(pinned, prompt_version=None))).prompt_version is None

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from application.pages import PageRequest
from application.ports.conversations import ConversationFilter, MessageFilter
from domain.channels import ChannelType
from domain.conversations import Conversation, ConversationStatus, Message
from domain.shared import InvalidInput, NotFound
from tests.builders import a_conversation, a_customer, a_message, an_id
from tests.contract.listing import all_pages
from tests.contract.worlds import World
from tests.fakes.clock import MONDAY_MORNING

AN_HOUR = timedelta(hours=1)


@pytest.fixture
async def shop(world: World) -> SimpleNamespace:
    """A user with two phone numbers, two customers, and an archived and an active conversation of each."""
    user = await world.has_user()
    front, back = await world.has_phone_number(user), await world.has_phone_number(user, type=ChannelType.INSTAGRAM)
    agent = await world.has_agent(user, front)
    kim, lee = a_customer(name="Kim"), a_customer(name=None)
    ended = a_conversation(front.id, customer=kim, status=ConversationStatus.ARCHIVED, agent_id=agent.id)
    active = a_conversation(
        front.id,
        customer=kim,
        agent_id=agent.id,
        openai_conversation_id="conv_1",
        message_count=3,
        created_at=MONDAY_MORNING + AN_HOUR,
        last_activity_at=MONDAY_MORNING + 3 * AN_HOUR,
    )
    waiting = a_conversation(
        back.id, customer=lee, created_at=MONDAY_MORNING + 2 * AN_HOUR, last_activity_at=MONDAY_MORNING + 2 * AN_HOUR
    )
    for conversation in (ended, active, waiting):
        await world.backstage.keep(conversation)
    stranger = await world.has_user()
    await world.has_conversation(await world.has_phone_number(stranger), customer=a_customer(address=kim.address))
    return SimpleNamespace(
        user=user,
        stranger=stranger,
        front=front,
        back=back,
        agent=agent,
        kim=kim,
        lee=lee,
        ended=ended,
        active=active,
        waiting=waiting,
    )


async def test_a_conversation_is_read_back(world: World, shop: SimpleNamespace) -> None:
    for conversation in (shop.ended, shop.active, shop.waiting):
        assert await world.conversations.get(shop.user.id, conversation.id) == conversation


async def test_a_strangers_conversation_does_not_exist(world: World, shop: SimpleNamespace) -> None:
    for user_id, conversation_id in ((shop.stranger.id, shop.active.id), (shop.user.id, an_id())):
        with pytest.raises(NotFound, match="conversation"):
            await world.conversations.get(user_id, conversation_id)
        with pytest.raises(NotFound, match="conversation"):
            await world.conversations.archive(user_id, conversation_id)
    assert (await world.conversations.get(shop.user.id, shop.active.id)).status == ConversationStatus.ACTIVE


@pytest.mark.parametrize("newest_first", [False, True])
async def test_conversations_are_listed_for_their_user_alone(
    world: World, shop: SimpleNamespace, newest_first: bool
) -> None:
    listed = await all_pages(
        lambda page: world.conversations.list(shop.user.id, ConversationFilter(), page),
        limit=2,
        newest_first=newest_first,
    )

    in_order = [shop.ended, shop.active, shop.waiting]
    assert listed == (in_order[::-1] if newest_first else in_order)


async def test_conversations_are_filtered(world: World, shop: SimpleNamespace) -> None:
    expected: list[tuple[dict[str, Any], list[Conversation]]] = [
        ({"status": "active"}, [shop.active, shop.waiting]),
        ({"status": "archived"}, [shop.ended]),
        ({"status": "no such status"}, []),
        ({"phone_number_id": shop.front.id}, [shop.ended, shop.active]),
        ({"phone_number_id": an_id()}, []),
        ({"agent_id": shop.agent.id}, [shop.ended, shop.active]),
        ({"customer": shop.kim.address}, [shop.ended, shop.active]),
        ({"customer": str(shop.kim.id)}, [shop.ended, shop.active]),
        ({"customer": str(an_id())}, []),
        ({"customer": "nobody \x00 \ud800"}, []),
        ({"active_since": shop.waiting.last_activity_at}, [shop.active, shop.waiting]),
        ({"active_since": shop.waiting.last_activity_at + AN_HOUR / 2}, [shop.active]),
        ({"status": "active", "customer": shop.kim.address, "agent_id": shop.agent.id}, [shop.active]),
        ({"status": "active", "phone_number_id": shop.back.id, "customer": str(shop.kim.id)}, []),
    ]
    for fields, conversations in expected:
        for limit in (1, 50):
            listed = await all_pages(_conversations(world, shop, **fields), limit=limit)
            assert listed == conversations, fields


async def test_a_strangers_phone_number_agent_and_customer_filter_everything_away(
    world: World, shop: SimpleNamespace
) -> None:
    for fields in ({"phone_number_id": shop.front.id}, {"agent_id": shop.agent.id}, {"customer": str(shop.kim.id)}):
        page = await world.conversations.list(shop.stranger.id, ConversationFilter(**fields), PageRequest())
        assert list(page.items) == []


async def test_an_archived_conversation_stays_archived(world: World, shop: SimpleNamespace) -> None:
    archived = replace(shop.active, status=ConversationStatus.ARCHIVED)

    assert await world.conversations.archive(shop.user.id, shop.active.id) == archived
    assert await world.conversations.archive(shop.user.id, shop.active.id) == archived
    assert await world.conversations.get(shop.user.id, shop.active.id) == archived


@pytest.fixture
async def talk(world: World, shop: SimpleNamespace) -> list[Message]:
    """What was said: three messages at the front, then one at the back; one an hour from ten o'clock."""
    front, back = a_conversation(shop.front.id, customer=a_customer()), a_conversation(shop.back.id, customer=shop.lee)
    back = replace(back, status=ConversationStatus.ARCHIVED)
    said = [
        a_message(front, turn_id=(turn := an_id()), status="answered", created_at=MONDAY_MORNING + AN_HOUR),
        a_message(
            front,
            sequence_number=2,
            direction="outbound",
            turn_id=turn,
            status="failed",
            error={"code": 131047, "title": "Re-engagement message"},
            created_at=MONDAY_MORNING + 2 * AN_HOUR,
        ),
        a_message(
            front,
            sequence_number=3,
            type="sticker",
            text=None,
            status="unanswerable",
            reason="type_not_answered",
            created_at=MONDAY_MORNING + 3 * AN_HOUR,
        ),
    ]
    elsewhere = a_message(back, text="Grüße 🥐", platform_message_id=None, created_at=MONDAY_MORNING + 4 * AN_HOUR)
    await world.backstage.keep(front, *said)
    await world.backstage.keep(back, elsewhere)
    return [*said, elsewhere]


@pytest.mark.parametrize("newest_first", [False, True])
async def test_messages_are_read_back_as_they_were_kept(
    world: World, shop: SimpleNamespace, talk: list[Message], newest_first: bool
) -> None:
    listed = await all_pages(_messages(world, shop), limit=3, newest_first=newest_first)

    assert listed == (talk[::-1] if newest_first else talk)


async def test_messages_are_filtered(world: World, shop: SimpleNamespace, talk: list[Message]) -> None:
    asked, answered, sticker, elsewhere = talk
    expected: list[tuple[dict[str, Any], list[Message]]] = [
        ({"conversation_id": asked.conversation_id}, [asked, answered, sticker]),
        ({"conversation_id": an_id()}, []),
        ({"phone_number_id": shop.back.id}, [elsewhere]),
        ({"direction": "inbound"}, [asked, sticker, elsewhere]),
        ({"direction": "outbound"}, [answered]),
        ({"status": "answered"}, [asked]),
        ({"status": "failed"}, [answered]),
        ({"status": "unanswerable"}, [sticker]),
        ({"status": "received"}, [elsewhere]),
        ({"status": "no such status"}, []),
        ({"since": answered.created_at}, [answered, sticker, elsewhere]),
        ({"until": sticker.created_at}, [asked, answered]),
        ({"since": answered.created_at, "until": sticker.created_at}, [answered]),
        ({"customer": shop.lee.address}, [elsewhere]),
        ({"customer": str(shop.lee.id)}, [elsewhere]),
        ({"customer": shop.kim.address}, []),
        ({"customer": "nobody"}, []),
        ({"conversation_id": asked.conversation_id, "direction": "inbound", "status": "unanswerable"}, [sticker]),
        ({"conversation_id": asked.conversation_id, "customer": shop.lee.address}, []),
    ]
    for fields, messages in expected:
        for limit in (1, 50):
            listed = await all_pages(_messages(world, shop, **fields), limit=limit)
            assert listed == messages, fields


async def test_messages_are_read_behind_a_sequence_number(
    world: World, shop: SimpleNamespace, talk: list[Message]
) -> None:
    first = talk[0]
    of_it = sorted(
        (one for one in talk if one.conversation_id == first.conversation_id), key=lambda one: one.sequence_number
    )
    since = world.conversations.since
    assert await since(shop.user.id, first.conversation_id, 0, 100) == of_it
    assert await since(shop.user.id, first.conversation_id, of_it[0].sequence_number, 1) == of_it[1:2]
    assert await since(shop.user.id, first.conversation_id, of_it[-1].sequence_number, 100) == []
    assert await since(shop.stranger.id, first.conversation_id, 0, 100) == []


async def test_a_stranger_reads_none_of_it(world: World, shop: SimpleNamespace, talk: list[Message]) -> None:
    for fields in ({}, {"conversation_id": talk[0].conversation_id}, {"customer": str(shop.lee.id)}):
        page = await world.conversations.messages(shop.stranger.id, MessageFilter(**fields), PageRequest())
        assert list(page.items) == []


async def test_a_cursor_that_nobody_gave_out_is_refused(world: World, shop: SimpleNamespace) -> None:
    for read in (_conversations(world, shop), _messages(world, shop)):
        with pytest.raises(InvalidInput):
            await read(PageRequest(cursor="MTIz"))


def _conversations(world: World, shop: SimpleNamespace, **fields: Any):
    return lambda page: world.conversations.list(shop.user.id, ConversationFilter(**fields), page)


def _messages(world: World, shop: SimpleNamespace, **fields: Any):
    return lambda page: world.conversations.messages(shop.user.id, MessageFilter(**fields), page)


async def test_what_waits_for_an_answer_is_counted_for_its_phone_number_alone(
    world: World, shop: SimpleNamespace, talk: list[Message]
) -> None:
    conversation = a_conversation(shop.front.id, customer=a_customer())
    waiting = [a_message(conversation, sequence_number=number) for number in (1, 2)]
    begun = a_message(conversation, sequence_number=3, turn_id=an_id())
    await world.backstage.keep(conversation, *waiting, begun)

    assert await world.conversations.pending(shop.front.id) == 2
    assert await world.conversations.pending(shop.back.id) == 1
    assert await world.conversations.pending(an_id()) == 0

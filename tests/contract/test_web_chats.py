"""What a visitor sees of a web chat, from the store."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from adapters.persistence.database import Database
from adapters.persistence.web_chats import PostgresWebChats
from application.ports.web_chats import WebChats
from domain.channels import ChannelType
from domain.conversations import Conversation, ConversationStatus
from domain.shared import NotFound
from domain.webchat import WebChat
from tests.builders import a_conversation, a_customer, a_message, an_id
from tests.contract.worlds import World, memory_world, postgres_world
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.web_chats import MemoryWebChats

KIM = "anonymous-kim"


@dataclass
class Chats:
    """The port under test, and the rest of the house."""

    port: WebChats
    world: World

    async def a_web_chat(self, *origins: str, type: ChannelType = ChannelType.WEBCHAT) -> WebChat:
        number = await self.world.has_phone_number(await self.world.has_user(), type=type, allowed_origins=origins)
        return WebChat(number.id, number.user_id, number.allowed_origins, None)

    async def said(self, web_chat: WebChat, *messages: dict[str, Any], **fields: Any) -> Conversation:
        conversation = a_conversation(web_chat.id, message_count=len(messages), **fields)
        numbered = [{"sequence_number": number, **each} for number, each in enumerate(messages, 1)]
        await self.world.backstage.keep(conversation, *(a_message(conversation, **each) for each in numbered))
        return conversation


@pytest.fixture(params=["memory", "postgres"])
async def chats(request: pytest.FixtureRequest) -> AsyncIterator[Chats]:
    if request.param == "memory":
        world = memory_world()
        yield Chats(MemoryWebChats(world.backstage._store), world)  # type: ignore[attr-defined]
        return
    database = request.getfixturevalue("database")
    async with postgres_world(database.url, database.url_judge) as world, Database(database.url).opened() as opened:
        yield Chats(PostgresWebChats(opened), world)


async def test_a_web_chat_is_found_and_another_type_is_not(chats: Chats) -> None:
    web_chat = await chats.a_web_chat("https://a.example")
    whatsapp = await chats.a_web_chat(type=ChannelType.WHATSAPP)

    assert await chats.port.get(web_chat.id) == web_chat
    for unknown in (whatsapp.id, an_id()):
        with pytest.raises(NotFound):
            await chats.port.get(unknown)


async def test_an_origin_is_allowed_where_a_web_chat_lists_it(chats: Chats) -> None:
    await chats.a_web_chat("https://a.example", "https://b.example")
    await chats.a_web_chat("https://c.example", type=ChannelType.WHATSAPP)

    assert await chats.port.allows("https://b.example")
    assert not await chats.port.allows("https://c.example")
    await chats.a_web_chat("*")
    assert await chats.port.allows("https://c.example")


async def test_the_first_secret_stays_until_it_is_replaced(chats: Chats) -> None:
    web_chat = await chats.a_web_chat()
    keep = chats.port.keep_identity_secret

    assert await keep(web_chat.user_id, web_chat.id, b"one", replace=False) == b"one"
    assert await keep(web_chat.user_id, web_chat.id, b"two", replace=False) == b"one"
    assert await keep(web_chat.user_id, web_chat.id, b"three", replace=True) == b"three"
    assert (await chats.port.get(web_chat.id)).sealed_identity_secret == b"three"
    with pytest.raises(NotFound):
        await keep(an_id(), web_chat.id, b"four", replace=True)


async def test_a_visitor_sees_texts_of_their_own_chat_in_order_and_no_failed_reply(chats: Chats) -> None:
    web_chat = await chats.a_web_chat()
    await chats.said(
        web_chat,
        {"text": "Hi", "platform_message_id": f"{KIM}:one"},
        {"direction": "outbound", "text": "lost", "status": "failed"},
        {"direction": "outbound", "text": "Hello", "status": "sending"},
        {"text": None, "type": "image"},
        customer=a_customer(address=KIM),
    )
    await chats.said(web_chat, {"text": "secret"})

    seen = await chats.port.entries(web_chat, KIM, 0, 10)

    assert [(each.sequence, each.author, each.text, each.own_id) for each in seen] == [
        (1, "customer", "Hi", "one"),
        (3, "agent", "Hello", None),
    ]
    assert [each.sequence for each in await chats.port.entries(web_chat, KIM, 1, 10)] == [3]
    assert [each.sequence for each in await chats.port.entries(web_chat, KIM, 0, 1)] == [1]
    assert await chats.port.last_sequence(web_chat, KIM) == 4
    assert await chats.port.last_sequence(web_chat, "anonymous-nobody") == 0


async def test_numbers_go_on_growing_where_a_conversation_has_ended(chats: Chats) -> None:
    web_chat, kim = await chats.a_web_chat(), a_customer(address=KIM)
    await chats.said(web_chat, {"text": "old"}, {"text": "older"}, customer=kim, status=ConversationStatus.ARCHIVED)
    later = MONDAY_MORNING + timedelta(days=1)
    await chats.said(web_chat, {"text": "new", "platform_message_id": f"{KIM}:new"}, customer=kim, created_at=later)

    seen = await chats.port.entries(web_chat, KIM, 0, 10)
    behind = await chats.port.entries(web_chat, KIM, seen[1].sequence, 10)

    assert [each.text for each in seen] == ["old", "older", "new"]
    assert [each.text for each in behind] == ["new"]
    assert await chats.port.sequence_of(web_chat, f"{KIM}:new") == seen[2].sequence
    assert await chats.port.last_sequence(web_chat, KIM) == seen[2].sequence
    with pytest.raises(NotFound):
        await chats.port.sequence_of(web_chat, "none")

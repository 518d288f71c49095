"""Following a conversation: nothing is missed, whatever comes first, and what is told comes from the store."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from application.channels.accept_webhook import AcceptWebhook
from application.conversations.follow_messages import HEARTBEAT_SECONDS, WINDOW, FollowMessages, Heartbeat, Told
from application.ports.live import StreamOver
from domain.channels import Delivery, Receipt
from domain.shared import NotFound
from domain.users import Caller
from tests.builders import an_id
from tests.fakes.conversations import MemoryConversations
from tests.unit.application.desk import Desk
from tests.unit.application.test_accept_webhook import ReadsWhatItIsTold

SOON_SECONDS = HEARTBEAT_SECONDS / 2
"""Whoever was told to look has looked by then; whoever was not looks after a silence."""


def following(desk: Desk, conversation_id, after: int = 0):
    follow = FollowMessages(MemoryConversations(desk.store), desk.phone_numbers, desk.live)
    return aclosing(follow(Caller(desk.user.id), desk.user.id, conversation_id, after))


async def told(stream, count: int) -> list[tuple[int, str, bool]]:
    """The next messages: their numbers, statuses, and whether they are updates."""
    found: list[tuple[int, str, bool]] = []
    async with asyncio.timeout(SOON_SECONDS):
        while len(found) < count:
            each = await anext(stream)
            if isinstance(each, Told):
                found.append((each.message.sequence_number, each.message.status, each.is_update))
    return found


async def delivers(desk: Desk, delivery: Delivery) -> None:
    reader = ReadsWhatItIsTold(delivery)
    await AcceptWebhook(reader, desk.inbox, desk.queue, desk.seen, desk.overflow, desk.live)({}, b"")


async def test_what_is_stored_comes_first_and_then_what_is_said_and_what_becomes_of_it(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    async with following(desk, conversation_id) as stream:
        assert await told(stream, 1) == [(1, "received", False)]

        await desk.takes_turns(conversation_id)
        assert await told(stream, 2) == [(2, "sent", False), (1, "answered", True)]

        [_, reply] = desk.messages(conversation_id)
        account = desk.number.meta_phone_number_id
        receipt = Receipt(desk.number.type, account, reply.platform_message_id, None, "read", desk.clock.now())
        await delivers(desk, Delivery(receipts=[receipt]))
        assert await told(stream, 1) == [(2, "read", True)]

        await delivers(desk, Delivery(messages=[desk.a_text("Thanks"), desk.a_text("Bye")]))
        assert await told(stream, 2) == [(3, "received", False), (4, "received", False)]


async def test_whoever_comes_back_is_told_what_is_new_and_then_what_has_become_of_the_last_ones(desk: Desk) -> None:
    conversation_id = await desk.hears("One", "Two", "Three")
    async with following(desk, conversation_id, after=2) as stream:
        assert await told(stream, 3) == [(3, "received", False), (1, "received", True), (2, "received", True)]


async def test_a_long_conversation_is_told_without_a_gap_and_only_the_newest_again(desk: Desk) -> None:
    conversation_id = await desk.hears(*map(str, range(600)))
    async with following(desk, conversation_id) as stream:
        assert await told(stream, 600) == [(number, "received", False) for number in range(1, 601)]
    async with following(desk, conversation_id, after=500) as stream:
        numbers = [number for number, _, _ in await told(stream, 100 + WINDOW)]
    assert numbers == [*range(501, 601), *range(500 - WINDOW + 1, 501)]


async def test_what_is_said_while_somebody_begins_to_listen_is_not_missed(desk: Desk) -> None:
    conversation_id = await desk.hears("One")
    async with following(desk, conversation_id) as stream:
        assert isinstance(await anext(stream), Heartbeat)
        await desk.hears("Two")  # nobody tells of it
        assert [number for number, _, _ in await told(stream, 2)] == [1, 2]


async def test_without_live_events_the_store_is_looked_at_again(desk: Desk) -> None:
    conversation_id = await desk.hears("One")
    desk.live.is_down = True
    async with following(desk, conversation_id) as stream:
        await told(stream, 1)
        await desk.hears("Two")
        assert await told(stream, 1) == [(2, "received", False)]


async def test_a_strangers_conversation_does_not_exist(desk: Desk) -> None:
    with pytest.raises(NotFound):
        async with following(desk, an_id()) as stream:
            await anext(stream)


async def test_an_erased_conversation_ends_its_streams(desk: Desk) -> None:
    conversation_id = await desk.hears("One")
    desk.live.is_down = True
    async with following(desk, conversation_id) as stream:
        await told(stream, 1)
        desk.store.messages.clear()
        with pytest.raises(NotFound):
            await told(stream, 1)


async def test_a_process_that_stops_ends_its_streams_and_nobody_listens_any_more(desk: Desk) -> None:
    conversation_id = await desk.hears("One")
    async with following(desk, conversation_id) as stream:
        await told(stream, 1)
        desk.live.hang_up()
        with pytest.raises(StreamOver):
            await told(stream, 1)
    assert not any(desk.live.streams.values())

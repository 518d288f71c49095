"""A turn of a web chat, and what a visitor sees of it."""

import asyncio
from dataclasses import replace

import pytest

from application.ports.live import Changed, Delta, StreamOver, Topic, Typing
from application.webchat.following import POLL_SECONDS, FollowChat, Heartbeat
from domain.channels import ChannelType
from domain.webchat import ChatEntry, Session, WebChat, checked_visitor
from tests.builders import a_phone_number
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.live import MemoryLive
from tests.fakes.model import answered
from tests.fakes.web_chats import MemoryWebChats
from tests.unit.application.desk import Desk

VISITOR = "anonymous-kim"


@pytest.fixture
async def desk() -> Desk:
    """A shop that answers on a web chat too, which has no token."""
    desk = await Desk().opens()
    number = a_phone_number(desk.user.id, type=ChannelType.WEBCHAT)
    await desk.phone_numbers.add(number, None)
    await desk.agents.change(replace(desk.agent, phone_number_id=number.id))
    desk.number = number
    return desk


async def hears(desk: Desk, text: str = "Hello"):
    fields = {"channel": ChannelType.WEBCHAT, "account": str(desk.number.id), "address": VISITOR}
    return await desk.hears(text, **fields)


def topic_of(desk: Desk) -> Topic:
    return Topic(desk.number.id, VISITOR)


async def test_a_web_chat_needs_no_token_and_its_answer_is_heard_while_it_is_written(desk: Desk) -> None:
    conversation_id = await hears(desk)

    async def spoken():
        (request,) = desk.model.asked
        await request.listener("Until ")
        await request.listener("six.")
        return answered()

    desk.model.says(spoken)
    await desk.takes_turns(conversation_id)

    assert desk.outcome(conversation_id) == [("answered", None), ("sent", None)]
    (turn_id,) = {message.turn_id for message in desk.messages(conversation_id)}
    assert [(topic, event) for topic, event in desk.live.published if topic == topic_of(desk)] == [
        (topic_of(desk), Delta(turn_id, 0, "Until ")),
        (topic_of(desk), Delta(turn_id, 6, "six.")),
    ]


async def test_on_other_channels_nobody_listens() -> None:
    desk = await Desk().opens()

    await desk.takes_turns(await desk.hears("Hello"))

    assert desk.model.asked[0].listener is None


class Follower:
    """A visitor's browser over the fakes."""

    def __init__(self, desk: Desk, live: MemoryLive, after: int = 0) -> None:
        web_chat = WebChat(desk.number.id, desk.user.id, (), None)
        session = Session(web_chat.id, VISITOR, None, MONDAY_MORNING)
        self.shown = FollowChat(MemoryWebChats(desk.store), live)(web_chat, session, after)

    async def next(self):
        """The next thing that is no heartbeat."""
        async for each in self.shown:
            if not isinstance(each, Heartbeat):
                return each.text if isinstance(each, ChatEntry) else each
        return None


async def test_what_is_stored_between_listening_and_reading_comes_once(desk: Desk) -> None:
    live = MemoryLive()
    follower = Follower(desk, live)
    assert await anext(follower.shown) == Heartbeat()
    await hears(desk, "one")
    live.publish(topic_of(desk), Changed())
    assert await follower.next() == "one"

    live.publish(topic_of(desk), Typing())
    assert await follower.next() == Typing()
    await hears(desk, "two")
    live.publish(topic_of(desk), Changed())

    assert await follower.next() == "two"
    await follower.shown.aclose()
    assert not live.streams[topic_of(desk)]


async def test_without_live_events_the_store_is_looked_at_again_and_again(desk: Desk, monkeypatch) -> None:
    monkeypatch.setattr("application.webchat.following.POLL_SECONDS", POLL_SECONDS / 100)
    live = MemoryLive()
    live.is_down = True
    follower = Follower(desk, live)
    await anext(follower.shown)
    waiting = asyncio.create_task(follower.next())
    await asyncio.sleep(0)

    await hears(desk, "one")

    assert await asyncio.wait_for(waiting, 5) == "one"
    await follower.shown.aclose()


async def test_a_stream_ends_when_the_process_does(desk: Desk) -> None:
    live = MemoryLive()
    follower = Follower(desk, live)
    await anext(follower.shown)
    live.hang_up()

    with pytest.raises(StreamOver):
        await follower.next()


def test_the_longest_name_and_a_message_of_its_own_fit_into_an_index() -> None:
    assert len(f"{checked_visitor('é' * 150)}:{'0' * 36}".encode()) < 2_000

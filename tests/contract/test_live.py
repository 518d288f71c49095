import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from adapters.coordination.connection import opened_redis
from adapters.coordination.live_channel import RedisLiveChannel
from adapters.coordination.live_publisher import joined
from adapters.coordination.live_stream import EVENTS_WAITING_MAX
from application.ports.live import (
    STREAMS_PER_VISITOR_MAX,
    AccountTopic,
    Changed,
    ConversationTopic,
    Delta,
    LiveChannel,
    StreamOver,
    Topic,
    Typing,
)
from domain.channels import ChannelType
from domain.webchat import TooManyStreams
from tests.builders import an_id
from tests.fakes.live import MemoryLive

KIM = Topic(an_id(), "anonymous-kim")
ADA = Topic(KIM.web_chat_id, "anonymous-ada")
TURN = an_id()
WHATSAPP = ChannelType.WHATSAPP
Ends = tuple[LiveChannel, LiveChannel]


@pytest.fixture(params=["memory", "redis"])
async def ends(request) -> AsyncIterator[Ends]:
    """Where events are published, and where somebody listens: two processes."""
    if request.param == "memory":
        live = MemoryLive()
        yield live, live
        return
    url = request.getfixturevalue("redis_url")
    async with a_channel(url) as near, a_channel(url) as far:
        yield near, far


@asynccontextmanager
async def a_channel(url: str) -> AsyncIterator[RedisLiveChannel]:
    async with opened_redis(url) as redis, RedisLiveChannel(redis, url).opened() as live:
        yield live


async def silent(stream):
    """What was to be looked at has been heard."""
    while await stream.next(0.1) is not None:
        pass


async def heard(stream, count):
    """The next events that say something; a reminder to look is one that may always come."""
    events = []
    while len(events) < count:
        event = await stream.next(5)
        assert event is not None
        if event != Changed():
            events.append(event)
    return events


async def test_listeners_hear_what_is_about_their_visitor_in_order_and_nothing_else(ends: Ends) -> None:
    near, far = ends
    async with far.listening(KIM) as one, far.listening(KIM) as two, far.listening(ADA) as other:
        assert one.is_live
        near.publish(ADA, Typing())
        near.publish(KIM, Typing())
        near.publish(KIM, Delta(TURN, 0, "Hé 🥐"))

        assert await heard(one, 2) == await heard(two, 2) == [Typing(), Delta(TURN, 0, "Hé 🥐")]
        assert await heard(other, 1) == [Typing()]


async def test_who_follows_a_conversation_hears_of_it_and_of_its_phone_number(ends: Ends) -> None:
    near, far = ends
    one, other, account = ConversationTopic(an_id()), ConversationTopic(an_id()), AccountTopic(WHATSAPP, str(an_id()))
    async with far.listening(one, account) as stream, far.listening(other, account) as beside:
        await silent(stream)
        await silent(beside)
        near.publish(one, Changed())
        assert await stream.next(5) == Changed()
        assert await beside.next(0.2) is None
        near.publish(account, Changed())
        assert await stream.next(5) == Changed()
        assert await beside.next(5) == Changed()


async def test_silence_is_nothing(ends: Ends) -> None:
    _, far = ends
    async with far.listening(KIM) as stream:
        while (event := await stream.next(0.1)) is not None:
            assert event == Changed()


async def test_a_visitor_listens_in_so_many_places_and_no_more(ends: Ends) -> None:
    _, far = ends
    streams = [far.listening(KIM) for _ in range(STREAMS_PER_VISITOR_MAX)]
    for stream in streams:
        await stream.__aenter__()

    with pytest.raises(TooManyStreams):
        async with far.listening(KIM):
            pass
    await streams.pop().__aexit__(None, None, None)
    async with far.listening(KIM), far.listening(ADA):
        pass
    for stream in streams:
        await stream.__aexit__(None, None, None)


async def test_a_process_that_stops_ends_its_streams(ends: Ends) -> None:
    _, far = ends
    async with far.listening(KIM) as stream:
        waiting = asyncio.create_task(heard(stream, 1))
        await asyncio.sleep(0)
        far.hang_up()
        with pytest.raises(StreamOver):
            await asyncio.wait_for(waiting, 5)


async def test_whoever_comes_back_is_heard_again(ends: Ends) -> None:
    near, far = ends
    for _ in range(3):
        async with far.listening(KIM) as stream:
            near.publish(KIM, Typing())
            assert await heard(stream, 1) == [Typing()]


# --- what only the real one promises


async def test_without_redis_nobody_is_held_up_and_listeners_know_that_they_hear_nothing() -> None:
    nowhere = "redis://127.0.0.1:1/0"
    async with a_channel(nowhere) as live:
        live.publish(KIM, Typing())
        async with live.listening(KIM) as stream:
            assert not stream.is_live
            assert await stream.next(0.05) is None


async def test_after_the_connection_broke_listeners_are_told_to_look(redis_url) -> None:
    async with a_channel(redis_url) as live, live.listening(KIM) as stream:
        while await stream.next(0.1) is not None:
            pass
        async with Redis.from_url(redis_url) as other:
            await other.client_kill_filter(_type="pubsub")

        assert await stream.next(5) == Changed()
        assert stream.is_live
        live.publish(KIM, Typing())
        assert await heard(stream, 1) == [Typing()]


async def test_a_listener_that_is_too_slow_is_dropped(redis_url) -> None:
    async with a_channel(redis_url) as live, live.listening(KIM) as slow, live.listening(ADA) as quick:
        for _ in range(EVENTS_WAITING_MAX + 2):
            live.publish(KIM, Typing())
        live.publish(ADA, Typing())
        await heard(quick, 1)

        with pytest.raises(StreamOver):
            await slow.next(5)


class Counted:
    """A client of Redis that counts what it is asked."""

    def __init__(self, redis):
        self.redis, self.asked = redis, Counter()

    def __getattr__(self, name):
        self.asked[name] += 1
        return getattr(self.redis, name)


async def _knows(live) -> None:
    """Who publishes has heard everybody who follows."""
    live.publish(ConversationTopic(an_id()), Changed())
    async with asyncio.timeout(10):
        while not live.knows_who_listens:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)


async def test_of_conversations_that_nobody_follows_nothing_travels_and_nobody_is_asked(redis_url) -> None:
    followed = ConversationTopic(an_id())
    async with a_channel(redis_url) as far, opened_redis(redis_url) as redis:
        counted = Counted(redis)
        async with far.listening(followed), RedisLiveChannel(counted, redis_url).opened() as live:
            await _knows(live)
            counted.asked.clear()
            for _ in range(100):
                live.publish(ConversationTopic(an_id()), Changed())
                live.publish(AccountTopic(WHATSAPP, str(an_id())), Changed())
    assert counted.asked == {}


async def test_who_begins_to_follow_is_heard_of_by_whoever_publishes_already(redis_url) -> None:
    followed = ConversationTopic(an_id())
    async with a_channel(redis_url) as near, a_channel(redis_url) as far:
        await _knows(near)
        async with far.listening(followed) as stream:
            await silent(stream)
            async with asyncio.timeout(10):
                while await stream.next(0.1) is None:
                    near.publish(followed, Changed())


async def test_a_publisher_that_hears_nobody_sends_everything(redis_url) -> None:
    followed = ConversationTopic(an_id())
    async with a_channel(redis_url) as near, a_channel(redis_url) as far, far.listening(followed) as stream:
        await _knows(near)
        async with Redis.from_url(redis_url) as other:
            await other.client_kill_filter(_type="pubsub")
        while near.knows_who_listens:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
        assert await stream.next(5) == Changed()  # told to look, as one whose connection broke
        await silent(stream)

        near.publish(followed, Changed())

        assert await stream.next(5) == Changed()


async def test_who_has_just_begun_to_follow_looks_by_himself_until_every_publisher_knows_of_him(redis_url) -> None:
    async with a_channel(redis_url) as live, live.listening(ConversationTopic(an_id())) as stream:
        assert await stream.next(5) == Changed()
        assert not stream.is_live


def test_what_changed_twice_in_a_moment_is_told_once() -> None:
    topic = ConversationTopic(an_id())
    assert joined([(topic, Changed()), (KIM, Changed()), (topic, Changed())]) == [(topic, Changed()), (KIM, Changed())]


def test_pieces_that_follow_each_other_travel_as_one_and_others_do_not() -> None:
    pieces = [(KIM, Delta(TURN, 0, "a")), (ADA, Delta(TURN, 0, "x")), (KIM, Delta(TURN, 1, "b")), (KIM, Typing())]
    again = [(KIM, Delta(TURN, 2, "c")), (KIM, Delta(TURN, 0, "d"))]

    assert joined([*pieces, *again]) == [
        (KIM, Delta(TURN, 0, "ab")),
        (ADA, Delta(TURN, 0, "x")),
        (KIM, Typing()),
        *again,
    ]

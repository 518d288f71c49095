"""Figures that are looked at all the time, and replies by hand at the edge of the window."""

from __future__ import annotations

from datetime import timedelta

import pytest

from application.conversations.reply_by_hand import ReplyByHand
from application.figures import KEPT_MAX, ReadFigures
from domain.channels import ChannelType
from domain.delivery import TEXT_LENGTH_MAX, WindowClosed, checked_own_words
from domain.figures import MINUTES_SHOWN
from domain.shared import Forbidden, InvalidInput, NotFound
from domain.users import Caller, Scope, ScopeMissing
from tests.builders import an_id
from tests.fakes.figures import MemoryFigures
from tests.fakes.replies_by_hand import MemoryRepliesByHand
from tests.unit.application.desk import Desk

ADMIN = Caller(None)


@pytest.fixture
async def desk() -> Desk:
    return await Desk().opens()


def _figures(desk: Desk) -> tuple[ReadFigures, MemoryFigures]:
    figures = MemoryFigures(desk.store)
    return ReadFigures(figures, desk.clock), figures


async def _answers(desk: Desk, times: int = 1) -> None:
    for _ in range(times):
        await desk.takes_turns(await desk.hears("Are you open?"))


async def test_the_hour_is_whole_whatever_happened_in_it(desk):
    read, _ = _figures(desk)
    await _answers(desk, 2)

    hour = await read.of_user(ADMIN, desk.user.id)

    assert len(hour) == MINUTES_SHOWN
    assert [one.minute for one in hour] == sorted(one.minute for one in hour)
    assert (hour[-1].answered, sum(one.answered for one in hour)) == (2, 2)


async def test_only_its_end_is_read_again_and_nothing_is_lost_of_it(desk):
    read, asked = _figures(desk)
    for _ in range(8):
        await _answers(desk)
        await read.of_user(ADMIN, desk.user.id)
        desk.clock.advance(30)

    hour = await read.of_user(ADMIN, desk.user.id)

    assert asked.asked == [MINUTES_SHOWN] + [2] * 8
    assert sum(one.answered for one in hour) == 8


async def test_after_a_while_without_a_look_the_whole_hour_is_read_again(desk):
    read, asked = _figures(desk)
    await read.of_user(ADMIN, desk.user.id)
    desk.clock.advance(90)
    await _answers(desk)
    desk.clock.advance(300)

    hour = await read.of_user(ADMIN, desk.user.id)

    assert asked.asked == [MINUTES_SHOWN, MINUTES_SHOWN]
    assert sum(one.answered for one in hour) == 1
    desk.clock.advance(3_600)
    assert sum(one.answered for one in await read.of_user(ADMIN, desk.user.id)) == 0


async def test_a_process_keeps_few_hours_and_each_users_apart(desk):
    read, asked = _figures(desk)
    await _answers(desk)
    for _ in range(KEPT_MAX + 1):
        assert sum(one.answered for one in await read.of_user(ADMIN, an_id())) == 0
    await read.of_user(ADMIN, desk.user.id)

    assert set(asked.asked) == {MINUTES_SHOWN}
    assert len(read._hours) == KEPT_MAX


async def test_figures_are_their_users_and_the_house_is_the_admins(desk):
    read, _ = _figures(desk)

    with pytest.raises(NotFound):
        await read.of_user(Caller(an_id()), desk.user.id)
    for asked in (read.of_all, read.workers):
        with pytest.raises(Forbidden):
            await asked(Caller(desk.user.id))


def _by_hand(desk: Desk) -> ReplyByHand:
    return ReplyByHand(MemoryRepliesByHand(desk.store, desk.ids), desk.queue, desk.clock, desk.live)


async def test_a_reply_by_hand_is_queued_and_sent_by_a_worker_without_asking_the_model(desk):
    conversation_id = await desk.hears("Are you open?")

    message = await _by_hand(desk)(ADMIN, desk.user.id, conversation_id, "  Until six. ")

    assert (await desk.queue.state(desk.number.id)).waiting == 1
    await desk.takes_turns(conversation_id)
    assert desk.outcome(conversation_id) == [("answered", None), ("sent", None)]
    assert desk.messages(conversation_id)[-1].text == "Until six."
    assert await desk.movements() == ["add"]
    assert message.author == "human"


async def test_after_the_window_nothing_is_written_down(desk):
    conversation_id = await desk.hears("Are you open?")
    desk.clock.advance(timedelta(hours=24).total_seconds())

    with pytest.raises(WindowClosed):
        await _by_hand(desk)(ADMIN, desk.user.id, conversation_id, "Yes.")

    assert len(desk.messages(conversation_id)) == 1


async def test_who_may_only_read_replies_nothing(desk):
    conversation_id = await desk.hears("Are you open?")

    with pytest.raises(ScopeMissing):
        await _by_hand(desk)(Caller(desk.user.id, frozenset({Scope.READ})), desk.user.id, conversation_id, "Yes.")


@pytest.mark.parametrize(
    ("channel", "text"),
    [
        (ChannelType.WHATSAPP, "   "),
        (ChannelType.WHATSAPP, "x" * (TEXT_LENGTH_MAX + 1)),
        (ChannelType.INSTAGRAM, "é" * 501),
        (ChannelType.WEBCHAT, "\x00"),
    ],
)
def test_what_no_platform_would_take_is_refused(channel, text):
    with pytest.raises(InvalidInput):
        checked_own_words(text, channel)


def test_what_fits_is_sent_as_it_stands():
    assert checked_own_words(" *Yes*\n", ChannelType.INSTAGRAM) == "*Yes*"
    assert checked_own_words("é" * 500, ChannelType.INSTAGRAM) == "é" * 500

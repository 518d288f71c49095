import pytest

from application.ports.turn_queue import QueueEntry
from application.ports.turns import NoTurn, Waiting
from domain.shared import Unavailable
from tests.builders import an_id
from tests.unit.application.desk import Desk


async def _queued(desk: Desk) -> QueueEntry:
    conversation_id = await desk.hears("Hello")
    await desk.queue.admit([Waiting(conversation_id, desk.number.id)])
    (entry,) = await desk.work.claim(desk.number.id, desk.worker_id, 10)
    return entry


async def test_an_entry_is_answered_and_acknowledged(desk: Desk) -> None:
    entry = await _queued(desk)

    settled = await desk.work.serve(entry)

    desk.clock.advance(1_000)
    assert settled == 1
    assert await desk.work.claim(desk.number.id, desk.worker_id, 10) == []


async def test_what_was_answered_counts_also_when_the_queue_cannot_be_told(desk: Desk) -> None:
    entry = await _queued(desk)
    desk.queue.is_down = True

    assert await desk.work.serve(entry) == 1


async def test_an_entry_whose_turn_broke_off_stays_for_another(desk: Desk) -> None:
    entry = await _queued(desk)

    async def breaks_off(turn, settlement):
        raise Unavailable("Postgres does not answer.")

    desk.turns.settle = breaks_off
    with pytest.raises(Unavailable):
        await desk.work.serve(entry)

    desk.clock.advance(1_000)
    (left,) = await desk.work.claim(desk.number.id, an_id(), 10)
    assert (left.entry_id, left.conversation_id) == (entry.entry_id, entry.conversation_id)


async def test_whoever_leaves_holds_nothing(desk: Desk) -> None:
    entry = await _queued(desk)
    await desk.turns.begin(entry.conversation_id, desk.worker_id)
    other = an_id()
    await desk.work.renew(other, ())
    assert await desk.turns.begin(entry.conversation_id, other) is NoTurn.BUSY

    await desk.work.leave(desk.worker_id)

    assert not isinstance(await desk.turns.begin(entry.conversation_id, other), NoTurn)

"""Erasing at the model's provider, again and again until it is done; and what Redis forgets with a user."""

from __future__ import annotations

from datetime import timedelta

import pytest

from application.erasing import EraseAtModel
from application.forgetting import forget_channel
from application.ports.context_cache import SealedContext
from application.ports.turns import Waiting
from domain.erasing import BACKOFF_SECONDS_MAX, ErasureKind, backoff_seconds
from tests.builders import an_id
from tests.fakes.clock import MONDAY_MORNING, FrozenClock
from tests.fakes.context_cache import MemoryContextCache
from tests.fakes.erasures import MemoryErasures, ToldEraser
from tests.fakes.memory_store import MemoryStore
from tests.fakes.turn_queue import MemoryTurnQueue


def test_the_pauses_double_and_stop_growing() -> None:
    pauses = [backoff_seconds(attempts) for attempts in range(1, 200)]

    assert pauses[:4] == [30, 60, 120, 240]
    assert pauses == sorted(pauses)
    assert pauses[-1] == BACKOFF_SECONDS_MAX


async def test_what_is_noted_is_erased_when_it_is_due_however_long_the_provider_is_down() -> None:
    clock = FrozenClock()
    store, eraser = MemoryStore(clock), ToldEraser()
    erase = EraseAtModel(MemoryErasures(store), eraser)
    store.note_erasure(ErasureKind.CONVERSATION, "conv_1")
    assert await erase() == 0

    clock.advance(301)
    eraser.is_down = True
    for attempt in range(1, 15):
        assert await erase() == 0
        clock.advance(backoff_seconds(attempt) - 1)
        assert await erase() == 0
        clock.advance(2)
    eraser.is_down = False

    assert await erase() == 1
    assert eraser.erased == ["conv_1"]
    clock.advance(timedelta(days=7).total_seconds())
    assert await erase() == 0


@pytest.mark.parametrize("is_down", [False, True])
async def test_redis_forgets_a_channel_that_is_gone_or_is_not_there_to_be_asked(is_down: bool) -> None:
    clock, number = FrozenClock(), an_id()
    contexts, queue = MemoryContextCache(), MemoryTurnQueue(clock)
    version = an_id()
    await contexts.put({number: SealedContext(version, b"sealed", MONDAY_MORNING)})
    await queue.admit([Waiting(an_id(), number)])
    queue.is_down = is_down

    await forget_channel(contexts, queue, number)

    queue.is_down = False
    assert await contexts.get({number: version}) == {}
    assert (await queue.state(number)).waiting == (1 if is_down else 0)

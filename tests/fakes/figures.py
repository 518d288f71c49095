"""Figures, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from application.ports.figures import WORKERS_SHOWN_MAX, WorkerSeen
from domain.conversations import TurnStatus
from domain.figures import MinuteFigures, minute_of
from tests.fakes.memory_store import MemoryStore, StoredTurn


class MemoryFigures:
    """Counts the turns of the store. `asked` is for how many minutes it was asked, each time."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.asked: list[int] = []

    async def minutes(self, user_id: UUID | None, count: int) -> Sequence[MinuteFigures]:
        self.asked.append(count)
        since = minute_of(self._store.clock.now()) - timedelta(minutes=count)
        ended: dict[datetime, list[StoredTurn]] = {}
        for turn in self._store.turns.values():
            if turn.ended_at and turn.ended_at >= since and user_id in {None, turn.user_id}:
                ended.setdefault(minute_of(turn.ended_at), []).append(turn)
        return [self._figures(minute, ended[minute]) for minute in sorted(ended)]

    async def workers(self) -> Sequence[WorkerSeen]:
        now = self._store.clock.now()
        held = [turn.worker_id for turn in self._store.turns.values() if turn.status is TurnStatus.OPEN]
        seen = [
            WorkerSeen(id_, None, None, None, until, until > now, held.count(id_))
            for id_, until in self._store.workers.items()
        ]
        return sorted(seen, key=lambda worker: (not worker.is_alive, worker.id))[:WORKERS_SHOWN_MAX]

    def _figures(self, minute: datetime, turns: list[StoredTurn]) -> MinuteFigures:
        answered = [turn for turn in turns if turn.status is TurnStatus.ANSWERED]
        waits = sorted(self._waited(turn) for turn in answered if turn.price)
        return MinuteFigures(
            minute, len(answered), len(turns) - len(answered), _percentile(waits, 0.5), _percentile(waits, 0.99)
        )

    def _waited(self, turn: StoredTurn) -> float:
        asked = [one for one in self._store.messages.values() if one.turn_id == turn.id and one.direction == "inbound"]
        assert turn.ended_at
        return (turn.ended_at - min(one.created_at for one in asked)).total_seconds()


def _percentile(sorted_: Sequence[float], share: float) -> float | None:
    """As percentile_cont does: between its neighbours."""
    if not sorted_:
        return None
    place = share * (len(sorted_) - 1)
    below = int(place)
    above = min(below + 1, len(sorted_) - 1)
    return sorted_[below] + (sorted_[above] - sorted_[below]) * (place - below)

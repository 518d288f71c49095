"""How many workers there should be: more at once when they are needed, fewer only after a quiet spell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

WAITING_PER_WORKER = 250
"""Messages that wait: about as many as one worker answers in two seconds."""
TURNS_PER_WORKER = 500
"""Turns under way: half of what one worker takes in hand."""
CORES_PER_WORKER = 0.7
"""Of one core: beyond that each turn begins to wait for the event loop."""
LATE_SECONDS = 5.0
"""A message that has waited so long for a worker calls for one more, however few there are of them."""
SETTLING_SECONDS = 5.0
"""How long one more worker is given to show an effect before lateness calls for another."""
SLACK = 0.5
"""Who is there stays until those that are left would have to bear no more than this part of all that."""
QUIET_SECONDS = 48.0
"""Nobody leaves before the need has been lower for so long. A load that comes back sooner changes nothing."""
UNWATCHED_SECONDS = 10.0
"""A longer gap between two looks is no quiet: nobody knows what it held."""


@dataclass(frozen=True, slots=True)
class BacklogSize:
    """What is to be done, over all phone numbers.

    `waiting` messages could be answered now, the oldest of those that nobody has in hand for `oldest_seconds`;
    `in_flight` turns are in the hands of living workers.
    """

    waiting: int
    oldest_seconds: float
    in_flight: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """How few and how many workers there may be."""

    workers_min: int
    workers_max: int

    def hold(self, workers: int) -> int:
        """The nearest number within them."""
        return max(self.workers_min, min(workers, self.workers_max))


@dataclass(frozen=True, slots=True)
class Scale:
    """How many `workers` there should be since `changed_at`, and how many were needed at each of the last looks.

    Moments are seconds of any clock that only goes forward; looks have gone on without a gap since `watched_since`.
    """

    workers: int
    changed_at: float
    watched_since: float
    needs: tuple[tuple[float, int], ...] = ()


def first_scale(bounds: Bounds, now: float) -> Scale:
    """Where scaling begins: with as few as may be."""
    return Scale(bounds.workers_min, now, now)


def rescaled(scale: Scale, backlog: BacklogSize, cores: float, bounds: Bounds, now: float) -> Scale:
    """The scale after a look at the backlog, and at how many `cores` all workers together keep busy."""
    wanted = bounds.hold(max(_needed(backlog, cores), _needed_by_lateness(scale, backlog, now)))
    need = max(wanted, min(scale.workers, _needed(backlog, cores, SLACK)))
    watched_since = _watched_since(scale, now)
    recent = tuple(each for each in scale.needs if each[0] > now - QUIET_SECONDS)
    seen = replace(scale, watched_since=watched_since, needs=(*recent, (now, need)))
    highest = max(needed for _, needed in seen.needs)
    if need > scale.workers or (highest < scale.workers and now - watched_since >= QUIET_SECONDS):
        return replace(seen, workers=highest, changed_at=now)
    return seen


def _needed(backlog: BacklogSize, cores: float, slack: float = 1.0) -> int:
    by_waiting = 1 + int(backlog.waiting / (slack * WAITING_PER_WORKER))
    by_turns = ceil(backlog.in_flight / (slack * TURNS_PER_WORKER))
    by_cores = ceil(cores / (slack * CORES_PER_WORKER))
    return max(by_waiting, by_turns, by_cores)


def _needed_by_lateness(scale: Scale, backlog: BacklogSize, now: float) -> int:
    if backlog.oldest_seconds < LATE_SECONDS:
        return 0
    return scale.workers + (now - scale.changed_at >= SETTLING_SECONDS)


def _watched_since(scale: Scale, now: float) -> float:
    last_look = scale.needs[-1][0] if scale.needs else scale.watched_since
    return now if now - last_look > UNWATCHED_SECONDS else scale.watched_since

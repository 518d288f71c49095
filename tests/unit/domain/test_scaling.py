"""How many workers there should be, in virtual time."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.scaling import (
    LATE_SECONDS,
    QUIET_SECONDS,
    SETTLING_SECONDS,
    UNWATCHED_SECONDS,
    BacklogSize,
    Bounds,
    first_scale,
    rescaled,
)

NOTHING = BacklogSize(0, 0.0, 0)
ONE_OR_TWO = Bounds(1, 2)
backlogs = st.builds(BacklogSize, st.integers(0, 20_000), st.floats(0, 600), st.integers(0, 5_000))
looks = st.lists(st.tuples(backlogs, st.floats(0, 8), st.floats(0.1, 30)), max_size=60)


@st.composite
def some_bounds(draw):
    fewest = draw(st.integers(1, 6))
    return Bounds(fewest, draw(st.integers(fewest, 8)))


def scales(bounds, history):
    """The scale after each of (moment, backlog, cores)."""
    scale = first_scale(bounds, 0.0)
    for now, backlog, cores in history:
        scale = rescaled(scale, backlog, cores, bounds, now)
        yield now, scale


def timed(found):
    now, history = 0.0, []
    for backlog, cores, pause in found:
        now += pause
        history.append((now, backlog, cores))
    return history


def each_second(seconds, backlog=NOTHING, cores=0.0, since=0):
    return [(float(now), backlog, cores) for now in range(since + 1, since + 1 + seconds)]


def workers(bounds, history):
    return [scale.workers for _, scale in scales(bounds, history)]


# --- what calls for more


@pytest.mark.parametrize(
    ("backlog", "cores"),
    [
        (BacklogSize(5_000, 0.5, 0), 0.0),
        (BacklogSize(0, 0.0, 501), 0.0),
        (NOTHING, 0.75),
    ],
    ids=["many wait", "many are under way", "a worker is busy"],
)
def test_one_look_is_enough_to_call_for_a_second_worker(backlog, cores):
    assert workers(ONE_OR_TWO, [(1.0, backlog, cores)]) == [2]


def test_a_message_that_waits_too_long_calls_for_one_more_at_a_time():
    late = BacklogSize(1, LATE_SECONDS, 1)
    found = list(scales(Bounds(1, 8), each_second(30, late)))

    changes = [now for (_, before), (now, after) in pairwise(found) if after.workers != before.workers]

    assert all(later - earlier >= SETTLING_SECONDS for earlier, later in pairwise(changes))
    assert found[-1][1].workers > 4


@pytest.mark.parametrize("backlog", [NOTHING, BacklogSize(100, 1.0, 300)])
def test_what_one_worker_can_do_calls_for_nobody(backlog):
    assert set(workers(ONE_OR_TWO, each_second(120, backlog, 0.5))) == {1}


# --- what lets go


@pytest.mark.parametrize(
    ("backlog", "cores"),
    [(BacklogSize(130, 0.5, 0), 0.0), (BacklogSize(0, 0.0, 260), 0.0), (NOTHING, 0.36)],
    ids=["some wait", "some are under way", "somewhat busy"],
)
def test_who_is_there_stays_while_those_left_would_bear_more_than_half_of_what_they_may(backlog, cores):
    busy = each_second(5, BacklogSize(5_000, 1.0, 0))

    assert workers(ONE_OR_TWO, [*busy, *each_second(300, backlog, cores, since=5)])[-1] == 2


def test_a_minute_of_quiet_brings_even_a_crowd_back_to_the_fewest():
    busy = each_second(5, BacklogSize(5_000, 9.0, 900), 6.0)
    assert workers(Bounds(1, 8), busy)[-1] == 8

    assert workers(Bounds(1, 8), [*busy, *each_second(58, since=5)])[-1] == 1


def test_a_gap_in_which_nobody_looked_is_no_quiet():
    busy = (1.0, BacklogSize(5_000, 1.0, 0), 1.0)
    back = 1.0 + QUIET_SECONDS + UNWATCHED_SECONDS

    found = list(scales(ONE_OR_TWO, [busy, *each_second(60, since=round(back))]))

    left = next(now for now, scale in found if scale.workers == 1)
    assert left - back >= QUIET_SECONDS


# --- what always holds


@settings(deadline=None)
@given(some_bounds(), looks)
def test_the_bounds_hold_whatever_happens(bounds, found):
    assert all(bounds.workers_min <= count <= bounds.workers_max for count in workers(bounds, timed(found)))


@settings(deadline=None)
@given(some_bounds(), looks)
def test_nobody_leaves_within_a_quiet_spell_of_somebody_s_coming(bounds, found):
    history, came_at = list(scales(bounds, timed(found))), 0.0
    for (_, before), (now, after) in pairwise([(0.0, first_scale(bounds, 0.0)), *history]):
        if after.workers > before.workers:
            came_at = now
        if after.workers < before.workers:
            assert now - came_at >= QUIET_SECONDS


@settings(deadline=None)
@given(some_bounds(), looks)
def test_quiet_brings_the_fewest_back_after_whatever_was_before(bounds, found):
    before = timed(found)
    end = round(before[-1][0]) + 1 if before else 0
    assert workers(bounds, [*before, *each_second(58, since=end)])[-1] == bounds.workers_min


teeth = st.tuples(st.floats(0, 600), st.floats(80, 240), st.sampled_from([Bounds(1, 2), Bounds(1, 4), Bounds(2, 8)]))


@settings(deadline=None)
@given(st.integers(4, int(QUIET_SECONDS) - 2), teeth)
def test_ten_minutes_of_a_sawtooth_cause_no_flapping(period, tooth):
    """The load climbs to its peak and falls at once, again and again; each worker answers so many a second."""
    assert _turns_back(_sawtooth(period, *tooth)) == 0


@settings(deadline=None)
@given(st.integers(60, 240), teeth)
def test_teeth_that_hold_a_whole_quiet_spell_are_followed_once_each(period, tooth):
    assert _turns_back(_sawtooth(period, *tooth)) <= 2 * 600 / period


def test_a_sawtooth_of_ten_minutes_keeps_its_second_worker_until_the_quiet_after_it():
    for period in (10, 30, 60, 100):
        assert _steps(_sawtooth(period, 300, 200, ONE_OR_TWO, quiet=60)) == [(1, 2), (2, 1)]


def _sawtooth(period, peak, per_worker, bounds, quiet=0):
    """How many workers there were in each second of ten minutes, and of the quiet after them."""
    scale, waiting, counts = first_scale(bounds, 0.0), 0.0, []
    for second in range(600 + quiet):
        coming = peak * (second % period) / period if second < 600 else 0.0
        done = min(waiting + coming, scale.workers * per_worker)
        waiting += coming - done
        age = waiting / (scale.workers * per_worker)
        backlog = BacklogSize(int(waiting), age, int(done))
        scale = rescaled(scale, backlog, done / per_worker, bounds, float(second + 1))
        counts.append(scale.workers)
    return counts


def _steps(counts):
    return [(before, after) for before, after in pairwise(counts) if before != after]


def _turns_back(counts):
    """How often it went one way and then the other."""
    return sum((b - a) * (d - c) < 0 for (a, b), (c, d) in pairwise(_steps(counts)))

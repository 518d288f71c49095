from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.breaker import FAILURES_MAX, OPEN_SECONDS, Breaker
from tests.fakes.clock import MONDAY_MORNING

STEPS = st.lists(st.tuples(st.sampled_from(["call", "failed"]), st.floats(0, 2 * OPEN_SECONDS)), max_size=60)


def _an_open_breaker() -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES_MAX):
        breaker.failed(MONDAY_MORNING)
    return breaker


@given(STEPS)
def test_while_it_is_open_no_more_than_one_trial_goes_out_in_its_time(steps) -> None:
    breaker, now, trials = _an_open_breaker(), MONDAY_MORNING, [MONDAY_MORNING]
    for step, seconds in steps:
        now += timedelta(seconds=seconds)
        if step == "failed":
            breaker.failed(now)
        elif breaker.wait_seconds(now) == 0:
            trials.append(now)
    gaps = [later - earlier for earlier, later in pairwise(trials)]
    assert all(gap >= timedelta(seconds=OPEN_SECONDS) for gap in gaps)


@given(STEPS)
def test_however_many_calls_fail_late_a_trial_goes_out_when_its_time_has_come(steps) -> None:
    breaker, now = _an_open_breaker(), MONDAY_MORNING
    for _, seconds in steps:
        now += timedelta(seconds=seconds)
        breaker.failed(now)
    assert breaker.wait_seconds(max(now, MONDAY_MORNING + timedelta(seconds=OPEN_SECONDS))) == 0


@given(STEPS)
def test_one_success_closes_it(steps) -> None:
    breaker, now = _an_open_breaker(), MONDAY_MORNING
    for _, seconds in steps:
        now += timedelta(seconds=seconds)
        breaker.failed(now)
    breaker.succeeded()
    assert not breaker.is_open
    assert [breaker.wait_seconds(now) for _ in range(3)] == [0, 0, 0]


def test_fewer_failures_in_a_row_hold_nobody_back() -> None:
    breaker = Breaker()
    for _ in range(3):
        for _ in range(FAILURES_MAX - 1):
            breaker.failed(MONDAY_MORNING)
        assert breaker.wait_seconds(MONDAY_MORNING) == 0
        breaker.succeeded()


def test_a_call_that_is_held_back_is_told_how_long() -> None:
    assert _an_open_breaker().wait_seconds(MONDAY_MORNING + timedelta(seconds=2)) == OPEN_SECONDS - 2

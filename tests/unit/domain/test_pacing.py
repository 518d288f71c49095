from datetime import timedelta

import pytest

from domain.delivery import Accepted, Ambiguous, Deferred, Pace, Refused
from domain.pacing import REST_SECONDS_MAX, Rests, deferral_seconds, pace_seconds
from tests.fakes.clock import MONDAY_MORNING

SLOW = Deferred({}, pace=Pace.NUMBER)


def _after(seconds: float):
    return MONDAY_MORNING + timedelta(seconds=seconds)


def test_a_customer_s_pace_grows_by_four_each_time_and_then_no_more() -> None:
    assert [pace_seconds(attempt) for attempt in (1, 2, 3, 4, 5, 50)] == [4, 16, 64, 256, 256, 256]


@pytest.mark.parametrize(
    ("deferred", "attempt", "chance", "seconds"),
    [
        (Deferred({}, pace=Pace.CUSTOMER), 1, 0.9, 4.0),
        (Deferred({}, pace=Pace.CUSTOMER), 2, 0.9, 16.0),
        (Deferred({}, 30.0, pace=Pace.CUSTOMER), 2, 0.9, 30.0),
        (Deferred({}, 20.0, pace=Pace.NUMBER), 1, 0.0, 20.0),
        (Deferred({}, 20.0, pace=Pace.NUMBER), 1, 0.5, 22.5),
        (Deferred({}, 1.0, pace=Pace.NUMBER), 1, 0.5, 1.5),
        (Deferred({}), 1, 0.0, 0.25),
        (Deferred({}, 7.0), 1, 0.0, 7.0),
    ],
)
def test_what_was_asked_for_is_never_undercut(deferred, attempt, chance, seconds) -> None:
    assert deferral_seconds(deferred, attempt, chance) == seconds


def test_a_number_that_is_told_to_slow_down_rests_longer_each_time() -> None:
    rests, now = Rests(), 0.0
    waits = []
    for _ in range(4):
        rests.note("number", SLOW, _after(now))
        waits.append(rests.wait_seconds("number", _after(now)))
        now += waits[-1]

    assert waits == [4.0, 16.0, 64.0, 64.0]


def test_calls_that_were_under_way_together_count_once() -> None:
    rests = Rests()
    for second in range(3):
        rests.note("number", SLOW, _after(second))

    assert rests.wait_seconds("number", _after(2)) == 4.0


def test_a_rest_ends_by_itself_and_is_forgotten_with_the_next_success() -> None:
    rests = Rests()
    rests.note("number", SLOW, _after(0))
    assert rests.wait_seconds("number", _after(4)) == 0

    rests.note("number", Accepted("wamid.1"), _after(4))
    rests.note("number", SLOW, _after(5))

    assert rests.wait_seconds("number", _after(5)) == 4.0


def test_a_success_that_was_under_way_ends_no_rest() -> None:
    rests = Rests()
    rests.note("number", Deferred({}, 30.0, pace=Pace.NUMBER), _after(0))
    rests.note("number", Accepted("wamid.1"), _after(1))

    assert rests.wait_seconds("number", _after(1)) == 29.0


def test_a_rest_is_never_cut_short_and_never_endless() -> None:
    rests = Rests()
    rests.note("number", Deferred({}, 1e9, pace=Pace.NUMBER), _after(0))
    rests.note("number", Deferred({}, 1.0, pace=Pace.NUMBER), _after(1))

    assert rests.wait_seconds("number", _after(0)) == REST_SECONDS_MAX


@pytest.mark.parametrize(
    "outcome",
    [Deferred({}, 9.0, pace=Pace.CUSTOMER), Deferred({}, 9.0), Refused({}), Ambiguous({}), Accepted(None)],
)
def test_only_a_number_s_own_pace_makes_it_rest(outcome) -> None:
    rests = Rests()
    rests.note("number", outcome, _after(0))

    assert rests.wait_seconds("number", _after(0)) == 0


def test_a_number_rests_after_an_unknown_outcome_where_the_platform_is_being_mended() -> None:
    rests = Rests()
    rests.note("number", Ambiguous({}, rest_seconds=60.0), _after(0))

    assert rests.wait_seconds("number", _after(1)) == 59.0
    assert rests.wait_seconds("another", _after(1)) == 0

"""Who may read metrics, and when workers count as well."""

from datetime import timedelta

import pytest

from application.measuring import HUNG_SECONDS, CheckWorkers, ShowMetrics
from application.ports.telemetry import WorkersSeen
from domain.shared import Unauthorized
from tests.fakes.clock import FrozenClock
from tests.fakes.telemetry import MemoryTelemetry

LEASE = 10.0


async def test_metrics_are_shown_without_a_token_where_only_this_machine_can_ask():
    assert await ShowMetrics(MemoryTelemetry(), None, is_private=True)(None) == b""


async def test_beyond_this_machine_they_need_one():
    with pytest.raises(Unauthorized, match="METRICS_TOKEN"):
        await ShowMetrics(MemoryTelemetry(), None, is_private=False)("anything")


@pytest.mark.parametrize("shown", [None, "", "wrong", "the tokén"])
async def test_a_token_that_is_set_must_be_shown_everywhere(shown):
    for is_private in (True, False):
        with pytest.raises(Unauthorized):
            await ShowMetrics(MemoryTelemetry(), "the token", is_private)(shown)
        assert await ShowMetrics(MemoryTelemetry(), "the token", is_private)("the token") == b""


@pytest.fixture
def seen():
    """Sets what was seen of the workers so many seconds ago, and answers how they are."""
    clock, telemetry = FrozenClock(), MemoryTelemetry()
    check = CheckWorkers(telemetry, clock, LEASE)

    def at(ran_ago: float | None, beat_ago: float | None) -> tuple[bool, bool]:
        moments = (
            None if ago is None else (clock.now() - timedelta(seconds=ago)).timestamp() for ago in (ran_ago, beat_ago)
        )
        telemetry.seen = WorkersSeen(*moments)
        return check.running() is None, check.working() is None

    return at


def test_workers_run_while_an_event_loop_does_and_work_while_one_has_a_lease(seen):
    assert seen(1, 1) == (True, True)
    assert seen(1, LEASE + 1) == (True, False)  # the stores are out: starting again helps nobody
    assert seen(HUNG_SECONDS + 1, LEASE + 1) == (False, False)
    assert seen(None, None) == (False, False)

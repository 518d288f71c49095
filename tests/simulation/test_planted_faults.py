from __future__ import annotations

import pytest

from tests.simulation.faults import FAULTS
from tests.simulation.runs import first_finding

SEEDS_MAX = 2_000


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str) -> None:
    assert first_finding(range(SEEDS_MAX), FAULTS[fault]), f"{SEEDS_MAX} seeds have not shown that {fault}"

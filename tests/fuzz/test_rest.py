"""The running REST door against its own description: no 5xx, and no answer that is not described.

A few hundred cases in every run of the suite; `make fuzz` asks for the promised ten thousand and more.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rig.house import a_home, running_house

HERE = Path(__file__).parent
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "2"))
"""How many cases of each kind for each operation."""
CASES_MIN = int(os.environ.get("FUZZ_CASES_MIN", "100"))
PHASES = os.environ.get("FUZZ_PHASES", "examples,fuzzing,stateful")
SEED = os.environ.get("FUZZ_SEED")
SECONDS_MAX = float(os.environ.get("FUZZ_SECONDS_MAX", "60"))


@pytest.fixture(scope="module")
def house():
    """One whose keys are never told to slow down."""
    with a_home() as home, running_house(home, API_REQUESTS_PER_MINUTE="10000000") as house:
        yield house


@pytest.mark.timeout(SECONDS_MAX + 120)
def test_the_door_keeps_to_its_description(house):
    url = f"{house.ready['rest_url']}/openapi.json"
    words = ["run", url, "--phases", PHASES, "--max-examples", str(EXAMPLES), "--no-color"]
    words += ["--seed", SEED] if SEED else []
    found = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml", *words],
        cwd=HERE,
        env={**os.environ, "FRONTDESK_KEY": house.ready["admin_api_key"]},
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX + 60,
        check=False,
    )
    assert found.returncode == 0, found.stdout[-20_000:] + found.stderr[-2_000:]
    cases = re.search(r"(\d+) generated", found.stdout)
    assert cases, found.stdout[-2_000:]
    assert int(cases[1]) >= CASES_MIN
    assert all(process.is_running() for process in house.processes())

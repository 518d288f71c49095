"""Inbox, leases, turns and ledger on the real store, against a small model of what they promise.

`CHAOS_MACHINE_EXAMPLES` and `CHAOS_MACHINE_STEPS` say how much; `make chaos` runs 300 times 40.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.chaos.sizes import size
from tests.contract.paths import postgres_path
from tests.machine.machine import WORKERS, Desk, Place
from tests.rig.postgres import Database


def plays(name: str) -> settings:
    """So many plays as CHAOS_<NAME> says, of CHAOS_MACHINE_STEPS steps each."""
    return settings(
        max_examples=size(name, 10),
        stateful_step_count=size("machine_steps", 25),
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.timeout(900)
def test_whatever_happens_in_whatever_order_every_promise_holds(database: Database) -> None:
    stack = AsyncExitStack()
    with asyncio.Runner() as runner, psycopg.connect(database.url_judge, autocommit=True) as judge:
        path = runner.run(stack.enter_async_context(postgres_path(database.url, database.url_judge, WORKERS)))
        try:
            run_state_machine_as_test(
                lambda: Desk(Place(runner, path, judge, database.url)), settings=plays("machine_examples")
            )
        finally:
            runner.run(stack.aclose())

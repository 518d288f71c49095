"""Whose a turn is, as far as the store can say it before a call that cannot be taken back."""

from __future__ import annotations

import pytest

from application.ports.turns import NoTurn, TurnLost
from tests.contract.paths import Path


async def test_a_turn_in_good_hands_is_confirmed(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))

    await worker.turns.confirm(turn, 2.0)


async def test_a_turn_is_not_confirmed_once_its_lease_has_run_out(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    await path.time.leases_run_out()

    with pytest.raises(TurnLost):
        await worker.turns.confirm(turn, 2.0)


async def test_a_turn_is_not_confirmed_to_the_worker_that_lost_it(path: Path) -> None:
    shop, worker, heir = await path.a_shop(), await path.a_worker(), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    await worker.turns.end_lease(worker.id)
    taken = await heir.begins(turn.conversation_id)

    with pytest.raises(TurnLost):
        await worker.turns.confirm(turn, 2.0)
    await heir.turns.confirm(taken, 2.0)


async def test_what_a_worker_begins_after_its_lease_ran_out_is_its_own_all_the_same(path: Path) -> None:
    shop, worker, other = await path.a_shop(), await path.a_worker(), await path.a_worker()
    await path.time.leases_run_out()

    turn = await worker.begins(await path.writes(shop))

    assert await other.turns.begin(turn.conversation_id, other.id) is NoTurn.BUSY
    await worker.turns.confirm(turn, 2.0)

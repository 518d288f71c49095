"""How the queue of a phone number stands, as its owner reads it."""

from __future__ import annotations

from uuid import UUID

from application.ports.turns import Waiting
from tests.doors.conftest import bearer


async def _shown(rest, shop):
    answer = await rest.get(
        f"/users/{shop.user_id}/phone_numbers/{shop.phone_number_id}/queue", headers=bearer(shop.key)
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_an_empty_queue_has_no_oldest(rest, shop):
    counts = ("depth", "in_flight", "pending", "locked", "lock_waits", "lock_wait_seconds")
    assert await _shown(rest, shop) == dict.fromkeys(counts, 0) | {"oldest_seconds": None}


async def test_what_waits_and_what_is_being_answered_are_told_apart(rest, shop, house):
    number = UUID(shop.phone_number_id)
    await house.queue.admit([Waiting(UUID(int=place), number) for place in (1, 2, 3)])
    await house.application.work.claim(number, UUID(int=9), 1)
    house.clock.advance(4)

    shown = await _shown(rest, shop)

    assert (shown["depth"], shown["in_flight"], shown["oldest_seconds"], shown["locked"]) == (2, 1, 4.0, 1)


async def test_a_queue_out_of_reach_is_said_to_be(rest, shop, house):
    house.queue.is_down = True
    answer = await rest.get(
        f"/users/{shop.user_id}/phone_numbers/{shop.phone_number_id}/queue", headers=bearer(shop.key)
    )
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")

"""Who is to be told of alerts: noted by whatever opens or ends one, and worked off, each by one caller."""

from __future__ import annotations

import asyncio

import pytest

from domain.alert_deliveries import AlertDelivery, AlertEvent, Destination
from domain.alert_rules import Limits
from domain.monitoring import AlertKind
from tests.contract.paths import Path

OUTAGE = AlertKind.PROVIDER_OUTAGE
OPENED, RESOLVED = AlertEvent.OPENED, AlertEvent.RESOLVED
WEBHOOK, EMAIL = Destination.WEBHOOK, Destination.EMAIL


async def _claimed(path: Path, destination: Destination = WEBHOOK, limit: int = 100) -> list[AlertDelivery]:
    return list(await path.alert_deliveries.claim(destination, 60, limit))


async def _told(path: Path) -> list[tuple[str, AlertEvent]]:
    """What is due for the webhook, told in full."""
    told: list[tuple[str, AlertEvent]] = []
    while claimed := await _claimed(path):
        for one in claimed:
            told.append((one.alert.subject, one.event))
            await path.alert_deliveries.done(one)
    return told


async def test_each_destination_is_told_once_of_the_beginning_and_once_of_the_end(path: Path) -> None:
    await path.alerts.raise_alert(OUTAGE, "openai", None, "It is out.")
    await path.alerts.raise_alert(OUTAGE, "openai", None, "It is still out.")

    (told,) = await _claimed(path)
    assert (told.event, told.destination, told.attempts) == (OPENED, WEBHOOK, 1)
    assert (told.alert.kind, told.alert.subject, told.alert.detail) == (OUTAGE, "openai", "It is still out.")
    assert 0 <= told.age_seconds < 60
    await path.alert_deliveries.done(told)
    assert await _told(path) == []

    await path.alerts.resolve(OUTAGE, "openai")
    await path.alerts.resolve(OUTAGE, "openai")

    assert await _told(path) == [("openai", RESOLVED)]
    assert [one.event for one in await _claimed(path, EMAIL)] == [OPENED]


async def test_an_end_waits_until_its_beginning_is_told(path: Path) -> None:
    await path.alerts.raise_alert(OUTAGE, "openai", None, "")
    await path.alerts.resolve(OUTAGE, "openai")

    (beginning,) = await _claimed(path)
    assert await _claimed(path) == []
    assert beginning.event is OPENED
    await path.alert_deliveries.done(beginning)

    (end,) = await _claimed(path)
    assert (end.event, end.id == beginning.id) == (RESOLVED, False)
    assert end.alert.resolved_at is not None


async def test_what_a_look_around_opens_and_ends_is_told_too(path: Path) -> None:
    worker = await path.a_worker()
    await path.time.passes(100)
    await path.alerts.watch(AlertKind.WORKER_SILENT, Limits(30, 3_600))
    await worker.turns.renew_lease(worker.id, ())
    await path.alerts.watch(AlertKind.WORKER_SILENT, Limits(30, 3_600))

    assert await _told(path) == [(str(worker.id), OPENED), (str(worker.id), RESOLVED)]


async def test_a_top_up_that_ends_an_alert_is_told(path_on_postgres: Path) -> None:
    path = path_on_postgres
    shop, worker = await path.a_shop(0), await path.a_worker()
    await worker.turns.begin(await path.writes(shop), worker.id)
    await path.alerts.watch(AlertKind.CREDITS_EXHAUSTED, Limits())

    await path.world.credits.add(shop.user.id, 1, None, None)

    assert await _told(path) == [(str(shop.user.id), OPENED), (str(shop.user.id), RESOLVED)]


async def test_what_is_put_off_comes_again_with_the_same_id(path: Path) -> None:
    await path.alerts.raise_alert(OUTAGE, "openai", None, "")
    (first,) = await _claimed(path)

    await path.alert_deliveries.put_off(first, 3_600)
    assert await _claimed(path) == []
    await path.alert_deliveries.put_off(first, 0)

    (again,) = await _claimed(path)
    assert (again.id, again.attempts) == (first.id, 2)


async def test_who_claims_and_does_not_come_back_loses_the_claim(path: Path) -> None:
    await path.alerts.raise_alert(OUTAGE, "openai", None, "")
    (first,) = await path.alert_deliveries.claim(WEBHOOK, 0, 10)

    (again,) = await _claimed(path)
    assert (again.id, again.attempts) == (first.id, 2)


async def test_the_oldest_are_told_first_and_no_more_than_asked_for(path: Path) -> None:
    for subject in "abc":
        await path.alerts.raise_alert(OUTAGE, subject, None, "")

    assert [one.alert.subject for one in await _claimed(path, limit=2)] == ["a", "b"]
    assert [one.alert.subject for one in await _claimed(path, limit=2)] == ["c"]


async def test_a_destination_that_nobody_has_set_up_is_forgotten_and_no_other(path: Path) -> None:
    await path.alerts.raise_alert(OUTAGE, "openai", None, "")

    await path.alert_deliveries.drop(EMAIL)

    assert await _claimed(path, EMAIL) == []
    assert len(await _claimed(path, WEBHOOK)) == 1


async def test_nothing_is_told_of_a_user_who_is_gone(path: Path) -> None:
    shop = await path.a_shop()
    await path.alerts.raise_alert(AlertKind.LOW_BALANCE, "a", shop.user.id, "")
    (claimed,) = await path.alert_deliveries.claim(WEBHOOK, 0, 10)

    await path.world.users.erase(shop.user.id)

    assert await _claimed(path) == []
    await path.alert_deliveries.done(claimed)


@pytest.mark.parametrize("schedulers", [8])
async def test_several_schedulers_have_each_once(path_on_postgres: Path, schedulers: int) -> None:
    path = path_on_postgres
    for place in range(20):
        await path.alerts.raise_alert(OUTAGE, str(place), None, "")

    claims = await asyncio.gather(*(_claimed(path, limit=5) for _ in range(schedulers)))

    claimed = [one.alert.subject for claim in claims for one in claim]
    assert sorted(claimed, key=int) == [str(place) for place in range(20)]
    assert {one.attempts for claim in claims for one in claim} == {1}

"""Figures of the house, as Postgres tells them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from adapters.persistence.backlog import PostgresBacklog
from adapters.persistence.database import Database as Pool
from adapters.telemetry import house_figures
from adapters.telemetry.house_figures import HouseFigures
from tests.contract.paths import Path, postgres_path
from tests.rig.postgres import Database


@pytest.fixture
async def path(database: Database) -> AsyncIterator[Path]:
    async with postgres_path(database.url, database.url_judge) as path:
        yield path


@pytest.fixture
async def figures(database: Database, monkeypatch) -> AsyncIterator[HouseFigures]:
    monkeypatch.setattr(house_figures, "FRESH_SECONDS", -1.0)
    monkeypatch.setattr(house_figures, "BURIED_SECONDS", 0.0)
    async with Pool(database.url).opened() as pool:
        yield HouseFigures(pool, PostgresBacklog(pool, 0))


async def value(figures: HouseFigures, name: str, **labels: str) -> float | None:
    return (await figures.read()).get_sample_value(f"frontdesk_{name}", labels)


async def test_queues_are_told_by_phone_number_and_in_all(path, figures):
    busy, quiet = await path.a_shop(5), await path.a_shop(5)
    worker = await path.a_worker()
    for shop in (busy, busy, quiet):
        await path.writes(shop)
    await worker.begins(await path.writes(quiet))

    depths = {shop.number.id: await value(figures, "queue_depth", number=str(shop.number.id)) for shop in (busy, quiet)}
    waiting = await value(figures, "waiting_messages")
    assert waiting == sum(depth or 0 for depth in depths.values())
    assert depths[busy.number.id] == 2
    assert await value(figures, "open_turns") == 1
    assert await value(figures, "queue_turns", number=str(quiet.number.id)) == 1
    assert (await value(figures, "waiting_oldest_seconds") or 0) > 0
    assert await value(figures, "workers_alive") == 1


async def test_only_the_longest_queues_have_series_of_their_own(path, figures, monkeypatch):
    monkeypatch.setattr(house_figures, "NUMBERS_MAX", 1)
    for messages in (1, 2):
        shop = await path.a_shop(5)
        for _ in range(messages):
            await path.writes(shop)

    told = [sample for family in (await figures.read()).collect() for sample in family.samples]
    assert [sample.value for sample in told if sample.name == "frontdesk_queue_depth"] == [2]
    assert await value(figures, "waiting_messages") == 3


async def test_credits_are_counted_as_they_move(path, figures):
    await value(figures, "credits_total", kind="add")  # from the first question on
    shop, worker = await path.a_shop(5), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    assert await value(figures, "credits_held") == 1
    await worker.answers(turn, "wamid.reply")

    for _ in range(2):
        moved = [await value(figures, "credits_total", kind=kind) for kind in ("add", "hold", "capture", "refund")]
        assert moved == [5, 1, 1, 0]
    assert (await value(figures, "credits_balance"), await value(figures, "credits_held")) == (4, 0)


async def test_a_store_that_is_out_is_told_as_such(database):
    async with Pool(database.url).opened() as pool:
        figures = HouseFigures(pool, PostgresBacklog(pool, 0))
    # The pool is closed: nothing answers any more.
    registry = await figures.read()

    assert registry.get_sample_value("frontdesk_store_answers") == 0
    assert registry.get_sample_value("frontdesk_waiting_messages") is None

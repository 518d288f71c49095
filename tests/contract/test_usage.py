"""What replies cost, added up by day, agent or phone number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from application.pages import PageRequest
from application.ports.extractions import Found
from domain.answers import Usage as Tokens
from domain.credits import Entry, EntryKind, Usage, UsageGroup
from domain.leads.reading import Reading
from domain.shared import InvalidInput
from tests.contract.listing import all_pages
from tests.contract.paths import Path, Shop, a_receipt

AGES = timedelta(days=300)


async def _answered(path: Path, shop: Shop, times: int) -> None:
    worker = await path.a_worker()
    for place in range(times):
        turn = await worker.begins(await path.writes(shop))
        await worker.answers(turn, f"wamid.{shop.number.id.hex}.{place}")


async def _entries(path: Path, shop: Shop) -> list[Entry]:
    page = await path.world.credits.entries(shop.user.id, PageRequest(200))
    return [entry for entry in page.items if entry.kind in {EntryKind.CAPTURE, EntryKind.REFUND}]


async def _usage(path: Path, shop: Shop, group: UsageGroup, since: datetime, until: datetime) -> list[Usage]:
    return await all_pages(lambda page: path.world.credits.usage(shop.user.id, group, since, until, page), limit=1)


async def test_what_replies_cost_is_added_up_by_what_they_were_given_with(path: Path) -> None:
    shop, other = await path.a_shop(), await path.a_shop()
    await _answered(path, shop, 3)
    await _answered(path, other, 1)
    failed = a_receipt(shop.number, "failed", platform_message_id=f"wamid.{shop.number.id.hex}.0", error={"code": 1})
    await path.inbox.record([failed])
    moments = [entry.created_at for entry in await _entries(path, shop)]
    since, until = min(moments) - AGES, max(moments) + timedelta(microseconds=1)

    cost = (3, 1, 3)
    days = await _usage(path, shop, UsageGroup.DAY, since, until)
    assert [day.key for day in days] == sorted({at.astimezone(UTC).date().isoformat() for at in moments})
    assert tuple(map(sum, zip(*((day.captured, day.refunded, day.replies) for day in days), strict=True))) == cost
    assert sum(day.net for day in days) == 2
    assert await _usage(path, shop, UsageGroup.AGENT, since, until) == [Usage(str(shop.agent.id), *cost)]
    assert await _usage(path, shop, UsageGroup.PHONE_NUMBER, since, until) == [Usage(str(shop.number.id), *cost)]


async def test_what_was_read_is_paid_for_and_is_no_reply(path: Path) -> None:
    shop = await path.a_shop()
    await _answered(path, shop, 1)
    await path.time.passes(1)
    await path.extractions.open_due(0, 5, 100)
    (run,) = await path.extractions.claim(60, 10)
    await path.extractions.complete(run, Found(Reading({}, {}), "digest", 1, "gpt-5.5", Tokens(1, 1)))
    moments = [entry.created_at for entry in await _entries(path, shop)]
    times = (min(moments), max(moments) + timedelta(microseconds=1))

    assert await _usage(path, shop, UsageGroup.AGENT, *times) == [Usage(str(shop.agent.id), 6, 0, 1)]
    assert await _usage(path, shop, UsageGroup.PHONE_NUMBER, *times) == [Usage(str(shop.number.id), 6, 0, 1)]
    assert sum(usage.replies for usage in await _usage(path, shop, UsageGroup.DAY, *times)) == 1


async def test_a_report_begins_with_its_first_moment_and_ends_before_its_last(path: Path) -> None:
    shop = await path.a_shop()
    await _answered(path, shop, 1)
    (entry,) = await _entries(path, shop)
    at, moment = entry.created_at, timedelta(microseconds=1)

    for since, until, replies in ((at, at + moment, 1), (at - AGES, at, 0), (at + moment, at + AGES, 0)):
        listed = await _usage(path, shop, UsageGroup.AGENT, since, until)
        assert sum(usage.replies for usage in listed) == replies


async def test_what_is_gone_is_still_reported_under_its_id(path: Path) -> None:
    shop = await path.a_shop()
    await _answered(path, shop, 2)
    await path.world.agents.remove(shop.user.id, shop.agent.id)
    await path.world.phone_numbers.remove(shop.user.id, shop.number.id)
    moments = [entry.created_at for entry in await _entries(path, shop)]
    times = (min(moments), max(moments) + timedelta(seconds=1))

    assert await _usage(path, shop, UsageGroup.PHONE_NUMBER, *times) == [Usage(str(shop.number.id), 2, 0, 2)]
    assert await _usage(path, shop, UsageGroup.AGENT, *times) == [Usage(str(shop.agent.id), 2, 0, 2)]


async def test_a_report_is_read_page_by_page_in_both_directions(path: Path) -> None:
    shop = await path.a_shop()
    second = await path.a_second_number(shop)
    await _answered(path, shop, 1)
    await _answered(path, second, 1)
    moments = [entry.created_at for entry in await _entries(path, shop)]
    times = (min(moments), max(moments) + timedelta(seconds=1))

    forward = await _usage(path, shop, UsageGroup.PHONE_NUMBER, *times)
    backward = await all_pages(
        lambda page: path.world.credits.usage(shop.user.id, UsageGroup.PHONE_NUMBER, *times, page),
        limit=1,
        newest_first=True,
    )

    assert {usage.key for usage in forward} == {str(shop.number.id), str(second.number.id)}
    assert backward == forward[::-1]
    with pytest.raises(InvalidInput):
        await path.world.credits.usage(shop.user.id, UsageGroup.DAY, *times, PageRequest(cursor="ÿ"))

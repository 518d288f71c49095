"""Runs of the extraction: opened once, taken under a lease, merged into leads."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from application.pages import PageRequest
from application.ports.extractions import ClaimedRun, ExtractionFilter, Found
from domain.answers import Usage
from domain.credits import EntryKind, InsufficientCredits
from domain.leads.reading import ProvedValue, Reading
from domain.leads.runs import Extraction, ExtractionStatus, NothingToRead, RunError
from domain.shared import NotFound
from tests.builders import a_conversation, an_id
from tests.contract.paths import Path, Shop
from tests.fakes.clock import MONDAY_MORNING

IDLE_SECONDS = 600.0
LEASE_SECONDS = 90.0
USAGE = Usage(100, 20)


def what_was_found(values: Mapping[str, Any], minute: int = 0) -> Found:
    """Values that were proved so many minutes after Monday began."""
    at = MONDAY_MORNING + timedelta(minutes=minute)
    reading = Reading({name: ProvedValue(value, (1,), at) for name, value in values.items()}, {"email": "no proof"})
    return Found(reading, "digest", 1, "gpt-5.5", USAGE)


async def _goes_quiet(path: Path, shop: Shop, **fields: Any) -> UUID:
    conversation_id = await path.writes(shop, **fields)
    await path.time.passes(IDLE_SECONDS + 1)
    return conversation_id


async def _runs(path: Path, shop: Shop, **wanted: Any) -> list[Extraction]:
    page = await path.extractions.list(shop.user.id, ExtractionFilter(**wanted), PageRequest(200))
    return list(page.items)


async def _opened(path: Path, price: int = 0) -> int:
    return await path.extractions.open_due(IDLE_SECONDS, price, 100)


async def _claimed(path: Path) -> ClaimedRun:
    (run,) = await path.extractions.claim(LEASE_SECONDS, 10)
    return run


async def test_a_conversation_that_went_quiet_is_read_once(path: Path) -> None:
    shop = await path.a_shop()
    conversation_id = await _goes_quiet(path, shop)

    assert await _opened(path) == 1
    assert await _opened(path) == 0

    (run,) = await _runs(path, shop)
    assert (run.conversation_id, run.agent_id, run.through_sequence_number) == (conversation_id, shop.agent.id, 1)
    assert (run.status, run.attempt, run.origin) == ("pending", 0, "quiet")


async def test_a_message_in_between_pushes_the_reading_back(path: Path) -> None:
    shop = await path.a_shop()
    await path.writes(shop)
    await path.time.passes(IDLE_SECONDS - 10)
    await path.writes(shop)
    await path.time.passes(20)

    assert await _opened(path) == 0

    await path.time.passes(IDLE_SECONDS)
    assert await _opened(path) == 1
    (run,) = await _runs(path, shop)
    assert run.through_sequence_number == 2


async def test_what_people_of_the_business_write_is_no_news(path: Path) -> None:
    shop = await path.a_shop()
    conversation_id = await _goes_quiet(path, shop)
    await _opened(path)
    worker = await path.a_worker()
    await worker.answers(await worker.begins(conversation_id))
    await path.time.passes(IDLE_SECONDS + 1)

    assert await _opened(path) == 0


async def test_news_after_a_reading_are_read_again(path: Path) -> None:
    shop = await path.a_shop()
    await _goes_quiet(path, shop)
    await _opened(path)
    await _goes_quiet(path, shop)

    assert await _opened(path) == 1
    assert [run.through_sequence_number for run in await _runs(path, shop)] == [1, 2]


async def test_schedulers_that_look_at_once_open_each_run_once(path: Path) -> None:
    shop = await path.a_shop()
    for customer in range(20):
        await path.writes(shop, address=f"49170{customer:05}")
    await path.time.passes(IDLE_SECONDS + 1)

    opened = await asyncio.gather(*(path.extractions.open_due(IDLE_SECONDS, 0, 100) for _ in range(4)))

    assert sum(opened) + await _opened(path) == 20
    assert len(await _runs(path, shop)) == 20


async def test_a_run_is_taken_by_one_worker_and_by_another_after_its_lease(path: Path) -> None:
    shop = await path.a_shop()
    await _goes_quiet(path, shop)
    await _opened(path)

    assert await path.extractions.waiting(10) == 1
    first = await _claimed(path)
    assert list(await path.extractions.claim(LEASE_SECONDS, 10)) == []
    await path.time.passes(LEASE_SECONDS + 1)
    second = await _claimed(path)

    assert (first.attempt, second.attempt) == (1, 2)
    assert not await path.extractions.complete(first, what_was_found({"name": "Ada"}))
    assert not await path.extractions.fail(first, RunError(1, "refused", "It refused."), USAGE)
    assert await path.extractions.complete(second, what_was_found({"name": "Kim"}))
    (run,) = await _runs(path, shop)
    assert (run.status, run.data, run.evidence, run.dropped) == (
        "completed",
        {"name": "Kim"},
        {"name": [1]},
        {"email": "no proof"},
    )
    assert (run.model, run.prompt_version, run.form_digest) == ("gpt-5.5", 1, "digest")
    assert (run.input_tokens, run.output_tokens) == (100, 20)
    assert run.ended_at is not None


async def test_the_material_is_our_own_record_up_to_the_news(path: Path) -> None:
    shop = await path.a_shop(number="+34911234567")
    await _goes_quiet(path, shop, text="I am Kim")
    await _opened(path)
    await path.writes(shop, text="And more, later")

    material = await path.extractions.material(await _claimed(path))

    assert material
    assert (material.form, material.business_number) == (None, "+34911234567")
    assert [(line.number, line.is_customer, line.text) for line in material.lines] == [(1, True, "I am Kim")]


async def test_an_attempt_that_failed_is_made_again_later_and_knows_why(path: Path) -> None:
    shop = await path.a_shop()
    await _goes_quiet(path, shop)
    await _opened(path)
    error = RunError(1, "invalid", "need: it must be null")

    assert await path.extractions.set_back(await _claimed(path), error, 10.0, USAGE, is_attempt=True)

    assert list(await path.extractions.claim(LEASE_SECONDS, 10)) == []
    await path.time.passes(11)
    again = await _claimed(path)
    assert (again.attempt, list(again.errors)) == (2, [error])


async def test_waiting_for_a_provider_is_no_attempt(path: Path) -> None:
    shop = await path.a_shop()
    await _goes_quiet(path, shop)
    await _opened(path)
    error = RunError(1, "provider_failed", "It is out.")

    await path.extractions.set_back(await _claimed(path), error, 10.0, Usage(), is_attempt=False)

    await path.time.passes(11)
    assert (await _claimed(path)).attempt == 1


async def test_the_price_is_held_captured_and_released(path: Path) -> None:
    shop = await path.a_shop(credits_=10)
    await _goes_quiet(path, shop, address="49170001")
    await _goes_quiet(path, shop, address="49170002")
    await _opened(path, price=3)
    assert (await path.account(shop)).held == 6

    done, failed = await path.extractions.claim(LEASE_SECONDS, 10)
    await path.extractions.complete(done, what_was_found({"name": "Kim"}))
    await path.extractions.fail(failed, RunError(1, "refused", "It refused."), USAGE)

    account = await path.account(shop)
    assert (account.balance, account.held) == (7, 0)
    assert sorted(await path.ledger(shop)) == sorted(
        [EntryKind.ADD, EntryKind.HOLD, EntryKind.HOLD, EntryKind.CAPTURE, EntryKind.RELEASE]
    )


async def test_a_run_that_nothing_is_left_for_fails_at_once(path: Path) -> None:
    shop = await path.a_shop(credits_=4)
    await _goes_quiet(path, shop, address="49170001")
    await _goes_quiet(path, shop, address="49170002")

    await _opened(path, price=3)

    runs = await _runs(path, shop)
    assert sorted(run.status for run in runs) == ["failed", "pending"]
    (failed,) = await _runs(path, shop, status=ExtractionStatus.FAILED)
    assert [error["code"] for error in failed.errors] == ["insufficient_credits"]
    assert (await path.account(shop)).held == 3


async def test_a_run_by_hand_reads_what_is_there_and_leaves_nothing_new(path: Path) -> None:
    shop = await path.a_shop()
    conversation_id = await path.writes(shop)

    run = await path.extractions.request(shop.user.id, conversation_id, 0, None)
    await path.time.passes(IDLE_SECONDS + 1)

    assert (run.origin, run.status) == ("request", "pending")
    assert await _opened(path) == 0
    assert (await path.extractions.get(shop.user.id, run.id)).conversation_id == conversation_id


async def test_a_run_by_hand_needs_a_conversation_with_words_and_credits(path: Path) -> None:
    shop, other = await path.a_shop(credits_=1), await path.a_shop()
    conversation_id = await path.writes(shop)
    empty = a_conversation(shop.number.id)
    await path.world.backstage.keep(empty)

    with pytest.raises(NotFound):
        await path.extractions.request(other.user.id, conversation_id, 0, None)
    with pytest.raises(NothingToRead):
        await path.extractions.request(shop.user.id, empty.id, 0, None)
    with pytest.raises(InsufficientCredits):
        await path.extractions.request(shop.user.id, conversation_id, 2, None)
    assert await _runs(path, shop) == []


async def test_all_conversations_of_an_agent_are_read_again_unless_they_wait(path: Path) -> None:
    shop = await path.a_shop(credits_=5)
    for customer in ("49170001", "49170002", "49170003"):
        conversation_id = await path.writes(shop, address=customer)
    await path.extractions.request(shop.user.id, conversation_id, 0, None)

    with pytest.raises(InsufficientCredits):
        await path.extractions.request_all(shop.user.id, shop.agent.id, 3, None)
    assert await path.extractions.request_all(shop.user.id, shop.agent.id, 2, None) == 2
    assert await path.extractions.request_all(shop.user.id, shop.agent.id, 2, None) == 0
    with pytest.raises(NotFound):
        await path.extractions.request_all(shop.user.id, an_id(), 0, None)
    assert len(await _runs(path, shop, agent_id=shop.agent.id)) == 3


async def test_conversations_that_fail_in_a_row_are_counted_until_one_succeeds(path: Path) -> None:
    shop = await path.a_shop()
    for customer in ("49170001", "49170002", "49170003"):
        await _goes_quiet(path, shop, address=customer)
    await _opened(path)
    first, second, third = await path.extractions.claim(LEASE_SECONDS, 10)

    for run in (first, second):
        await path.extractions.fail(run, RunError(3, "refused", "It refused."), Usage())
    assert await path.extractions.failing(shop.user.id, 3) == 2

    await path.time.passes(1)
    await path.extractions.complete(third, what_was_found({}))
    assert await path.extractions.failing(shop.user.id, 3) == 0


async def test_runs_are_listed_by_what_is_wanted(path: Path) -> None:
    shop = await path.a_shop()
    first = await _goes_quiet(path, shop, address="49170001")
    await _opened(path)
    await _goes_quiet(path, shop, address="49170002")
    await _opened(path)
    (run, later) = await _runs(path, shop)

    assert [one.id for one in await _runs(path, shop, conversation_id=first)] == [run.id]
    assert await _runs(path, shop, agent_id=an_id()) == []
    assert len(await _runs(path, shop, status=ExtractionStatus.PENDING)) == 2
    assert [one.id for one in await _runs(path, shop, until=later.created_at)] == (
        [run.id] if run.created_at < later.created_at else []
    )
    assert len(await _runs(path, shop, since=run.created_at)) == 2


async def _reads(path: Path, shop: Shop, values: Mapping[str, Any], minute: int, **fields: Any) -> UUID:
    """A customer writes, and a run finds these values."""
    conversation_id = await _goes_quiet(path, shop, **fields)
    await _opened(path)
    assert await path.extractions.complete(await _claimed(path), what_was_found(values, minute))
    return conversation_id


async def test_a_lead_shows_the_newest_proven_value_and_the_older_ones(path: Path) -> None:
    shop = await path.a_shop()
    await _reads(path, shop, {"name": "Kim", "need": "a table"}, 10)
    await _reads(path, shop, {"name": "Kim Smith"}, 20)
    await _reads(path, shop, {"need": "two tables"}, 5)
    await _reads(path, shop, {"name": "Kim"}, 12)

    (lead,) = (await path.leads.list(shop.user.id, ExtractionFilter(), PageRequest())).items

    assert lead.data == {"name": "Kim Smith", "need": "a table"}
    assert [one.value for one in lead.fields["name"]] == ["Kim Smith", "Kim"]
    assert [one.value for one in lead.fields["need"]] == ["a table", "two tables"]
    assert lead.fields["name"][1].proven_at == MONDAY_MORNING + timedelta(minutes=12)
    assert lead.customer.address == "4917012345"
    assert (await path.leads.get(shop.user.id, lead.id)).data == lead.data


async def test_two_customers_who_are_one_have_one_lead(path: Path) -> None:
    shop = await path.a_shop()
    await _reads(path, shop, {"name": "Kim", "need": "a table"}, 10, address="4917012345")
    await _reads(path, shop, {"name": "Kim Smith", "email": "kim@example.com"}, 20, address="DE.1349", name=None)

    await path.writes(shop, address="4917012345", aliases=("DE.1349",))

    (lead,) = (await path.leads.list(shop.user.id, ExtractionFilter(), PageRequest())).items
    assert lead.data == {"name": "Kim Smith", "need": "a table", "email": "kim@example.com"}
    assert [one.value for one in lead.fields["name"]] == ["Kim Smith", "Kim"]


async def test_leads_are_those_of_customers_with_a_run_that_is_wanted(path: Path) -> None:
    shop, other = await path.a_shop(), await path.a_shop()
    first = await _reads(path, shop, {"name": "Kim"}, 1, address="49170001")
    await _reads(path, shop, {"name": "Ada"}, 1, address="49170002")

    async def names(owner: Shop, **wanted: Any) -> list[str]:
        page = await path.leads.list(owner.user.id, ExtractionFilter(**wanted), PageRequest())
        return sorted(lead.data["name"] for lead in page.items)

    assert await names(shop) == ["Ada", "Kim"]
    assert await names(other) == []
    assert await names(shop, conversation_id=first) == ["Kim"]
    assert await names(shop, agent_id=shop.agent.id, status=ExtractionStatus.COMPLETED) == ["Ada", "Kim"]
    assert await names(shop, status=ExtractionStatus.FAILED) == []
    assert await names(shop, until=MONDAY_MORNING - timedelta(days=10_000)) == []
    with pytest.raises(NotFound):
        await path.leads.get(other.user.id, an_id())


async def test_a_phone_number_that_goes_gives_back_what_its_runs_held(path: Path) -> None:
    shop = await path.a_shop(credits_=5)
    await _goes_quiet(path, shop)
    await _opened(path, price=2)

    await path.world.phone_numbers.remove(shop.user.id, shop.number.id)

    assert await _runs(path, shop) == []
    assert (await path.account(shop)).held == 0


async def test_a_customer_who_is_erased_leaves_neither_runs_nor_a_lead_nor_a_hold(path: Path) -> None:
    shop = await path.a_shop(credits_=5)
    await _reads(path, shop, {"name": "Kim"}, 1)
    await _goes_quiet(path, shop)
    await _opened(path, price=2)
    (lead,) = (await path.leads.list(shop.user.id, ExtractionFilter(), PageRequest())).items

    await path.world.customer_records.erase(shop.user.id, lead.id)

    assert await _runs(path, shop) == []
    assert (await path.leads.list(shop.user.id, ExtractionFilter(), PageRequest())).items == []
    assert (await path.account(shop)).held == 0


async def test_runs_and_leads_go_with_their_owner(path: Path) -> None:
    shop = await path.a_shop(credits_=5)
    await _reads(path, shop, {"name": "Kim"}, 1)
    await _goes_quiet(path, shop)
    await _opened(path, price=2)

    await path.world.users.erase(shop.user.id)

    assert await _runs(path, shop) == []
    assert (await path.leads.list(shop.user.id, ExtractionFilter(), PageRequest())).items == []

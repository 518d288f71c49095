"""Quiet time, lanes, dead workers and what is remembered of the model's conversation."""

import asyncio

import pytest

from application.ports.turns import NoTurn, NotYet
from domain.answers import NotAnswered
from domain.conversations import CRASHES_MAX, LaneScope, Said, Turn, UnansweredReason
from domain.credits import Account
from domain.delivery import Ambiguous, Refused, settlement_without_reply
from tests.contract.paths import Path, Shop, Worker, a_reply

SET_ASIDE = settlement_without_reply(NotAnswered(UnansweredReason.SET_ASIDE, "Three workers."))
LANE = {"lane_scope": LaneScope.PHONE_NUMBER}


async def _said(path: Path, shop: Shop, worker: Worker, text: str) -> None:
    """A customer says something and is answered "Until six."."""
    await worker.answers(await worker.begins(await path.writes(shop, text=text)))


# --- quiet time


async def test_a_burst_waits_for_quiet_and_becomes_one_turn(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker(quiet_seconds=60)
    conversation_id = await path.writes(shop, text="Hello")
    await path.time.passes(50)
    await path.writes(shop, text="Are you open?")

    found = await worker.turns.begin(conversation_id, worker.id)

    assert isinstance(found, NotYet)
    assert 50 < found.seconds <= 60
    await path.time.passes(61)
    turn = await worker.begins(conversation_id)
    assert [question.text for question in turn.questions] == ["Hello", "Are you open?"]
    assert await path.account(shop) == Account(100, 1)


async def test_a_customer_who_never_stops_waits_five_times_as_long_at_most(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker(quiet_seconds=60)
    conversation_id = await path.writes(shop)
    await path.time.passes(280)
    await path.writes(shop)

    found = await worker.turns.begin(conversation_id, worker.id)

    assert isinstance(found, NotYet)
    assert 10 < found.seconds <= 20
    await path.time.passes(21)
    assert len((await worker.begins(conversation_id)).questions) == 2


async def test_what_is_to_begin_at_once_waits_for_nobody(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker(quiet_seconds=60)
    conversation_id = await path.writes(shop)

    assert isinstance(await worker.turns.begin(conversation_id, worker.id, at_once=True), Turn)


async def test_who_may_still_be_writing_is_charged_and_blocked_only_afterwards(path: Path) -> None:
    shop, worker = await path.a_shop(0), await path.a_worker(quiet_seconds=60)
    conversation_id = await path.writes(shop)

    assert isinstance(await worker.turns.begin(conversation_id, worker.id), NotYet)
    assert await path.outcome(shop, conversation_id) == [("received", None)]


async def test_a_turn_that_was_left_open_goes_on_without_waiting_for_quiet(path: Path) -> None:
    shop, worker, heir = await path.a_shop(), await path.a_worker(), await path.a_worker(quiet_seconds=60)
    turn = await worker.begins(await path.writes(shop))
    await worker.turns.end_lease(worker.id)

    assert (await heir.begins(turn.conversation_id)).id == turn.id


# --- lanes


async def test_in_a_lane_of_the_whole_number_one_conversation_goes_after_the_other(path: Path) -> None:
    shop = await path.a_shop()
    one, other = await path.a_worker(**LANE), await path.a_worker(**LANE)
    first, second = await path.writes(shop, address="1"), await path.writes(shop, address="2")
    turn = await one.begins(first)

    found = [await worker.turns.begin(second, worker.id) for worker in (one, other)]

    assert found == [NoTurn.BUSY, NoTurn.BUSY]
    await one.answers(turn)
    await other.answers(await other.begins(second))


async def test_in_a_lane_of_the_whole_number_two_workers_at_once_begin_one_turn(path: Path) -> None:
    shop = await path.a_shop()
    workers = [await path.a_worker(**LANE) for _ in range(2)]
    conversations = [await path.writes(shop, address=str(number)) for number in range(6)]
    left = len(conversations)
    while left:
        found = await asyncio.gather(
            *(worker.turns.begin(one, worker.id) for one in conversations for worker in workers)
        )
        begun = [(place, turn) for place, turn in enumerate(found) if isinstance(turn, Turn)]
        assert len(begun) == 1
        ((place, turn),) = begun
        await workers[place % 2].answers(turn)
        left -= 1
    assert await path.account(shop) == Account(94, 0)


async def test_another_number_has_a_lane_of_its_own(path: Path) -> None:
    shop, other, worker = await path.a_shop(), await path.a_shop(), await path.a_worker(**LANE)

    await worker.begins(await path.writes(shop))
    await worker.begins(await path.writes(other))


async def test_in_a_lane_of_the_whole_number_a_dead_worker_s_turn_goes_first(path: Path) -> None:
    shop, dead, heir = await path.a_shop(), await path.a_worker(**LANE), await path.a_worker(**LANE)
    first, second = await path.writes(shop, address="1"), await path.writes(shop, address="2")
    await dead.begins(first)
    await path.time.leases_run_out()
    await heir.turns.renew_lease(heir.id, ())

    assert await heir.turns.begin(second, heir.id) is NoTurn.BUSY
    await heir.answers(await heir.begins(first))
    await heir.answers(await heir.begins(second))


# --- dead workers


async def _survivor(path: Path) -> Worker:
    await path.time.leases_run_out()
    return await path.a_worker()


async def test_a_turn_that_three_workers_did_not_survive_is_set_aside_and_its_conversation_goes_on(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    for deaths in range(1, CRASHES_MAX + 1):
        worker = await _survivor(path)
        turn = await worker.begins(turn.conversation_id)
        assert (turn.crashes, turn.attempts) == (deaths, deaths + 1)

    await worker.turns.settle(turn, SET_ASIDE)

    assert await path.outcome(shop, turn.conversation_id) == [("unanswerable", "set_aside")]
    assert await path.account(shop) == Account(100, 0)
    await _said(path, shop, worker, "Hello again")
    assert (await path.outcome(shop, turn.conversation_id))[1:] == [("answered", None), ("sent", None)]


async def test_a_turn_that_is_handed_back_was_nobody_s_death(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    for _ in range(CRASHES_MAX):
        await worker.turns.end_lease(worker.id)
        worker = await path.a_worker()
        turn = await worker.begins(turn.conversation_id)

    assert (turn.crashes, turn.attempts) == (0, CRASHES_MAX + 1)


async def test_a_turn_that_ended_in_a_bug_counts_as_one_death_each_time(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    for bugs in range(1, CRASHES_MAX + 1):
        await worker.turns.renew_lease(worker.id, (), {turn.conversation_id})
        await worker.turns.renew_lease(worker.id, (), {turn.conversation_id})
        turn = await worker.begins(turn.conversation_id)
        assert (turn.crashes, turn.attempts) == (bugs, bugs + 1)


async def test_a_turn_that_an_outage_interrupted_was_nobody_s_death(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    turn = await worker.begins(await path.writes(shop, address="1"))
    buggy = await worker.begins(await path.writes(shop, address="2"))
    for _ in range(CRASHES_MAX):
        await worker.turns.renew_lease(worker.id, (), {buggy.conversation_id})
        turn = await worker.begins(turn.conversation_id)

    assert (turn.crashes, turn.attempts) == (0, CRASHES_MAX + 1)


# --- what was said


async def test_the_transcript_is_what_both_sides_know_of_before_this_turn(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    await _said(path, shop, worker, "Hello")
    turn = await worker.begins(await path.writes(shop, text="Never answered"))
    await worker.turns.record_reply(turn, a_reply("Refused by the platform"))
    await worker.settles(turn, Refused({}))
    turn = await worker.begins(await path.writes(shop, text="Are you there?"))
    await worker.turns.record_reply(turn, a_reply("Perhaps."))
    await worker.settles(turn, Ambiguous({}))
    await path.writes(shop, type="image", text=None)
    turn = await worker.begins(await path.writes(shop, text="This turn"))

    told = await worker.turns.transcript(turn, 20)

    assert told == [
        Said("customer", "Hello"),
        Said("agent", "Until six."),
        Said("customer", "Never answered"),
        Said("customer", "Are you there?"),
        Said("agent", "Perhaps."),
    ]
    assert await worker.turns.transcript(turn, 2) == told[-2:]


# --- the last item of the model's conversation


async def _last_item_id(path: Path, shop: Shop, worker: Worker) -> str | None:
    """What the next turn is told; it ends without an answer."""
    turn = await worker.begins(await path.writes(shop))
    await worker.turns.settle(turn, SET_ASIDE)
    return turn.last_item_id


async def test_the_last_item_is_kept_from_turn_to_turn(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    await worker.turns.attach_model_conversation(turn, "conv_1")
    assert turn.last_item_id is None
    await worker.turns.record_reply(turn, a_reply(last_item_id="msg_1", response_id=None))
    await worker.settles(turn, Refused({}))
    assert await _last_item_id(path, shop, worker) == "msg_1"

    turn = await worker.begins(await path.writes(shop))
    refused = NotAnswered(UnansweredReason.REFUSED, "No.", "msg_2")
    await worker.turns.settle(turn, settlement_without_reply(refused))

    assert [await _last_item_id(path, shop, worker) for _ in range(2)] == ["msg_2", "msg_2"]


@pytest.mark.parametrize("seed", [None, "msg_seed"])
async def test_with_a_new_conversation_the_last_item_is_that_of_its_seed(path: Path, seed: str | None) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    await worker.turns.record_reply(turn, a_reply(last_item_id="msg_1"))
    await worker.settles(turn, Refused({}))
    turn = await worker.begins(await path.writes(shop))

    await worker.turns.attach_model_conversation(turn, "conv_2", seed)
    await worker.turns.settle(turn, SET_ASIDE)

    assert await _last_item_id(path, shop, worker) == seed

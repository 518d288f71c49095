"""Replies of several messages: sent in order, decided as one, paid for as one."""

import asyncio

import pytest

from application.ports.turns import NoTurn, ReplyPart, Settled, TurnLost, Waiting, WaitingFilter
from domain.answers import NotAnswered
from domain.conversations import OutboundStatus, StoredReply, Turn, UnansweredReason
from domain.credits import Account, EntryKind
from domain.delivery import Accepted, Ambiguous, Refused, settlement_of_send, settlement_without_reply
from tests.contract.paths import Path, Shop, Worker, a_receipt, a_reply

EVERYTHING = WaitingFilter()
WINDOW = settlement_without_reply(NotAnswered(UnansweredReason.WINDOW_CLOSED, "It has closed."))


async def _three_parts(path: Path, credits_: int = 5) -> tuple[Shop, Worker, Turn, tuple[ReplyPart, ...]]:
    """A reply of three parts is written down, the first about to be sent."""
    shop, worker = await path.a_shop(credits_), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    reply = a_reply("One.", "Two.", "Three.")
    await worker.turns.record_reply(turn, reply)
    return shop, worker, turn, reply.parts


async def _statuses(path: Path, shop: Shop) -> list[str]:
    return [message.status for message in await path.messages(shop)]


async def test_parts_stand_together_in_order_and_the_first_is_about_to_be_sent(path: Path) -> None:
    shop, _, turn, parts = await _three_parts(path)

    _, *said = await path.messages(shop)

    assert [(one.id, one.sequence_number, one.text, one.turn_id) for one in said] == [
        (part.message_id, number, part.text, turn.id) for number, part in enumerate(parts, 2)
    ]
    assert [one.status for one in said] == ["sending", "pending", "pending"]


async def test_two_replies_in_one_batch_keep_their_parts_apart(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    turns = [await worker.begins(await path.writes(shop, address=name)) for name in "123"]
    replies = [a_reply("a", "b"), a_reply("c"), a_reply("d", "e", "f")]

    await asyncio.gather(*(worker.turns.record_reply(*pair) for pair in zip(turns, replies, strict=True)))

    for turn, reply in zip(turns, replies, strict=True):
        _, *said = await path.messages(shop, turn.conversation_id)
        assert [one.text for one in said] == [part.text for part in reply.parts]


async def test_a_part_that_was_taken_lets_the_next_be_sent(path: Path) -> None:
    shop, worker, turn, (one, two, three) = await _three_parts(path)

    assert await worker.turns.pass_on(turn, one.message_id, "wamid.part.1", two.message_id)
    assert await _statuses(path, shop) == ["received", "sent", "sending", "pending"]
    assert await worker.turns.pass_on(turn, two.message_id, "wamid.part.2", three.message_id)
    await worker.turns.settle(turn, settlement_of_send(Accepted("wamid.part.3"), three.message_id))

    assert await _statuses(path, shop) == ["answered", "sent", "sent", "sent"]
    names = [message.platform_message_id for message in await path.messages(shop)][1:]
    assert names == ["wamid.part.1", "wamid.part.2", "wamid.part.3"]
    assert await path.ledger(shop) == [EntryKind.ADD, EntryKind.HOLD, EntryKind.CAPTURE]


async def test_whoever_takes_over_is_told_how_far_each_part_came(path: Path) -> None:
    _, worker, turn, (one, two, three) = await _three_parts(path)
    await worker.turns.pass_on(turn, one.message_id, "wamid.part.1", two.message_id)
    await worker.turns.end_lease(worker.id)

    resumed = await (await path.a_worker()).begins(turn.conversation_id)

    states = (OutboundStatus.SENT, OutboundStatus.SENDING, OutboundStatus.PENDING)
    assert resumed.replies == tuple(
        StoredReply(part.message_id, part.text, status) for part, status in zip((one, two, three), states, strict=True)
    )
    with pytest.raises(TurnLost):
        await worker.turns.pass_on(turn, two.message_id, "wamid.part.2", three.message_id)


async def test_a_refused_part_takes_those_behind_it_along_and_nothing_is_charged(path: Path) -> None:
    shop, worker, turn, (one, two, _) = await _three_parts(path)
    await worker.turns.pass_on(turn, one.message_id, "wamid.part.1", two.message_id)

    await worker.turns.settle(turn, settlement_of_send(Refused({"code": 131026}), two.message_id))

    assert await path.outcome(shop, turn.conversation_id) == [
        ("unanswerable", "send_failed"),
        ("sent", None),
        ("failed", None),
        ("failed", None),
    ]
    assert await path.account(shop) == Account(5, 0)


async def test_a_first_part_that_failed_meanwhile_keeps_the_next_from_being_sent(path: Path) -> None:
    shop, worker, turn, (one, two, _) = await _three_parts(path)
    await path.inbox.record([a_receipt(shop.number, "failed", message_id=one.message_id)])

    assert not await worker.turns.pass_on(turn, one.message_id, "wamid.part.1", two.message_id)
    await worker.turns.settle(turn, settlement_of_send(Refused({}), two.message_id))

    assert await _statuses(path, shop) == ["unanswerable", "failed", "failed", "failed"]
    assert await path.account(shop) == Account(5, 0)


async def test_a_part_that_fails_later_refunds_the_whole_reply_once(path: Path) -> None:
    shop, worker, turn, (one, two, three) = await _three_parts(path)
    await worker.turns.pass_on(turn, one.message_id, "wamid.part.1", two.message_id)
    await worker.turns.pass_on(turn, two.message_id, "wamid.part.2", three.message_id)
    await worker.turns.settle(turn, settlement_of_send(Accepted("wamid.part.3"), three.message_id))

    for name in ("wamid.part.2", "wamid.part.3"):
        await path.inbox.record([a_receipt(shop.number, "failed", platform_message_id=name)])

    assert await path.account(shop) == Account(5, 0)
    assert await path.ledger(shop) == [EntryKind.ADD, EntryKind.HOLD, EntryKind.CAPTURE, EntryKind.REFUND]
    assert await _statuses(path, shop) == ["unanswerable", "sent", "failed", "failed"]


async def _undecided(path: Path) -> tuple[Shop, Worker, Turn, tuple[ReplyPart, ...]]:
    """Nobody knows whether the platform took the first part; two more wait behind it."""
    shop, worker, turn, parts = await _three_parts(path)
    await worker.turns.settle(turn, settlement_of_send(Ambiguous({"code": 1}), parts[0].message_id))
    return shop, worker, turn, parts


async def test_behind_an_undecided_part_the_others_wait(path: Path) -> None:
    shop, worker, turn, _ = await _undecided(path)

    assert await _statuses(path, shop) == ["received", "unknown", "pending", "pending"]
    assert await worker.turns.begin(turn.conversation_id, worker.id) is NoTurn.NOTHING
    assert await worker.turns.waiting(EVERYTHING, 10) == []
    assert await path.account(shop) == Account(5, 1)


async def test_a_part_that_turns_out_to_be_sent_lets_the_rest_be_sent(path: Path) -> None:
    shop, worker, turn, (one, two, three) = await _undecided(path)
    await path.inbox.record(
        [a_receipt(shop.number, "sent", message_id=one.message_id, platform_message_id="wamid.part.1")]
    )
    assert await worker.turns.waiting(EVERYTHING, 10) == [Waiting(turn.conversation_id, shop.number.id)]
    assert await path.account(shop) == Account(5, 1)

    again = await worker.begins(turn.conversation_id)

    assert (again.id, again.fence > turn.fence) == (turn.id, True)
    assert [part.status for part in again.replies] == ["sent", "pending", "pending"]
    await worker.turns.mark_reply(again, two.message_id, OutboundStatus.SENDING)
    assert await worker.turns.pass_on(again, two.message_id, "wamid.part.2", three.message_id)
    await worker.turns.settle(again, settlement_of_send(Accepted("wamid.part.3"), three.message_id))
    assert await _statuses(path, shop) == ["answered", "sent", "sent", "sent"]
    assert await path.account(shop) == Account(4, 0)


async def test_a_part_that_turns_out_to_have_failed_takes_the_rest_along(path: Path) -> None:
    shop, worker, _, (one, *_) = await _undecided(path)

    await path.inbox.record([a_receipt(shop.number, "failed", message_id=one.message_id)])

    assert await _statuses(path, shop) == ["unanswerable", "failed", "failed", "failed"]
    assert await path.account(shop) == Account(5, 0)
    assert await worker.turns.waiting(EVERYTHING, 10) == []


async def test_while_another_turn_is_open_the_rest_waits_and_then_goes_before_anything_newer(path: Path) -> None:
    shop, worker, turn, (one, *_) = await _undecided(path)
    await path.writes(shop, text="Hello?")
    second = await worker.begins(turn.conversation_id)
    await path.inbox.record([a_receipt(shop.number, "delivered", message_id=one.message_id)])
    assert await worker.turns.waiting(EVERYTHING, 10) == []
    await path.writes(shop, text="Anyone?")

    await worker.answers(second)

    assert (await worker.begins(turn.conversation_id)).id == turn.id
    await worker.turns.end_lease(worker.id)


async def test_a_word_of_the_platform_before_ours_lets_the_rest_go_on_at_once(path: Path) -> None:
    shop, worker, turn, (one, *_) = await _three_parts(path)
    await path.inbox.record([a_receipt(shop.number, "delivered", message_id=one.message_id)])

    settled = await worker.turns.settle(turn, settlement_of_send(Ambiguous({}), one.message_id))

    assert settled == Settled(more=True)
    assert [part.status for part in (await worker.begins(turn.conversation_id)).replies] == [
        "delivered",
        "pending",
        "pending",
    ]


async def test_a_failed_part_is_retried_with_those_that_failed_behind_it(path: Path) -> None:
    shop, worker, turn, (one, two, three) = await _three_parts(path)
    await worker.turns.pass_on(turn, one.message_id, "wamid.part.1", two.message_id)
    await worker.turns.settle(turn, settlement_of_send(Refused({}), two.message_id))

    await path.retries.retry(shop.user.id, two.message_id, None)

    again = await worker.begins(turn.conversation_id)
    assert [(part.message_id, part.status) for part in again.replies] == [
        (two.message_id, "pending"),
        (three.message_id, "pending"),
    ]
    await worker.turns.mark_reply(again, two.message_id, OutboundStatus.SENDING)
    await worker.turns.pass_on(again, two.message_id, "wamid.part.2", three.message_id)
    await worker.turns.settle(again, settlement_of_send(Accepted("wamid.part.3"), three.message_id))
    assert await _statuses(path, shop) == ["answered", "sent", "sent", "sent"]
    assert await path.account(shop) == Account(4, 0)


async def test_parts_can_be_retried_one_after_the_other_from_the_last(path: Path) -> None:
    shop, worker, turn, (one, two, three) = await _three_parts(path)
    await worker.turns.settle(turn, settlement_of_send(Refused({}), one.message_id))
    questions = [question.message_id for question in turn.questions]

    for part in (three, two, one):
        await path.retries.retry(shop.user.id, part.message_id, None)
        again = await worker.begins(turn.conversation_id)
        assert [reply.message_id for reply in again.replies] == [part.message_id]
        assert [question.message_id for question in again.questions] == questions
        await worker.turns.mark_reply(again, part.message_id, OutboundStatus.SENDING)
        await worker.settles(again, Accepted(f"wamid.{part.text}"))

    assert await _statuses(path, shop) == ["answered", "sent", "sent", "sent"]
    assert await path.account(shop) == Account(2, 0)


async def test_a_template_stands_in_the_place_of_the_first_part_and_the_others_fail(path: Path) -> None:
    shop, worker, turn, (one, *_) = await _three_parts(path)

    await worker.turns.replace_reply(turn, one.message_id, "[template hello]")

    assert [(m.type, m.text, m.status) for m in (await path.messages(shop))[1:]] == [
        ("template", "[template hello]", "sending"),
        ("text", "Two.", "failed"),
        ("text", "Three.", "failed"),
    ]
    await worker.turns.settle(turn, settlement_of_send(Accepted("wamid.part.t"), one.message_id))
    assert (await path.messages(shop))[0].status == "answered"
    assert await path.account(shop) == Account(4, 0)


async def test_what_is_given_up_before_it_was_sent_fails_in_all_its_parts(path: Path) -> None:
    shop, worker, turn, (one, *_) = await _three_parts(path)
    await worker.turns.mark_reply(turn, one.message_id, OutboundStatus.PENDING)

    await worker.turns.settle(turn, WINDOW)

    assert await _statuses(path, shop) == ["unanswerable", "failed", "failed", "failed"]
    assert (await path.messages(shop))[0].reason == "window_closed"


@pytest.mark.parametrize("again", [True, False])
async def test_recording_tells_whether_the_customer_wrote_again(path: Path, again: bool) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    if again:
        await path.writes(shop, text="Hello?")

    recorded = await worker.turns.record_reply(turn, a_reply("One.", "Two."))

    assert recorded.is_asked_again is again


@pytest.mark.parametrize("write", ["pass_on", "replace_reply"])
async def test_a_worker_that_lost_its_turn_changes_no_part(path: Path, write: str) -> None:
    shop, worker, turn, (one, two, _) = await _three_parts(path)
    await worker.turns.end_lease(worker.id)
    await (await path.a_worker()).begins(turn.conversation_id)
    writes = {
        "pass_on": lambda: worker.turns.pass_on(turn, one.message_id, "wamid.part.late", two.message_id),
        "replace_reply": lambda: worker.turns.replace_reply(turn, one.message_id, "[template late]"),
    }

    with pytest.raises(TurnLost):
        await writes[write]()

    assert await _statuses(path, shop) == ["received", "sending", "pending", "pending"]

"""Behind a reply that the platform may still take, nothing goes: what is sent later must not arrive sooner."""

import pytest

from application.ports.turns import NoTurn, Waiting, WaitingFilter
from domain.conversations import Turn
from domain.credits import Account
from domain.delivery import Ambiguous, settlement_of_send
from tests.contract.paths import Path, Shop, Worker, a_receipt, a_reply

EVERYTHING = WaitingFilter()
UNDECIDED_SECONDS = 60.0
SILENCE = Ambiguous({"detail": "Nobody answered."})


async def _in_doubt(path: Path, *texts: str) -> tuple[Shop, Worker, Turn, list]:
    """A reply was sent and nobody answered; the customer has written again."""
    shop, worker = await path.a_shop(5), await path.a_worker(undecided_seconds=UNDECIDED_SECONDS)
    turn = await worker.begins(await path.writes(shop))
    reply = a_reply(*texts)
    await worker.turns.record_reply(turn, reply)
    settled = await worker.turns.settle(turn, settlement_of_send(SILENCE, reply.parts[0].message_id))
    assert not settled.more
    await path.writes(shop, text="Hello?")
    return shop, worker, turn, list(reply.parts)


async def test_no_turn_begins_and_nobody_is_told_to_try(path: Path) -> None:
    shop, worker, turn, _ = await _in_doubt(path)

    assert await worker.turns.begin(turn.conversation_id, worker.id) is NoTurn.IN_DOUBT
    assert await worker.turns.begin(turn.conversation_id, worker.id, at_once=True) is NoTurn.IN_DOUBT
    assert await worker.turns.waiting(EVERYTHING, 10) == []
    assert (await path.outcome(shop, turn.conversation_id))[-1] == ("received", None)
    assert await path.account(shop) == Account(5, 1)


@pytest.mark.parametrize("status", ["sent", "failed"])
async def test_what_the_platform_tells_of_it_lets_the_next_begin(path: Path, status: str) -> None:
    shop, worker, turn, (part,) = await _in_doubt(path)

    await path.inbox.record([a_receipt(shop.number, status, message_id=part.message_id)])

    assert await worker.turns.waiting(EVERYTHING, 10) == [Waiting(turn.conversation_id, shop.number.id)]
    following = await worker.begins(turn.conversation_id)
    assert [question.text for question in following.questions] == ["Hello?"]


async def test_when_it_has_been_waited_for_in_vain_the_next_begins(path: Path) -> None:
    shop, worker, turn, _ = await _in_doubt(path)
    await path.time.passes(UNDECIDED_SECONDS - 10)
    assert await worker.turns.begin(turn.conversation_id, worker.id) is NoTurn.IN_DOUBT

    await path.time.passes(11)

    assert await worker.turns.waiting(EVERYTHING, 10) == [Waiting(turn.conversation_id, shop.number.id)]
    await worker.answers(await worker.begins(turn.conversation_id))
    assert await path.account(shop) == Account(4, 1)


async def test_the_rest_of_the_reply_goes_before_what_was_asked_meanwhile(path: Path) -> None:
    shop, worker, turn, (one, two) = await _in_doubt(path, "One.", "Two.")
    assert await worker.turns.begin(turn.conversation_id, worker.id) is NoTurn.IN_DOUBT

    await path.inbox.record([a_receipt(shop.number, "delivered", message_id=one.message_id)])

    again = await worker.begins(turn.conversation_id)
    assert (again.id, again.replies[-1].message_id) == (turn.id, two.message_id)


async def test_the_rest_in_doubt_holds_back_what_follows_too(path: Path) -> None:
    shop, worker, turn, (one, two) = await _in_doubt(path, "One.", "Two.")
    await path.inbox.record([a_receipt(shop.number, "delivered", message_id=one.message_id)])
    again = await worker.begins(turn.conversation_id)
    await worker.turns.mark_reply(again, two.message_id, "sending")
    await worker.turns.settle(again, settlement_of_send(SILENCE, two.message_id))

    assert await worker.turns.begin(turn.conversation_id, worker.id) is NoTurn.IN_DOUBT
    assert await worker.turns.waiting(EVERYTHING, 10) == []


async def test_a_person_s_reply_waits_as_well(path: Path) -> None:
    shop, worker, turn, (part,) = await _in_doubt(path)
    message = await path.replies_by_hand.write(shop.user.id, turn.conversation_id, "We are open until six.", None)

    assert await worker.turns.begin(turn.conversation_id, worker.id) is NoTurn.IN_DOUBT
    assert await worker.turns.waiting(EVERYTHING, 10) == []
    await path.inbox.record([a_receipt(shop.number, "sent", message_id=part.message_id)])

    assert len(await worker.turns.waiting(EVERYTHING, 10)) == 1
    by_hand = await worker.begins(turn.conversation_id)
    assert [reply.message_id for reply in by_hand.replies] == [message.id]


async def test_other_conversations_of_the_phone_number_go_on(path: Path) -> None:
    shop, worker, _, _ = await _in_doubt(path)
    another = await path.writes(shop, address="another")

    assert await worker.turns.waiting(EVERYTHING, 10) == [Waiting(another, shop.number.id)]
    await worker.answers(await worker.begins(another))

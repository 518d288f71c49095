import asyncio
from uuid import UUID

import pytest

from application.ports.answers import AnsweredBefore, KeyReused, StillRunning
from application.ports.turns import NoTurn, Waiting, WaitingFilter
from domain.conversations import Message, OutboundStatus, Turn
from domain.credits import Account, EntryKind, InsufficientCredits
from domain.delivery import Accepted, AgentGone, NotFailed, Refused, TurnUnderWay
from domain.shared import NotFound
from tests.builders import an_id, named
from tests.contract.paths import Path, Shop, Worker, a_receipt, a_reply

REFUSED = Refused({"code": 131026})


async def _reply_refused(path: Path, shop: Shop, worker: Worker) -> UUID:
    """The platform refused the reply when it was sent."""
    turn = await worker.begins(await path.writes(shop))
    reply = a_reply()
    await worker.turns.record_reply(turn, reply)
    await worker.settles(turn, REFUSED)
    return reply.parts[0].message_id


async def _reply_reported_failed(path: Path, shop: Shop, worker: Worker, name: str = "wamid.first") -> UUID:
    """The platform took the reply, and reported later that it failed."""
    reply = await worker.answers(await worker.begins(await path.writes(shop)), name)
    await path.inbox.record([_failure(shop, reply.parts[0].message_id, name)])
    return reply.parts[0].message_id


def _failure(shop: Shop, message_id: UUID | None, name: str):
    return a_receipt(shop.number, "failed", platform_message_id=name, message_id=message_id, error={"code": 131026})


async def _message(path: Path, shop: Shop, message_id: UUID) -> Message:
    (found,) = [message for message in await path.messages(shop) if message.id == message_id]
    return found


async def _sends_again(worker: Worker, message: Message, outcome: Accepted | Refused) -> Turn:
    turn = await worker.begins(message.conversation_id)
    await worker.turns.mark_reply(turn, message.id, OutboundStatus.SENDING)
    await worker.settles(turn, outcome)
    return turn


@pytest.mark.parametrize("failing", [_reply_refused, _reply_reported_failed])
async def test_a_failed_reply_waits_to_be_sent_again_with_a_credit_held(path: Path, failing) -> None:
    shop, worker = await path.a_shop(5), await path.a_worker()
    message_id = await failing(path, shop, worker)
    before = await _message(path, shop, message_id)

    retried = await path.retries.retry(shop.user.id, message_id, None)

    assert (retried.id, retried.text, retried.sequence_number) == (message_id, before.text, before.sequence_number)
    assert (retried.status, retried.platform_message_id, retried.error) == ("pending", None, None)
    assert await path.account(shop) == Account(5, 1)
    assert await path.outcome(shop, retried.conversation_id) == [("received", None), ("pending", None)]
    assert await worker.turns.waiting(WaitingFilter(), 10) == [Waiting(retried.conversation_id, shop.number.id)]


async def test_whoever_claims_the_conversation_finds_the_reply_and_what_it_answers(path: Path) -> None:
    shop, worker = await path.a_shop(5), await path.a_worker()
    message_id = await _reply_refused(path, shop, worker)
    retried = await path.retries.retry(shop.user.id, message_id, None)

    turn = await worker.begins(retried.conversation_id)

    (part,) = turn.replies
    assert (part.message_id, part.text, part.status) == (message_id, "Until six.", "pending")
    assert [question.text for question in turn.questions] == ["Are you open today?"]
    assert (turn.user_id, turn.agent_id) == (shop.user.id, shop.agent.id)


async def test_a_retried_reply_that_is_accepted_is_paid_for_once(path: Path) -> None:
    shop, worker = await path.a_shop(5), await path.a_worker()
    message_id = await _reply_reported_failed(path, shop, worker)
    retried = await path.retries.retry(shop.user.id, message_id, None)

    await _sends_again(worker, retried, Accepted("wamid.second"))

    sent = await _message(path, shop, message_id)
    assert (sent.status, sent.platform_message_id) == ("sent", "wamid.second")
    assert await path.outcome(shop, sent.conversation_id) == [("answered", None), ("sent", None)]
    assert await path.account(shop) == Account(4, 0)
    assert await path.ledger(shop) == [
        EntryKind.ADD,
        *(EntryKind.HOLD, EntryKind.CAPTURE, EntryKind.REFUND),
        *(EntryKind.HOLD, EntryKind.CAPTURE),
    ]


async def test_a_retried_reply_that_fails_again_costs_nothing_and_can_be_retried_again(path: Path) -> None:
    shop, worker = await path.a_shop(5), await path.a_worker()
    message_id = await _reply_refused(path, shop, worker)
    retried = await path.retries.retry(shop.user.id, message_id, None)
    await _sends_again(worker, retried, REFUSED)
    assert await path.account(shop) == Account(5, 0)
    assert await path.outcome(shop, retried.conversation_id) == [("unanswerable", "send_failed"), ("failed", None)]

    await path.retries.retry(shop.user.id, message_id, None)

    await _sends_again(worker, retried, Accepted("wamid.third"))
    assert await path.account(shop) == Account(4, 0)


async def test_two_dozen_retries_at_once_are_one(path: Path) -> None:
    shop, worker = await path.a_shop(5), await path.a_worker()
    message_id = await _reply_refused(path, shop, worker)

    found = await asyncio.gather(
        *(path.retries.retry(shop.user.id, message_id, None) for _ in range(24)), return_exceptions=True
    )

    assert sum(isinstance(one, Message) for one in found) == 1
    assert all(isinstance(one, Message | NotFailed) for one in found), found
    assert await path.account(shop) == Account(5, 1)


async def test_what_the_platform_repeats_of_the_first_try_is_not_about_the_second(path: Path) -> None:
    shop, worker = await path.a_shop(5), await path.a_worker()
    message_id = await _reply_reported_failed(path, shop, worker)
    retried = await path.retries.retry(shop.user.id, message_id, None)

    async def repeats() -> None:
        old, named = _failure(shop, message_id, "wamid.first"), _failure(shop, None, "wamid.first")
        assert "recorded" not in await path.inbox.record([old, named])

    await repeats()
    assert (await _message(path, shop, message_id)).status == "pending"
    await _sends_again(worker, retried, Accepted("wamid.second"))
    await repeats()
    assert (await _message(path, shop, message_id)).status == "sent"
    assert await path.account(shop) == Account(4, 0)

    delivered = a_receipt(shop.number, "delivered", platform_message_id="wamid.second", message_id=message_id)
    await path.inbox.record([_failure(shop, message_id, "wamid.first"), delivered])
    assert (await _message(path, shop, message_id)).status == "delivered"


async def test_only_a_reply_that_failed_is_sent_again(path: Path) -> None:
    shop, worker = await path.a_shop(5), await path.a_worker()
    conversation_id = await path.writes(shop)
    reply = await worker.answers(await worker.begins(conversation_id))
    (question, _) = await path.messages(shop, conversation_id)

    for message_id in (reply.parts[0].message_id, question.id):
        with pytest.raises(NotFailed):
            await path.retries.retry(shop.user.id, message_id, None)
    assert await path.account(shop) == Account(4, 0)


async def test_there_is_no_such_message_for_anybody_else(path: Path) -> None:
    shop, other, worker = await path.a_shop(5), await path.a_shop(5), await path.a_worker()
    message_id = await _reply_refused(path, shop, worker)

    with pytest.raises(NotFound, match=r"There is no such message\.$"):
        await path.retries.retry(other.user.id, message_id, None)
    with pytest.raises(NotFound):
        await path.retries.retry(shop.user.id, an_id(), None)


async def test_a_retry_waits_for_the_turn_that_is_under_way(path: Path) -> None:
    shop, worker = await path.a_shop(5), await path.a_worker()
    message_id = await _reply_refused(path, shop, worker)
    turn = await worker.begins(await path.writes(shop, text="Still there?"))

    with pytest.raises(TurnUnderWay):
        await path.retries.retry(shop.user.id, message_id, None)
    await worker.answers(turn)

    assert (await path.retries.retry(shop.user.id, message_id, None)).status == "pending"


async def test_a_new_message_waits_for_the_retried_one(path: Path) -> None:
    shop, worker = await path.a_shop(5), await path.a_worker()
    message_id = await _reply_refused(path, shop, worker)
    retried = await path.retries.retry(shop.user.id, message_id, None)
    await path.writes(shop, text="Still there?")

    turn = await worker.begins(retried.conversation_id)
    assert await worker.turns.begin(retried.conversation_id, worker.id) is NoTurn.BUSY
    await worker.turns.mark_reply(turn, message_id, OutboundStatus.SENDING)
    settled = await worker.settles(turn, Accepted("wamid.second"))

    assert [question.text for question in turn.questions] == ["Are you open today?"]
    assert settled.more


async def test_a_retry_needs_a_credit(path: Path) -> None:
    shop, worker = await path.a_shop(1), await path.a_worker()
    message_id = await _reply_refused(path, shop, worker)
    await worker.begins(await path.writes(shop, address="another customer"))

    with pytest.raises(InsufficientCredits):
        await path.retries.retry(shop.user.id, message_id, None)

    assert (await _message(path, shop, message_id)).status == "failed"
    assert await path.account(shop) == Account(1, 1)


async def test_nobody_speaks_for_an_agent_that_was_removed(path: Path) -> None:
    shop, worker = await path.a_shop(5), await path.a_worker()
    message_id = await _reply_refused(path, shop, worker)
    await path.world.agents.remove(shop.user.id, shop.agent.id)

    with pytest.raises(AgentGone):
        await path.retries.retry(shop.user.id, message_id, None)


async def test_a_key_retries_once_even_when_the_message_failed_again(path: Path) -> None:
    shop, worker = await path.a_shop(5), await path.a_worker()
    message_id = await _reply_refused(path, shop, worker)
    first = await path.retries.retry(shop.user.id, message_id, named())
    await _sends_again(worker, first, REFUSED)

    with pytest.raises(AnsweredBefore) as before:
        await path.retries.retry(shop.user.id, message_id, named())

    assert before.value.answer == repr(first).encode()
    assert (await _message(path, shop, message_id)).status == "failed"
    assert await path.account(shop) == Account(5, 0)
    assert (await path.retries.retry(shop.user.id, message_id, named("another"))).status == "pending"


async def test_a_key_answers_no_other_request(path: Path) -> None:
    shop, worker = await path.a_shop(5), await path.a_worker()
    first, second = [await _reply_refused(path, shop, worker) for _ in range(2)]
    retried = await path.retries.retry(shop.user.id, first, named(request=b"the first"))
    await _sends_again(worker, retried, Accepted("wamid.sent-again"))

    with pytest.raises(KeyReused):
        await path.retries.retry(shop.user.id, second, named(request=b"the second"))

    assert (await _message(path, shop, second)).status == "failed"


async def test_a_retry_that_was_refused_keeps_no_answer(path: Path) -> None:
    shop, worker = await path.a_shop(1), await path.a_worker()
    message_id = await _reply_refused(path, shop, worker)
    await worker.begins(await path.writes(shop, address="another"))
    with pytest.raises(InsufficientCredits) as refusal:
        await path.retries.retry(shop.user.id, message_id, named())
    assert refusal.value.account == Account(1, 1)

    await path.world.credits.add(shop.user.id, 1, None, None)

    assert (await path.retries.retry(shop.user.id, message_id, named())).status == "pending"


async def test_retries_with_one_key_at_once_are_one(path_on_postgres: Path) -> None:
    path = path_on_postgres
    shop, worker = await path.a_shop(5), await path.a_worker()
    message_id = await _reply_refused(path, shop, worker)

    found = await asyncio.gather(
        *(path.retries.retry(shop.user.id, message_id, named()) for _ in range(24)), return_exceptions=True
    )

    assert sum(isinstance(one, Message) for one in found) == 1
    assert sum(isinstance(one, AnsweredBefore | StillRunning) for one in found) == 23
    assert await path.account(shop) == Account(5, 1)


async def test_a_retry_and_a_turn_that_begins_at_once_keep_one_turn(path_on_postgres: Path) -> None:
    path = path_on_postgres
    for _ in range(10):
        shop, worker, other = await path.a_shop(5), await path.a_worker(), await path.a_worker()
        message_id = await _reply_refused(path, shop, worker)
        conversation_id = await path.writes(shop, text="Still there?")

        retried, begun = await asyncio.gather(
            path.retries.retry(shop.user.id, message_id, None),
            other.turns.begin(conversation_id, other.id),
            return_exceptions=True,
        )

        assert isinstance(begun, Turn)
        assert isinstance(retried, TurnUnderWay) or begun.replies[0].message_id == message_id
        assert await path.account(shop) == Account(5, 1)


async def test_many_retries_of_one_user_never_hold_more_than_there_is(path_on_postgres: Path) -> None:
    path = path_on_postgres
    shop, worker = await path.a_shop(3), await path.a_worker()
    failed = []
    for address in "12345678":
        turn = await worker.begins(await path.writes(shop, address=address))
        reply = a_reply()
        await worker.turns.record_reply(turn, reply)
        await worker.settles(turn, REFUSED)
        failed.append(reply.parts[0].message_id)

    found = await asyncio.gather(
        *(path.retries.retry(shop.user.id, message_id, None) for message_id in failed), return_exceptions=True
    )

    assert sum(isinstance(one, Message) for one in found) == 3
    assert sum(isinstance(one, InsufficientCredits) for one in found) == 5
    assert await path.account(shop) == Account(3, 3)

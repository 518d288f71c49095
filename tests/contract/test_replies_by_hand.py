from datetime import UTC, datetime
from uuid import UUID

import pytest

from application.ports.answers import AnsweredBefore, Once
from application.ports.turns import NoTurn, Waiting, WaitingFilter
from domain.channels import ChannelType, Echo
from domain.conversations import Message, OutboundStatus, PauseReason
from domain.credits import Account, EntryKind
from domain.delivery import Accepted, AgentGone, ConversationOver, Refused, TurnUnderWay
from domain.shared import NotFound
from tests.builders import named
from tests.contract.paths import Path, Shop, Worker, a_receipt

WORDS = "I have put a table aside for you."
LATER = datetime(2200, 1, 1, tzinfo=UTC)


async def _writes(path: Path, shop: Shop, conversation_id: UUID, once: Once[Message] | None = None) -> Message:
    return await path.replies_by_hand.write(shop.user.id, conversation_id, WORDS, once)


async def _sent(worker: Worker, message: Message, outcome: Accepted | Refused) -> None:
    turn = await worker.begins(message.conversation_id)
    await worker.turns.mark_reply(turn, message.id, OutboundStatus.SENDING)
    await worker.settles(turn, outcome)


async def test_it_waits_for_a_worker_as_the_next_message_of_the_conversation(path: Path) -> None:
    shop, worker = await path.a_shop(5), await path.a_worker()
    conversation_id = await path.writes(shop)

    message = await _writes(path, shop, conversation_id)

    assert (message.author, message.direction, message.status) == ("human", "outbound", "pending")
    assert (message.text, message.sequence_number) == (WORDS, 2)
    assert await worker.turns.waiting(WaitingFilter(), 10) == [Waiting(conversation_id, shop.number.id)]
    turn = await worker.begins(conversation_id)
    assert [(part.message_id, part.text, part.status) for part in turn.replies] == [(message.id, WORDS, "pending")]
    assert [question.text for question in turn.questions] == ["Are you open today?"]


async def test_it_answers_what_waited_and_costs_nothing(path: Path) -> None:
    shop, worker = await path.a_shop(5), await path.a_worker()
    conversation_id = await path.writes(shop)

    await _sent(worker, await _writes(path, shop, conversation_id), Accepted("wamid.hand"))

    assert await path.outcome(shop, conversation_id) == [("answered", None), ("sent", None)]
    assert await path.account(shop) == Account(5, 0)
    assert await path.ledger(shop) == [EntryKind.ADD]


async def test_what_waits_for_credit_is_answered_by_a_person_without_any(path: Path) -> None:
    shop, worker = await path.a_shop(0), await path.a_worker()
    conversation_id = await path.writes(shop)
    assert await worker.turns.begin(conversation_id, worker.id) is NoTurn.BLOCKED

    await _sent(worker, await _writes(path, shop, conversation_id), Accepted("wamid.hand"))

    assert await path.outcome(shop, conversation_id) == [("answered", None), ("sent", None)]


async def test_the_agent_pauses_as_when_a_person_replies_elsewhere(path: Path) -> None:
    shop, worker = await path.a_shop(5), await path.a_worker()
    conversation_id = await path.writes(shop)
    await _sent(worker, await _writes(path, shop, conversation_id), Accepted("wamid.hand"))

    await path.writes(shop, text="Thank you! And parking?", written_at=LATER)

    assert await worker.turns.begin(conversation_id, worker.id) is NoTurn.PAUSED
    conversation = await path.world.conversations.get(shop.user.id, conversation_id)
    assert conversation.paused_reason == PauseReason.HUMAN_REPLIED


async def test_it_answers_nothing_that_comes_after_it_and_was_written_in_the_same_second(path: Path) -> None:
    """WhatsApp tells whole seconds, so that such a message seems to be the older one."""
    shop, worker = await path.a_shop(5), await path.a_worker()
    conversation_id = await path.writes(shop)
    reply = await _writes(path, shop, conversation_id)
    await _sent(worker, reply, Accepted("wamid.hand"))

    await path.writes(shop, text="Thank you!", written_at=reply.created_at.replace(microsecond=0))

    assert (await path.outcome(shop, conversation_id))[-1] == ("received", "conversation_paused")


async def test_it_goes_also_where_the_agent_is_paused_and_everything_is_answered(path: Path) -> None:
    shop, worker = await path.a_shop(5), await path.a_worker()
    conversation_id = await path.writes(shop)
    await worker.answers(await worker.begins(conversation_id))
    await path.world.conversations.pause(shop.user.id, conversation_id, None, PauseReason.BY_HAND)

    await _sent(worker, await _writes(path, shop, conversation_id), Accepted("wamid.hand"))

    assert [status for status, _ in await path.outcome(shop, conversation_id)] == ["answered", "sent", "sent"]
    conversation = await path.world.conversations.get(shop.user.id, conversation_id)
    assert (conversation.paused_reason, conversation.paused_until) == (PauseReason.BY_HAND, None)


async def test_one_that_failed_is_sent_again_for_nothing(path: Path) -> None:
    shop, worker = await path.a_shop(0), await path.a_worker()
    conversation_id = await path.writes(shop)
    message = await _writes(path, shop, conversation_id)
    await _sent(worker, message, Refused({"code": 131026}))
    assert await path.outcome(shop, conversation_id) == [("unanswerable", "send_failed"), ("failed", None)]

    await _sent(worker, await path.retries.retry(shop.user.id, message.id, None), Accepted("wamid.second"))

    assert await path.outcome(shop, conversation_id) == [("answered", None), ("sent", None)]
    assert await path.ledger(shop) == []


async def test_the_platform_reports_on_it_as_on_any_other(path: Path) -> None:
    shop, worker = await path.a_shop(5), await path.a_worker()
    message = await _writes(path, shop, await path.writes(shop))
    await _sent(worker, message, Accepted("wamid.hand"))

    await path.inbox.record([a_receipt(shop.number, "failed", platform_message_id="wamid.hand", message_id=message.id)])

    (_, reported) = await path.messages(shop, message.conversation_id)
    assert reported.status == "failed"
    assert await path.account(shop) == Account(5, 0)


@pytest.mark.parametrize("is_sending", [True, False])
async def test_its_echo_is_known_for_ours_also_before_the_platforms_answer(path: Path, is_sending) -> None:
    shop, worker = await path.a_shop(5), await path.a_worker()
    message = await _writes(path, shop, await path.writes(shop))
    turn = await worker.begins(message.conversation_id)
    if is_sending:
        await worker.turns.mark_reply(turn, message.id, OutboundStatus.SENDING)
    number = shop.number
    echo = Echo(number.type, number.meta_phone_number_id, "4917012345", "wamid.echoed", "text", WORDS, LATER)

    await path.inbox.note_echoes([echo])

    await worker.settles(turn, Accepted("wamid.echoed"))
    assert await path.outcome(shop, message.conversation_id) == [("answered", None), ("sent", None)]


async def test_the_turn_under_way_goes_first(path: Path) -> None:
    shop, worker = await path.a_shop(5), await path.a_worker()
    conversation_id = await path.writes(shop)
    turn = await worker.begins(conversation_id)

    with pytest.raises(TurnUnderWay):
        await _writes(path, shop, conversation_id)

    await worker.answers(turn)
    assert (await _writes(path, shop, conversation_id)).sequence_number == 3


async def test_the_same_request_is_one_message(path: Path) -> None:
    shop = await path.a_shop(5)
    conversation_id = await path.writes(shop)
    await _writes(path, shop, conversation_id, named("k"))

    with pytest.raises(AnsweredBefore):
        await _writes(path, shop, conversation_id, named("k"))
    assert len(await path.messages(shop, conversation_id)) == 2


async def test_nothing_is_said_where_the_conversation_is_over_or_has_no_agent(path: Path) -> None:
    shop = await path.a_shop(5)
    conversation_id = await path.writes(shop)
    await path.world.agents.remove(shop.user.id, shop.agent.id)
    with pytest.raises((AgentGone, ConversationOver)):
        await _writes(path, shop, conversation_id)

    await path.world.conversations.archive(shop.user.id, conversation_id)
    with pytest.raises(ConversationOver):
        await _writes(path, shop, conversation_id)


async def test_the_addressee_is_who_wrote_last(path: Path) -> None:
    shop = await path.a_shop(5)
    conversation_id = await path.writes(shop)
    await path.writes(shop, text="Hello?")

    addressee = await path.replies_by_hand.addressee(shop.user.id, conversation_id)

    assert addressee.channel is ChannelType.WHATSAPP
    assert addressee.heard
    assert (addressee.heard.sequence_number, addressee.heard.is_from_ad) == (2, False)


async def test_there_is_no_such_conversation_for_anybody_else(path: Path) -> None:
    shop, other = await path.a_shop(5), await path.a_shop(5)
    conversation_id = await path.writes(shop)

    with pytest.raises(NotFound):
        await _writes(path, other, conversation_id)
    with pytest.raises(NotFound):
        await path.replies_by_hand.addressee(other.user.id, conversation_id)

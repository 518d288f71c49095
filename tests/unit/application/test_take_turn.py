import asyncio
from datetime import timedelta

import pytest

from application.conversations.ask_model import CALL_SECONDS_MAX, TURN_SECONDS_MAX
from application.conversations.deliver_reply import SEND_SECONDS_MAX, TAKING_SECONDS_MAX
from application.ports.language_model import ModelConversation
from application.ports.turns import ReplyPart, ReplyRecord
from domain.answers import NotAnswered, TryAgain, Uncertain, Usage
from domain.conversations import OutboundStatus, UnansweredReason, pseudonym
from domain.credits import Account
from domain.delivery import Accepted, Ambiguous, Deferred, Refused
from tests.builders import an_id
from tests.fakes.model import answered
from tests.unit.application.desk import KIM, LEASE_SECONDS, Desk

MODEL_REASONS = [
    UnansweredReason.REFUSED,
    UnansweredReason.INCOMPLETE,
    UnansweredReason.MODEL_FAILED,
    UnansweredReason.EMPTY,
    UnansweredReason.TOOL_CALL,
]


async def test_a_customer_writes_and_is_answered(desk: Desk) -> None:
    conversation_id = await desk.hears("Are you open today?")
    desk.model.says(answered("Until six."))

    settled = await desk.takes_turns(conversation_id)

    assert settled == 1
    assert [message.text for message in desk.messages(conversation_id)] == ["Are you open today?", "Until six."]
    assert desk.outcome(conversation_id) == [("answered", None), ("sent", None)]
    (sent,) = desk.gateway.sent
    assert (sent.address, sent.text, sent.timeout_seconds) == (KIM, "Until six.", SEND_SECONDS_MAX)
    assert sent.message_id == desk.messages(conversation_id)[1].id
    assert await desk.movements() == ["add", "hold", "capture"]
    assert desk.account == Account(9, 0)


async def test_the_model_is_told_what_it_must_know_and_not_who_is_asking(desk: Desk) -> None:
    conversation_id = await desk.hears("Are you open today?")

    await desk.takes_turns(conversation_id)

    (request,) = desk.model.asked
    assert (request.briefing.voice, request.model_conversation_id) == (desk.prompt.voice, "conv_1")
    assert request.customer == pseudonym(desk.user.id, KIM)
    assert KIM not in repr(request)
    assert request.timeout_seconds == CALL_SECONDS_MAX


async def test_the_messages_of_a_burst_are_one_turn(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello", "Are you open?", "Today?")

    await desk.takes_turns(conversation_id)

    (request,) = desk.model.asked
    assert [question.text for question in request.questions] == ["Hello", "Are you open?", "Today?"]
    assert desk.outcome(conversation_id) == [("answered", None)] * 3 + [("sent", None)]
    assert desk.account == Account(9, 0)


async def test_what_comes_while_the_model_thinks_starts_the_next_turn_at_once(desk: Desk) -> None:
    conversation_id = await desk.hears("Are you open?")

    async def thinks():
        await desk.hears("And on Sunday?")
        return answered("Until six.")

    desk.model.says(thinks, answered("Closed on Sundays."))

    settled = await desk.takes_turns(conversation_id)

    assert settled == 2
    assert [message.text for message in desk.messages(conversation_id)] == [
        "Are you open?",
        "And on Sunday?",
        "Until six.",
        "Closed on Sundays.",
    ]
    assert [request.model_conversation_id for request in desk.model.asked] == ["conv_1", "conv_1"]
    assert len(desk.model.opened) == 1
    assert desk.account == Account(8, 0)


@pytest.mark.parametrize("reason", MODEL_REASONS)
async def test_a_model_that_gives_nothing_to_send_ends_the_turn_with_its_reason(desk: Desk, reason) -> None:
    conversation_id = await desk.hears("Hello")
    desk.model.says(NotAnswered(reason, "why"))

    await desk.takes_turns(conversation_id)

    assert desk.outcome(conversation_id) == [("unanswerable", reason)]
    assert desk.gateway.sent == []
    assert await desk.movements() == ["add", "hold", "release"]


async def test_no_conversation_to_be_had_ends_the_turn_with_the_reason(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    desk.model.opens(NotAnswered(UnansweredReason.MODEL_FAILED, "no such key"))

    await desk.takes_turns(conversation_id)

    assert desk.outcome(conversation_id) == [("unanswerable", "model_failed")]
    assert desk.model.asked == []


@pytest.mark.parametrize("again", [TryAgain, Uncertain])
async def test_the_model_is_asked_again_after_waiting_longer_and_longer(desk: Desk, again) -> None:
    conversation_id = await desk.hears("Hello")
    desk.model.says(again("busy"), again("busy"), again("busy"), answered())

    await desk.takes_turns(conversation_id)

    assert desk.clock.slept == [0.375, 0.75, 1.5]
    assert desk.outcome(conversation_id) == [("answered", None), ("sent", None)]
    assert len({request.turn_id for request in desk.model.asked}) == 1


async def test_what_the_provider_asks_for_is_waited(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    desk.model.opens(TryAgain("rate", 7.0), ModelConversation("conv_late"))
    desk.model.says(TryAgain("rate", 90.0), answered())

    await desk.takes_turns(conversation_id)

    assert desk.clock.slept == [7.0, 90.0]
    assert [request.timeout_seconds for request in desk.model.asked] == [CALL_SECONDS_MAX, TURN_SECONDS_MAX - 97]


async def test_a_model_that_never_answers_is_given_up_at_the_deadline(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    desk.model.says(*[TryAgain("down")] * 1_000)
    began = desk.clock.now()

    await desk.takes_turns(conversation_id)

    assert desk.outcome(conversation_id) == [("unanswerable", "deadline_passed")]
    assert desk.clock.now() - began == timedelta(seconds=TURN_SECONDS_MAX)
    assert desk.account == Account(10, 0)


# --- sending


async def test_a_platform_that_asks_for_patience_gets_the_reply_once(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    waiting = []

    async def too_fast():
        waiting.append([message.status for message in desk.messages(conversation_id)])
        return Deferred({"code": 130429}, 3.0)

    desk.gateway.says(too_fast, Deferred({"code": 131056}), Accepted("wamid.r"))

    await desk.takes_turns(conversation_id)

    assert desk.clock.slept == [3.0, 0.75]
    assert waiting == [["received", "sending"]]
    assert len(desk.gateway.sent) == 3
    assert len({sent.message_id for sent in desk.gateway.sent}) == 1
    assert desk.outcome(conversation_id) == [("answered", None), ("sent", None)]
    assert len(desk.model.asked) == 1
    assert desk.account == Account(9, 0)


async def test_a_reply_that_waits_is_pending(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    seen = []
    asleep = desk.clock.sleep

    async def looking(seconds: float) -> None:
        seen.append(desk.messages(conversation_id)[1].status)
        await asleep(seconds)

    desk.clock.sleep = looking
    desk.gateway.says(Deferred({}))

    await desk.takes_turns(conversation_id)

    assert seen == ["pending"]


async def test_a_platform_that_never_takes_the_reply_has_refused_it_at_the_deadline(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    desk.gateway.says(*[Deferred({"code": 4}, TAKING_SECONDS_MAX / 2.4)] * 10)

    await desk.takes_turns(conversation_id)

    assert desk.outcome(conversation_id) == [("unanswerable", "send_failed"), ("failed", None)]
    assert desk.messages(conversation_id)[1].error == {"code": 4}
    assert len(desk.gateway.sent) == 3
    assert desk.account == Account(10, 0)


async def test_a_refused_reply_has_failed_and_costs_nothing(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    desk.gateway.says(Refused({"code": 131047}))

    await desk.takes_turns(conversation_id)

    assert desk.outcome(conversation_id) == [("unanswerable", "send_failed"), ("failed", None)]
    assert await desk.movements() == ["add", "hold", "release"]


async def test_a_send_of_unknown_outcome_is_never_repeated_and_keeps_its_credit_held(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    desk.gateway.says(Ambiguous({"code": 1}))

    await desk.takes_turns(conversation_id)
    again = await desk.takes_turns(conversation_id)

    assert again == 0
    assert len(desk.gateway.sent) == 1
    assert desk.outcome(conversation_id) == [("received", None), ("unknown", None)]
    assert desk.account == Account(10, 1)


# --- another worker's turn


async def _left_behind(desk: Desk, status: OutboundStatus) -> tuple:
    """A turn whose worker died with the reply in that state."""
    conversation_id = await desk.hears("Hello")
    dead = an_id()
    await desk.turns.renew_lease(dead, ())
    turn = await desk.turns.begin(conversation_id, dead)
    reply = ReplyRecord((ReplyPart(an_id(), "Until six."),), "prm", 1, "gpt", "resp_1", Usage(), None)
    await desk.turns.record_reply(turn, reply)
    await desk.turns.mark_reply(turn, reply.parts[0].message_id, status)
    await desk.turns.end_lease(dead)
    return conversation_id, reply


async def test_a_reply_that_was_still_to_be_sent_is_sent_by_the_next_worker(desk: Desk) -> None:
    conversation_id, reply = await _left_behind(desk, OutboundStatus.PENDING)

    await desk.takes_turns(conversation_id)

    assert [(sent.message_id, sent.text) for sent in desk.gateway.sent] == [(reply.parts[0].message_id, "Until six.")]
    assert desk.model.asked == []
    assert desk.outcome(conversation_id) == [("answered", None), ("sent", None)]


async def test_a_reply_that_was_being_sent_becomes_unknown_and_is_never_sent_again(desk: Desk) -> None:
    conversation_id, _ = await _left_behind(desk, OutboundStatus.SENDING)

    await desk.takes_turns(conversation_id)
    await desk.takes_turns(conversation_id)

    assert desk.gateway.sent == []
    assert desk.outcome(conversation_id) == [("received", None), ("unknown", None)]
    assert desk.account == Account(10, 1)


async def test_a_reply_that_was_being_sent_stays_undecided_when_its_agent_is_gone(desk: Desk) -> None:
    conversation_id, _ = await _left_behind(desk, OutboundStatus.SENDING)
    await desk.agents.remove(desk.user.id, desk.agent.id)

    await desk.takes_turns(conversation_id)

    assert desk.messages(conversation_id)[1].status == "unknown"
    assert desk.account == Account(10, 1)


async def test_a_reply_that_was_still_to_be_sent_fails_when_its_agent_is_gone(desk: Desk) -> None:
    conversation_id, _ = await _left_behind(desk, OutboundStatus.PENDING)
    await desk.agents.remove(desk.user.id, desk.agent.id)

    await desk.takes_turns(conversation_id)

    assert desk.gateway.sent == []
    assert desk.outcome(conversation_id) == [("unanswerable", "agent_removed"), ("failed", None)]
    assert desk.account == Account(10, 0)


@pytest.mark.parametrize("moment", ["while the model thinks", "while it is sent"])
async def test_a_worker_that_lost_its_turn_stops_quietly(desk: Desk, moment: str) -> None:
    conversation_id = await desk.hears("Hello")
    heir = an_id()

    async def takes_over():
        desk.clock.advance(LEASE_SECONDS + 1)
        await desk.turns.renew_lease(heir, ())
        await desk.turns.begin(conversation_id, heir)
        return answered() if moment == "while the model thinks" else Accepted("wamid.late")

    (desk.model if moment == "while the model thinks" else desk.gateway).says(takes_over)

    settled = await desk.takes_turns(conversation_id)

    assert settled == 0
    assert len(desk.gateway.sent) == (0 if moment == "while the model thinks" else 1)
    assert desk.messages(conversation_id)[0].status == "received"
    assert desk.account == Account(10, 1)


async def test_two_workers_at_once_answer_once(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    other = an_id()
    await desk.turns.renew_lease(other, ())

    settled = await asyncio.gather(desk.takes_turns(conversation_id), desk.take_turn(conversation_id, other))

    assert sorted(settled) == [0, 1]
    assert len(desk.gateway.sent) == 1


# --- what is missing


async def test_without_credit_the_model_is_not_asked() -> None:
    desk = await Desk().opens(credits_=0)
    conversation_id = await desk.hears("Hello")

    settled = await desk.takes_turns(conversation_id)

    assert settled == 0
    assert (desk.model.opened, desk.model.asked, desk.gateway.sent) == ([], [], [])
    assert desk.outcome(conversation_id) == [("blocked", "insufficient_credits")]


async def test_a_phone_number_without_a_token_cannot_answer() -> None:
    desk = await Desk().opens(token=None)
    conversation_id = await desk.hears("Hello")

    await desk.takes_turns(conversation_id)

    assert desk.outcome(conversation_id) == [("unanswerable", "phone_number_without_token")]
    assert desk.model.asked == []
    assert desk.account == Account(10, 0)


async def test_an_agent_that_was_removed_answers_no_more(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")

    async def brief(agent_id, phone_number_id, version):
        await desk.agents.remove(desk.user.id, desk.agent.id)

    desk.take_turn.briefings.brief = brief

    await desk.takes_turns(conversation_id)

    assert desk.outcome(conversation_id) == [("unanswerable", "agent_removed")]
    assert desk.account == Account(10, 0)


async def test_where_nobody_waits_there_is_no_turn(desk: Desk) -> None:
    assert await desk.takes_turns(an_id()) == 0

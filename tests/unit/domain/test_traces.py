from datetime import timedelta
from typing import Any

import pytest

from domain.conversations import Message, TurnStatus
from domain.credits import EntryKind
from domain.traces import Facts, Obstacle, ReplyFacts, Stage, Step, Trace, TurnFacts, trace_of
from tests.builders import a_conversation, a_message, an_id
from tests.fakes.clock import MONDAY_MORNING

TALK = a_conversation(an_id())


def _at(seconds: float):
    return MONDAY_MORNING + timedelta(seconds=seconds)


def _facts(message: Message, **fields: Any) -> Facts:
    defaults = {
        "message": message,
        "written_at": _at(0),
        "status_at": message.created_at,
        "turn": None,
        "replies": (),
        "obstacle": Obstacle.QUEUED,
    }
    return Facts(**defaults | fields)


def _a_turn(**fields: Any) -> TurnFacts:
    defaults = {
        "id": an_id(),
        "status": TurnStatus.ANSWERED,
        "reason": None,
        "begun_at": _at(2),
        "ended_at": _at(6),
        "attempts": 1,
        "entries": ((EntryKind.HOLD, _at(2)), (EntryKind.CAPTURE, _at(6))),
    }
    return TurnFacts(**defaults | fields)


def _a_reply(turn: TurnFacts, number: int = 2, **reached: float) -> ReplyFacts:
    message = a_message(TALK, direction="outbound", sequence_number=number, turn_id=turn.id, created_at=_at(4))
    return ReplyFacts(message, {Stage(name): _at(seconds) for name, seconds in reached.items()})


def _stages(trace: Trace) -> list[str]:
    return [step.stage.value for step in trace.steps]


def test_an_answered_message_tells_its_whole_way_in_order():
    turn = _a_turn()
    reply = _a_reply(turn, sending=4, sent=6, delivered=7, read=9)
    message = a_message(TALK, status="answered", turn_id=turn.id, created_at=_at(1))

    trace = trace_of(_facts(message, turn=turn, replies=[reply]))

    on_our_side = ["held", "generating", "generated", "sending", "sent", "captured", "answered"]
    assert _stages(trace) == ["written", "received", *on_our_side, "delivered", "read"]
    assert (trace.reason, trace.turn_id, trace.reply_ids) == (None, turn.id, (reply.message.id,))
    assert [step.at for step in trace.steps] == sorted(step.at for step in trace.steps)


@pytest.mark.parametrize("obstacle", Obstacle)
def test_a_message_that_waits_says_what_is_in_the_way(obstacle):
    trace = trace_of(_facts(a_message(TALK, created_at=_at(1)), obstacle=obstacle))

    assert trace.reason == obstacle.value
    assert trace.steps[-1] == Step(Stage.WAITING, _at(1), obstacle.value)


def test_a_platform_that_tells_whole_seconds_does_not_deliver_before_we_send():
    turn = _a_turn()
    reply = _a_reply(turn, sending=4.6, sent=5, delivered=4, read=4)

    trace = trace_of(_facts(reply.message, turn=turn, replies=[reply]))

    told = [step for step in trace.steps if step.stage in {Stage.SENDING, Stage.SENT, Stage.DELIVERED, Stage.READ}]
    assert [step.stage for step in told] == [Stage.SENDING, Stage.SENT, Stage.DELIVERED, Stage.READ]
    assert [step.at for step in told] == [_at(4.6), _at(5), _at(5), _at(5)]


def test_a_message_that_is_not_answered_by_kind_was_filtered_on_arrival():
    message = a_message(TALK, type="reaction", status="unanswerable", reason="type_not_answered", created_at=_at(1))

    trace = trace_of(_facts(message))

    assert (_stages(trace), trace.reason) == (["written", "received", "filtered"], "type_not_answered")


def test_a_message_without_credit_is_blocked():
    message = a_message(TALK, status="blocked", reason="insufficient_credits", created_at=_at(1))

    trace = trace_of(_facts(message, status_at=_at(3)))

    assert trace.steps[-1] == Step(Stage.BLOCKED, _at(3), "insufficient_credits")
    assert trace.reason == "insufficient_credits"


def test_a_turn_that_came_to_nothing_gives_its_reason_and_the_credit_back():
    turn = _a_turn(
        status=TurnStatus.UNANSWERABLE,
        reason="model_refused",
        entries=((EntryKind.HOLD, _at(2)), (EntryKind.RELEASE, _at(6))),
    )
    message = a_message(TALK, status="unanswerable", reason="model_refused", turn_id=turn.id, created_at=_at(1))

    trace = trace_of(_facts(message, turn=turn))

    assert _stages(trace)[-2:] == ["released", "unanswered"]
    assert (trace.reason, trace.steps[-1].detail) == ("model_refused", "model_refused")


def test_a_send_that_nobody_decided_has_no_end():
    turn = _a_turn(status=TurnStatus.UNDECIDED, entries=((EntryKind.HOLD, _at(2)),))
    message = a_message(TALK, turn_id=turn.id, created_at=_at(1))

    trace = trace_of(_facts(message, turn=turn, replies=[_a_reply(turn, sending=4, unknown=6)]))

    assert _stages(trace)[-2:] == ["sending", "unknown"]
    assert trace.reason is None


def test_a_full_queue_and_workers_that_died_are_part_of_the_story():
    turn = _a_turn(attempts=3)
    message = a_message(TALK, status="answered", turn_id=turn.id, created_at=_at(1))

    trace = trace_of(_facts(message, turn=turn, overflowed_at=_at(-5)))

    assert Step(Stage.OVERFLOWED, _at(1), "The queue was full: it waited in the store.") in trace.steps
    assert Step(Stage.GENERATING, _at(2), "3 workers took it, one after the other.") in trace.steps


def test_of_a_reply_in_parts_each_step_names_its_part():
    turn = _a_turn()
    first, second = _a_reply(turn, 2, sent=5), _a_reply(turn, 3, sent=6)

    trace = trace_of(_facts(second.message, turn=turn, replies=[first, second]))

    sent = [step.detail for step in trace.steps if step.stage is Stage.SENT]
    assert sent == [str(first.message.id), str(second.message.id)]
    assert "received" not in _stages(trace)

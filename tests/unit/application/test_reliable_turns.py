"""What a turn does when a call's end was not seen, a worker died, or the model's conversation is gone."""

import pytest

from application.pages import PageRequest
from application.ports.language_model import SAID_MAX, ModelConversation
from domain.answers import Forgotten, NotHeard, TryAgain, Uncertain
from domain.conversations import CRASHES_MAX, LaneScope, Said
from domain.credits import Account
from domain.monitoring import AlertState
from domain.shared import Unavailable
from tests.builders import an_id
from tests.fakes.model import answered
from tests.unit.application.desk import Desk


async def _left_by_a_dead_worker(desk: Desk, *, knows_conversation: bool = True):
    conversation_id = await desk.hears("Hello")
    dead = an_id()
    await desk.turns.renew_lease(dead, ())
    turn = await desk.turns.begin(conversation_id, dead)
    if knows_conversation:
        await desk.turns.attach_model_conversation(turn, "conv_known")
    desk.store.workers.pop(dead)
    return conversation_id


async def test_a_call_whose_end_nobody_saw_is_looked_for_before_it_is_made_again(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    desk.model.says(Uncertain("failed", is_over=True), answered())
    desk.model.recalls(NotHeard())

    await desk.takes_turns(conversation_id)

    assert desk.model.calls == ["open", "answer", "recall", "answer"]
    assert desk.outcome(conversation_id) == [("answered", None), ("sent", None)]


async def test_while_a_call_may_still_be_under_way_the_question_is_asked_in_another_conversation(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    desk.model.says(Uncertain("cut"), answered())
    desk.model.recalls(NotHeard())

    await desk.takes_turns(conversation_id)

    assert desk.model.calls == ["open", "answer", "recall", "open", "answer"]
    assert [request.model_conversation_id for request in desk.model.asked] == ["conv_1", "conv_2"]
    assert desk.store.conversations[conversation_id].openai_conversation_id == "conv_2"


async def test_a_dead_workers_call_may_still_be_under_way(desk: Desk) -> None:
    conversation_id = await _left_by_a_dead_worker(desk)
    desk.model.recalls(NotHeard())

    await desk.takes_turns(conversation_id)

    assert desk.model.calls == ["recall", "open", "answer"]
    assert [request.model_conversation_id for request in desk.model.asked] == ["conv_1"]


async def test_an_answer_that_is_found_afterwards_is_sent(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    desk.model.says(Uncertain("cut"))
    desk.model.recalls(answered("Found."))

    await desk.takes_turns(conversation_id)

    assert desk.model.calls == ["open", "answer", "recall"]
    assert [sent.text for sent in desk.gateway.sent] == ["Found."]
    assert desk.account == Account(9, 0)


async def test_while_the_model_is_still_answering_it_is_looked_again_and_not_asked_twice(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    desk.model.says(Uncertain("cut"))
    desk.model.recalls(TryAgain("heard", is_locked=True), TryAgain("heard", is_locked=True), answered("Found."))

    await desk.takes_turns(conversation_id)

    assert desk.model.calls == ["open", "answer", "recall", "recall", "recall"]
    assert [sent.text for sent in desk.gateway.sent] == ["Found."]


async def test_between_two_questions_the_model_is_known_not_to_have_heard_the_first(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    over = Uncertain("failed", is_over=True)
    desk.model.says(over, TryAgain("busy"), over, over, answered())
    desk.model.recalls(over, TryAgain("busy"), NotHeard(), over, NotHeard(), NotHeard())

    await desk.takes_turns(conversation_id)

    # After each wait it is looked again: a call that broke off may have been answered since.
    first, then = ["answer", "recall", "recall", "recall"], ["answer", "recall", "recall"]
    assert desk.model.calls == ["open", *first, *then, *["answer", "recall"] * 2, "answer"]
    assert len(desk.gateway.sent) == 1


async def test_a_turn_of_a_dead_worker_is_looked_for_first(desk: Desk) -> None:
    conversation_id = await _left_by_a_dead_worker(desk)
    desk.model.recalls(answered("Said before it died."))

    await desk.takes_turns(conversation_id)

    assert desk.model.calls == ["recall"]
    assert [sent.text for sent in desk.gateway.sent] == ["Said before it died."]


async def test_a_dead_worker_that_had_no_conversation_had_asked_nothing(desk: Desk) -> None:
    conversation_id = await _left_by_a_dead_worker(desk, knows_conversation=False)

    await desk.takes_turns(conversation_id)

    assert desk.model.calls == ["open", "answer"]


async def test_a_conversation_that_is_gone_is_replaced_and_told_what_was_said(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    desk.model.says(answered("Hi Kim.", "msg_1"))
    await desk.takes_turns(conversation_id)
    await desk.hears("Are you open?")
    desk.model.says(Forgotten("no such conversation"), answered())
    desk.model.opens(ModelConversation("conv_new", "msg_seed"))

    await desk.takes_turns(conversation_id)

    assert desk.model.said == [(), [Said("customer", "Hello"), Said("agent", "Hi Kim.")]]
    assert [request.model_conversation_id for request in desk.model.asked] == ["conv_1", "conv_1", "conv_new"]
    assert desk.store.conversations[conversation_id].openai_conversation_id == "conv_new"


async def test_in_a_new_conversation_a_lost_answer_is_looked_for_behind_its_seed(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    desk.model.says(answered("Hi Kim.", "msg_1"))
    await desk.takes_turns(conversation_id)
    await desk.hears("Hello")
    desk.model.says(Forgotten("no such conversation"), Uncertain("failed", is_over=True), answered())
    desk.model.opens(ModelConversation("conv_new", "msg_seed"))

    await desk.takes_turns(conversation_id)

    assert [request.last_item_id for request in desk.model.asked] == [None, "msg_1", "msg_seed", "msg_seed"]
    assert [request.last_item_id for request in desk.model.recalled] == ["msg_seed"]


async def test_a_seed_is_no_longer_than_the_provider_takes() -> None:
    desk = await Desk().opens(credits_=50)
    for number in range(SAID_MAX):
        conversation_id = await desk.hears(f"Question {number}")
        await desk.takes_turns(conversation_id)
    await desk.hears("One more")
    desk.model.says(Forgotten("gone"))

    await desk.takes_turns(conversation_id)

    assert len(desk.model.said[-1]) == SAID_MAX
    assert desk.model.said[-1][-2:] == [Said("customer", f"Question {SAID_MAX - 1}"), Said("agent", "Until six.")]


async def _set_aside(desk: Desk) -> object:
    conversation_id = await desk.hears("Poison")
    for _ in range(CRASHES_MAX):
        dead = an_id()
        await desk.turns.renew_lease(dead, ())
        await desk.turns.begin(conversation_id, dead)
        desk.store.workers.pop(dead)
    await desk.takes_turns(conversation_id)
    return conversation_id


async def test_a_message_that_killed_three_workers_is_set_aside_and_its_conversation_goes_on(desk: Desk) -> None:
    conversation_id = await _set_aside(desk)

    assert desk.outcome(conversation_id) == [("unanswerable", "set_aside")]
    assert (desk.model.calls, desk.account) == ([], Account(10, 0))
    await desk.hears("Hello")
    await desk.takes_turns(conversation_id)
    assert desk.outcome(conversation_id)[1:] == [("answered", None), ("sent", None)]


async def test_whoever_owns_a_message_that_is_set_aside_is_told(desk: Desk) -> None:
    conversation_id = await _set_aside(desk)

    (alert,) = (await desk.alerts.list(desk.user.id, AlertState.OPEN, PageRequest())).items
    assert (alert.kind, alert.subject) == ("message_set_aside", str(desk.messages(conversation_id)[0].id))


async def test_a_message_is_set_aside_also_when_nobody_can_be_told(desk: Desk) -> None:
    async def fails(*_):
        raise Unavailable("Postgres does not answer.")

    desk.alerts.raise_alert = fails

    conversation_id = await _set_aside(desk)

    assert desk.outcome(conversation_id) == [("unanswerable", "set_aside")]


async def test_a_worker_waits_until_the_customer_is_quiet_and_answers_all_at_once() -> None:
    desk = await Desk(quiet_seconds=2).opens()
    conversation_id = await desk.hears("Hello")
    asleep = desk.clock.sleep

    async def hears_more(seconds: float) -> None:
        await asleep(seconds)
        if len(desk.messages(conversation_id)) < 3:
            await desk.hears("And more")

    desk.clock.sleep = hears_more

    assert await desk.takes_turns(conversation_id) == 1
    assert [len(request.questions) for request in desk.model.asked] == [3]
    assert desk.clock.slept == [2, 2, 2]
    assert desk.account == Account(9, 0)


async def test_what_comes_while_the_model_thinks_does_not_wait_for_quiet() -> None:
    desk = await Desk(quiet_seconds=2).opens()
    conversation_id = await desk.hears("Hello")

    async def thinks():
        await desk.hears("And on Sunday?")
        return answered()

    desk.model.says(thinks)

    assert await desk.takes_turns(conversation_id) == 2
    assert desk.clock.slept == [2]


@pytest.mark.parametrize(("scope", "settled"), [(LaneScope.CONVERSATION, 2), (LaneScope.PHONE_NUMBER, 1)])
async def test_in_a_lane_of_the_whole_number_what_comes_meanwhile_waits_behind_others(scope, settled) -> None:
    desk = await Desk(lane_scope=scope).opens()
    conversation_id = await desk.hears("Hello")

    async def thinks():
        await desk.hears("And on Sunday?")
        return answered()

    desk.model.says(thinks)

    assert await desk.takes_turns(conversation_id) == settled

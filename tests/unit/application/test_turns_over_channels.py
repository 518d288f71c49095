"""Parts, windows, templates, parked numbers, quotes, signs of typing and machines that answer."""

from dataclasses import replace

import pytest

from application.channels.manage_phone_numbers import ManagePhoneNumbers
from application.conversations.pause import PauseConversations
from application.pages import PageRequest
from domain.channels import ChannelSettings, ChannelStatus, ChannelType, Receipt, Template, made_id
from domain.credits import Account
from domain.delivery import Accepted, Ambiguous, Deferred, Parked, Refused
from domain.loops import SAME_IN_A_ROW
from domain.monitoring import AlertState
from domain.shared import InvalidInput, Unavailable
from domain.users import Caller
from tests.builders import an_id
from tests.fakes.context_cache import MemoryContextCache
from tests.fakes.conversations import MemoryConversations
from tests.fakes.model import answered
from tests.unit.application.desk import Desk

DAY = 86_400
TEMPLATE = Template("hello", "en")


async def _alerts(desk: Desk) -> list[tuple[str, str]]:
    page = await desk.alerts.list(desk.user.id, AlertState.OPEN, PageRequest())
    return [(alert.kind.value, alert.subject) for alert in page.items]


async def test_a_long_answer_goes_in_parts_and_is_paid_for_once(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    desk.model.says(answered("One.|Two.|Three."))

    assert await desk.takes_turns(conversation_id) == 1

    assert [sent.text for sent in desk.gateway.sent] == ["One.", "Two.", "Three."]
    assert desk.outcome(conversation_id) == [("answered", None)] + [("sent", None)] * 3
    assert desk.account == Account(9, 0)


@pytest.mark.parametrize(
    ("outcome", "statuses", "held"),
    [
        (Refused({"code": 1}), ["unanswerable", "sent", "failed", "failed"], 0),
        (Ambiguous({"code": 1}), ["received", "sent", "unknown", "pending"], 1),
    ],
)
async def test_behind_a_part_that_was_not_taken_nothing_is_sent(desk: Desk, outcome, statuses, held) -> None:
    conversation_id = await desk.hears("Hello")
    desk.model.says(answered("One.|Two.|Three."))
    desk.gateway.says(Accepted("wamid.1"), outcome)

    await desk.takes_turns(conversation_id)

    assert len(desk.gateway.sent) == 2
    assert [status for status, _ in desk.outcome(conversation_id)] == statuses
    assert desk.account == Account(10, held)


async def test_who_takes_over_goes_on_behind_the_last_part_that_was_taken(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    desk.model.says(answered("One.|Two."))
    desk.gateway.says(Accepted("wamid.1"), Parked({"code": 190}, ChannelStatus.UNAUTHORIZED))
    await desk.takes_turns(conversation_id)
    desk.store.phone_numbers[desk.number.id] = desk.number

    await desk.takes_turns(conversation_id)

    assert [sent.text for sent in desk.gateway.sent] == ["One.", "Two.", "Two."]
    assert len(desk.model.asked) == 1


async def test_a_part_that_was_being_sent_stays_unknown_though_an_earlier_one_failed(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    desk.model.says(answered("One.|Two."))

    async def dies() -> Accepted:
        first = desk.messages(conversation_id)[1]
        account = desk.number.meta_phone_number_id or ""
        failed = Receipt(ChannelType.WHATSAPP, account, "wamid.1", first.id, "failed", desk.clock.now())
        await desk.inbox.record([failed])
        raise Unavailable("The worker is gone.")

    desk.gateway.says(Accepted("wamid.1"), dies)
    with pytest.raises(Unavailable):
        await desk.takes_turns(conversation_id)
    await desk.turns.renew_lease(desk.worker_id, ())

    await desk.takes_turns(conversation_id)

    assert desk.outcome(conversation_id) == [("unanswerable", "send_failed"), ("failed", None), ("unknown", None)]
    assert desk.account == Account(10, 0)


@pytest.mark.parametrize(
    ("status", "kind"), [(ChannelStatus.UNAUTHORIZED, "access_refused"), (ChannelStatus.PARKED, "channel_parked")]
)
async def test_a_parked_number_alerts_its_owner_and_a_new_token_takes_it_up_again(desk: Desk, status, kind) -> None:
    conversation_id = await desk.hears("Hello")
    desk.gateway.says(Parked({"code": 190, "message": "secret"}, status))

    assert await desk.takes_turns(conversation_id) == 0
    assert await desk.takes_turns(conversation_id) == 0
    assert (len(desk.gateway.sent), desk.account) == (1, Account(10, 1))
    assert await _alerts(desk) == [(kind, str(desk.number.id))]

    numbers = (
        desk.phone_numbers,
        MemoryContextCache(),
        desk.vault,
        desk.inbox,
        desk.turns,
        desk.queue,
        desk.alerts,
        desk.clock,
        desk.ids,
    )
    manage = ManagePhoneNumbers(*numbers)
    await manage.change(Caller(desk.user.id), desk.user.id, desk.number.id, "EAAG2")

    assert await _alerts(desk) == []
    (entry,) = await desk.queue.claim(desk.number.id, an_id(), 10)
    assert await desk.takes_turns(entry.conversation_id) == 1
    assert desk.outcome(conversation_id) == [("answered", None), ("sent", None)]


async def test_what_waited_for_a_token_beyond_its_window_fails_and_is_not_charged(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    desk.gateway.says(Parked({"code": 190}, ChannelStatus.UNAUTHORIZED))
    await desk.takes_turns(conversation_id)
    desk.clock.advance(DAY)
    desk.store.phone_numbers[desk.number.id] = desk.number

    await desk.takes_turns(conversation_id)

    assert len(desk.gateway.sent) == 1
    assert desk.outcome(conversation_id) == [("unanswerable", "window_closed"), ("failed", None)]
    assert desk.account == Account(10, 0)


async def test_outside_the_window_nobody_is_asked_and_nothing_is_sent(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    desk.clock.advance(DAY)

    await desk.takes_turns(conversation_id)

    assert (desk.model.calls, desk.gateway.sent) == ([], [])
    assert desk.outcome(conversation_id) == [("unanswerable", "window_closed")]


async def test_outside_the_window_the_template_is_sent_where_there_is_one(desk: Desk) -> None:
    desk.store.set_settings(desk.number.id, ChannelSettings(template=TEMPLATE))
    conversation_id = await desk.hears("Hello")
    desk.clock.advance(DAY)

    await desk.takes_turns(conversation_id)

    assert (desk.model.calls, desk.gateway.templates) == ([], [TEMPLATE])
    assert [message.text for message in desk.messages(conversation_id)][1:] == ["[template hello]"]
    assert desk.outcome(conversation_id) == [("answered", None), ("sent", None)]


@pytest.mark.parametrize("has_template", [True, False])
async def test_a_window_that_the_platform_says_is_closed(desk: Desk, has_template: bool) -> None:
    desk.store.set_settings(desk.number.id, ChannelSettings(template=TEMPLATE if has_template else None))
    conversation_id = await desk.hears("Hello")
    desk.model.says(answered("One.|Two."))
    desk.gateway.says(Refused({"code": 131047}, is_window=True))

    await desk.takes_turns(conversation_id)

    question, *said = desk.outcome(conversation_id)
    assert question == (("answered", None) if has_template else ("unanswerable", "window_closed"))
    assert [status for status, _ in said] == (["sent", "failed"] if has_template else ["failed", "failed"])
    assert desk.account == Account(9 if has_template else 10, 0)


async def test_a_window_that_closes_while_the_reply_waits_is_heeded(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello", written_at=desk.clock.now())
    desk.clock.advance(DAY - 61)
    desk.gateway.says(Deferred({"code": 4}, 5.0))

    await desk.takes_turns(conversation_id)

    assert len(desk.gateway.sent) == 1
    assert desk.outcome(conversation_id) == [("unanswerable", "window_closed"), ("failed", None)]


async def test_the_question_is_quoted_only_when_the_customer_wrote_again(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")

    async def thinks():
        await desk.hears("Hello?")
        return answered("One.|Two.")

    desk.model.says(thinks)

    await desk.takes_turns(conversation_id)

    asked = desk.messages(conversation_id)[0].platform_message_id
    assert [sent.reply_to for sent in desk.gateway.sent] == [asked, None, None]


async def test_a_question_that_the_platform_cannot_know_again_is_neither_quoted_nor_shown_as_read(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello", platform_message_id=made_id(b"Hello"))

    async def thinks():
        await desk.hears("Hello?")
        return answered("One.")

    desk.model.says(thinks)

    await desk.takes_turns(conversation_id)

    assert desk.gateway.sent[0].reply_to is None
    assert len(desk.background.started) == 1, "only that of the second question"


async def test_a_sign_is_shown_while_the_turn_lasts(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")

    await desk.takes_turns(conversation_id)

    (work,) = desk.background.started
    assert work.is_stopped
    coroutine = work.work()
    for _ in range(2):
        coroutine.send(None)
    coroutine.close()
    assert set(desk.gateway.typing) == {desk.messages(conversation_id)[0].platform_message_id}


async def test_no_sign_is_shown_where_it_is_not_wanted(desk: Desk) -> None:
    desk.store.set_settings(desk.number.id, ChannelSettings(shows_typing=False))

    await desk.takes_turns(await desk.hears("Hello"))

    assert desk.background.started == []


async def test_a_machine_that_answers_ours_is_paused_and_a_person_is_told() -> None:
    desk = await Desk().opens(credits_=50)
    for _ in range(SAME_IN_A_ROW):
        conversation_id = await desk.hears("I am out of office.")
        await desk.takes_turns(conversation_id)

    assert len(desk.model.asked) == SAME_IN_A_ROW - 1
    assert desk.outcome(conversation_id)[-1] == ("unanswerable", "auto_replier")
    assert await _alerts(desk) == [("auto_replier", str(conversation_id))]
    await desk.hears("Are you there?")
    assert await desk.takes_turns(conversation_id) == 0

    pauses = PauseConversations(MemoryConversations(desk.store), desk.queue, desk.alerts)
    desk.clock.advance(601)
    await pauses.resume(Caller(desk.user.id), desk.user.id, conversation_id)

    assert await _alerts(desk) == []
    assert await desk.takes_turns(conversation_id) == 1


@pytest.mark.parametrize("minutes", [0.0, -1.0, float("nan"), 1e9])
async def test_a_pause_has_a_sensible_length(desk: Desk, minutes: float) -> None:
    conversation_id = await desk.hears("Hello")
    pauses = PauseConversations(MemoryConversations(desk.store), desk.queue, desk.alerts)

    with pytest.raises(InvalidInput):
        await pauses.pause(Caller(desk.user.id), desk.user.id, conversation_id, minutes)


async def test_what_is_no_text_is_told_in_words(desk: Desk) -> None:
    conversation_id = await desk.hears("Hello")
    (message,) = desk.messages(conversation_id)
    desk.store.messages[message.id] = replace(message, text=None, type="image")

    await desk.takes_turns(conversation_id)

    assert [asked.text for asked in desk.model.asked[0].questions] == ["[The customer sent an image.]"]

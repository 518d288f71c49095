from dataclasses import replace
from datetime import timedelta

import pytest

from application.alerting import OVERFLOW_SECONDS
from application.channels.accept_webhook import AcceptWebhook, WebhookOutcome
from application.monitoring import SWEEP_AGE_SECONDS, Sweep
from application.pages import PageRequest
from application.ports.alerts import Watched
from application.ports.channel_gateway import ForgedWebhook
from domain.alert_rules import Limits
from domain.channels import Change, Delivery, Echo, Move, Notice, Receipt
from domain.monitoring import AlertKind, AlertState
from domain.shared import Unavailable
from tests.builders import an_id
from tests.fakes.turn_queue import MemoryTurnQueue
from tests.unit.application.desk import KIM, Desk


class ReadsWhatItIsTold:
    def __init__(self, delivery: Delivery | Exception) -> None:
        self._delivery = delivery

    def read(self, headers, body) -> Delivery:
        if isinstance(self._delivery, Exception):
            raise self._delivery
        return self._delivery

    def challenge(self, query) -> str:
        return query["hub.challenge"]


def counted(outcome: WebhookOutcome) -> WebhookOutcome:
    """Its numbers; which ids the messages got is another matter."""
    return replace(outcome, message_ids=())


async def _accepts(desk: Desk, delivery: Delivery | Exception) -> WebhookOutcome:
    reader = ReadsWhatItIsTold(delivery)
    return await AcceptWebhook(reader, desk.inbox, desk.queue, desk.seen, desk.overflow, desk.live)({}, b"")


def _a_receipt(desk: Desk) -> Receipt:
    return Receipt(desk.number.type, desk.number.meta_phone_number_id, "wamid.?", None, "sent", desk.clock.now())


async def test_a_delivery_is_stored_queued_and_counted(desk: Desk) -> None:
    text = desk.a_text()
    stranger = desk.a_text(account="nobody's")
    receipts = [_a_receipt(desk)]
    delivery = Delivery([text, text, stranger, desk.a_text(address="2")], receipts, ignored=3, unreadable=2)

    outcome = await _accepts(desk, delivery)

    assert counted(outcome) == WebhookOutcome(
        accepted=2, duplicates=1, unclaimed=1, receipts=1, ignored=3, unreadable=2, queued=True
    )
    assert len(await desk.queue.claim(desk.number.id, an_id(), 10)) == 2
    assert desk.queue.wake_ups == [[desk.number.id]]


async def test_with_the_queue_down_a_delivery_is_accepted_and_it_says_so(desk: Desk) -> None:
    desk.queue.is_down = True

    outcome = await _accepts(desk, Delivery([desk.a_text()]))

    assert counted(outcome) == WebhookOutcome(accepted=1, queued=False)
    assert len(desk.store.messages) == 1


async def test_with_the_store_down_nothing_is_accepted(desk: Desk) -> None:
    async def fails(messages):
        raise Unavailable("Postgres does not answer.")

    desk.inbox.accept = fails

    with pytest.raises(Unavailable):
        await _accepts(desk, Delivery([desk.a_text()]))
    assert desk.queue.wake_ups == []


async def test_a_forged_delivery_leaves_no_trace(desk: Desk) -> None:
    with pytest.raises(ForgedWebhook):
        await _accepts(desk, ForgedWebhook("no"))
    assert desk.store.messages == {}


@pytest.mark.parametrize("delivery", [Delivery(), Delivery(ignored=1)])
async def test_a_delivery_of_nothing_wakes_nobody(desk: Desk, delivery: Delivery) -> None:
    outcome = await _accepts(desk, delivery)

    assert outcome.queued
    assert desk.queue.wake_ups == []


async def test_a_message_that_comes_again_wakes_nobody(desk: Desk) -> None:
    text = desk.a_text()
    await _accepts(desk, Delivery([text]))

    await _accepts(desk, Delivery([text]))

    assert len(desk.queue.wake_ups) == 1


async def test_a_message_nobody_will_answer_takes_no_one_s_place(desk: Desk) -> None:
    outcome = await _accepts(desk, Delivery([desk.a_text(type="image", text=None)]))

    assert counted(outcome) == WebhookOutcome(accepted=1)


async def test_all_that_a_delivery_brings_is_noted_in_order_and_counted(desk: Desk) -> None:
    channel, account, now = desk.number.type, desk.number.meta_phone_number_id, desk.clock.now()
    text = desk.a_text()
    delivery = Delivery(
        [text],
        echoes=[Echo(channel, account, text.address, "wamid.e", "text", "I am here.", now)],
        changes=[Change(channel, account, text.platform_message_id, "Edited", now)],
        moves=[Move(channel, account, text.address, "4930", now)],
        notices=[Notice(channel, account, None, "account_update", {}, now)],
    )

    outcome = await _accepts(desk, delivery)

    assert counted(outcome) == WebhookOutcome(accepted=1, echoes=1, changes=1, moves=1, notices=1)
    (conversation,) = desk.store.conversations.values()
    assert [(one.text, one.status) for one in desk.messages(conversation.id)] == [
        ("Edited", "unanswerable"),
        ("I am here.", "sent"),
    ]
    assert desk.store.shown(conversation).customer.address == "4930"
    assert len(desk.store.notices) == 1


async def test_a_message_in_a_paused_conversation_wakes_nobody(desk: Desk) -> None:
    channel, account, now = desk.number.type, desk.number.meta_phone_number_id, desk.clock.now()
    await _accepts(desk, Delivery(echoes=[Echo(channel, account, KIM, "wamid.e", "text", "I am here.", now)]))

    outcome = await _accepts(desk, Delivery([desk.a_text(written_at=now + timedelta(seconds=1))]))

    assert counted(outcome) == WebhookOutcome(accepted=1)
    assert desk.queue.wake_ups == []


@pytest.mark.parametrize("note", ["note_echoes", "note_changes", "note_moves", "keep_notices"])
async def test_what_could_not_be_noted_is_to_come_again_with_all_beside_it(desk: Desk, note: str) -> None:
    async def fails(_):
        raise Unavailable("Postgres does not answer.")

    works = getattr(desk.inbox, note)
    setattr(desk.inbox, note, fails)
    channel, account, now = desk.number.type, desk.number.meta_phone_number_id, desk.clock.now()
    delivery = Delivery(
        [desk.a_text()],
        echoes=[Echo(channel, account, "1", "wamid.e", "text", "I am here.", now)],
        changes=[Change(channel, account, "wamid.c", None, now)],
        moves=[Move(channel, account, "1", "2", now)],
        notices=[Notice(channel, account, None, "account_update", {}, now)],
    )
    with pytest.raises(Unavailable):
        await _accepts(desk, delivery)
    setattr(desk.inbox, note, works)

    assert (await _accepts(desk, delivery)).duplicates == 1
    assert len(desk.store.messages) == 2


# --- what came a moment ago


async def test_what_came_a_moment_ago_is_counted_without_asking_the_store(desk: Desk) -> None:
    text, receipt = desk.a_text(), _a_receipt(desk)
    await _accepts(desk, Delivery([text], [receipt]))

    async def asked(_):
        raise AssertionError("the store was asked")

    desk.inbox.accept = desk.inbox.record = asked
    outcome = await _accepts(desk, Delivery([text], [receipt]))

    assert counted(outcome) == WebhookOutcome(duplicates=1)


async def test_a_receipt_that_says_more_is_none_that_came_before(desk: Desk) -> None:
    sent = _a_receipt(desk)
    await _accepts(desk, Delivery(receipts=[sent]))

    assert (await _accepts(desk, Delivery(receipts=[replace(sent, status="read")]))).receipts == 1


@pytest.mark.parametrize("forgetting", ["its time is over", "it is out of reach"])
async def test_without_the_quick_filter_the_store_tells_duplicates(desk: Desk, forgetting: str) -> None:
    text = desk.a_text()
    await _accepts(desk, Delivery([text]))
    if forgetting == "its time is over":
        desk.clock.advance(5)
    desk.seen.is_down = forgetting == "it is out of reach"

    assert (await _accepts(desk, Delivery([text]))).duplicates == 1
    assert len(desk.store.messages) == 1


@pytest.mark.parametrize("broken", ["accept", "record"])
async def test_what_was_not_committed_is_taken_when_it_comes_again(desk: Desk, broken: str) -> None:
    async def fails(_):
        raise Unavailable("Postgres does not answer.")

    delivery, works = Delivery([desk.a_text()], [_a_receipt(desk)]), getattr(desk.inbox, broken)
    setattr(desk.inbox, broken, fails)
    with pytest.raises(Unavailable):
        await _accepts(desk, delivery)
    setattr(desk.inbox, broken, works)

    outcome = await _accepts(desk, delivery)

    assert outcome.receipts == 1
    assert outcome.accepted + outcome.duplicates == 1
    assert len(desk.store.messages) == 1


# --- full queues


async def _open_alerts(desk: Desk) -> list[tuple[str, str, int]]:
    page = await desk.alerts.list(None, AlertState.OPEN, PageRequest())
    return [(alert.kind.value, alert.subject, alert.times) for alert in page.items]


async def _fills(desk: Desk) -> WebhookOutcome:
    desk.queue = MemoryTurnQueue(desk.clock, capacity=1)
    await _accepts(desk, Delivery([desk.a_text(address="1")]))
    return await _accepts(desk, Delivery([desk.a_text(address="2")]))


async def test_what_finds_a_full_queue_is_stored_and_people_are_told(desk: Desk) -> None:
    outcome = await _fills(desk)

    assert counted(outcome) == WebhookOutcome(accepted=1, queued=False)
    assert len(desk.store.messages) == 2
    assert await _open_alerts(desk) == [("queue_overflow", str(desk.number.id), 1)]


async def test_a_queue_that_stays_full_is_reported_now_and_then(desk: Desk) -> None:
    await _fills(desk)
    for place in range(5):
        await _accepts(desk, Delivery([desk.a_text(address=f"3{place}")]))
    desk.clock.advance(OVERFLOW_SECONDS)
    await _accepts(desk, Delivery([desk.a_text(address="4")]))

    assert await _open_alerts(desk) == [("queue_overflow", str(desk.number.id), 2)]


async def test_a_webhook_is_accepted_also_when_nobody_can_be_told(desk: Desk) -> None:
    async def fails(*_):
        raise Unavailable("Postgres does not answer.")

    desk.alerts.raise_alert = fails

    assert (await _fills(desk)).accepted == 1


async def test_the_look_around_that_finds_room_ends_the_alert(desk: Desk) -> None:
    limits = Limits(ends_at=2)
    await _fills(desk)
    desk.clock.advance(SWEEP_AGE_SECONDS)
    sweep = Sweep(desk.turns, desk.inbox, desk.queue, desk.overflow)
    assert (await sweep()).requeued == 0
    assert await desk.alerts.watch(AlertKind.QUEUE_OVERFLOW, limits) == Watched()
    assert len(await _open_alerts(desk)) == 1
    (entry,) = await desk.queue.claim(desk.number.id, desk.worker_id, 5)
    await desk.takes_turns(entry.conversation_id)
    await desk.queue.finish(entry)

    assert (await sweep()).requeued == 1

    assert await desk.alerts.watch(AlertKind.QUEUE_OVERFLOW, limits) == Watched(resolved=1)
    assert await _open_alerts(desk) == []


async def test_a_sweep_that_could_not_ask_the_queue_ends_nothing(desk: Desk) -> None:
    await _fills(desk)
    desk.clock.advance(SWEEP_AGE_SECONDS)
    desk.queue.is_down = True

    await Sweep(desk.turns, desk.inbox, desk.queue, desk.overflow)()

    assert len(await _open_alerts(desk)) == 1

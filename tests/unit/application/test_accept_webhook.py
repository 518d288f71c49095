import pytest

from application.channels.accept_webhook import AcceptWebhook, WebhookOutcome
from application.ports.channel_gateway import ForgedWebhook
from domain.channels import Delivery, Receipt
from domain.shared import Unavailable
from tests.builders import an_id
from tests.unit.application.desk import Desk


class ReadsWhatItIsTold:
    def __init__(self, delivery: Delivery | Exception) -> None:
        self._delivery = delivery

    def read(self, headers, body) -> Delivery:
        if isinstance(self._delivery, Exception):
            raise self._delivery
        return self._delivery

    def challenge(self, query) -> str:
        return query["hub.challenge"]


async def _accepts(desk: Desk, delivery: Delivery | Exception) -> WebhookOutcome:
    return await AcceptWebhook(ReadsWhatItIsTold(delivery), desk.inbox, desk.queue, desk.seen)({}, b"")


def _a_receipt(desk: Desk) -> Receipt:
    return Receipt(desk.number.type, desk.number.meta_phone_number_id, "wamid.?", None, "sent", desk.clock.now())


async def test_a_delivery_is_stored_queued_and_counted(desk: Desk) -> None:
    text = desk.a_text()
    stranger = desk.a_text(account="nobody's")
    receipts = [_a_receipt(desk)]
    delivery = Delivery([text, text, stranger, desk.a_text(address="2")], receipts, ignored=3, unreadable=2)

    outcome = await _accepts(desk, delivery)

    assert outcome == WebhookOutcome(
        accepted=2, duplicates=1, unclaimed=1, receipts=1, ignored=3, unreadable=2, queued=True
    )
    assert len(await desk.queue.claim(desk.number.id, an_id(), 10)) == 2
    assert desk.queue.wake_ups == [[desk.number.id]]


async def test_with_the_queue_down_a_delivery_is_accepted_and_it_says_so(desk: Desk) -> None:
    desk.queue.is_down = True

    outcome = await _accepts(desk, Delivery([desk.a_text()]))

    assert outcome == WebhookOutcome(accepted=1, queued=False)
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

    assert outcome == WebhookOutcome(accepted=1)

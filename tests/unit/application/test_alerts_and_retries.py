import pytest

from application.alerts import ReadAlerts
from application.credits import ManageCredits
from application.delivery.retry_message import RetryMessage
from application.monitoring import Noticed, Watch
from application.pages import PageRequest
from domain.alert_rules import rules
from domain.channels import Receipt
from domain.conversations import Message
from domain.delivery import Ambiguous, Refused
from domain.monitoring import AlertKind, AlertState
from domain.shared import Forbidden, NotFound
from domain.users import Caller
from tests.builders import an_id
from tests.fakes.alerts import MemoryAlerts
from tests.fakes.retries import MemoryRetries
from tests.unit.application.desk import Desk

ADMIN = Caller(None)
STRANGER = Caller(an_id())
HOUR = 3_600


@pytest.fixture
def alerts(desk: Desk) -> MemoryAlerts:
    return MemoryAlerts(desk.store)


@pytest.fixture
def retry(desk: Desk) -> RetryMessage:
    return RetryMessage(MemoryRetries(desk.store, desk.ids), desk.queue, desk.live)


async def _failed(desk: Desk) -> Message:
    conversation_id = await desk.hears("Hello")
    desk.gateway.says(Refused({"code": 131026}))
    await desk.takes_turns(conversation_id)
    return desk.messages(conversation_id)[-1]


async def _open(alerts: MemoryAlerts) -> list[AlertKind]:
    return [alert.kind for alert in (await alerts.list(None, AlertState.OPEN, PageRequest())).items]


# --- sending again


async def test_a_retried_message_is_delivered_again_without_asking_the_model(desk: Desk, retry: RetryMessage) -> None:
    failed = await _failed(desk)
    asked = len(desk.model.asked)

    await retry(Caller(desk.user.id), desk.user.id, failed.id, None)
    (entry,) = await desk.queue.claim(desk.number.id, desk.worker_id, 5)
    await desk.work.serve(entry)

    first, second = desk.gateway.sent
    assert (second.message_id, second.text) == (first.message_id, first.text)
    assert len(desk.model.asked) == asked
    assert desk.outcome(failed.conversation_id) == [("answered", None), ("sent", None)]
    assert (desk.account.balance, desk.account.held) == (9, 0)


async def test_with_the_queue_down_a_retried_message_waits_for_the_sweeper(desk: Desk, retry: RetryMessage) -> None:
    failed = await _failed(desk)
    desk.queue.is_down = True

    assert (await retry(ADMIN, desk.user.id, failed.id, None)).status == "pending"


async def test_only_the_owner_and_the_admin_retry(desk: Desk, retry: RetryMessage) -> None:
    failed = await _failed(desk)

    with pytest.raises(NotFound):
        await retry(STRANGER, desk.user.id, failed.id, None)
    assert (await retry(ADMIN, desk.user.id, failed.id)).id == failed.id


# --- looking around


async def test_a_look_around_tells_what_is_wrong_and_later_that_it_has_ended(desk: Desk, alerts: MemoryAlerts) -> None:
    watch = Watch(alerts, desk.credits, desk.inbox, rules(undecided_seconds=60), blocked_hours_max=24)
    conversation_id = await desk.hears("Hello")
    desk.gateway.says(Ambiguous({"detail": "cut"}))
    await desk.takes_turns(conversation_id)
    assert await watch() == Noticed()

    desk.clock.advance(60)
    assert await watch() == Noticed(opened=1)
    assert await _open(alerts) == [AlertKind.SEND_UNDECIDED]

    reply = desk.messages(conversation_id)[-1]
    account, now = desk.number.meta_phone_number_id, desk.clock.now()
    await desk.inbox.record([Receipt(desk.number.type, account, "wamid.1", reply.id, "delivered", now)])
    assert await watch() == Noticed(resolved=1)
    assert await _open(alerts) == []


async def test_an_owner_is_told_even_when_their_messages_are_given_up_at_once(alerts_of_a_poor_shop) -> None:
    desk, alerts = alerts_of_a_poor_shop
    conversation_id = await desk.hears("Hello")
    await desk.takes_turns(conversation_id)
    desk.clock.advance(24 * HOUR)

    noticed = await Watch(alerts, desk.credits, desk.inbox)()

    assert noticed == Noticed(opened=1, expired=1)
    assert desk.outcome(conversation_id) == [("unanswerable", "waited_too_long")]
    assert await _open(alerts) == [AlertKind.CREDITS_EXHAUSTED]


async def test_a_top_up_passes_the_age_limit_on(alerts_of_a_poor_shop) -> None:
    desk, _ = alerts_of_a_poor_shop
    conversation_id = await desk.hears("Hello")
    await desk.takes_turns(conversation_id)
    desk.clock.advance(2 * HOUR)
    manage = ManageCredits(desk.credits, desk.turns, desk.queue, blocked_hours_max=1)

    await manage.add(ADMIN, desk.user.id, 5, None, None)

    assert desk.outcome(conversation_id) == [("unanswerable", "waited_too_long")]


@pytest.fixture
async def alerts_of_a_poor_shop() -> tuple[Desk, MemoryAlerts]:
    desk = await Desk().opens(credits_=0)
    return desk, MemoryAlerts(desk.store)


# --- reading


async def test_all_alerts_are_the_admins_and_a_users_their_own(desk: Desk, alerts: MemoryAlerts) -> None:
    read = ReadAlerts(alerts)
    await alerts.raise_alert(AlertKind.QUEUE_OVERFLOW, "a", desk.user.id, "")
    await alerts.raise_alert(AlertKind.PROVIDER_OUTAGE, "openai", None, "")
    owner = Caller(desk.user.id)

    assert len((await read.of_all(ADMIN, None, PageRequest())).items) == 2
    assert len((await read.of_user(owner, desk.user.id, None, PageRequest())).items) == 1
    with pytest.raises(Forbidden):
        await read.of_all(owner, None, PageRequest())
    with pytest.raises(NotFound):
        await read.of_user(STRANGER, desk.user.id, None, PageRequest())

"""What keeps a turn from beginning, what a turn is told, and receipts that come too early or too late."""

from dataclasses import replace

import pytest

from application.pages import PageRequest
from application.ports.alerts import Watched
from application.ports.turns import NoTurn, WaitingFilter
from domain.alert_rules import Limits
from domain.answers import NotAnswered
from domain.channels import ChannelStatus
from domain.conversations import PauseReason, UnansweredReason
from domain.credits import Account
from domain.delivery import Accepted, Ambiguous, Parked, settlement_of_send, settlement_without_reply
from domain.loops import TURNS_MIN
from domain.monitoring import AlertKind, AlertState
from tests.contract.paths import Path, a_receipt, a_reply

EVERYTHING = WaitingFilter()
REFUSED_TOKEN = Parked({"code": 190, "subcode": 463, "message": "free text"}, ChannelStatus.UNAUTHORIZED)


async def _parked(path: Path):
    shop, worker = await path.a_shop(5), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    reply = a_reply()
    await worker.turns.record_reply(turn, reply)
    await worker.turns.park(turn, reply.parts[0].message_id, REFUSED_TOKEN, None)
    return shop, worker, turn, reply


async def test_a_parked_turn_waits_with_its_credit_until_a_new_token_comes(path: Path) -> None:
    shop, worker, turn, reply = await _parked(path)
    assert await path.outcome(shop, turn.conversation_id) == [("received", None), ("pending", None)]
    assert await path.account(shop) == Account(5, 1)
    assert await worker.turns.begin(turn.conversation_id, worker.id) is NoTurn.PARKED
    assert await worker.turns.waiting(EVERYTHING, 10) == []

    parked = await path.world.phone_numbers.get(shop.user.id, shop.number.id)
    assert parked.status == "unauthorized"
    changed = await path.world.phone_numbers.change(parked, b"sealed")

    assert changed.status == "active"
    assert len(await worker.turns.waiting(EVERYTHING, 10)) == 1
    again = await worker.begins(turn.conversation_id)
    assert (again.id, again.crashes, again.replies[0].status) == (turn.id, 0, "pending")
    await worker.turns.mark_reply(again, reply.parts[0].message_id, "sending")
    await worker.settles(again, Accepted("wamid.unparked"))


async def test_on_a_parked_number_nothing_is_begun_or_held(path: Path) -> None:
    shop, worker, _, _ = await _parked(path)
    other = await path.writes(shop, address="another")

    assert await worker.turns.begin(other, worker.id) is NoTurn.PARKED
    assert await path.outcome(shop, other) == [("received", None)]
    assert await path.account(shop) == Account(5, 1)
    assert await worker.turns.waiting(EVERYTHING, 10) == []


async def test_a_change_without_a_token_leaves_a_number_parked(path: Path) -> None:
    shop, *_ = await _parked(path)

    changed = await path.world.phone_numbers.change(shop.number, None)

    assert changed.status == "unauthorized"


@pytest.mark.parametrize("minutes", [None, 5.0])
async def test_in_a_paused_conversation_no_turn_begins_until_it_is_resumed(path: Path, minutes) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    conversation_id = await path.writes(shop)

    paused = await path.world.conversations.pause(shop.user.id, conversation_id, minutes, PauseReason.BY_HAND)

    assert (paused.paused_reason, paused.paused_until is None) == ("by_hand", minutes is None)
    assert await worker.turns.begin(conversation_id, worker.id) is NoTurn.PAUSED
    assert await worker.turns.waiting(EVERYTHING, 10) == []
    assert await path.account(shop) == Account(100, 0)
    resumed = await path.world.conversations.resume(shop.user.id, conversation_id)
    assert (resumed.paused_reason, resumed.paused_until) == (None, None)
    assert len(await worker.turns.waiting(EVERYTHING, 10)) == 1
    await worker.answers(await worker.begins(conversation_id))


async def test_a_turn_that_was_open_when_it_was_paused_can_be_taken_over(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    await path.world.conversations.pause(shop.user.id, turn.conversation_id, None, PauseReason.BY_HAND)
    await worker.turns.end_lease(worker.id)

    assert (await (await path.a_worker()).begins(turn.conversation_id)).id == turn.id


async def test_an_auto_replier_is_paused_with_the_end_of_the_turn(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))

    await worker.turns.settle(turn, settlement_without_reply(NotAnswered(UnansweredReason.AUTO_REPLIER, "")))

    conversation = await path.world.conversations.get(shop.user.id, turn.conversation_id)
    assert (conversation.paused_reason, conversation.paused_until) == ("auto_replier", None)
    await path.writes(shop)
    assert await worker.turns.begin(turn.conversation_id, worker.id) is NoTurn.PAUSED


async def test_what_was_said_lately_is_told_only_where_much_was_said(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    for _ in range(TURNS_MIN):
        turn = await worker.begins(await path.writes(shop, text="Hello"))
        assert turn.lately == ()
        await worker.answers(turn)

    turn = await worker.begins(await path.writes(shop, text="Hello"))

    assert [line.is_ours for line in turn.lately] == [False, True] * TURNS_MIN + [False]
    assert len({line.digest for line in turn.lately if not line.is_ours}) == 1


async def test_a_turn_is_told_when_the_customer_was_heard_last(path: Path) -> None:
    shop, worker = await path.a_shop(), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))

    (question,) = turn.questions
    assert (turn.heard.sequence_number, turn.heard.is_from_ad, question.type) == (1, False, "text")
    assert not turn.is_asked_again


async def test_a_receipt_that_comes_too_early_is_heeded_when_the_platform_s_id_is_known(path: Path) -> None:
    shop, worker = await path.a_shop(5), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    reply = a_reply()
    await worker.turns.record_reply(turn, reply)
    pricing = {"category": "utility"}
    early = a_receipt(shop.number, "delivered", platform_message_id="mid.early", pricing=pricing)
    assert list(await path.inbox.record([early, early])) == ["unknown", "unknown"]

    await worker.settles(turn, Accepted("mid.early"))

    said = (await path.messages(shop))[1]
    assert (said.status, said.pricing) == ("delivered", pricing)
    assert {"sending", "sent", "delivered"} <= said.status_times.keys()


async def test_early_receipts_are_not_kept_for_ever(path: Path) -> None:
    shop, worker = await path.a_shop(5), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    await worker.turns.record_reply(turn, a_reply())
    await path.inbox.record([a_receipt(shop.number, "delivered", platform_message_id="mid.old")])

    await path.inbox.heed_early_receipts(0)

    await worker.settles(turn, Accepted("mid.old"))
    assert (await path.messages(shop))[1].status == "sent"


async def test_a_failure_after_a_delivery_is_on_record_and_changes_nothing(path: Path) -> None:
    shop, worker = await path.a_shop(5), await path.a_worker()
    reply = await worker.answers(await worker.begins(await path.writes(shop)), "wamid.seen")
    message_id = reply.parts[0].message_id
    for status, error in (("read", None), ("failed", {"code": 131026})):
        await path.inbox.record([a_receipt(shop.number, status, message_id=message_id, error=error)])

    said = (await path.messages(shop))[1]
    assert (said.status, said.error) == ("read", {"code": 131026})
    assert {"read", "failed"} <= said.status_times.keys()
    assert await path.account(shop) == Account(4, 0)


async def test_an_unknown_send_has_its_time_too(path: Path) -> None:
    shop, worker = await path.a_shop(5), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    reply = a_reply()
    await worker.turns.record_reply(turn, reply)
    await worker.turns.settle(turn, settlement_of_send(Ambiguous({}), reply.parts[0].message_id))

    assert (await path.messages(shop))[1].status_times.keys() == {"sending", "unknown"}


async def test_a_message_that_was_set_aside_is_held_up_until_a_later_one_is_answered(path: Path) -> None:
    shop, worker = await path.a_shop(5), await path.a_worker()
    turn = await worker.begins(await path.writes(shop))
    await worker.turns.settle(turn, settlement_without_reply(NotAnswered(UnansweredReason.SET_ASIDE, "")))
    subject = str(turn.questions[0].message_id)
    await path.alerts.raise_alert(AlertKind.MESSAGE_SET_ASIDE, subject, shop.user.id, "")
    assert await path.alerts.watch(AlertKind.MESSAGE_SET_ASIDE, Limits(ends_at=7)) == Watched()

    await worker.answers(await worker.begins(await path.writes(shop)))

    assert await path.alerts.watch(AlertKind.MESSAGE_SET_ASIDE, Limits(ends_at=7)) == Watched(resolved=1)


async def test_a_message_that_was_set_aside_is_not_held_up_for_ever(path: Path) -> None:
    shop = await path.a_shop(5)
    conversation_id = await path.writes(shop)
    (message,) = await path.messages(shop, conversation_id)
    await path.alerts.raise_alert(AlertKind.MESSAGE_SET_ASIDE, str(message.id), shop.user.id, "")

    assert await path.alerts.watch(AlertKind.MESSAGE_SET_ASIDE, Limits(ends_at=0)) == Watched(resolved=1)


async def test_a_full_queue_is_told_to_the_owner_of_the_number(path: Path) -> None:
    shop = await path.a_shop()
    await path.alerts.raise_alert(AlertKind.QUEUE_OVERFLOW, str(shop.number.id), None, "")

    page = await path.alerts.list(shop.user.id, AlertState.OPEN, PageRequest())
    assert [alert.subject for alert in page.items] == [str(shop.number.id)]


async def test_a_refused_request_is_held_up_until_the_phone_number_sends_again(path: Path) -> None:
    shop, other, worker = await path.a_shop(5), await path.a_shop(5), await path.a_worker()
    await worker.answers(await worker.begins(await path.writes(shop)))
    await path.alerts.raise_alert(AlertKind.REQUEST_REFUSED, str(shop.number.id), shop.user.id, "")
    await path.alerts.raise_alert(AlertKind.REQUEST_REFUSED, str(other.number.id), other.user.id, "")
    await path.time.passes(1)
    assert await path.alerts.watch(AlertKind.REQUEST_REFUSED, Limits(ends_at=7)) == Watched()

    await worker.answers(await worker.begins(await path.writes(shop)))

    assert await path.alerts.watch(AlertKind.REQUEST_REFUSED, Limits(ends_at=7)) == Watched(resolved=1)
    await path.world.phone_numbers.remove(other.user.id, other.number.id)
    assert await path.alerts.watch(AlertKind.REQUEST_REFUSED, Limits(ends_at=7)) == Watched(resolved=1)


async def test_a_refused_request_is_not_held_up_for_ever(path: Path) -> None:
    shop = await path.a_shop(5)
    await path.alerts.raise_alert(AlertKind.REQUEST_REFUSED, str(shop.number.id), shop.user.id, "")

    assert await path.alerts.watch(AlertKind.REQUEST_REFUSED, Limits(ends_at=0)) == Watched(resolved=1)


async def test_early_receipts_go_with_their_phone_number(path: Path) -> None:
    shop = await path.a_shop()
    rows_before = await path.world.backstage.rows_left()
    await path.inbox.record([a_receipt(shop.number, "delivered", platform_message_id="wamid.early")])
    assert await path.world.backstage.rows_left() == rows_before + 1

    await path.world.phone_numbers.remove(shop.user.id, shop.number.id)

    assert await path.world.backstage.rows_left() == rows_before - 1


async def test_a_low_balance_is_told_once_and_until_there_is_more_again(path: Path) -> None:
    shop, worker = await path.a_shop(3), await path.a_worker()
    await path.a_shop(0)
    assert await path.alerts.watch(AlertKind.LOW_BALANCE, Limits()) == Watched()
    await path.world.users.change(replace(shop.user, low_balance_threshold=3))
    assert await path.alerts.watch(AlertKind.LOW_BALANCE, Limits()) == Watched()

    await worker.begins(await path.writes(shop))

    assert await path.alerts.watch(AlertKind.LOW_BALANCE, Limits()) == Watched(opened=1)
    assert await path.alerts.watch(AlertKind.LOW_BALANCE, Limits()) == Watched()
    await path.world.credits.add(shop.user.id, 1, None, None)
    assert (await path.account(shop)).available == 3
    assert await path.alerts.watch(AlertKind.LOW_BALANCE, Limits()) == Watched()
    await path.world.credits.add(shop.user.id, 1, None, None)
    assert await path.alerts.watch(AlertKind.LOW_BALANCE, Limits()) == Watched(resolved=1)


async def test_without_a_threshold_nobody_is_told_any_more(path: Path) -> None:
    shop = await path.a_shop(3)
    await path.world.users.change(replace(shop.user, low_balance_threshold=10))
    assert await path.alerts.watch(AlertKind.LOW_BALANCE, Limits()) == Watched(opened=1)

    await path.world.users.change(shop.user)

    assert await path.alerts.watch(AlertKind.LOW_BALANCE, Limits()) == Watched(resolved=1)

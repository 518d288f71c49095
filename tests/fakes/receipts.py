"""What the platform reports of our messages, in memory; the inbox hears it, and turns heed what came too early."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from application.ports.inbox import ReceiptOutcome
from domain.channels import InboundMessage, PhoneNumber, Receipt
from domain.conversations import OUTBOUND_ORDER, InboundStatus, OutboundStatus, TurnStatus, UnansweredReason, later
from domain.credits import EntryKind
from tests.fakes.memory_store import MemoryStore

UNDECIDED = {OutboundStatus.PENDING, OutboundStatus.SENDING, OutboundStatus.UNKNOWN}


def record_receipts(store: MemoryStore, receipts: Sequence[Receipt]) -> list[ReceiptOutcome]:
    """Note them all; of several for one message in one call only the furthest moves it."""
    known = [_message_of(store, receipt) for receipt in receipts]
    return [_record(store, receipts, known, place) for place in range(len(receipts))]


def merge_early_receipts(store: MemoryStore, message_id: UUID) -> None:
    """Heed what was reported of a message before its platform id was known."""
    message = store.messages[message_id]
    for key, (receipt, _) in list(store.early_receipts.items()):
        number = number_of(store, receipt)
        names = (message.phone_number_id, message.platform_message_id)
        if number and (number.id, receipt.platform_message_id) == names:
            del store.early_receipts[key]
            record_receipts(store, [receipt])


def number_of(store: MemoryStore, item: InboundMessage | Receipt) -> PhoneNumber | None:
    for number in store.phone_numbers.values():
        account = number.meta_phone_number_id or number.instagram_account_id or str(number.id)
        if (number.type, account) == (item.channel, item.account):
            return number
    return None


def _message_of(store: MemoryStore, receipt: Receipt) -> UUID | None:
    number = number_of(store, receipt)
    named = None
    for message in store.messages.values():
        if number and message.phone_number_id == number.id and message.direction == "outbound":
            if message.id == receipt.message_id:
                return message.id
            if message.platform_message_id == receipt.platform_message_id:
                named = message.id
    return named


def _record(
    store: MemoryStore, receipts: Sequence[Receipt], known: Sequence[UUID | None], place: int
) -> ReceiptOutcome:
    message_id, receipt = known[place], receipts[place]
    if message_id is None:
        if number_of(store, receipt):
            key = (receipt.channel, receipt.account, receipt.platform_message_id, receipt.status)
            store.early_receipts.setdefault(key, (receipt, store.clock.now()))
        return ReceiptOutcome.UNKNOWN
    former = store.former_platform_message_ids[message_id]
    if receipt.platform_message_id in former:
        return ReceiptOutcome.OLD
    rivals = [
        other
        for other, id_ in enumerate(known)
        if id_ == message_id and receipts[other].platform_message_id not in former
    ]
    furthest = max(rivals, key=lambda other: (OUTBOUND_ORDER.index(OutboundStatus(receipts[other].status)), -other))
    before, reported = OutboundStatus(store.messages[message_id].status), OutboundStatus(receipt.status)
    _note(store, message_id, receipt)
    if place != furthest or later(before, reported) is before:
        return ReceiptOutcome.OLD
    message = store.messages[message_id]
    name = message.platform_message_id or receipt.platform_message_id
    store.messages[message_id] = replace(message, status=reported, platform_message_id=name)
    if message.turn_id:
        decide(store, message.turn_id, reported)
    return ReceiptOutcome.RECORDED


def _note(store: MemoryStore, message_id: UUID, receipt: Receipt) -> None:
    """Whatever is reported keeps its time, its price and its error, also when it changes nothing else."""
    message = store.messages[message_id]
    store.messages[message_id] = replace(
        message,
        status_times={receipt.status: receipt.at.isoformat()} | message.status_times,
        pricing=receipt.pricing or message.pricing,
        error=receipt.error or message.error,
    )


def decide(store: MemoryStore, turn_id: UUID, reported: OutboundStatus) -> None:
    """What the platform's word on one part does to the turn, its questions and its credit."""
    turn = store.turns[turn_id]
    failed = reported is OutboundStatus.FAILED
    is_left = any(part.status in UNDECIDED for part in store.replies_of(turn_id))
    if turn.status is TurnStatus.UNDECIDED and (failed or not is_left):
        kind = EntryKind.RELEASE if failed else EntryKind.CAPTURE
    elif turn.status is TurnStatus.ANSWERED and failed:
        kind = EntryKind.REFUND
    else:
        return
    turn.status = TurnStatus.FAILED if failed else TurnStatus.ANSWERED
    turn.has_unsent_rest = False
    store.charge(turn, kind)
    for message in list(store.messages.values()):
        if message.turn_id == turn_id and message.direction == "inbound":
            store.messages[message.id] = replace(
                message,
                status=InboundStatus.UNANSWERABLE if failed else InboundStatus.ANSWERED,
                reason=UnansweredReason.SEND_FAILED if failed else None,
            )
        elif message.turn_id == turn_id and failed and message.status == OutboundStatus.PENDING:
            store.change_status(message.id, OutboundStatus.FAILED)

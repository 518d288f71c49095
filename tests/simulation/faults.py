"""Faults planted one at a time: worlds in which one part is built wrong. The judge has to notice each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from application.channels.accept_webhook import AcceptWebhook, WebhookOutcome
from application.conversations.take_turn import TakeTurn
from application.ports.language_model import ModelRequest
from application.ports.turns import NoTurn, NotYet, ReplyRecord, Settled
from domain.answers import NotHeard
from domain.channels import InboundMessage
from domain.conversations import OutboundStatus, Turn
from domain.credits import TURN_PRICE, EntryKind
from domain.delivery import Accepted, Ambiguous, Deferred, Settlement, settlement_of_send
from domain.shared import Unavailable
from tests.fakes.inbox import MemoryInbox
from tests.fakes.memory_store import StoredTurn
from tests.fakes.turns import MemoryTurns
from tests.simulation.driver import STEP
from tests.simulation.model import SimulatedModel
from tests.simulation.world import World


class WithTurns(World):
    """A world with other turns."""

    turns_made_by: type[MemoryTurns]

    def make_turns(self) -> Any:
        made = super().make_turns()
        made.__class__ = self.turns_made_by
        return made


class WithInbox(World):
    """A world with another inbox."""

    inbox_made_by: type[MemoryInbox]

    def make_inbox(self) -> Any:
        return self.inbox_made_by(self.store, self.ids)


class NoFence(WithTurns):
    class turns_made_by(MemoryTurns):
        def _must_hold(self, turn: Turn) -> StoredTurn:
            return self._store.turns[turn.id]


class SendBeforeRecord(World):
    class take_turn(TakeTurn):
        async def _write_down(self, turn: Turn, briefing: Any, answer: Any) -> Any:
            message_id = self.ids.new()
            record = ReplyRecord(message_id, answer.text, "p", 1, "m", None, answer.usage, answer.last_item_id)
            return _Unwritten(message_id, answer.text, OutboundStatus.SENDING, record)

        async def _deliver(self, turn: Turn, briefing: Any, reply: Any, deadline: Any) -> Settlement:
            if not isinstance(reply, _Unwritten):
                return await super()._deliver(turn, briefing, reply, deadline)
            settlement = await super()._deliver(turn, briefing, reply, deadline)
            await self.turns.record_reply(turn, reply.record)
            return settlement

        async def _about_to_send(self, turn: Turn) -> None:
            return None


@dataclass
class _Unwritten:
    """A reply that is nowhere yet."""

    message_id: UUID
    text: str
    status: OutboundStatus
    record: ReplyRecord


class MarkBeforeCommit(World):
    class accept_webhook(AcceptWebhook):
        async def __call__(self, headers: Any, body: bytes) -> WebhookOutcome:
            delivery = self.reader.read(headers, body)
            messages = await self._not_seen(delivery.messages)
            await self.seen.remember([message.name_of_delivery for message in messages])
            if delivery.messages and not messages:
                return WebhookOutcome()
            stored = await self.inbox.accept(messages) if messages else ()
            if delivery.receipts:
                await self.inbox.record(delivery.receipts)
            return WebhookOutcome(accepted=len(stored))


class AcknowledgeBeforeCommit(World):
    class accept_webhook(AcceptWebhook):
        async def __call__(self, headers: Any, body: bytes) -> WebhookOutcome:
            try:
                return await super().__call__(headers, body)
            except Unavailable:
                return WebhookOutcome()


class NoUniqueIndex(WithInbox):
    class inbox_made_by(MemoryInbox):
        def _is_known(self, phone_number_id: UUID, platform_message_id: str) -> bool:
            return False


class NumbersWithoutLock(WithInbox):
    class inbox_made_by(MemoryInbox):
        async def accept(self, messages: Sequence[InboundMessage]) -> Any:
            before = {row.id: row.message_count for row in self._store.conversations.values()}
            await STEP
            for id_, count in before.items():
                self._store.conversations[id_] = replace(self._store.conversations[id_], message_count=count)
            return await super().accept(messages)


class ReceiptsGoBackwards(WithInbox):
    class inbox_made_by(MemoryInbox):
        async def record(self, receipts: Any) -> Any:
            outcomes = await super().record(receipts)
            for receipt in receipts:
                if message := self._store.messages.get(receipt.message_id):
                    self._store.messages[message.id] = replace(message, status=OutboundStatus(receipt.status))
            return outcomes


class NoRefund(WithInbox):
    class inbox_made_by(MemoryInbox):
        def _decide(self, turn_id: UUID, reported: OutboundStatus) -> None:
            if reported is not OutboundStatus.FAILED:
                super()._decide(turn_id, reported)


class ChargeOnRetry(WithTurns):
    class turns_made_by(MemoryTurns):
        def _resumed(self, turn: StoredTurn, worker_id: UUID) -> Turn:
            if self._store.accounts[turn.user_id].available >= TURN_PRICE:
                self._store.move_credits(turn.user_id, EntryKind.HOLD, TURN_PRICE, turn.id, None)
                self._store.move_credits(turn.user_id, EntryKind.CAPTURE, TURN_PRICE, turn.id, None)
            return super()._resumed(turn, worker_id)


class ChargeBeforeSend(WithTurns):
    class turns_made_by(MemoryTurns):
        async def settle(self, turn: Turn, settlement: Settlement) -> Settled:
            charged = settlement.outbound is OutboundStatus.UNKNOWN
            settlement = settlement_of_send(Accepted(None)) if charged else settlement
            return await super().settle(turn, settlement)


class NoRelease(WithTurns):
    class turns_made_by(MemoryTurns):
        async def settle(self, turn: Turn, settlement: Settlement) -> Settled:
            entry = None if settlement.entry is EntryKind.RELEASE else settlement.entry
            return await super().settle(turn, replace(settlement, entry=entry))


class ManyOpenTurns(WithTurns):
    class turns_made_by(MemoryTurns):
        async def begin(self, conversation_id: UUID, worker_id: UUID, *, at_once: bool = False) -> Any:
            if self._unasked(conversation_id, "received", "blocked"):
                return self._begun(conversation_id, worker_id, at_once=at_once)
            return await super().begin(conversation_id, worker_id, at_once=at_once)


class LeaseForEver(WithTurns):
    class turns_made_by(MemoryTurns):
        def _is_held(self, turn: StoredTurn) -> bool:
            return turn.worker_id is not None


class NoLease(WithTurns):
    class turns_made_by(MemoryTurns):
        async def begin(
            self, conversation_id: UUID, worker_id: UUID, *, at_once: bool = False
        ) -> Turn | NoTurn | NotYet:
            turn = self._open_turn(conversation_id)
            return self._shown(turn) if turn else self._begun(conversation_id, worker_id, at_once=at_once)


class NotAskedAgain(WithTurns):
    """A worker that stood still does not learn that its turn was taken over."""

    class turns_made_by(MemoryTurns):
        async def confirm(self, turn: Turn, seconds: float) -> None:
            return None


class DroppedTurnsStayHeld(WithTurns):
    class turns_made_by(MemoryTurns):
        async def renew_lease(self, worker_id: UUID, holding: Collection[UUID], crashed: Collection[UUID] = ()) -> None:
            await super().renew_lease(worker_id, {turn.conversation_id for turn in self._store.turns.values()})


class BlindResend(World):
    class take_turn(TakeTurn):
        async def _deliver(self, turn: Turn, briefing: Any, reply: Any, deadline: Any) -> Settlement:
            gateway = _Insistent(self.gateway)
            return await TakeTurn._deliver(replace(self, gateway=gateway), turn, briefing, reply, deadline)


class _Insistent:
    """A gateway that takes silence for a no."""

    def __init__(self, gateway: Any) -> None:
        self._gateway = gateway

    async def send(self, briefing: Any, message: Any) -> Any:
        outcome = await self._gateway.send(briefing, message)
        return Deferred(outcome.error) if isinstance(outcome, Ambiguous) else outcome


class ResendAfterCrash(World):
    class take_turn(TakeTurn):
        async def _settlement(self, turn: Turn, begun_at: Any) -> Settlement:
            if turn.reply and turn.reply.status is OutboundStatus.SENDING:
                turn = replace(turn, reply=replace(turn.reply, status=OutboundStatus.PENDING))
            return await super()._settlement(turn, begun_at)


class NoRecall(World):
    def make_model(self) -> Any:
        return _Forgetful(self.driver, self.harm)


class _Forgetful(SimulatedModel):
    async def recall(self, request: ModelRequest) -> NotHeard:
        return NotHeard()


class NoSweeper(World):
    has_sweeper = False


FAULTS: dict[str, type[World]] = {
    "no fence": NoFence,
    "a reply is sent before it is recorded": SendBeforeRecord,
    "a delivery is marked as seen before it is committed": MarkBeforeCommit,
    "a delivery is acknowledged before it is committed": AcknowledgeBeforeCommit,
    "no unique index over messages": NoUniqueIndex,
    "numbers are taken without a lock": NumbersWithoutLock,
    "receipts go backwards": ReceiptsGoBackwards,
    "a reply that fails later is not refunded": NoRefund,
    "a turn that is taken over is charged again": ChargeOnRetry,
    "an unknown send is charged": ChargeBeforeSend,
    "a failed turn does not release its credit": NoRelease,
    "a conversation may have many open turns": ManyOpenTurns,
    "a lease never runs out": LeaseForEver,
    "nobody holds a lease": NoLease,
    "a worker that stood still does not ask again": NotAskedAgain,
    "a turn that was dropped stays held": DroppedTurnsStayHeld,
    "an ambiguous send is sent again": BlindResend,
    "a send is repeated after a crash": ResendAfterCrash,
    "an ambiguous call is made again without looking": NoRecall,
    "no sweeper": NoSweeper,
}

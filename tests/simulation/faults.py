"""Faults planted one at a time: worlds in which one part is built wrong. The judge has to notice each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from application.channels.accept_webhook import AcceptWebhook, WebhookOutcome
from application.conversations.deliver_reply import DeliverReply, Reply
from application.conversations.take_turn import TakeTurn
from application.ports.channel_gateway import OutboundText
from application.ports.language_model import ModelConversation, ModelRequest
from application.ports.turns import NoTurn, NotYet, ReplyRecord, Settled
from domain.answers import NotHeard
from domain.channels import InboundMessage
from domain.conversations import Conversation, OutboundStatus, Said, StoredReply, Turn, TurnStatus
from domain.credits import TURN_PRICE, EntryKind
from domain.delivery import Accepted, Ambiguous, Deferred, Parked, Refused, Settlement, settlement_of_send
from domain.shared import Unavailable
from tests.fakes.briefings import MemoryBriefings
from tests.fakes.inbox import MemoryInbox
from tests.fakes.memory_store import StoredTurn
from tests.fakes.turns import MemoryTurns
from tests.simulation.driver import STEP
from tests.simulation.model import SimulatedModel
from tests.simulation.shops import VAULT
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
        async def _recorded(self, turn: Turn, briefing: Any, record: ReplyRecord) -> Reply:
            part = record.parts[0]
            outcome = await self.deliver.gateway.send(
                briefing, OutboundText(part.message_id, turn.address, part.text, 9)
            )
            recorded = await super()._recorded(turn, briefing, record)
            return _Sent(turn, briefing, recorded.parts, recorded.deadline, outcome=outcome)

    class deliver_reply(DeliverReply):
        async def __call__(self, reply: Reply) -> Any:
            if not isinstance(reply, _Sent):
                return await super().__call__(reply)
            outcome = reply.outcome if isinstance(reply.outcome, Accepted | Ambiguous) else Refused({})
            return settlement_of_send(outcome, reply.parts[0].message_id)


@dataclass(frozen=True, slots=True)
class _Sent(Reply):
    """A reply that was sent before it stood anywhere."""

    outcome: Any = None


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
        async def record(self, receipts: Any) -> Any:
            move = self._store.move_credits
            self._store.move_credits = lambda user, kind, *line: kind is EntryKind.REFUND or move(user, kind, *line)
            outcomes = await super().record(receipts)
            self._store.move_credits = move
            return outcomes


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


class DroppedTurnsStayHeld(WithTurns):
    class turns_made_by(MemoryTurns):
        async def renew_lease(self, worker_id: UUID, holding: Collection[UUID], crashed: Collection[UUID] = ()) -> None:
            await super().renew_lease(worker_id, {turn.conversation_id for turn in self._store.turns.values()})


class BlindResend(World):
    class deliver_reply(DeliverReply):
        async def __call__(self, reply: Reply) -> Any:
            return await DeliverReply.__call__(replace(self, gateway=_Insistent(self.gateway)), reply)


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
            replies = tuple(_unsent(one) if one.status is OutboundStatus.SENDING else one for one in turn.replies)
            return await super()._settlement(replace(turn, replies=replies), begun_at)


def _unsent(part: StoredReply) -> StoredReply:
    return replace(part, status=OutboundStatus.PENDING)


class NextPartOnAGuess(World):
    class deliver_reply(DeliverReply):
        async def _handed_over(self, reply: Reply, part: StoredReply) -> Any:
            outcome = await super()._handed_over(reply, part)
            is_last = part.message_id == reply.parts[-1].message_id
            return Accepted(None) if isinstance(outcome, Ambiguous) and not is_last else outcome


class FromTheFirstPartAgain(World):
    class take_turn(TakeTurn):
        async def _go_on(self, turn: Turn, briefing: Any) -> Any:
            replies = tuple(replace(one, status=OutboundStatus.SENDING) for one in turn.replies)
            return await self.deliver(Reply(turn, briefing, replies, self._deadline()))


class RestForgotten(WithTurns):
    class turns_made_by(MemoryTurns):
        def _can_go_on(self, turn: StoredTurn) -> bool:
            return False


class HalfAReplyIsCharged(WithTurns):
    """The first part is paid for, whatever becomes of the next."""

    class turns_made_by(MemoryTurns):
        async def settle(self, turn: Turn, settlement: Settlement) -> Settled:
            parts = self._replies(turn.id)
            is_half = parts and parts[0].status in {OutboundStatus.SENT, OutboundStatus.DELIVERED}
            if is_half and settlement.entry is EntryKind.RELEASE:
                settlement = replace(settlement, entry=EntryKind.CAPTURE)
            return await super().settle(turn, settlement)


class ParkedReleases(WithTurns):
    class turns_made_by(MemoryTurns):
        async def park(self, turn: Turn, message_id: UUID, parked: Parked, token_version: UUID | None) -> bool:
            is_parked = await super().park(turn, message_id, parked, token_version)
            self._store.move_credits(turn.user_id, EntryKind.RELEASE, TURN_PRICE, turn.id, None)
            return is_parked


class ParkedEnds(WithTurns):
    class turns_made_by(MemoryTurns):
        async def park(self, turn: Turn, message_id: UUID, parked: Parked, token_version: UUID | None) -> bool:
            is_parked = await super().park(turn, message_id, parked, token_version)
            self._store.turns[turn.id].status = TurnStatus.FAILED
            return is_parked


class PausedIsAnswered(WithTurns):
    class turns_made_by(MemoryTurns):
        def _gate(self, conversation: Conversation) -> NoTurn | None:
            gate = super()._gate(conversation)
            return None if gate is NoTurn.PAUSED else gate


class NobodyWaitsForADoubt(WithTurns):
    class turns_made_by(MemoryTurns):
        def _is_in_doubt(self, conversation_id: UUID) -> bool:
            return False


class NoRecall(World):
    def make_model(self) -> Any:
        return _Forgetful(self.driver, self.harm)


class _Forgetful(SimulatedModel):
    """Nobody looks into the conversation, and the question is asked in it again."""

    def __init__(self, driver: Any, harm: Any) -> None:
        super().__init__(driver, harm)
        self._opened: dict[UUID, ModelConversation] = {}

    async def open_conversation(self, conversation_id: UUID, said: Sequence[Said], timeout_seconds: float) -> Any:
        if conversation_id not in self._opened:
            opened = await super().open_conversation(conversation_id, said, timeout_seconds)
            if not isinstance(opened, ModelConversation):
                return opened
            self._opened[conversation_id] = opened
        return self._opened[conversation_id]

    async def recall(self, request: ModelRequest) -> NotHeard:
        return NotHeard()


class CacheWithoutVersion(World):
    def make_briefings(self) -> Any:
        return _Credulous(self.store, VAULT)


class _Credulous(MemoryBriefings):
    """What is at hand is used, whatever the store calls it by now."""

    def _is_right(self, kept: UUID, version: UUID | None) -> bool:
        return True


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
    "a turn that was dropped stays held": DroppedTurnsStayHeld,
    "an ambiguous send is sent again": BlindResend,
    "a send is repeated after a crash": ResendAfterCrash,
    "an ambiguous call is made again without looking": NoRecall,
    "no sweeper": NoSweeper,
    "a later part is sent before the first is decided": NextPartOnAGuess,
    "a reply that is taken over is sent from its first part": FromTheFirstPartAgain,
    "the rest of an undecided reply is forgotten": RestForgotten,
    "half a reply is charged": HalfAReplyIsCharged,
    "a parked turn releases its credit twice": ParkedReleases,
    "a parked turn ends and keeps its credit": ParkedEnds,
    "a paused conversation is answered": PausedIsAnswered,
    "a reply goes behind one that the platform may still take": NobodyWaitsForADoubt,
    "the cache is used without asking the version": CacheWithoutVersion,
}

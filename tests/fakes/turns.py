"""Turns in memory, with their fences and their workers' leases on the store's clock."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from application.ports.clock import Ids
from application.ports.turns import NoTurn, NotYet, Place, ReplyRecord, Settled, TurnLost, Waiting, WaitingFilter
from domain.conversations import (
    OUTBOUND_ORDER,
    ConversationStatus,
    InboundStatus,
    LaneScope,
    Message,
    OutboundStatus,
    Question,
    Said,
    StoredReply,
    Turn,
    TurnStatus,
    UnansweredReason,
    later,
)
from domain.credits import TURN_PRICE, EntryKind, InsufficientCredits
from domain.delivery import Accepted, Refused, Settlement, settlement_of_send
from tests.fakes.memory_store import MemoryStore, StoredTurn


class MemoryTurns:
    """The writes of a turn; each refuses an old fence. Unless told so, no turn waits for quiet."""

    def __init__(
        self,
        store: MemoryStore,
        ids: Ids,
        lease_seconds: float = 30,
        quiet_seconds: float = 0,
        lane_scope: LaneScope = LaneScope.CONVERSATION,
    ) -> None:
        self._store = store
        self._ids = ids
        self._lease = timedelta(seconds=lease_seconds)
        self._quiet = timedelta(seconds=quiet_seconds)
        self._one_per_number = lane_scope is LaneScope.PHONE_NUMBER

    async def begin(self, conversation_id: UUID, worker_id: UUID, *, at_once: bool = False) -> Turn | NoTurn | NotYet:
        async with self._store.call():
            self._live(worker_id)
            turn = self._open_turn(conversation_id)
            if turn is None:
                return self._begun(conversation_id, worker_id, at_once=at_once)
            return NoTurn.BUSY if self._is_held(turn) else self._resumed(turn, worker_id)

    async def transcript(self, turn: Turn, limit: int) -> Sequence[Said]:
        async with self._store.call():
            before = turn.questions[0].sequence_number
            told = [one for one in self._store.messages_of(turn.conversation_id) if one.sequence_number < before]
            return [Said(one.author, one.text) for one in told if one.text is not None and _was_said(one)][-limit:]

    async def confirm(self, turn: Turn, seconds: float) -> None:
        async with self._store.call():
            worker_id, now = self._must_hold(turn).worker_id, self._store.clock.now()
            if worker_id is None or self._store.workers.get(worker_id, now) <= now + timedelta(seconds=seconds):
                raise TurnLost

    async def attach_model_conversation(
        self, turn: Turn, openai_conversation_id: str, last_item_id: str | None = None
    ) -> None:
        async with self._store.call():
            self._must_hold(turn)
            conversation = self._store.conversations[turn.conversation_id]
            self._store.conversations[conversation.id] = replace(
                conversation, openai_conversation_id=openai_conversation_id
            )
            self._store.last_item_ids.pop(conversation.id, None)
            self._remember(conversation.id, last_item_id)

    async def record_reply(self, turn: Turn, reply: ReplyRecord) -> None:
        async with self._store.call():
            self._must_hold(turn)
            conversation = self._store.conversations[turn.conversation_id]
            count = conversation.message_count + 1
            self._store.conversations[conversation.id] = replace(conversation, message_count=count)
            self._remember(conversation.id, reply.last_item_id)
            self._store.messages[reply.message_id] = Message(
                id=reply.message_id,
                conversation_id=conversation.id,
                phone_number_id=conversation.phone_number_id,
                sequence_number=count,
                direction="outbound",
                author="agent",
                type="text",
                text=reply.text,
                status=OutboundStatus.SENDING,
                reason=None,
                platform_message_id=None,
                turn_id=turn.id,
                error=None,
                created_at=self._store.clock.now(),
            )

    async def mark_reply(self, turn: Turn, status: OutboundStatus) -> None:
        async with self._store.call():
            self._must_hold(turn)
            reply = self._reply(turn.id)
            if reply is None or reply.status not in {OutboundStatus.PENDING, OutboundStatus.SENDING}:
                raise TurnLost
            self._store.messages[reply.id] = replace(reply, status=status)

    async def settle(self, turn: Turn, settlement: Settlement) -> Settled:
        async with self._store.call():
            held = self._must_hold(turn)
            reply = self._reply(turn.id)
            settlement = _after_what_the_platform_said(settlement, reply)
            held.status, held.worker_id = settlement.turn, None
            self._remember(turn.conversation_id, settlement.last_item_id)
            if settlement.inbound:
                for question in self._questions(turn.id):
                    self._store.messages[question.id] = replace(
                        question, status=settlement.inbound, reason=settlement.reason
                    )
            if reply and settlement.outbound:
                self._store.messages[reply.id] = replace(
                    reply,
                    status=later(OutboundStatus(reply.status), settlement.outbound),
                    platform_message_id=reply.platform_message_id or settlement.platform_message_id,
                    error=settlement.error or reply.error,
                )
            if settlement.entry:
                self._store.move_credits(turn.user_id, settlement.entry, TURN_PRICE, turn.id, None)
            return Settled(bool(self._unasked(turn.conversation_id, InboundStatus.RECEIVED)))

    async def join(self, worker_id: UUID, place: Place) -> None:
        await self.renew_lease(worker_id, ())

    async def renew_lease(self, worker_id: UUID, holding: Collection[UUID], crashed: Collection[UUID] = ()) -> None:
        async with self._store.call():
            self._store.workers[worker_id] = self._store.clock.now() + self._lease
            for turn in self._store.turns.values():
                if turn.worker_id == worker_id and turn.conversation_id not in holding:
                    turn.worker_id, turn.crashes = None, turn.crashes + (turn.conversation_id in crashed)

    async def end_lease(self, worker_id: UUID) -> None:
        async with self._store.call():
            self._store.workers.pop(worker_id, None)
            for turn in self._store.turns.values():
                if turn.worker_id == worker_id:
                    turn.worker_id = None

    async def waiting(self, wanted: WaitingFilter, limit: int) -> Sequence[Waiting]:
        async with self._store.call():
            since: dict[Waiting, datetime] = {}
            for conversation in self._store.conversations.values():
                moment = self._waiting_since(conversation.id, wanted.older_than_seconds)
                is_wanted = wanted.phone_number_id in {None, conversation.phone_number_id}
                if moment and is_wanted and wanted.user_id in {None, self._store.owner_of(conversation)}:
                    since[Waiting(conversation.id, conversation.phone_number_id)] = moment
            oldest = sorted(since, key=since.__getitem__)
            places = {one: self._place(one, oldest) for one in oldest}
            return sorted(oldest, key=places.__getitem__)[:limit]

    def _place(self, waiting: Waiting, oldest: Sequence[Waiting]) -> int:
        """How many of the same phone number wait longer: numbers take turns, so that none is starved."""
        return [one for one in oldest if one.phone_number_id == waiting.phone_number_id].index(waiting)

    def _waiting_since(self, conversation_id: UUID, older_than_seconds: float) -> datetime | None:
        turn = self._open_turn(conversation_id)
        if turn and self._is_held(turn):
            return None
        moments = [turn.begun_at] if turn else []
        conversation = self._store.conversations[conversation_id]
        if conversation.status is ConversationStatus.ACTIVE and conversation.agent_id:
            until = self._store.clock.now() - timedelta(seconds=older_than_seconds)
            unasked = self._unasked(conversation_id, InboundStatus.RECEIVED)
            old = [message for message in unasked if message.created_at <= until]
            if old and self._quiet_seconds(old) <= -older_than_seconds:
                moments += [message.created_at for message in old]
        return min(moments, default=None)

    def _live(self, worker_id: UUID) -> None:
        """A worker that begins something lives, whatever became of its heartbeat."""
        now = self._store.clock.now()
        if self._store.workers.get(worker_id, now) <= now + self._lease / 2:
            self._store.workers[worker_id] = now + self._lease

    def _resumed(self, turn: StoredTurn, worker_id: UUID) -> Turn:
        """A turn that still bears its worker's name was in hand when that one died."""
        turn.crashes += turn.worker_id is not None
        turn.worker_id, turn.fence, turn.attempts = worker_id, turn.fence + 1, turn.attempts + 1
        return self._shown(turn)

    def _begun(self, conversation_id: UUID, worker_id: UUID, *, at_once: bool) -> Turn | NoTurn | NotYet:
        conversation = self._store.conversations.get(conversation_id)
        asked = self._unasked(conversation_id, InboundStatus.RECEIVED, InboundStatus.BLOCKED)
        if conversation is None or not asked:
            return NoTurn.NOTHING
        if conversation.status is not ConversationStatus.ACTIVE or conversation.agent_id is None:
            return NoTurn.NOTHING
        if not at_once and (seconds := self._quiet_seconds(asked)) > 0:
            return NotYet(seconds)
        if self._one_per_number and self._is_busy(conversation.phone_number_id):
            return NoTurn.BUSY
        user_id, turn_id = self._store.owner_of(conversation), self._ids.new()
        try:
            self._store.move_credits(user_id, EntryKind.HOLD, TURN_PRICE, turn_id, None)
        except InsufficientCredits:
            for message in asked:
                self._store.messages[message.id] = replace(
                    message, status=InboundStatus.BLOCKED, reason=UnansweredReason.NO_CREDIT
                )
            return NoTurn.BLOCKED
        self._store.turns[turn_id] = turn = StoredTurn(
            turn_id,
            user_id,
            conversation_id,
            conversation.phone_number_id,
            conversation.agent_id,
            worker_id,
            self._store.clock.now(),
        )
        for message in asked:
            self._store.messages[message.id] = replace(
                message, turn_id=turn_id, status=InboundStatus.RECEIVED, reason=None
            )
        return self._shown(turn)

    def _quiet_seconds(self, asked: Sequence[Message]) -> float:
        """Until nothing came for the quiet time, but no longer than five times that since the first message."""
        moments = [message.created_at for message in asked]
        until = min(max(moments) + self._quiet, min(moments) + 5 * self._quiet)
        return (until - self._store.clock.now()).total_seconds()

    def _is_busy(self, phone_number_id: UUID) -> bool:
        open_turns = (turn for turn in self._store.turns.values() if turn.status is TurnStatus.OPEN)
        return any(turn.phone_number_id == phone_number_id for turn in open_turns)

    def _remember(self, conversation_id: UUID, last_item_id: str | None) -> None:
        if last_item_id is not None:
            self._store.last_item_ids[conversation_id] = last_item_id

    def _shown(self, turn: StoredTurn) -> Turn:
        conversation = self._store.shown(self._store.conversations[turn.conversation_id])
        reply = self._reply(turn.id)
        return Turn(
            id=turn.id,
            fence=turn.fence,
            user_id=turn.user_id,
            conversation_id=turn.conversation_id,
            phone_number_id=turn.phone_number_id,
            agent_id=turn.agent_id,
            address=conversation.customer.address,
            openai_conversation_id=conversation.openai_conversation_id,
            questions=tuple(
                Question(one.id, one.sequence_number, one.platform_message_id, one.text or "")
                for one in self._questions(turn.id)
            ),
            reply=StoredReply(reply.id, reply.text or "", OutboundStatus(reply.status)) if reply else None,
            attempts=turn.attempts,
            crashes=turn.crashes,
            last_item_id=self._store.last_item_ids.get(turn.conversation_id),
        )

    def _open_turn(self, conversation_id: UUID) -> StoredTurn | None:
        for turn in self._store.turns.values():
            if turn.conversation_id == conversation_id and turn.status is TurnStatus.OPEN:
                return turn
        return None

    def _is_held(self, turn: StoredTurn) -> bool:
        until = self._store.workers.get(turn.worker_id) if turn.worker_id else None
        return until is not None and until > self._store.clock.now()

    def _must_hold(self, turn: Turn) -> StoredTurn:
        stored = self._store.turns.get(turn.id)
        if stored is None or stored.fence != turn.fence or stored.status is not TurnStatus.OPEN:
            raise TurnLost
        return stored

    def _questions(self, turn_id: UUID) -> list[Message]:
        asked = [one for one in self._store.messages.values() if one.turn_id == turn_id and one.direction == "inbound"]
        return sorted(asked, key=lambda message: message.sequence_number)

    def _reply(self, turn_id: UUID) -> Message | None:
        said = [one for one in self._store.messages.values() if one.turn_id == turn_id and one.direction == "outbound"]
        return said[0] if said else None

    def _unasked(self, conversation_id: UUID, *statuses: InboundStatus) -> list[Message]:
        said = self._store.messages_of(conversation_id)
        return [one for one in said if one.direction == "inbound" and one.turn_id is None and one.status in statuses]


def _was_said(message: Message) -> bool:
    """Whether both sides know of it; a reply that may have arrived counts."""
    arrived = {OutboundStatus.UNKNOWN, OutboundStatus.SENT, OutboundStatus.DELIVERED, OutboundStatus.READ}
    return message.direction == "inbound" or message.status in arrived


def _after_what_the_platform_said(settlement: Settlement, reply: Message | None) -> Settlement:
    """The platform's word may have come before ours."""
    if reply is None:
        return settlement
    if reply.status == OutboundStatus.FAILED:
        return replace(settlement_of_send(Refused({})), error=None, platform_message_id=settlement.platform_message_id)
    arrived = OUTBOUND_ORDER.index(OutboundStatus(reply.status)) >= OUTBOUND_ORDER.index(OutboundStatus.SENT)
    if settlement.turn is TurnStatus.UNDECIDED and arrived:
        return settlement_of_send(Accepted(settlement.platform_message_id))
    return settlement

"""Turns in memory, with their fences and their workers' leases on the store's clock."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from application.ports.clock import Ids
from application.ports.turns import (
    NoTurn,
    NotYet,
    Place,
    Recorded,
    ReplyPart,
    ReplyRecord,
    Settled,
    TurnLost,
    Waiting,
    WaitingFilter,
)
from domain.conversations import (
    OUTBOUND_ORDER,
    Conversation,
    ConversationStatus,
    InboundStatus,
    LaneScope,
    Message,
    OutboundStatus,
    PauseReason,
    Question,
    Said,
    StoredReply,
    Turn,
    TurnStatus,
    UnansweredReason,
    later,
)
from domain.credits import TURN_PRICE, EntryKind, InsufficientCredits
from domain.delivery import Accepted, Parked, Refused, Settlement, settlement_of_send
from domain.erasing import ErasureKind
from domain.loops import LOOKED_BACK_SECONDS, TURNS_MIN, Line
from domain.windows import Heard
from tests.fakes.memory_store import MemoryStore, StoredTurn
from tests.fakes.receipts import merge_early_receipts

FAILED = OutboundStatus.FAILED
WAITING = {OutboundStatus.PENDING, OutboundStatus.SENDING}


class MemoryTurns:
    """The writes of a turn; each refuses an old fence. Unless told so, no turn waits for quiet."""

    def __init__(
        self,
        store: MemoryStore,
        ids: Ids,
        lease_seconds: float = 30,
        quiet_seconds: float = 0,
        undecided_seconds: float = 0,
        lane_scope: LaneScope = LaneScope.CONVERSATION,
    ) -> None:
        self._store = store
        self._ids = ids
        self._lease = timedelta(seconds=lease_seconds)
        self._quiet = timedelta(seconds=quiet_seconds)
        self._undecided = timedelta(seconds=undecided_seconds)
        self._one_per_number = lane_scope is LaneScope.PHONE_NUMBER

    async def begin(self, conversation_id: UUID, worker_id: UUID, *, at_once: bool = False) -> Turn | NoTurn | NotYet:
        async with self._store.call():
            self._live(worker_id)
            turn = self._open_turn(conversation_id) or self._reopened(conversation_id)
            if turn is None:
                return self._begun(conversation_id, worker_id, at_once=at_once)
            if self._is_held(turn):
                return NoTurn.BUSY
            if not self._store.is_answering(turn.phone_number_id):
                return NoTurn.PARKED
            return NoTurn.IN_DOUBT if self._is_in_doubt(conversation_id) else self._resumed(turn, worker_id)

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
            try:
                self._must_hold(turn)
            except TurnLost:
                self._forget_conversation(turn, openai_conversation_id)
                raise
            conversation = self._store.conversations[turn.conversation_id]
            if conversation.openai_conversation_id != openai_conversation_id:
                self._store.note_erasure(ErasureKind.CONVERSATION, conversation.openai_conversation_id)
            self._store.conversations[conversation.id] = replace(
                conversation, openai_conversation_id=openai_conversation_id
            )
            self._store.last_item_ids.pop(conversation.id, None)
            self._remember(conversation.id, last_item_id)

    def _forget_conversation(self, turn: Turn, openai_conversation_id: str) -> None:
        """What was opened for a lost turn is erased, unless whoever has it now goes on with it."""
        now = self._store.conversations.get(turn.conversation_id)
        if now is None or now.openai_conversation_id != openai_conversation_id:
            self._store.note_erasure(ErasureKind.CONVERSATION, openai_conversation_id)

    async def record_reply(self, turn: Turn, reply: ReplyRecord) -> Recorded:
        async with self._store.call():
            if turn.id not in self._store.turns:
                self._store.note_erasure(ErasureKind.RESPONSE, reply.response_id)
            self._must_hold(turn).response_id = reply.response_id
            conversation = self._store.conversations[turn.conversation_id]
            count = conversation.message_count
            self._store.conversations[conversation.id] = replace(conversation, message_count=count + len(reply.parts))
            self._remember(conversation.id, reply.last_item_id)
            heard = self._heard(conversation.id)
            for place, part in enumerate(reply.parts):
                self._write_part(turn, reply, part, count + place + 1, is_first=place == 0)
            return Recorded(heard.sequence_number > turn.questions[-1].sequence_number)

    def _write_part(self, turn: Turn, reply: ReplyRecord, part: ReplyPart, number: int, *, is_first: bool) -> None:
        status = OutboundStatus.SENDING if is_first else OutboundStatus.PENDING
        self._store.messages[part.message_id] = Message(
            id=part.message_id,
            conversation_id=turn.conversation_id,
            phone_number_id=turn.phone_number_id,
            sequence_number=number,
            direction="outbound",
            author="agent",
            type="template" if part.is_template else "text",
            text=part.text,
            status=status,
            reason=None,
            platform_message_id=None,
            turn_id=turn.id,
            error=None,
            created_at=self._store.clock.now(),
            status_times={status: self._store.clock.now().isoformat()},
            prompt_id=reply.prompt_id,
            prompt_version=reply.prompt_version,
            model=reply.model,
        )

    async def mark_reply(self, turn: Turn, message_id: UUID, status: OutboundStatus) -> None:
        async with self._store.call():
            self._must_hold(turn)
            self._must_wait(message_id)
            self._store.change_status(message_id, status)

    async def pass_on(
        self, turn: Turn, message_id: UUID, platform_message_id: str | None, next_message_id: UUID
    ) -> bool:
        async with self._store.call():
            self._must_hold(turn)
            self._taken(message_id, OutboundStatus.SENT, platform_message_id)
            merge_early_receipts(self._store, message_id)
            before = self._store.messages[next_message_id].sequence_number
            if any(part.status == FAILED and part.sequence_number < before for part in self._replies(turn.id)):
                return False
            self._must_wait(next_message_id)
            self._store.change_status(next_message_id, OutboundStatus.SENDING)
            return True

    async def replace_reply(self, turn: Turn, message_id: UUID, text: str) -> None:
        async with self._store.call():
            self._must_hold(turn)
            self._must_wait(message_id)
            self._store.change_status(message_id, OutboundStatus.SENDING, type="template", text=text)
            for part in self._replies(turn.id):
                if part.id != message_id and part.status == OutboundStatus.PENDING:
                    self._store.change_status(part.id, FAILED, error={"detail": "A template was sent instead."})

    async def park(self, turn: Turn, message_id: UUID, parked: Parked, token_version: UUID | None) -> bool:
        async with self._store.call():
            self._must_hold(turn).worker_id = None
            if self._store.messages[message_id].status in WAITING:
                self._store.change_status(message_id, OutboundStatus.PENDING)
            number = self._store.phone_numbers[turn.phone_number_id]
            if self._store.is_answering(number.id):
                codes = {key: value for key, value in parked.error.items() if key in {"class", "code", "subcode"}}
                self._store.phone_numbers[number.id] = replace(number, status=parked.status, status_detail=codes)
            return True

    async def settle(self, turn: Turn, settlement: Settlement) -> Settled:
        async with self._store.call():
            held = self._must_hold(turn)
            hand = self._in_hand(turn.id, settlement.message_id)
            told = settlement
            settlement = self._after_what_the_platform_said(turn.id, settlement, hand)
            held.status, held.worker_id = settlement.turn, None
            held.ended_at = None if settlement.turn is TurnStatus.OPEN else self._store.clock.now()
            self._remember(turn.conversation_id, settlement.last_item_id)
            if settlement.inbound:
                for question in self._questions(turn.id):
                    self._store.messages[question.id] = replace(
                        question, status=settlement.inbound, reason=settlement.reason
                    )
            if settlement.reason is UnansweredReason.AUTO_REPLIER:
                conversation = self._store.conversations[turn.conversation_id]
                self._store.conversations[conversation.id] = replace(
                    conversation, paused_until=None, paused_reason=PauseReason.AUTO_REPLIER
                )
            if hand and told.outbound:
                self._taken(hand.id, told.outbound, told.platform_message_id, settlement.error)
            self._settle_rest(held, hand)
            if settlement.entry:
                self._store.charge(held, settlement.entry)
            if hand and told.platform_message_id:
                merge_early_receipts(self._store, hand.id)
            is_open = held.status is TurnStatus.OPEN
            return Settled(is_open or bool(self._unasked(turn.conversation_id, InboundStatus.RECEIVED)))

    def _settle_rest(self, turn: StoredTurn, hand: Message | None) -> None:
        """What becomes of the parts that were not sent: they fail with their turn, or wait with it."""
        rest = [part for part in self._replies(turn.id) if part.status in WAITING and part != hand]
        turn.has_unsent_rest = turn.status is TurnStatus.UNDECIDED and bool(rest)
        if turn.status in {TurnStatus.FAILED, TurnStatus.UNANSWERABLE}:
            for part in rest:
                self._store.change_status(part.id, FAILED)

    def _after_what_the_platform_said(self, turn_id: UUID, settlement: Settlement, hand: Message | None) -> Settlement:
        """The platform's word may have come before ours."""
        if hand is None:
            return settlement
        parts = self._replies(turn_id)
        if any(part.status == FAILED and part.sequence_number <= hand.sequence_number for part in parts):
            reason = settlement.reason or UnansweredReason.SEND_FAILED
            return replace(settlement_of_send(Refused({})), reason=reason, error=None)
        arrived = OUTBOUND_ORDER.index(OutboundStatus(hand.status)) >= OUTBOUND_ORDER.index(OutboundStatus.SENT)
        if settlement.turn is not TurnStatus.UNDECIDED or not arrived:
            return settlement
        if any(part.status == OutboundStatus.PENDING and part != hand for part in parts):
            return Settlement(TurnStatus.OPEN, None, None, None, None)
        return settlement_of_send(Accepted(None))

    def _in_hand(self, turn_id: UUID, message_id: UUID | None) -> Message | None:
        """The part that a settlement is about: without a name, the first that is not decided."""
        parts = [part for part in self._replies(turn_id) if message_id in {None, part.id}]
        sent = OUTBOUND_ORDER.index(OutboundStatus.SENT)
        return min(
            parts,
            key=lambda part: (OUTBOUND_ORDER.index(OutboundStatus(part.status)) >= sent, part.sequence_number),
            default=None,
        )

    def _taken(
        self, message_id: UUID, status: OutboundStatus, name: str | None, error: dict[str, object] | None = None
    ) -> None:
        message = self._store.messages[message_id]
        further = later(OutboundStatus(message.status), status)
        name, error = message.platform_message_id or name, error or message.error
        self._store.change_status(message_id, further, platform_message_id=name, error=error)

    def _must_wait(self, message_id: UUID) -> None:
        if self._store.messages[message_id].status not in WAITING:
            raise TurnLost

    def _reopened(self, conversation_id: UUID) -> StoredTurn | None:
        """An undecided turn whose last send was decided as taken: the rest of its reply can be sent."""
        for turn in self._store.turns.values():
            if turn.conversation_id == conversation_id and self._can_go_on(turn):
                turn.status, turn.worker_id, turn.has_unsent_rest = TurnStatus.OPEN, None, False
                return turn
        return None

    def _can_go_on(self, turn: StoredTurn) -> bool:
        decided = all(
            part.status not in {OutboundStatus.UNKNOWN, OutboundStatus.SENDING} for part in self._replies(turn.id)
        )
        return turn.status is TurnStatus.UNDECIDED and turn.has_unsent_rest and decided

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
        conversation = self._store.conversations[conversation_id]
        if (turn and self._is_held(turn)) or not self._store.is_answering(conversation.phone_number_id):
            return None
        if self._is_in_doubt(conversation_id):
            return None
        rests = (one for one in self._store.turns.values() if one.conversation_id == conversation_id)
        moments = [turn.begun_at] if turn else [one.begun_at for one in rests if self._can_go_on(one)]
        if self._store.is_paused(conversation_id):
            return min(moments, default=None)
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
        if conversation is None or not asked or not _is_answered(conversation):
            return NoTurn.NOTHING
        if gate := self._gate(conversation):
            return gate
        if not at_once and (seconds := self._quiet_seconds(asked)) > 0:
            return NotYet(seconds)
        if self._one_per_number and self._is_busy(conversation.phone_number_id):
            return NoTurn.BUSY
        lately = self._lately(conversation_id)
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
        return replace(self._shown(turn), lately=lately)

    def _gate(self, conversation: Conversation) -> NoTurn | None:
        """What keeps a new turn from beginning, whoever waits."""
        if not self._store.is_answering(conversation.phone_number_id):
            return NoTurn.PARKED
        if self._store.is_paused(conversation.id):
            return NoTurn.PAUSED
        return NoTurn.IN_DOUBT if self._is_in_doubt(conversation.id) else None

    def _is_in_doubt(self, conversation_id: UUID) -> bool:
        """Whether the platform may still take a reply of which it has not told what became of it."""
        until = self._store.clock.now() - self._undecided
        return any(
            said.status == OutboundStatus.UNKNOWN and datetime.fromisoformat(said.status_times["unknown"]) > until
            for said in self._store.messages_of(conversation_id)
        )

    def _lately(self, conversation_id: UUID) -> tuple[Line, ...]:
        """What was said lately, when that was in many turns."""
        since = self._store.clock.now() - timedelta(seconds=LOOKED_BACK_SECONDS)
        turns = (one for one in self._store.turns.values() if one.conversation_id == conversation_id)
        if sum(one.begun_at > since for one in turns) < TURNS_MIN:
            return ()
        said = [one for one in self._store.messages_of(conversation_id) if one.created_at > since]
        return tuple(Line(one.direction == "outbound", one.text, one.created_at) for one in said)

    def _heard(self, conversation_id: UUID) -> Heard:
        """The newest thing the customer sent."""
        heard = [one for one in self._store.messages_of(conversation_id) if one.direction == "inbound"][-1]
        referral = self._store.contents.get(heard.id, {}).get("referral", {})
        written_at = self._store.written_times.get(heard.id, heard.created_at)
        is_credible = written_at > heard.created_at - timedelta(days=8)
        at = min(written_at, heard.created_at) if is_credible else heard.created_at
        return Heard(heard.sequence_number, at, referral.get("source_type") == "ad")

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
                Question(
                    one.id,
                    one.sequence_number,
                    one.platform_message_id,
                    one.text,
                    one.type,
                    self._store.contents.get(one.id),
                )
                for one in self._questions(turn.id) or self._said_last(turn)
            ),
            replies=tuple(
                StoredReply(one.id, one.text or "", OutboundStatus(one.status), one.type == "template")
                for one in self._replies(turn.id)
            ),
            attempts=turn.attempts,
            crashes=turn.crashes,
            last_item_id=self._store.last_item_ids.get(turn.conversation_id),
            heard=self._heard(turn.conversation_id),
            context_version=self._store.context_version(turn.agent_id, turn.phone_number_id),
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

    def _said_last(self, turn: StoredTurn) -> list[Message]:
        """What the customer had said before a part whose questions went with another one that was sent again."""
        first = self._replies(turn.id)[0].sequence_number
        said = self._store.messages_of(turn.conversation_id)
        return [one for one in said if one.direction == "inbound" and one.sequence_number < first][-1:]

    def _replies(self, turn_id: UUID) -> list[Message]:
        return self._store.replies_of(turn_id)

    def _unasked(self, conversation_id: UUID, *statuses: InboundStatus) -> list[Message]:
        said = self._store.messages_of(conversation_id)
        return [one for one in said if one.direction == "inbound" and one.turn_id is None and one.status in statuses]


def _was_said(message: Message) -> bool:
    """Whether both sides know of it; a reply that may have arrived counts."""
    arrived = {OutboundStatus.UNKNOWN, OutboundStatus.SENT, OutboundStatus.DELIVERED, OutboundStatus.READ}
    return message.direction == "inbound" or message.status in arrived


def _is_answered(conversation: Conversation) -> bool:
    """Whether an agent speaks there."""
    return conversation.status is ConversationStatus.ACTIVE and conversation.agent_id is not None

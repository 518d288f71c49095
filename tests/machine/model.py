"""What the machine believes: a front desk of counts and names, small enough to be read at one sitting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from application.ports.inbox import Acceptance
from application.ports.turns import NoTurn
from domain.agents import Agent
from domain.channels import InboundMessage, PhoneNumber
from domain.conversations import CRASHES_MAX, OUTBOUND_ORDER, OutboundStatus, TurnStatus
from domain.delivery import Settlement
from tests.contract.paths import Worker

RANKS = {status: rank for rank, status in enumerate(OUTBOUND_ORDER)}
ARRIVED = RANKS[OutboundStatus.SENT]


@dataclass(slots=True, eq=False)
class Part:
    """A message of ours. `name` is what the platform calls this try, `former` what it called earlier ones.

    It has told us (`is_named`) once it has taken the try or reported on it; a try that it refused has no name. It can
    only report on what `was_tried`.
    """

    id: UUID
    name: str
    status: OutboundStatus = OutboundStatus.PENDING
    was_tried: bool = False
    is_named: bool = False
    former: list[str] = field(default_factory=list)

    @property
    def is_taken(self) -> bool:
        return RANKS[self.status] >= ARRIVED and self.status is not OutboundStatus.FAILED

    def tries(self) -> None:
        self.status, self.was_tried = OutboundStatus.SENDING, True

    def reaches(self, status: OutboundStatus) -> None:
        self.status = max(self.status, status, key=RANKS.__getitem__)


@dataclass(slots=True, eq=False)
class Play:
    """A turn: in whose hands it is, how it stands, and the parts of its reply in order.

    `has_rest`: parts wait behind one that nobody knows the fate of.
    """

    id: UUID
    talk: Talk
    agent_id: UUID
    worker: Worker | None = None
    fence: int = 1
    crashes: int = 0
    status: TurnStatus = TurnStatus.OPEN
    parts: list[Part] = field(default_factory=list)
    has_rest: bool = False

    @property
    def is_open(self) -> bool:
        return self.status is TurnStatus.OPEN

    @property
    def place(self) -> int:
        """Of the part that was handed to the platform last, or will be first."""
        return max((place for place, part in enumerate(self.parts) if part.was_tried), default=0)

    @property
    def in_hand(self) -> Part:
        return self.parts[self.place]

    @property
    def next(self) -> Part | None:
        """What stands behind the part in hand."""
        return self.parts[self.place + 1] if self.place + 1 < len(self.parts) else None

    @property
    def due(self) -> Part:
        """What whoever takes the turn over would send."""
        return next((part for part in self.parts if not part.is_taken), self.parts[-1])

    def waits(self, *statuses: OutboundStatus) -> list[Part]:
        return [part for part in self.parts if part.status in statuses]


@dataclass(slots=True, eq=False)
class Talk:
    """A conversation: how many of its messages wait, and how many of those for a credit."""

    id: UUID
    number: PhoneNumber
    address: str
    agent_id: UUID | None
    is_active: bool = True
    is_paused: bool = False
    received: int = 0
    blocked: int = 0

    def archive(self) -> None:
        self.is_active, self.received, self.blocked = False, 0, 0


@dataclass(slots=True)
class Model:
    """All that one user has."""

    balance: int = 0
    held: int = 0
    numbers: list[PhoneNumber] = field(default_factory=list)
    agent: Agent | None = None
    talks: list[Talk] = field(default_factory=list)
    plays: list[Play] = field(default_factory=list)
    alive: set[UUID] = field(default_factory=set)
    stored: set[tuple[str, str]] = field(default_factory=set)
    unclaimed: dict[tuple[str, str], InboundMessage] = field(default_factory=dict)
    parked: set[UUID] = field(default_factory=set)

    @property
    def parts(self) -> list[tuple[Play, Part]]:
        return [(play, part) for play in self.plays for part in play.parts]

    @property
    def tried(self) -> list[tuple[Play, Part]]:
        return [(play, part) for play, part in self.parts if part.was_tried]

    def open_play(self, talk: Talk) -> Play | None:
        return next((play for play in self.plays if play.talk is talk and play.is_open), None)

    def holds(self, worker: Worker) -> Iterator[Play]:
        return (play for play in self.plays if play.is_open and play.worker is worker)

    def accepts(self, message: InboundMessage) -> Acceptance:
        """What becomes of a message; whoever hears `accepted` tells where it went by `stores`."""
        key = (message.account, message.platform_message_id)
        if message.account not in {number.meta_phone_number_id for number in self.numbers}:
            self.unclaimed.setdefault(key, message)
            return Acceptance.UNCLAIMED
        if key in self.stored:
            return Acceptance.DUPLICATE
        self.stored.add(key)
        return Acceptance.ACCEPTED

    def stores(self, message: InboundMessage, conversation_id: UUID) -> None:
        talk = self._active(message) or self._opened(message, conversation_id)
        assert talk.id == conversation_id
        talk.agent_id = talk.agent_id or self._agent_on(talk.number)
        talk.received += message.text is not None

    def begins(self, talk: Talk, worker: Worker) -> NoTurn | None:
        """Why there is no turn; None when there is one, new or taken over."""
        self.alive.add(worker.id)
        self._reopens(talk)
        play = self.open_play(talk)
        if play:
            return self._takes_over(play, worker)
        if not talk.is_active or talk.agent_id is None or not talk.received + talk.blocked:
            return NoTurn.NOTHING
        if talk.number.id in self.parked:
            return NoTurn.PARKED
        if talk.is_paused:
            return NoTurn.PAUSED
        if self.balance <= self.held:
            talk.received, talk.blocked = 0, talk.received + talk.blocked
            return NoTurn.BLOCKED
        return None

    def begun(self, talk: Talk, worker: Worker, turn_id: UUID) -> None:
        """A turn that `begins` has announced is there, under that name when it is new."""
        if self.open_play(talk):
            return
        assert talk.agent_id
        self.held += 1
        talk.received = talk.blocked = 0
        self.plays.append(Play(turn_id, talk, talk.agent_id, worker))

    def drops(self, worker: Worker, holding: Iterable[UUID], crashed: Iterable[UUID]) -> None:
        for play in list(self.holds(worker)):
            if play.talk.id not in holding:
                play.worker, play.crashes = None, play.crashes + (play.talk.id in crashed)

    def passes_on(self, play: Play) -> bool:
        """The part in hand was taken; whether the next may be sent."""
        taken, following = play.in_hand, play.next
        assert following
        taken.reaches(OutboundStatus.SENT)
        taken.is_named = True
        if any(part.status is OutboundStatus.FAILED for part in play.parts[: play.place + 1]):
            return False
        following.tries()
        return True

    def parks(self, play: Play, *, is_current: bool) -> bool:
        """The platform takes nothing with that token; whether the phone number is parked now."""
        play.worker, number_id = None, play.talk.number.id
        if play.in_hand.status is OutboundStatus.SENDING:
            play.in_hand.status = OutboundStatus.PENDING
        if is_current:
            self.parked.add(number_id)
        return number_id in self.parked

    def settles(self, play: Play, settlement: Settlement) -> None:
        turn, entry = self._decided(play, settlement)
        waiting = play.waits(OutboundStatus.PENDING)
        play.status, play.worker = turn, None
        if play.parts and settlement.outbound:
            hand = play.in_hand
            hand.reaches(settlement.outbound)
            hand.was_tried = hand.was_tried or settlement.turn is not TurnStatus.UNANSWERABLE
            hand.is_named = hand.is_named or settlement.platform_message_id is not None
            play.has_rest = turn is TurnStatus.UNDECIDED and any(part is not hand for part in waiting)
        if turn in {TurnStatus.FAILED, TurnStatus.UNANSWERABLE}:
            self._fails(play.waits(OutboundStatus.PENDING, OutboundStatus.SENDING))
        self._moves(entry)

    def hears(self, play: Play, part: Part, status: OutboundStatus) -> bool:
        """The platform reports on a part; whether that was news."""
        if RANKS[status] <= RANKS[part.status]:
            return False
        part.status, part.is_named, before = status, True, play.status
        if status is OutboundStatus.FAILED and before in {TurnStatus.UNDECIDED, TurnStatus.ANSWERED}:
            self._moves("release" if before is TurnStatus.UNDECIDED else "refund")
            play.status, play.has_rest = TurnStatus.FAILED, False
            self._fails(play.waits(OutboundStatus.PENDING))
        elif before is TurnStatus.UNDECIDED and all(each.is_taken for each in play.parts):
            self._moves("capture")
            play.status, play.has_rest = TurnStatus.ANSWERED, False
        return True

    def retries(self, play: Play, part: Part, turn_id: UUID) -> list[Part]:
        """A part is sent again with those that failed behind it; which ones, so that they get new names."""
        behind = play.parts[play.parts.index(part) :]
        again = [each for each in behind if each.status is OutboundStatus.FAILED]
        play.parts = [each for each in play.parts if each not in again]
        for each in again:
            each.former += [each.name] if each.is_named else []
            each.status, each.was_tried, each.is_named = OutboundStatus.PENDING, False, False
        self.held += 1
        self.plays.append(Play(turn_id, play.talk, play.agent_id, parts=again))
        return again

    def leaves(self, agent: Agent) -> None:
        """The agent answers no longer where it answered."""
        for talk in self.talks:
            if talk.is_active and talk.agent_id == agent.id:
                talk.archive()

    def adopts(self, agent: Agent) -> None:
        self.agent = agent
        for talk in self.talks:
            if talk.is_active and talk.agent_id is None and talk.number.id == agent.phone_number_id:
                talk.agent_id = agent.id

    def _takes_over(self, play: Play, worker: Worker) -> NoTurn | None:
        if play.worker and play.worker.id in self.alive:
            return NoTurn.BUSY
        if play.talk.number.id in self.parked:
            return NoTurn.PARKED
        play.crashes += play.worker is not None
        last_chance = CRASHES_MAX - 1
        if play.crashes == last_chance and any(other.crashes == last_chance for other in self.holds(worker)):
            play.worker = None
            return NoTurn.BUSY
        play.worker, play.fence = worker, play.fence + 1
        return None

    def _reopens(self, talk: Talk) -> None:
        """What stands behind a send that has been decided goes before anything newer."""
        if self.open_play(talk):
            return
        unclear = (OutboundStatus.UNKNOWN, OutboundStatus.SENDING)
        rests = (play for play in self.plays if play.talk is talk and play.has_rest and not play.waits(*unclear))
        if play := next(rests, None):
            play.status, play.has_rest = TurnStatus.OPEN, False

    def _decided(self, play: Play, settlement: Settlement) -> tuple[TurnStatus, str | None]:
        """How the turn ends and what becomes of its credit: the platform's word may have come before ours."""
        if any(part.status is OutboundStatus.FAILED for part in play.parts[: play.place + 1]):
            return TurnStatus.FAILED, "release"
        if settlement.turn is TurnStatus.UNDECIDED and play.in_hand.is_taken:
            is_waiting = bool(play.waits(OutboundStatus.PENDING))
            return (TurnStatus.OPEN, None) if is_waiting else (TurnStatus.ANSWERED, "capture")
        return settlement.turn, settlement.entry

    def _fails(self, parts: Iterable[Part]) -> None:
        for part in parts:
            part.status = OutboundStatus.FAILED

    def _moves(self, entry: str | None) -> None:
        self.held -= entry in {"capture", "release"}
        self.balance += (entry == "refund") - (entry == "capture")

    def _active(self, message: InboundMessage) -> Talk | None:
        mine = (talk for talk in self.talks if talk.is_active and talk.address == message.address)
        return next((talk for talk in mine if talk.number.meta_phone_number_id == message.account), None)

    def _opened(self, message: InboundMessage, conversation_id: UUID) -> Talk:
        (number,) = [one for one in self.numbers if one.meta_phone_number_id == message.account]
        self.talks.append(Talk(conversation_id, number, message.address, self._agent_on(number)))
        return self.talks[-1]

    def _agent_on(self, number: PhoneNumber) -> UUID | None:
        return self.agent.id if self.agent and self.agent.phone_number_id == number.id else None

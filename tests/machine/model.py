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
from domain.delivery import Accepted as TakenByPlatform
from domain.delivery import Refused as RefusedByPlatform
from domain.delivery import Settlement, settlement_of_send
from tests.contract.paths import Worker

RANKS = {status: rank for rank, status in enumerate(OUTBOUND_ORDER)}
ARRIVED = RANKS[OutboundStatus.SENT]


@dataclass(slots=True, eq=False)
class Reply:
    """A message of ours. `name` is what the platform calls this try, `former` what it called earlier ones.

    It has told us (`is_named`) once it has taken the try or reported on it; a try that it refused has no name.
    """

    id: UUID
    status: OutboundStatus
    name: str
    is_named: bool = False
    former: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Play:
    """A turn: in whose hands it is, and how it stands."""

    id: UUID
    talk: Talk
    agent_id: UUID
    worker: Worker | None = None
    fence: int = 1
    crashes: int = 0
    status: TurnStatus = TurnStatus.OPEN
    reply: Reply | None = None

    @property
    def is_open(self) -> bool:
        return self.status is TurnStatus.OPEN


@dataclass(slots=True, eq=False)
class Talk:
    """A conversation: how many of its messages wait, and how many of those for a credit."""

    id: UUID
    number: PhoneNumber
    address: str
    agent_id: UUID | None
    is_active: bool = True
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

    @property
    def replies(self) -> list[Play]:
        return [play for play in self.plays if play.reply]

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
        play = self.open_play(talk)
        if play:
            return self._takes_over(play, worker)
        if not talk.is_active or talk.agent_id is None or not talk.received + talk.blocked:
            return NoTurn.NOTHING
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

    def drops(self, worker: Worker, holding: Iterable[UUID]) -> None:
        for play in self.holds(worker):
            if play.talk.id not in holding:
                play.worker, play.crashes = None, play.crashes + 1

    def settles(self, play: Play, settlement: Settlement) -> None:
        reply = play.reply
        if reply and reply.status is OutboundStatus.FAILED:
            settlement = settlement_of_send(RefusedByPlatform({}))
        elif reply and settlement.turn is TurnStatus.UNDECIDED and RANKS[reply.status] >= ARRIVED:
            settlement = settlement_of_send(TakenByPlatform(None))
        play.status, play.worker = settlement.turn, None
        if reply and settlement.platform_message_id:
            reply.is_named = True
        if reply and settlement.outbound:
            reply.status = max(reply.status, settlement.outbound, key=RANKS.__getitem__)
        self._moves(settlement.entry)

    def hears(self, play: Play, status: OutboundStatus) -> bool:
        """The platform reports on the reply; whether that was news."""
        reply = play.reply
        if reply is None or RANKS[status] <= RANKS[reply.status]:
            return False
        reply.status, reply.is_named, has_failed = status, True, status is OutboundStatus.FAILED
        if play.status is TurnStatus.UNDECIDED:
            self._moves("release" if has_failed else "capture")
            play.status = TurnStatus.FAILED if has_failed else TurnStatus.ANSWERED
        elif play.status is TurnStatus.ANSWERED and has_failed:
            self._moves("refund")
            play.status = TurnStatus.FAILED
        return True

    def retries(self, play: Play, turn_id: UUID, name: str) -> None:
        reply, play.reply = play.reply, None
        assert reply
        reply.former += [reply.name] if reply.is_named else []
        reply.status, reply.name, reply.is_named = OutboundStatus.PENDING, name, False
        self.held += 1
        self.plays.append(Play(turn_id, play.talk, play.agent_id, reply=reply))

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
        play.crashes += play.worker is not None
        last_chance = CRASHES_MAX - 1
        if play.crashes == last_chance and any(other.crashes == last_chance for other in self.holds(worker)):
            play.worker = None
            return NoTurn.BUSY
        play.worker, play.fence = worker, play.fence + 1
        return None

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

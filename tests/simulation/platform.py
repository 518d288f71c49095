"""The platform's side of sending: it takes, refuses, puts off, or says nothing; and reports, late and twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from application.ports.briefings import Briefing
from application.ports.channel_gateway import OutboundText
from domain.channels import ChannelStatus, ChannelType, Receipt
from domain.delivery import Accepted, Ambiguous, Deferred, Parked, Refused, SendOutcome
from tests.fakes.clock import MONDAY_MORNING
from tests.simulation.driver import STEP, Driver, Process, Sleep
from tests.simulation.harm import Harm

ERROR = {"code": 131000}
REFUSED_TOKEN = {"code": 190, "error_subcode": 463}
MORE, LAST = " 1/2", " 2/2"
LATE_SECONDS_MAX = 50.0
"""So late a message is taken that nobody waits for any more: sooner than it is called undecided."""


@dataclass(slots=True)
class Taken:
    """A message the platform has accepted, and every word it will report of it."""

    message_id: UUID
    account: str
    address: str
    text: str
    name: str
    statuses: list[str] = field(default_factory=list)

    @property
    def has_failed(self) -> bool:
        return "failed" in self.statuses

    @property
    def answers(self) -> list[str]:
        """The questions this reply answers: the simulated model repeats them. Parts after the first say so."""
        return self.text.removesuffix(MORE).removesuffix(LAST).split(" ")

    @property
    def is_follow_up(self) -> bool:
        """Whether it is a later part of a reply."""
        return self.text.endswith(LAST)


class SimulatedPlatform:
    """`taken` is the journal the judge reads; `report` hands receipts to whoever delivers them."""

    def __init__(self, driver: Driver, harm: Harm, report: Callable[[list[Receipt]], None]) -> None:
        self._driver, self._harm, self._random, self._report = driver, harm, harm.random, report
        self.taken: list[Taken] = []
        self._refused: set[tuple[str, str | None]] = set()
        self._late: list[tuple[float, Briefing, OutboundText]] = []

    @property
    def is_late(self) -> bool:
        """Whether it still has to take what nobody waits for any more."""
        return bool(self._late)

    def worded(self, channel: ChannelType, text: str) -> Sequence[str]:
        """Sometimes in two parts: always the same for the same text."""
        return (text + MORE, text + LAST) if sum(text.encode()) % 3 == 0 else (text,)

    async def show_typing(self, briefing: Briefing, address: str, platform_message_id: str) -> None:
        self._driver.tell(f"platform shows typing for {platform_message_id}")
        await STEP

    async def send(self, briefing: Briefing, message: OutboundText) -> SendOutcome:
        self._take_what_is_late()
        outcome = self._outcome(briefing, message)
        self._driver.tell(f"platform is sent {message.text!r} as {str(message.message_id)[-6:]}: {outcome}")
        await STEP
        return outcome

    def _outcome(self, briefing: Briefing, message: OutboundText) -> SendOutcome:
        if (briefing.account, briefing.access_token) in self._refused:
            return Parked(REFUSED_TOKEN, ChannelStatus.UNAUTHORIZED)
        if not self._harm.happens(self._harm.platform):
            return self._take(briefing, message)
        return self._harmed(briefing, message)

    def _harmed(self, briefing: Briefing, message: OutboundText) -> SendOutcome:
        match self._random.randrange(6):
            case 0:
                return Refused(ERROR)
            case 1:
                return Deferred(ERROR, self._random.choice((None, 1.0, 6.0)))
            case 2:
                return Ambiguous(ERROR)
            case 3:
                self._refused.add((briefing.account, briefing.access_token))
                return Parked(REFUSED_TOKEN, ChannelStatus.UNAUTHORIZED)
            case 4:
                seconds = self._random.random() * LATE_SECONDS_MAX
                self._late.append((self._driver.seconds + seconds, briefing, message))
                self._driver.start(Process("platform"), self._catch_up(seconds))
                return Ambiguous(ERROR)
            case _:
                self._take(briefing, message)
                return Ambiguous(ERROR)

    async def _catch_up(self, seconds: float) -> None:
        await Sleep(seconds)
        self._take_what_is_late()

    def _take_what_is_late(self) -> None:
        """The platform's time goes on while our machines stand still: it takes this before what is sent now."""
        due = [late for late in self._late if late[0] <= self._driver.seconds]
        for late in sorted(due, key=lambda late: late[0]):
            self._late.remove(late)
            self._driver.tell(f"platform takes {late[2].text!r} late")
            self._take(*late[1:])

    def _take(self, briefing: Briefing, message: OutboundText) -> Accepted:
        name = f"wamid.{len(self.taken)}"
        taken = Taken(message.message_id, briefing.account, message.address, message.text, name)
        self.taken.append(taken)
        failing = self._harm.happens(0.15)
        taken.statuses = self._random.choice(
            (["sent", "failed"], ["failed"]) if failing else (["sent", "delivered", "read"], ["delivered"], ["sent"])
        )
        self._report([self._receipt(taken, status) for status in taken.statuses])
        return Accepted(name)

    def _receipt(self, taken: Taken, status: str) -> Receipt:
        error = ERROR if status == "failed" else None
        return Receipt(ChannelType.WHATSAPP, taken.account, taken.name, taken.message_id, status, MONDAY_MORNING, error)

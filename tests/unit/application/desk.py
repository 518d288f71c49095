"""A front desk in memory: the use cases over the fakes, and a shop whose customers can write."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from application.alerting import Overflow
from application.conversations.ask_model import AskModel
from application.conversations.deliver_reply import DeliverReply
from application.conversations.patience import Patience
from application.conversations.show_typing import ShowTyping
from application.conversations.take_turn import TakeTurn
from application.conversations.work import Work
from application.pages import PageRequest
from domain.channels import ChannelType, InboundMessage, PhoneNumber
from domain.conversations import LaneScope, Message
from domain.credits import Account
from tests.builders import a_phone_number, a_prompt, a_user, an_agent, an_api_key, an_id
from tests.fakes.alerts import MemoryAlerts
from tests.fakes.background import IdleBackground
from tests.fakes.briefings import MemoryBriefings
from tests.fakes.clock import CountingIds, FrozenClock
from tests.fakes.credits import MemoryCredits
from tests.fakes.duplicate_filter import MemoryDuplicateFilter
from tests.fakes.gateway import ScriptedGateway
from tests.fakes.inbox import MemoryInbox
from tests.fakes.live import MemoryLive
from tests.fakes.media import an_asking
from tests.fakes.memory_store import MemoryStore
from tests.fakes.model import ScriptedModel
from tests.fakes.registry import MemoryAgents, MemoryPhoneNumbers, MemoryPrompts, MemoryUsers
from tests.fakes.turn_queue import MemoryTurnQueue
from tests.fakes.turns import MemoryTurns
from tests.fakes.vault import PlainVault

KIM = "4917012345"
A_TOKEN = "EAAG"
LEASE_SECONDS = 600


class RecordingClock(FrozenClock):
    """Keeps how long it was slept."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await super().sleep(seconds)


@dataclass
class Desk:
    clock: RecordingClock = field(default_factory=RecordingClock)
    quiet_seconds: float = 0
    lane_scope: LaneScope = LaneScope.CONVERSATION

    def __post_init__(self) -> None:
        self.store = MemoryStore(self.clock)
        self.ids = CountingIds()
        self.vault = PlainVault()
        self.inbox = MemoryInbox(self.store, self.ids)
        # Nobody's heart beats here: the leases are longer than any turn.
        self.turns = MemoryTurns(self.store, self.ids, LEASE_SECONDS, self.quiet_seconds, 60, self.lane_scope)
        self.queue = MemoryTurnQueue(self.clock)
        self.seen = MemoryDuplicateFilter(self.clock)
        self.alerts = MemoryAlerts(self.store)
        self.overflow = Overflow(self.alerts, self.clock)
        self.credits = MemoryCredits(self.store)
        self.agents = MemoryAgents(self.store)
        self.phone_numbers = MemoryPhoneNumbers(self.store)
        self.model = ScriptedModel(self.store)
        self.gateway = ScriptedGateway(self.store)
        self.live = MemoryLive()
        briefings = MemoryBriefings(self.store, self.vault)
        self.background = IdleBackground()
        patience = Patience(self.clock, self.ids)
        self.take_turn = TakeTurn(
            self.turns,
            briefings,
            an_asking(self.store, self.vault),
            AskModel(self.turns, self.model, patience, self.live),
            DeliverReply(self.turns, self.gateway, patience, self.live),
            ShowTyping(self.gateway, self.background, self.clock),
            self.clock,
            self.ids,
            self.alerts,
            self.lane_scope,
            self.live,
        )
        self.work = Work(self.take_turn, self.turns, self.queue, self.clock, self.ids)
        self.worker_id = an_id()

    async def opens(self, credits_: int = 10, token: str | None = A_TOKEN) -> Desk:
        """The shop opens: user, phone number, prompt, agent and credits are there, and a worker."""
        self.user = a_user()
        await MemoryUsers(self.store).add(self.user, an_api_key(self.user.id))
        self.number: PhoneNumber = a_phone_number(self.user.id)
        await self.phone_numbers.add(self.number, token and self.vault.seal(token, self.number.id))
        self.prompt = await MemoryPrompts(self.store).add(a_prompt(self.user.id))
        self.agent = await self.agents.add(
            an_agent(self.user.id, phone_number_id=self.number.id, prompt_id=self.prompt.id)
        )
        if credits_:
            await self.credits.add(self.user.id, credits_, None, None)
        await self.turns.renew_lease(self.worker_id, ())
        return self

    def a_text(self, text: str = "Are you open today?", **fields: Any) -> InboundMessage:
        defaults = {
            "channel": ChannelType.WHATSAPP,
            "account": self.number.meta_phone_number_id,
            "address": KIM,
            "name": "Kim",
            "platform_message_id": f"wamid.{an_id()}",
            "type": "text",
            "text": text,
            "written_at": self.clock.now(),
        }
        return InboundMessage(**defaults | fields)

    async def hears(self, *texts: str, **fields: Any) -> UUID:
        """A customer writes; the conversation it went to."""
        stored = await self.inbox.accept([self.a_text(text, **fields) for text in texts])
        assert stored[-1].conversation_id
        return stored[-1].conversation_id

    async def takes_turns(self, conversation_id: UUID) -> int:
        return await self.take_turn(conversation_id, self.worker_id)

    def messages(self, conversation_id: UUID) -> list[Message]:
        return self.store.messages_of(conversation_id)

    def outcome(self, conversation_id: UUID) -> list[tuple[str, str | None]]:
        return [(message.status, message.reason) for message in self.messages(conversation_id)]

    @property
    def account(self) -> Account:
        return self.store.accounts[self.user.id]

    async def movements(self) -> list[str]:
        page = await self.credits.entries(self.user.id, PageRequest())
        return [entry.kind.value for entry in page.items]

"""What the doors need of the rest: ports that do nothing, or what a test tells them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from adapters.chat_sessions import SignedChatSessions
from application.app import Application, Ports, assemble
from application.ports.channel_gateway import ForgedWebhook, UnreadableWebhook, UnsignedWebhook
from application.ports.extractions import Found
from domain.answers import Usage
from domain.channels import Delivery, Medium, MediumKind
from domain.conversations import Conversation, ConversationStatus, Customer, Message
from domain.leads.reading import ProvedValue, Reading
from domain.media import MediumStatus, StoredMedium, storage_key
from domain.shared import NotFound, Unavailable
from domain.traces import Facts, Obstacle, ReplyFacts
from tests.fakes.alert_deliveries import MemoryAlertDeliveries
from tests.fakes.alerts import MemoryAlerts
from tests.fakes.answers import MemoryAnswers, done_once
from tests.fakes.background import IdleBackground
from tests.fakes.channel_health import MemoryChannelHealth
from tests.fakes.clock import CountingIds, FrozenClock
from tests.fakes.content_store import MemoryContentStore
from tests.fakes.context_cache import MemoryContextCache
from tests.fakes.conversations import MemoryConversations
from tests.fakes.credits import MemoryCredits
from tests.fakes.customer_records import MemoryCustomerRecords
from tests.fakes.duplicate_filter import MemoryDuplicateFilter
from tests.fakes.erasures import MemoryErasures, ToldEraser
from tests.fakes.extractions import MemoryExtractionQueue, MemoryExtractions, MemoryLeads
from tests.fakes.figures import MemoryFigures
from tests.fakes.inbox import MemoryInbox
from tests.fakes.live import MemoryLive
from tests.fakes.media import MemoryMedia
from tests.fakes.memory_store import MemoryMedium, MemoryStore
from tests.fakes.model_catalogue import ToldCatalogue
from tests.fakes.rate_limits import MemoryRateLimits
from tests.fakes.registry import MemoryAgents, MemoryPhoneNumbers, MemoryPrompts, MemoryUsers
from tests.fakes.replies_by_hand import MemoryRepliesByHand
from tests.fakes.telemetry import MemoryTelemetry
from tests.fakes.turn_queue import MemoryTurnQueue
from tests.fakes.vault import PlainVault
from tests.fakes.web_chats import MemoryWebChats

ADMIN_KEY = "admin-key-of-the-tests"
FILE = b"\x89PNG" + bytes(5_000)
UNKNOWN_ID = UUID(int=404)


class NoInbox:
    """Stores nothing, and counts three messages that nobody claimed."""

    async def accept(self, messages):
        return ()

    async def record(self, receipts):
        return ()

    async def claim_unclaimed(self, limit):
        return ()

    async def unclaimed(self):
        return 3


class ToldTurns:
    """What waits is what a test says; `asked` is what was asked for last."""

    def __init__(self) -> None:
        self.waits = ()
        self.asked = None

    async def waiting(self, wanted, limit):
        self.asked = wanted
        return self.waits


class ToldRetries:
    """Puts any message of the user back to waiting, or raises what it is told."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.wrong: Exception | None = None
        self.retried = 0

    async def retry(self, user_id, message_id, once):
        message = self._store.messages.get(message_id)
        if message is None or self._store.owner_of(message) != user_id:
            raise NotFound("message")
        if self.wrong:
            raise self.wrong
        retried = replace(message, status="pending", platform_message_id=None, error=None)
        return done_once(self._store, user_id, once, lambda: self._counted(retried))

    def _counted(self, message):
        self.retried += 1
        return message


class PlainTraces:
    """Knows of a message what stands in it."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def facts(self, user_id, message_id):
        message = self._store.messages.get(message_id)
        if message is None or self._store.owner_of(message) != user_id:
            raise NotFound("message")
        replies = [ReplyFacts(message, {})] if message.direction == "outbound" else []
        return Facts(message, None, message.created_at, None, replies, Obstacle.QUEUED)


class TellTaleReader:
    """Reads the first byte of a body as the outcome it is to have, and keeps what it was given."""

    def __init__(self) -> None:
        self.deliveries: list[tuple[Mapping[str, str], bytes]] = []
        self.outcomes: dict[bytes, Exception] = {
            b"u": UnsignedWebhook("There is no signature."),
            b"f": ForgedWebhook("The signature is wrong."),
            b"j": UnreadableWebhook("body", "It is not JSON."),
            b"d": Unavailable("Postgres does not answer."),
            b"b": RuntimeError("secret detail"),
        }

    def read(self, headers, body):
        self.deliveries.append((headers, body))
        if error := self.outcomes.get(body[:1]):
            raise error
        return Delivery()

    def challenge(self, query):
        if query.get("hub.verify_token") != "right":
            raise ForgedWebhook("The token is wrong.")
        return query["hub.challenge"]


class ToldProbe:
    """A dependency that is well until it is told a reason not to be."""

    name = "postgres"

    def __init__(self) -> None:
        self.reason: str | None = None

    async def check(self):
        if self.reason:
            raise Unavailable(self.reason)


class House:
    """An application over fakes, with the fakes in reach, and `wrong`: what the next use case shall raise."""

    def __init__(self) -> None:
        self.clock = FrozenClock()
        self.store = MemoryStore(self.clock)
        self.reader = TellTaleReader()
        self.probe = ToldProbe()
        self.telemetry = MemoryTelemetry()
        self.ids = CountingIds()
        self.retries = ToldRetries(self.store)
        self.alerts = MemoryAlerts(self.store)
        self.queue = MemoryTurnQueue(self.clock)
        self.content = MemoryContentStore()
        self.contexts = MemoryContextCache()
        self.turns = ToldTurns()
        self.extraction_queue = MemoryExtractionQueue()
        self.inbox: Any = NoInbox()
        self.web_chats = MemoryWebChats(self.store)
        self.live = MemoryLive()
        self.rate_limits = MemoryRateLimits(self.clock)
        self.application = self._application()

    def takes_messages(self) -> None:
        """From now on what arrives is really stored."""
        self.inbox = MemoryInbox(self.store, self.ids)
        self.application = self._application()

    def _application(self) -> Application:
        nothing: Any = SimpleNamespace()
        store = self.store
        agents = MemoryAgents(store)
        ports = Ports(
            clock=self.clock,
            ids=self.ids,
            background=IdleBackground(),
            vault=PlainVault(),
            inbox=self.inbox,
            turns=self.turns,
            queue=self.queue,
            seen=MemoryDuplicateFilter(self.clock),
            briefings=nothing,
            contexts=self.contexts,
            ageing_tokens=nothing,
            token_issuer=nothing,
            model=nothing,
            lead_model=nothing,
            extractions=MemoryExtractions(store, self.ids),
            extraction_queue=self.extraction_queue,
            leads=MemoryLeads(store),
            gateway=nothing,
            reader=self.reader,
            users=MemoryUsers(store),
            phone_numbers=MemoryPhoneNumbers(store),
            channel_health=MemoryChannelHealth(store),
            prompts=MemoryPrompts(store),
            agents=agents,
            conversations=MemoryConversations(store),
            customer_records=MemoryCustomerRecords(store),
            erasures=MemoryErasures(store),
            eraser=ToldEraser(),
            traces=PlainTraces(store),
            media=MemoryMedia(store, PlainVault()),
            media_fetcher=nothing,
            content=self.content,
            retries=self.retries,
            replies_by_hand=MemoryRepliesByHand(store, self.ids),
            credits=BrokenCredits(store),
            answers=MemoryAnswers(store),
            alerts=self.alerts,
            alert_deliveries=MemoryAlertDeliveries(self.store),
            alert_senders={},
            model_catalogue=ToldCatalogue(),
            figures=MemoryFigures(store),
            web_chats=self.web_chats,
            chat_sessions=SignedChatSessions(["a key of the tests"]),
            live=self.live,
            rate_limits=self.rate_limits,
            probes=[self.probe],
            telemetry=self.telemetry,
        )
        self.credits = ports.credits
        return assemble(ports, admin_api_key=ADMIN_KEY)

    def a_conversation(self, user_id: UUID, phone_number_id: UUID) -> Conversation:
        """A conversation with one message each way, the reply failed."""
        customer = Customer(self.ids.new(), "491701234567", "Ada")
        self.store.customers[customer.id] = customer
        number = self.store.phone_numbers[phone_number_id]
        self.store.customer_ids[user_id, number.type, customer.address] = customer.id
        now = self.clock.now()
        conversation = Conversation(
            self.ids.new(), phone_number_id, None, customer, ConversationStatus.ACTIVE, None, 2, now, now
        )
        self.store.conversations[conversation.id] = conversation
        self._say(conversation, 1, "inbound", "customer", "answered", None)
        self._say(conversation, 2, "outbound", "agent", "failed", {"code": 131026})
        return conversation

    async def reads(self, conversation: Conversation, values: Mapping[str, Any]) -> UUID:
        """A run found these values in a conversation; its id."""
        extractions = MemoryExtractions(self.store, self.ids)
        await extractions.request(self.store.owner_of(conversation), conversation.id, 0, None)
        (run,) = await extractions.claim(90.0, 1)
        proved = {name: ProvedValue(value, (1,), self.clock.now()) for name, value in values.items()}
        await extractions.complete(
            run, Found(Reading(proved, {"age": "not said"}), "digest", 1, "gpt-5.5", Usage(10, 5))
        )
        return run.id

    def keeps_a_file(self, message: Message, **fields: Any) -> StoredMedium:
        """A file that came with that message and is kept."""
        owner = self.store.owner_of(message)
        id_ = self.ids.new()
        stored = StoredMedium(
            id=id_,
            user_id=owner,
            message_id=message.id,
            place=0,
            kind=MediumKind.IMAGE,
            mime_type="image/png",
            filename=None,
            status=MediumStatus.KEPT,
            reason=None,
            bytes=len(FILE),
            storage_key=storage_key(owner, id_),
        )
        stored = replace(stored, **fields)
        now = self.clock.now()
        self.store.media[stored.id] = MemoryMedium(stored, Medium(stored.kind), now, now)
        if stored.storage_key:
            self.content.kept[stored.storage_key] = FILE
        return stored

    def _say(self, conversation, number, direction, author, status, error):
        message = Message(
            self.ids.new(),
            conversation.id,
            conversation.phone_number_id,
            number,
            direction,
            author,
            "text",
            "Hello",
            status,
            None,
            f"wamid.{number}",
            None,
            error,
            self.clock.now(),
        )
        self.store.messages[message.id] = message


class BrokenCredits(MemoryCredits):
    """Credits that can be told to fail, or to take their time."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.wrong: Exception | None = None
        self.seconds = 0.0
        self.asked = asyncio.Event()
        self.left = asyncio.Event()

    async def account(self, user_id):
        self.asked.set()
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.left.set()
        if self.wrong:
            raise self.wrong
        return await super().account(user_id)

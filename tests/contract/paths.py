"""The stores of the message path, both of one form, several processes on each; and what must always hold in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol
from uuid import UUID, uuid4

import psycopg

from adapters.clock import RandomIds
from adapters.persistence.alert_deliveries import PostgresAlertDeliveries
from adapters.persistence.alerts import PostgresAlerts
from adapters.persistence.database import Database
from adapters.persistence.extractions import PostgresExtractions
from adapters.persistence.figures import PostgresFigures
from adapters.persistence.inbox import PostgresInbox
from adapters.persistence.leads import PostgresLeads
from adapters.persistence.replies_by_hand import PostgresRepliesByHand
from adapters.persistence.retries import PostgresRetries
from adapters.persistence.turns import PostgresTurns
from application.pages import PageRequest
from application.ports.alert_deliveries import AlertDeliveries
from application.ports.alerts import Alerts
from application.ports.conversations import MessageFilter
from application.ports.extractions import Extractions
from application.ports.figures import Figures
from application.ports.inbox import Inbox
from application.ports.leads import Leads
from application.ports.replies_by_hand import RepliesByHand
from application.ports.retries import Retries
from application.ports.turns import ReplyPart, ReplyRecord, Settled, Turns
from domain.agents import Agent
from domain.answers import Usage
from domain.channels import ChannelType, InboundMessage, PhoneNumber, Receipt
from domain.conversations import LaneScope, Message, OutboundStatus, Turn, TurnStatus
from domain.credits import Account, EntryKind
from domain.delivery import Accepted, Ambiguous, Refused, settlement_of_send
from domain.users import User
from tests.builders import a_phone_number, a_user, an_agent, an_api_key
from tests.contract.worlds import World, memory_world, postgres_world
from tests.fakes.alert_deliveries import MemoryAlertDeliveries
from tests.fakes.alerts import MemoryAlerts
from tests.fakes.clock import MONDAY_MORNING, CountingIds, FrozenClock
from tests.fakes.extractions import WAITING, MemoryExtractions, MemoryLeads
from tests.fakes.figures import MemoryFigures
from tests.fakes.inbox import MemoryInbox
from tests.fakes.memory_store import MemoryStore
from tests.fakes.replies_by_hand import MemoryRepliesByHand
from tests.fakes.retries import MemoryRetries
from tests.fakes.turns import MemoryTurns

LEASE_SECONDS = 30.0
AT_ONCE: dict[str, Any] = {"quiet_seconds": 0.0, "undecided_seconds": 0.0, "lane_scope": LaneScope.CONVERSATION}
_written = count(1)


def a_text(number: PhoneNumber, **fields: Any) -> InboundMessage:
    """A text from Kim to that phone number, unless told otherwise."""
    defaults = {
        "channel": ChannelType.WHATSAPP,
        "account": number.meta_phone_number_id,
        "address": "4917012345",
        "name": "Kim",
        "platform_message_id": f"wamid.{next(_written)}",
        "type": "text",
        "text": "Are you open today?",
        "written_at": MONDAY_MORNING,
    }
    return InboundMessage(**defaults | fields)


def a_receipt(number: PhoneNumber, status: str, **fields: Any) -> Receipt:
    defaults = {
        "channel": ChannelType.WHATSAPP,
        "account": number.meta_phone_number_id,
        "platform_message_id": "wamid.nobody",
        "message_id": None,
        "status": status,
        "at": MONDAY_MORNING,
    }
    return Receipt(**defaults | fields)


def a_reply(*texts: str, **fields: Any) -> ReplyRecord:
    """A reply in as many parts as it has texts."""
    defaults = {
        "parts": tuple(ReplyPart(uuid4(), text) for text in texts or ("Until six.",)),
        "prompt_id": "pmpt_host",
        "prompt_version": None,
        "model": "gpt-5-mini",
        "response_id": "resp_1",
        "usage": Usage(12, 5),
        "last_item_id": None,
    }
    return ReplyRecord(**defaults | fields)


class Time(Protocol):
    """What passes without anybody calling a port."""

    async def leases_run_out(self) -> None:
        """So long passes that no worker which stays silent holds anything."""

    async def passes(self, seconds: float) -> None:
        """Everything that was written is that much older."""


class Worker:
    """One process that takes turns."""

    def __init__(self, turns: Turns) -> None:
        self.id = uuid4()
        self.turns = turns

    async def begins(self, conversation_id: UUID) -> Turn:
        turn = await self.turns.begin(conversation_id, self.id)
        assert isinstance(turn, Turn), turn
        return turn

    async def answers(self, turn: Turn, platform_message_id: str | None = None) -> ReplyRecord:
        """The reply is written down, sent and accepted."""
        reply = a_reply()
        await self.turns.record_reply(turn, reply)
        await self.settles(turn, Accepted(platform_message_id or f"wamid.{reply.parts[0].message_id.hex}"))
        return reply

    async def settles(self, turn: Turn, outcome: Accepted | Refused | Ambiguous) -> Settled:
        return await self.turns.settle(turn, settlement_of_send(outcome))


@dataclass(frozen=True, slots=True)
class Shop:
    """A business with one connected phone number, its agent, and credits."""

    user: User
    number: PhoneNumber
    agent: Agent


@dataclass(slots=True)
class Path:
    """The ports of the path over one store; each inbox and each worker is a process of its own."""

    world: World
    time: Time
    inbox: Inbox
    alerts: Alerts
    alert_deliveries: AlertDeliveries
    retries: Retries
    extractions: Extractions
    leads: Leads
    replies_by_hand: RepliesByHand
    figures: Figures
    new_inbox: Callable[[], Inbox]
    new_turns: Callable[..., Turns]
    find_broken: Callable[[], list[str]]
    shops: list[Shop] = field(default_factory=list)

    async def a_shop(self, credits_: int = 100, **fields: Any) -> Shop:
        user = a_user()
        await self.world.users.add(user, an_api_key(user.id))
        number = await self.world.phone_numbers.add(a_phone_number(user.id, **fields), None)
        agent = await self.world.agents.add(an_agent(user.id, phone_number_id=number.id))
        if credits_:
            await self.world.credits.add(user.id, credits_, None, None)
        shop = Shop(user, number, agent)
        self.shops.append(shop)
        return shop

    async def a_second_number(self, shop: Shop) -> Shop:
        """Another phone number of the same business, with an agent of its own."""
        number = await self.world.phone_numbers.add(a_phone_number(shop.user.id), None)
        agent = await self.world.agents.add(an_agent(shop.user.id, phone_number_id=number.id))
        return Shop(shop.user, number, agent)

    async def a_worker(self, **settings: Any) -> Worker:
        """A process with these settings; without any, it waits for nobody's quiet, and lanes are conversations."""
        worker = Worker(self.new_turns(**settings))
        await worker.turns.renew_lease(worker.id, ())
        return worker

    async def writes(self, shop: Shop, **fields: Any) -> UUID:
        """A customer writes; the conversation it went to."""
        (stored,) = await self.inbox.accept([a_text(shop.number, **fields)])
        assert stored.conversation_id
        return stored.conversation_id

    async def messages(self, shop: Shop, conversation_id: UUID | None = None) -> Sequence[Message]:
        wanted = MessageFilter(conversation_id=conversation_id)
        page = await self.world.conversations.messages(shop.user.id, wanted, PageRequest(200))
        return sorted(page.items, key=lambda message: message.sequence_number)

    async def outcome(self, shop: Shop, conversation_id: UUID) -> list[tuple[str, str | None]]:
        """What became of the messages of a conversation, in order."""
        return [(message.status, message.reason) for message in await self.messages(shop, conversation_id)]

    async def account(self, shop: Shop) -> Account:
        return await self.world.credits.account(shop.user.id)

    async def ledger(self, shop: Shop) -> list[EntryKind]:
        page = await self.world.credits.entries(shop.user.id, PageRequest(200))
        return [entry.kind for entry in page.items]


class MemoryTime:
    def __init__(self, clock: FrozenClock) -> None:
        self._clock = clock

    async def leases_run_out(self) -> None:
        self._clock.advance(LEASE_SECONDS + 1)

    async def passes(self, seconds: float) -> None:
        self._clock.advance(seconds)


AGE_MESSAGES = """
update messages set created_at = created_at - %s * interval '1 second', status_at = status_at - %s * interval '1 second'
"""
QUIET_FOR = """
update conversations set news_at = news_at - %s * interval '1 second',
    last_activity_at = last_activity_at - %s * interval '1 second'
"""


class PostgresTime:
    def __init__(self, url: str) -> None:
        self._url = url

    async def leases_run_out(self) -> None:
        await self._execute("update workers set lease_until = clock_timestamp() - interval '1 second'")

    async def passes(self, seconds: float) -> None:
        await self._execute(AGE_MESSAGES, seconds, seconds)
        await self._execute("update workers set lease_until = lease_until - %s * interval '1 second'", seconds)
        await self._execute("update turns set ended_at = ended_at - %s * interval '1 second'", seconds)
        await self._execute("update extractions set due_at = due_at - %s * interval '1 second'", seconds)
        await self._execute(QUIET_FOR, seconds, seconds)

    async def _execute(self, statement: str, *values: object) -> None:
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            await connection.execute(statement, values)


def memory_path() -> Path:
    world = memory_world()
    store, clock = _inside(world)
    ids = CountingIds()
    inbox = MemoryInbox(store, ids)
    return Path(
        world,
        MemoryTime(clock),
        inbox,
        MemoryAlerts(store),
        MemoryAlertDeliveries(store),
        MemoryRetries(store, ids),
        MemoryExtractions(store, ids),
        MemoryLeads(store),
        MemoryRepliesByHand(store, ids),
        MemoryFigures(store),
        lambda: inbox,
        lambda **settings: MemoryTurns(store, ids, LEASE_SECONDS, **AT_ONCE | settings),
        lambda: broken_in_memory(store),
    )


def _inside(world: World) -> tuple[MemoryStore, FrozenClock]:
    store = world.users._store
    return store, store.clock


@asynccontextmanager
async def postgres_path(url: str, url_judge: str, pools: int = 4) -> AsyncIterator[Path]:
    """Every new inbox and every new worker takes the next of several pools, as processes have their own."""
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(postgres_world(url, url_judge))
        databases = [await stack.enter_async_context(Database(url, connections_max=3).opened()) for _ in range(pools)]
        ids = RandomIds()
        turn = count()

        def next_database() -> Database:
            return databases[next(turn) % pools]

        yield Path(
            world,
            PostgresTime(url_judge),
            PostgresInbox(databases[0], ids),
            PostgresAlerts(databases[0]),
            PostgresAlertDeliveries(databases[0]),
            PostgresRetries(databases[0], ids),
            PostgresExtractions(databases[0]),
            PostgresLeads(databases[0]),
            PostgresRepliesByHand(databases[0], ids),
            PostgresFigures(databases[0]),
            lambda: PostgresInbox(next_database(), ids),
            lambda **settings: PostgresTurns(next_database(), ids, LEASE_SECONDS, **AT_ONCE | settings),
            lambda: broken_in_postgres(url_judge),
        )


INVARIANTS = {
    "an account is not the sum of its ledger": """
        select a.user_id from credit_accounts a left join credit_entries e using (user_id)
        group by a.user_id, a.balance, a.held
        having (a.balance, a.held) <> (coalesce(sum(e.balance_change), 0), coalesce(sum(e.held_change), 0))""",
    "a hold is neither ended nor awaited": """
        select user_id from credit_accounts a where held <> (
            select coalesce(sum(price), 0) from turns t
            where t.user_id = a.user_id and t.status in ('open', 'undecided')
        ) + (
            select coalesce(sum(price), 0) from extractions e where e.user_id = a.user_id and e.ended_at is null)""",
    "a conversation has two open turns": """
        select conversation_id from turns where status = 'open' group by 1 having count(*) > 1""",
    "the numbers of a conversation have a gap": """
        select c.id from conversations c left join messages m on m.conversation_id = c.id
        group by c.id, c.last_sequence_number
        having count(m.id) <> c.last_sequence_number or max(m.sequence_number) <> c.last_sequence_number""",
    "a captured turn has not accepted all its parts": """
        select e.turn_id from credit_entries e where kind = 'capture'
            and not exists (select from credit_entries r where r.turn_id = e.turn_id and r.kind = 'refund')
            and exists (select from turns t where t.id = e.turn_id)
            and not coalesce((
                select bool_and(m.status in ('sent', 'delivered', 'read'))
                    or bool_or(m.type = 'template' and m.status in ('sent', 'delivered', 'read'))
                from messages m where m.turn_id = e.turn_id and m.direction = 'outbound'), false)""",
    "a turn that is decided has parts that wait": """
        select m.turn_id from messages m join turns t on t.id = m.turn_id
        where m.direction = 'outbound' and m.status = 'pending' and t.status not in ('open', 'undecided')""",
    "a message was stored twice": """
        select platform_message_id from messages where platform_message_id is not null
        group by phone_number_id, platform_message_id having count(*) > 1""",
    "an ended turn has questions without an end": """
        select m.id from messages m join turns t on t.id = m.turn_id
        where m.status = 'received' and t.status not in ('open', 'undecided')""",
}


def broken_in_postgres(url: str) -> list[str]:
    with psycopg.connect(url, autocommit=True) as connection:
        found = {name: connection.execute(query).fetchall() for name, query in INVARIANTS.items()}
    return [f"{name}: {rows[:3]}" for name, rows in found.items() if rows]


def broken_in_memory(store: MemoryStore) -> list[str]:
    broken = {
        "an account is not the sum of its ledger": [id_ for id_ in store.users if not _adds_up(store, id_)],
        "a hold is neither ended nor awaited": [id_ for id_ in store.users if not _is_awaited(store, id_)],
        "the numbers of a conversation have a gap": [id_ for id_ in store.conversations if not _is_gapless(store, id_)],
        "a captured turn has not accepted all its parts": [
            id_ for id_ in _captured(store) if not _is_answered(store, id_)
        ],
    }
    return [f"{name}: {rows[:3]}" for name, rows in broken.items() if rows]


def _adds_up(store: MemoryStore, user_id: UUID) -> bool:
    lines = store.entries.get(user_id, [])
    sums = Account(sum(line.balance_change for line in lines), sum(line.held_change for line in lines))
    return store.accounts[user_id] == sums and 0 <= sums.held <= sums.balance


def _is_awaited(store: MemoryStore, user_id: UUID) -> bool:
    waiting = {TurnStatus.OPEN, TurnStatus.UNDECIDED}
    held = [turn for turn in store.turns.values() if turn.user_id == user_id and turn.status in waiting]
    runs = [run for run in store.extractions.values() if run.shown.user_id == user_id and run.shown.status in WAITING]
    return store.accounts[user_id].held == sum(turn.price for turn in held) + sum(run.price for run in runs)


def _is_gapless(store: MemoryStore, conversation_id: UUID) -> bool:
    numbers = [message.sequence_number for message in store.messages_of(conversation_id)]
    return numbers == list(range(1, store.conversations[conversation_id].message_count + 1))


def _captured(store: MemoryStore) -> set[UUID | None]:
    lines = [line for lines in store.entries.values() for line in lines]
    refunded = {line.turn_id for line in lines if line.kind is EntryKind.REFUND}
    return {line.turn_id for line in lines if line.kind is EntryKind.CAPTURE and line.turn_id in store.turns} - refunded


def _is_answered(store: MemoryStore, turn_id: UUID | None) -> bool:
    accepted = {OutboundStatus.SENT, OutboundStatus.DELIVERED, OutboundStatus.READ}
    replies = [one for one in store.messages.values() if one.turn_id == turn_id and one.direction == "outbound"]
    parts = [one for one in replies if one.type == "template"] or replies
    return bool(parts) and all(one.status in accepted for one in parts)

"""Lists of very many things are read from indexes: whatever is asked for, and however deep, little else is seen."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from adapters.persistence.conversations import PostgresConversations
from adapters.persistence.customer_records import PostgresCustomerRecords
from adapters.persistence.database import Database
from adapters.persistence.extractions import PostgresExtractions
from application.pages import PageRequest
from application.ports.conversations import ConversationFilter, MessageFilter
from application.ports.customer_records import CustomerFilter
from application.ports.extractions import ExtractionFilter
from bench.archive import A_CONVERSATION, STATEMENTS
from domain.channels import ChannelType

MESSAGES = 200_000
"""Of 10,000 conversations and customers: with half of them, to read all was now and then thought to be as good."""
LOOKED_AT_MAX = 600
"""Rows for a page of 50: a filter that one in ten passes looks at five hundred."""
LOOKED_AT_OF_DAYS_MAX = 1_700
"""Of 10,000 conversations in twelve days: a page of each day, or two days whole."""
A_USER = """
with account as (insert into credit_accounts (user_id) values (%(user)s)),
    number as (insert into phone_numbers (id, user_id, type) values (%(number)s, %(user)s, 'webchat')),
    agent as (insert into agents (id, user_id, name, prompt_id) values (%(agent)s, %(user)s, 'Ann', 'pmpt_1'))
insert into users (id, name) values (%(user)s, 'Archive')
"""
USER, NUMBER, AGENT = uuid4(), uuid4(), uuid4()
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
UNANSWERED = uuid4()
"""A user whose customers write and are hardly ever answered."""
TAKE_BACK_REPLIES = """
delete from messages m using conversations c
where m.user_id = %s and m.direction = 'outbound' and c.id = m.conversation_id and substr(c.id::text, 1, 2) <> '00'
"""

LATECOMERS = """
update customers set type = 'instagram', created_at = created_at + interval '1 day'
where id in (select customer_id from conversations where user_id = %s order by created_at desc limit 500)
"""
RUNS = """
insert into extractions (id, user_id, conversation_id, agent_id, origin, through_sequence_number, status, data,
    due_at, ended_at, created_at)
select gen_random_uuid(), user_id, id, agent_id, 'quiet', 1, 'completed', '{}', null, now(), created_at
from conversations where user_id = %s
"""


class Explained:
    """A database that keeps the plan of every statement it is asked."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.plans: list[dict] = []

    def of(self, user_id: UUID) -> Explained:
        self._scope = self._database.of(user_id)
        return self

    async def fetch(self, statement, parameters):
        words = statement if isinstance(statement, sql.Composable) else sql.SQL(statement)
        [[[plan]]] = await self._scope.fetch(sql.SQL("explain (analyze, buffers, format json) ") + words, parameters)
        self.plans.append(plan["Plan"])
        return await self._scope.fetch(statement, parameters)


def store_of(fresh, user: UUID, number: UUID, agent: UUID) -> None:
    with psycopg.connect(fresh.url) as connection:
        connection.execute(STATEMENTS[0])
        connection.execute(A_USER, {"user": user, "number": number, "agent": agent})
        values = {"user_id": user, "phone_number_id": number, "agent_id": agent}
        for statement in STATEMENTS[1:]:
            connection.execute(statement, {**values, "messages": MESSAGES, "each": A_CONVERSATION})


@pytest.fixture(scope="module")
def archive(cluster):
    """A database with very many messages of one user, and a failed one here and there."""
    with cluster.database() as fresh:
        store_of(fresh, USER, NUMBER, AGENT)
        store_of(fresh, UNANSWERED, uuid4(), uuid4())
        with psycopg.connect(fresh.url) as connection:
            connection.execute(STATEMENTS[0])
            connection.execute(TAKE_BACK_REPLIES, (UNANSWERED,))
            connection.execute(LATECOMERS, (UNANSWERED,))
            connection.execute(RUNS, (USER,))
        with psycopg.connect(fresh.url_owner, autocommit=True) as connection:
            connection.execute("analyze")
        yield fresh.url


@pytest.fixture
async def explained(archive):
    async with Database(archive).opened() as database:
        yield Explained(database)


async def some_conversation(explained) -> UUID:
    page = await PostgresConversations(explained).list(USER, ConversationFilter(), PageRequest(limit=1))
    explained.plans.clear()
    return page.items[0].id


def nodes_of(plan: dict):
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes_of(below)


def must_be_read_from_indexes(explained, table: str, looked_at_max: int = LOOKED_AT_MAX) -> None:
    for plan in explained.plans:
        for node in nodes_of(plan):
            if node.get("Relation Name") == table and node["Actual Loops"]:
                assert "Seq Scan" not in node["Node Type"], node
                looked_at = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
                assert looked_at <= looked_at_max, node


MESSAGE_FILTERS = {
    "nothing": {},
    "phone number": {"phone_number_id": NUMBER},
    "a phone number of nobody": {"phone_number_id": uuid4()},
    "direction": {"direction": "outbound"},
    "the other direction": {"direction": "inbound"},
    "a direction on a phone number": {"direction": "outbound", "phone_number_id": NUMBER},
    "a direction and a status of the other": {"direction": "inbound", "status": "read"},
    "a direction with a customer": {"direction": "outbound", "customer": "4915100000007"},
    **{
        f"status {status}": {"status": status}
        for status in ("received", "answered", "unanswerable", "blocked", "pending", "sending")
    },
    **{f"status {status}": {"status": status} for status in ("sent", "delivered", "read", "failed", "unknown")},
    "customer": {"customer": "4915100000007"},
    "a customer who never wrote": {"customer": "4900000000000"},
}


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("wanted", MESSAGE_FILTERS.values(), ids=MESSAGE_FILTERS)
async def test_a_page_of_messages(explained, wanted, newest_first):
    await PostgresConversations(explained).messages(
        USER, MessageFilter(**wanted), PageRequest(newest_first=newest_first)
    )
    must_be_read_from_indexes(explained, "messages")


@pytest.mark.parametrize("newest_first", [False, True])
async def test_a_page_of_a_direction_that_hardly_any_message_has(explained, newest_first):
    found = await PostgresConversations(explained).messages(
        UNANSWERED, MessageFilter(direction="outbound"), PageRequest(newest_first=newest_first)
    )
    assert found.items
    must_be_read_from_indexes(explained, "messages")


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("field", ["since", "until"])
async def test_a_page_of_messages_from_a_time_on_or_before_it(explained, field, newest_first):
    conversations = PostgresConversations(explained)
    middle = (await conversations.list(USER, ConversationFilter(), PageRequest(limit=200))).items[-1].created_at
    await conversations.messages(USER, MessageFilter(**{field: middle}), PageRequest(newest_first=newest_first))
    must_be_read_from_indexes(explained, "messages")


async def test_a_page_of_one_conversation(explained):
    wanted = MessageFilter(conversation_id=await some_conversation(explained))
    page = await PostgresConversations(explained).messages(USER, wanted, PageRequest())
    assert len(page.items) == A_CONVERSATION
    must_be_read_from_indexes(explained, "messages")


CONVERSATION_FILTERS = {
    "nothing": {},
    "active": {"status": "active"},
    "archived": {"status": "archived"},
    "phone number": {"phone_number_id": NUMBER},
    "agent": {"agent_id": AGENT},
    "an agent of nobody": {"agent_id": uuid4()},
    "customer": {"customer": "4915100000007"},
}


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("wanted", CONVERSATION_FILTERS.values(), ids=CONVERSATION_FILTERS)
async def test_a_page_of_conversations(explained, wanted, newest_first):
    await PostgresConversations(explained).list(
        USER, ConversationFilter(**wanted), PageRequest(newest_first=newest_first)
    )
    must_be_read_from_indexes(explained, "conversations")


CUSTOMER_FILTERS = {
    "nothing": {},
    "type": {"type": ChannelType.WHATSAPP},
    "a type that nobody writes from": {"type": ChannelType.INSTAGRAM},
    "customer": {"customer": "4915100000007"},
}


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("wanted", CUSTOMER_FILTERS.values(), ids=CUSTOMER_FILTERS)
async def test_a_page_of_customers(explained, wanted, newest_first):
    customers = PostgresCustomerRecords(explained)
    await customers.list(USER, CustomerFilter(**wanted), PageRequest(newest_first=newest_first))
    must_be_read_from_indexes(explained, "customers")


@pytest.mark.parametrize("newest_first", [False, True])
async def test_a_page_of_customers_of_a_type_that_came_late(explained, newest_first):
    found = await PostgresCustomerRecords(explained).list(
        UNANSWERED, CustomerFilter(type=ChannelType.INSTAGRAM), PageRequest(newest_first=newest_first)
    )
    assert found.items
    must_be_read_from_indexes(explained, "customers")


RUN_FILTERS = {
    "nothing": {},
    **{f"status {status}": {"status": status} for status in ("pending", "running", "completed", "failed")},
    "agent": {"agent_id": AGENT},
    "an agent of nobody": {"agent_id": uuid4()},
    "a conversation of nobody": {"conversation_id": uuid4()},
    "since long ago": {"since": LONG_AGO},
    "until long ago": {"until": LONG_AGO},
}


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("wanted", RUN_FILTERS.values(), ids=RUN_FILTERS)
async def test_a_page_of_extractions(explained, wanted, newest_first):
    runs = PostgresExtractions(explained)
    await runs.list(USER, ExtractionFilter(**wanted), PageRequest(newest_first=newest_first))
    must_be_read_from_indexes(explained, "extractions")


SHARES = {"shortly before the end": 0.999, "of late": 0.9, "in the middle": 0.5, "from the beginning on": 0.0}


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("share", SHARES.values(), ids=SHARES)
async def test_a_page_of_conversations_that_were_active_since(explained, share, newest_first):
    conversations = PostgresConversations(explained)
    first, last = [
        (await conversations.list(USER, ConversationFilter(), PageRequest(limit=1, newest_first=newest))).items[0]
        for newest in (False, True)
    ]
    since = first.created_at + (last.created_at - first.created_at) * share
    explained.plans.clear()
    found = await conversations.list(
        USER, ConversationFilter(active_since=since), PageRequest(limit=20, newest_first=newest_first)
    )
    assert all(one.last_activity_at >= since for one in found.items)
    must_be_read_from_indexes(explained, "conversations", LOOKED_AT_OF_DAYS_MAX)


async def test_a_deep_page_costs_what_the_first_costs(explained):
    conversations = PostgresConversations(explained)
    deep = (await conversations.list(USER, ConversationFilter(status="archived"), PageRequest(limit=200))).items[-1]
    far = await conversations.messages(USER, MessageFilter(since=deep.created_at), PageRequest(limit=1))
    explained.plans.clear()
    for cursor in (None, far.next_cursor):
        await conversations.messages(USER, MessageFilter(), PageRequest(cursor=cursor))
    first, deep_ = (plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] for plan in explained.plans)
    assert deep_ <= first + 5

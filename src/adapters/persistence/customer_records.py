"""Customers in Postgres: found, read whole, erased."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from psycopg.rows import TupleRow

from adapters.persistence.archiving import LOCK_ACCOUNT
from adapters.persistence.conversations import page_of_messages
from adapters.persistence.database import Database
from adapters.persistence.pages import BY_CREATION, Order, fetch_page, read_number
from adapters.persistence.rows import fetched, found
from application.pages import Page, PageRequest
from application.ports.customer_records import CustomerFilter
from domain.channels import ChannelType
from domain.conversations import Message
from domain.customers import Consent, KnownCustomer, PastTurn
from domain.shared import storable

LIST = """
select item.id, item.user_id, item.type, item.address, item.name, item.username, item.created_at,
    (select array_agg(a.value order by a.created_at, a.value) from customer_aliases a where a.customer_id = item.id)
from customers item
"""
GET = LIST + "where item.id = %s and item.user_id = %s"
# Looked up before the list is read, by their keys: behind a join Postgres would walk through all customers in order.
NAMED = """
select customer_id from customer_aliases
where user_id = %(user_id)s and type in ('whatsapp', 'instagram', 'webchat') and value = %(name)s
union select id from customers where user_id = %(user_id)s and id = %(id)s
"""
CONSENTS = "select item.id, item.phone_number_id, item.kind, item.message_id, item.created_at from consents item"
TURNS = """
select item.id, item.conversation_id, item.status, item.reason, item.error, item.attempts, item.prompt_id,
    item.prompt_version, item.model, item.response_id, item.input_tokens, item.output_tokens, item.begun_at,
    item.ended_at
from turns item
"""

# In the order in which everyone locks. On a phone number that the customer writes to for the first time just now
# nothing of theirs has been begun.
LOCK_PHONE_NUMBERS = """
select id from phone_numbers
where user_id = %(user_id)s and id in (select phone_number_id from conversations where customer_id = %(id)s)
order by id for no key update
"""
LOCK_CUSTOMER = "select id from customers where id = %(id)s and user_id = %(user_id)s for update"
LOCK_CONVERSATIONS = """
select id from conversations where customer_id = %(id)s and user_id = %(user_id)s
order by phone_number_id, customer_id, id for update
"""
# Their turns go with them, and what those held would be held for ever.
RELEASE = """
select move_credits(array_agg(t.id), array_agg('release'::text))
from turns t join conversations c on c.id = t.conversation_id
where c.customer_id = %(id)s and t.status in ('open', 'undecided') having count(*) > 0
"""
# Before anything that locks the account: whoever ends a run locks the run first.
RELEASE_RUNS = "select release_extractions(array(select id from conversations where customer_id = %(id)s))"
# What they wrote and nobody has taken in yet.
FORGET_UNCLAIMED = """
with name as (
    select type, array_agg(value) as values from customer_aliases where customer_id = %(id)s group by type
)
delete from unclaimed_messages u using phone_numbers n, name
where n.user_id = %(user_id)s and u.type = n.type and u.account = n.account and name.type = u.type
    and (u.address = any (name.values) or u.aliases && name.values)
"""
ERASE = "delete from customers where id = %(id)s and user_id = %(user_id)s"
STEPS = (RELEASE, FORGET_UNCLAIMED, ERASE)

BY_BEGINNING = replace(BY_CREATION, columns=("item.begun_at", "item.id"))
BY_SEQUENCE = Order(("item.sequence_number",), lambda one: str(one.message.sequence_number), read_number)


class PostgresCustomerRecords:
    """Customers, one row each, with a row for each of their names."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, user_id: UUID, customer_id: UUID) -> KnownCustomer:
        """That customer; see the port."""
        rows = await self._database.of(user_id).fetch(GET, (customer_id, user_id))
        return _customer(found(rows, "customer"))

    async def list(self, user_id: UUID, wanted: CustomerFilter, page: PageRequest) -> Page[KnownCustomer]:
        """A user's customers; see the port."""
        scoped = self._database.of(user_id)
        named = None
        if wanted.customer is not None:
            name = {"user_id": user_id, "name": storable(wanted.customer), "id": _uuid_in(wanted.customer)}
            named = [id_ for (id_,) in await scoped.fetch(NAMED, name)]
        conditions = {"item.user_id = %s": user_id, "item.type = %s": wanted.type, "item.id = any (%s)": named}
        return await fetch_page(scoped, LIST, conditions, page, _customer)

    async def erase(self, user_id: UUID, customer_id: UUID) -> None:
        """Delete the customer; see the port."""
        gone = {"id": customer_id, "user_id": user_id}
        # What nobody has taken in yet is nobody's so far.
        async with self._database.house.transaction() as connection:
            await connection.execute(LOCK_PHONE_NUMBERS, gone)
            found(await fetched(connection, LOCK_CUSTOMER, gone), "customer")
            await connection.execute(LOCK_CONVERSATIONS, gone)
            await connection.execute(RELEASE_RUNS, gone)
            await connection.execute(LOCK_ACCOUNT, (user_id,))
            for step in STEPS:
                await connection.execute(step, gone)

    async def consents(self, user_id: UUID, customer_id: UUID, page: PageRequest) -> Page[Consent]:
        """What the customer agreed to; see the port."""
        conditions = {"item.customer_id = %s": customer_id, "item.user_id = %s": user_id}
        return await fetch_page(self._database.of(user_id), CONSENTS, conditions, page, _consent)

    async def messages(self, user_id: UUID, conversation_id: UUID, page: PageRequest) -> Page[Message]:
        """What was said in a conversation; see the port."""
        conditions = {"item.conversation_id = %s": conversation_id, "item.user_id = %s": user_id}
        return await page_of_messages(self._database.of(user_id), conditions, page, BY_SEQUENCE)

    async def turns(self, user_id: UUID, conversation_id: UUID, page: PageRequest) -> Page[PastTurn]:
        """The turns of a conversation; see the port."""
        conditions = {"item.conversation_id = %s": conversation_id, "item.user_id = %s": user_id}
        return await fetch_page(self._database.of(user_id), TURNS, conditions, page, _turn, BY_BEGINNING)


def _uuid_in(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None


def _customer(row: TupleRow) -> KnownCustomer:
    id_, user_id, type_, address, name, username, created_at, aliases = row
    return KnownCustomer(id_, user_id, ChannelType(type_), address, name, username, tuple(aliases or ()), created_at)


def _consent(row: TupleRow) -> Consent:
    return Consent(*row)


def _turn(row: TupleRow) -> PastTurn:
    return PastTurn(*row)

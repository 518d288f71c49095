"""Runs of the extraction: open_extractions, hold_extractions and complete_extraction of the schema, and their rows."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from adapters.persistence.answers import done_once
from adapters.persistence.database import Database
from adapters.persistence.leads import written_values
from adapters.persistence.pages import fetch_page
from adapters.persistence.rows import fetched, found, storable_json
from application.pages import Page, PageRequest
from application.ports.answers import Once
from application.ports.extractions import ClaimedRun, ExtractionFilter, Found, Material
from domain.answers import Usage
from domain.contents import told
from domain.credits import Account, InsufficientCredits
from domain.leads.runs import Extraction, ExtractionStatus, NothingToRead, Origin, RunError
from domain.leads.transcript import FIRST, LAST, MESSAGE_CHARACTERS_MAX, Line

OPEN_DUE = "select open_extractions(%s, %s, %s)"
WAITING = "select count(*) from (select from extractions where due_at <= now() limit %s) due"
LIST = """
select item.id, item.user_id, item.conversation_id, item.agent_id, item.origin, item.status, item.attempt,
    item.through_sequence_number, item.data, item.evidence, item.dropped, item.errors, item.form_digest,
    item.prompt_version, item.model, item.input_tokens, item.output_tokens, item.created_at, item.ended_at
from extractions item
"""
GET = LIST + "where item.id = %s and item.user_id = %s"

# The conversation is locked, as by whoever stores a message: what this run reads, no scheduler has read again.
CONVERSATION = """
update conversations set extracted_through = last_sequence_number where id = %s and user_id = %s
returning last_sequence_number
"""
REQUEST = """
insert into extractions (id, user_id, conversation_id, agent_id, origin, through_sequence_number, price)
select gen_random_uuid(), user_id, id, agent_id, 'request', last_sequence_number, %s from conversations where id = %s
returning id
"""
AGENT = "select id from agents where id = %s and user_id = %s"
REQUEST_ALL = """
insert into extractions (id, user_id, conversation_id, agent_id, origin, through_sequence_number, price)
select gen_random_uuid(), c.user_id, c.id, c.agent_id, 'request', c.last_sequence_number, %s from conversations c
where c.agent_id = %s and c.user_id = %s
    and exists (select from messages m where m.conversation_id = c.id and m.author = 'customer')
    and not exists (
        select from extractions e
        where e.conversation_id = c.id and e.status = 'pending' and e.attempt = 0
            and e.through_sequence_number = c.last_sequence_number
    )
order by c.id
returning id
"""
LOCK_ACCOUNT = "select balance, held from credit_accounts where user_id = %s for no key update"
HOLD = "select hold_extractions(%s)"

CLAIM = """
with due as (
    select id from extractions where due_at <= now() order by due_at limit %s for update skip locked
)
update extractions e set status = 'running', attempt = e.attempt + 1, fence = e.fence + 1,
    due_at = clock_timestamp() + %s * interval '1 second'
from due where e.id = due.id
returning e.id, e.user_id, e.conversation_id, e.fence, e.attempt, e.created_at, e.errors
"""
CONTEXT = """
select agent.lead_form, number.number, conversation.customer_id, run.through_sequence_number
from extractions run
join conversations conversation on conversation.id = run.conversation_id
join phone_numbers number on number.id = conversation.phone_number_id
left join agents agent on agent.id = run.agent_id
where run.id = %s
"""
# Of a text no more is fetched than is shown, and one character that tells that there was more: texts have no limit.
LINES = """
(select sequence_number, author, created_at, type, left(text, %(characters)s) as text, content from messages
where conversation_id = %(conversation)s and sequence_number <= %(through)s order by sequence_number limit %(first)s)
union all
(select sequence_number, author, created_at, type, left(text, %(characters)s) as text, content from messages
where conversation_id = %(conversation)s and sequence_number between %(first)s + 1 and %(through)s
order by sequence_number desc limit %(last)s)
order by sequence_number
"""
COMPLETE = "select complete_extraction(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
SET_BACK = """
update extractions set status = 'pending', due_at = clock_timestamp() + %s * interval '1 second',
    attempt = attempt - %s, errors = errors || %s::jsonb,
    input_tokens = input_tokens + %s, output_tokens = output_tokens + %s
where id = %s and fence = %s and status = 'running' returning id
"""
FAIL = """
update extractions set status = 'failed', due_at = null, ended_at = clock_timestamp(), attempt = least(attempt, %s),
    errors = errors || %s::jsonb, input_tokens = input_tokens + %s, output_tokens = output_tokens + %s
where id = %s and fence = %s and status = 'running' returning id
"""
RELEASE = "select end_hold_of_extraction(%s, 'release')"
FAILING = """
select count(*) from (
    select distinct conversation_id from extractions
    where user_id = %(user)s and status = 'failed' and attempt > 0 and ended_at > coalesce((
        select max(ended_at) from extractions where user_id = %(user)s and status = 'completed'
    ), '-infinity')
    limit %(limit)s
) failed
"""


class PostgresExtractions:
    """Runs; whoever opens, takes or ends one does it in one transaction, under the row's lock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_due(self, idle_seconds: float, price: int, limit: int) -> int:
        """Open what is due; see the port."""
        ((opened,),) = await self._database.house.fetch(OPEN_DUE, (idle_seconds, price, limit))
        return int(opened)

    async def waiting(self, limit: int) -> int:
        """How many may be taken; see the port."""
        ((count,),) = await self._database.house.fetch(WAITING, (limit,))
        return int(count)

    async def request(
        self, user_id: UUID, conversation_id: UUID, price: int, once: Once[Extraction] | None
    ) -> Extraction:
        """Open a run by hand; see the port."""

        async def effect() -> Extraction:
            rows = await fetched(connection, CONVERSATION, (conversation_id, user_id))
            (last_number,) = found(rows, "conversation")
            if last_number == 0:
                raise NothingToRead("Nobody has written anything in this conversation.")
            ((id_,),) = await fetched(connection, REQUEST, (price, conversation_id))
            await _hold(connection, user_id, [id_], price)
            return _extraction((await fetched(connection, GET, (id_, user_id)))[0])

        async with self._database.of(user_id).transaction() as connection:
            return await done_once(connection, user_id, once, effect)

    async def request_all(self, user_id: UUID, agent_id: UUID, price: int, once: Once[int] | None) -> int:
        """Open runs of an agent's conversations; see the port."""

        async def effect() -> int:
            found(await fetched(connection, AGENT, (agent_id, user_id)), "agent")
            opened = [id_ for (id_,) in await fetched(connection, REQUEST_ALL, (price, agent_id, user_id))]
            await _hold(connection, user_id, opened, price)
            return len(opened)

        async with self._database.of(user_id).transaction() as connection:
            return await done_once(connection, user_id, once, effect)

    async def claim(self, lease_seconds: float, limit: int) -> Sequence[ClaimedRun]:
        """Take what waits; see the port."""
        rows = await self._database.house.fetch(CLAIM, (limit, lease_seconds))
        return [_claimed(row) for row in rows]

    async def material(self, run: ClaimedRun) -> Material | None:
        """What to read; see the port."""
        async with self._database.house.transaction() as connection:
            contexts = await fetched(connection, CONTEXT, (run.id,))
            if not contexts:
                return None
            ((form, number, customer_id, through),) = contexts
            bounds = {"first": FIRST, "last": LAST, "characters": MESSAGE_CHARACTERS_MAX + 1}
            wanted = {"conversation": run.conversation_id, "through": through, **bounds}
            rows = await fetched(connection, LINES, wanted)
        return Material(form, number, customer_id, [_line(row) for row in rows])

    async def complete(self, run: ClaimedRun, found: Found) -> bool:
        """Keep what was found; see the port."""
        values = found.reading.values
        result = (
            Jsonb({name: one.value for name, one in values.items()}),
            Jsonb({name: list(one.evidence) for name, one in values.items()}),
            Jsonb(dict(found.reading.dropped)),
            Jsonb(written_values(run, found.reading)),
        )
        made = (found.form_digest, found.prompt_version, found.model, *_tokens(found.usage))
        ((is_kept,),) = await self._database.house.fetch(COMPLETE, (run.id, run.fence, *result, *made))
        return bool(is_kept)

    async def set_back(
        self, run: ClaimedRun, error: RunError, after_seconds: float, usage: Usage, *, is_attempt: bool
    ) -> bool:
        """Let it wait again; see the port."""
        parameters = (after_seconds, int(not is_attempt), _error(error), *_tokens(usage), run.id, run.fence)
        return bool(await self._database.house.fetch(SET_BACK, parameters))

    async def fail(self, run: ClaimedRun, error: RunError, usage: Usage) -> bool:
        """End it without a result; see the port."""
        parameters = (error.attempt, _error(error), *_tokens(usage), run.id, run.fence)
        async with self._database.house.transaction() as connection:
            is_failed = bool(await fetched(connection, FAIL, parameters))
            if is_failed:
                await connection.execute(RELEASE, (run.id,))
        return is_failed

    async def failing(self, user_id: UUID, limit: int) -> int:
        """How many conversations fail in a row; see the port."""
        ((count,),) = await self._database.house.fetch(FAILING, {"user": user_id, "limit": limit})
        return int(count)

    async def get(self, user_id: UUID, extraction_id: UUID) -> Extraction:
        """That run; see the port."""
        rows = await self._database.of(user_id).fetch(GET, (extraction_id, user_id))
        return _extraction(found(rows, "extraction"))

    async def list(self, user_id: UUID, wanted: ExtractionFilter, page: PageRequest) -> Page[Extraction]:
        """A user's runs; see the port."""
        conditions = {
            "item.user_id = %s": user_id,
            "item.conversation_id = %s": wanted.conversation_id,
            "item.agent_id = %s": wanted.agent_id,
            "item.status = %s": wanted.status,
            "item.created_at >= %s": wanted.since,
            "item.created_at < %s": wanted.until,
        }
        return await fetch_page(self._database.of(user_id), LIST, conditions, page, _extraction)


async def _hold(connection: AsyncConnection[TupleRow], user_id: UUID, opened: Sequence[UUID], price: int) -> None:
    """Hold the price of all, or raise InsufficientCredits."""
    if price == 0 or not opened:
        return
    account = Account(*found(await fetched(connection, LOCK_ACCOUNT, (user_id,)), "user"))
    if account.available < price * len(opened):
        raise InsufficientCredits(account)
    await connection.execute(HOLD, (list(opened),))


def _tokens(usage: Usage) -> tuple[int, int]:
    return usage.input_tokens, usage.output_tokens


def _error(error: RunError) -> Jsonb | None:
    return storable_json({"attempt": error.attempt, "code": error.code, "detail": error.detail})


def _line(row: TupleRow) -> Line:
    number, author, at, type_, text, content = row
    return Line(number, author == "customer", at, told(type_, text, content))


def _claimed(row: TupleRow) -> ClaimedRun:
    id_, user_id, conversation_id, fence, attempt, created_at, errors = row
    known = (id_, user_id, conversation_id, fence, attempt, created_at)
    return ClaimedRun(*known, [RunError(one["attempt"], one["code"], one["detail"]) for one in errors])


def _extraction(row: TupleRow) -> Extraction:
    id_, user_id, conversation_id, agent_id, origin, status, *rest = row
    return Extraction(id_, user_id, conversation_id, agent_id, Origin(origin), ExtractionStatus(status), *rest)

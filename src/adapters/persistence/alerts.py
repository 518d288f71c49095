"""Alerts in Postgres, and the two looks that open and resolve them for whatever is wrong now."""

from __future__ import annotations

from typing import Any, LiteralString
from uuid import UUID

import structlog
from psycopg.rows import TupleRow

from adapters.persistence.database import Database
from adapters.persistence.pages import BY_CREATION, Order, fetch_page
from adapters.persistence.refusals import refusals_named
from application.pages import Page, PageRequest
from application.ports.alerts import Watched
from domain.credits import TURN_PRICE
from domain.monitoring import Alert, AlertKind, AlertState
from domain.shared import storable

log = structlog.get_logger()

BY_OPENING = Order(("item.opened_at", "item.id"), BY_CREATION.written, BY_CREATION.read)

# What is said of a phone number is its owner's.
RAISE = """
insert into alerts as open_alert (user_id, kind, subject, detail)
values (coalesce(%s, (select user_id from phone_numbers where id = %s)), %s, %s, %s)
on conflict (kind, subject) where resolved_at is null do update
set times = open_alert.times + 1, detail = excluded.detail, last_seen_at = clock_timestamp()
returning times = 1, user_id
"""
RESOLVE = """
update alerts set resolved_at = clock_timestamp() where kind = %s and subject = %s and resolved_at is null returning id
"""
LIST = """
select item.id, item.user_id, item.kind, item.subject, item.detail, item.opened_at, item.last_seen_at,
    item.resolved_at, item.times
from {alerts} item
"""
LISTS: dict[AlertState | None, LiteralString] = {
    None: LIST.replace("{alerts}", "alerts"),
    AlertState.OPEN: LIST.replace("{alerts}", "(select * from alerts where resolved_at is null)"),
    AlertState.RESOLVED: LIST.replace("{alerts}", "(select * from alerts where resolved_at is not null)"),
}

# What is open already is not counted again: it is looked at every second. Whoever is being erased is left out, since
# an alert of theirs would wait for that and then be refused; what another sweeper is resolving is left to it.
OPEN_AND_RESOLVE = """
), owner as (
    select id from users where id in (select user_id from due) order by id for key share skip locked
), opened as (
    insert into alerts (user_id, kind, subject, detail)
    select due.user_id, %(kind)s, due.subject, due.detail from due join owner on owner.id = due.user_id
    order by due.subject
    on conflict (kind, subject) where resolved_at is null do nothing
    returning user_id, subject
), ended as (
    select id from alerts where kind = %(kind)s and resolved_at is null and subject in (select subject from over)
    order by id for update skip locked
), resolved as (
    update alerts set resolved_at = clock_timestamp() where id in (select id from ended)
    returning user_id, subject
)
select true, user_id, subject from opened union all select false, user_id, subject from resolved
"""
SENDS = """
with undecided as (
    select m.id::text as subject, t.user_id, t.ended_at
    from turns t join messages m on m.turn_id = t.id and m.direction = 'outbound' and m.status = 'unknown'
    where t.status = 'undecided'
), open_alert as (
    select subject from alerts where kind = %(kind)s and resolved_at is null
), due as (
    select user_id, subject, %(detail)s as detail from undecided
    where ended_at <= clock_timestamp() - %(seconds)s * interval '1 second'
        and not exists (select from open_alert o where o.subject = undecided.subject)
), over as (
    select subject from open_alert o where not exists (select from undecided u where u.subject = o.subject)
"""
# Users are found by skipping from one to the next in the index: one of them may have any number of blocked messages.
# A top-up resolves the alert itself. Here only the alert goes that was opened while that happened.
CREDITS = """
with recursive blocked (user_id) as (
    (select user_id from messages where status = 'blocked' order by user_id limit 1)
    union all
    select (select m.user_id from messages m where m.status = 'blocked' and m.user_id > b.user_id order by 1 limit 1)
    from blocked b where b.user_id is not null
), open_alert as (
    select subject, user_id from alerts where kind = %(kind)s and resolved_at is null
), due as (
    select user_id, user_id::text as subject, %(detail)s as detail from blocked
    where user_id is not null and not exists (select from open_alert o where o.subject = blocked.user_id::text)
), over as (
    select subject from open_alert o join credit_accounts c on c.user_id = o.user_id
    where c.balance - c.held >= %(price)s and not exists (select from blocked b where b.user_id = o.user_id)
"""
SET_ASIDE = """
update alerts a set resolved_at = clock_timestamp() where a.id in (
    select open_alert.id from alerts open_alert left join messages m on m.id = open_alert.subject::uuid
    where open_alert.kind = %s and open_alert.resolved_at is null and (
        m.id is null or open_alert.opened_at <= clock_timestamp() - %s * interval '1 day' or exists (
            select from messages later
            where later.conversation_id = m.conversation_id and later.sequence_number > m.sequence_number
                and later.direction = 'inbound' and later.status = 'answered'
        )
    )
    order by open_alert.id for update of open_alert skip locked
)
returning id
"""
# It was about the phone number and not about one message: whatever is taken from there later ends it.
REFUSED = """
update alerts a set resolved_at = clock_timestamp() where a.id in (
    select open_alert.id from alerts open_alert left join phone_numbers n on n.id = open_alert.subject::uuid
    where open_alert.kind = %s and open_alert.resolved_at is null and (
        n.id is null or open_alert.last_seen_at <= clock_timestamp() - %s * interval '1 day' or exists (
            select from messages later
            where later.phone_number_id = n.id and later.created_at > open_alert.last_seen_at
                and later.author = 'agent' and later.status in ('sent', 'delivered', 'read')
        )
    )
    order by open_alert.id for update of open_alert skip locked
)
returning id
"""
BALANCES = """
with watched as (
    select u.id as user_id, u.id::text as subject, u.low_balance_threshold as threshold, a.balance - a.held as available
    from users u join credit_accounts a on a.user_id = u.id where u.low_balance_threshold is not null
), open_alert as (
    select subject from alerts where kind = %(kind)s and resolved_at is null
), due as (
    select user_id, subject, %(detail)s as detail from watched
    where available < threshold and not exists (select from open_alert o where o.subject = watched.subject)
), over as (
    select subject from open_alert o
    where not exists (select from watched w where w.subject = o.subject and w.available <= w.threshold)
"""
WATCH_BALANCES = BALANCES + OPEN_AND_RESOLVE
WATCH_SENDS = SENDS + OPEN_AND_RESOLVE
WATCH_CREDITS = CREDITS + OPEN_AND_RESOLVE


class PostgresAlerts:
    """Alerts, one open row for each cause; two sweepers that look at once change what one of them would."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def raise_alert(self, kind: AlertKind, subject: str, user_id: UUID | None, detail: str) -> bool:
        """Report a cause; see the port."""
        with refusals_named():
            row = (user_id, _number(kind, subject), kind, storable(subject), storable(detail))
            ((is_new, owner),) = await self._database.house.fetch(RAISE, row)
        if is_new:
            _warn(kind, owner, subject)
        return bool(is_new)

    async def resolve(self, kind: AlertKind, subject: str) -> bool:
        """Report that a cause has ended; see the port."""
        return bool(await self._database.house.fetch(RESOLVE, (kind, storable(subject))))

    async def list(self, user_id: UUID | None, state: AlertState | None, page: PageRequest) -> Page[Alert]:
        """A user's alerts, or all; see the port."""
        scope = self._database.house if user_id is None else self._database.of(user_id)
        return await fetch_page(scope, LISTS[state], {"item.user_id = %s": user_id}, page, _alert, BY_OPENING)

    async def watch_sends(self, undecided_seconds: float) -> Watched:
        """Open and resolve `send_undecided`; see the port."""
        detail = "The platform has not said whether it took this message."
        return await self._watch(WATCH_SENDS, AlertKind.SEND_UNDECIDED, detail, seconds=undecided_seconds)

    async def watch_credits(self) -> Watched:
        """Open and resolve `credits_exhausted`; see the port."""
        detail = "Messages wait for credits; a top-up resumes what is still worth answering."
        return await self._watch(WATCH_CREDITS, AlertKind.CREDITS_EXHAUSTED, detail, price=TURN_PRICE)

    async def watch_set_aside(self, days_max: float) -> Watched:
        """Resolve `message_set_aside`; see the port."""
        resolved = await self._database.house.fetch(SET_ASIDE, (AlertKind.MESSAGE_SET_ASIDE, days_max))
        return Watched(resolved=len(resolved))

    async def watch_refused(self, days_max: float) -> Watched:
        """Resolve `request_refused`; see the port."""
        resolved = await self._database.house.fetch(REFUSED, (AlertKind.REQUEST_REFUSED, days_max))
        return Watched(resolved=len(resolved))

    async def watch_balances(self) -> Watched:
        """Open and resolve `low_balance`; see the port."""
        detail = "Fewer credits are available than the threshold; a top-up above it ends this."
        return await self._watch(WATCH_BALANCES, AlertKind.LOW_BALANCE, detail)

    async def _watch(self, statement: LiteralString, kind: AlertKind, detail: str, **limits: Any) -> Watched:
        changed = await self._database.house.fetch(statement, {"kind": kind, "detail": detail, **limits})
        opened = [(user_id, subject) for is_new, user_id, subject in changed if is_new]
        for user_id, subject in opened:
            _warn(kind, user_id, subject)
        return Watched(len(opened), len(changed) - len(opened))


def _warn(kind: AlertKind, user_id: UUID | None, subject: str) -> None:
    log.warning("alert_opened", kind=kind.value, subject=subject, user_id=None if user_id is None else str(user_id))


def _number(kind: AlertKind, subject: str) -> UUID | None:
    """The phone number that is the subject of alerts of that kind."""
    try:
        return UUID(subject) if kind is AlertKind.QUEUE_OVERFLOW else None
    except ValueError:
        return None


def _alert(row: TupleRow) -> Alert:
    id_, user_id, kind, *rest = row
    return Alert(id_, user_id, AlertKind(kind), *rest)

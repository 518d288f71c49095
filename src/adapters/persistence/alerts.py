"""Alerts in Postgres. What is looked for all the time stands in `alert_looks`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, LiteralString
from uuid import UUID

from psycopg.rows import TupleRow

from adapters.persistence.alert_lines import tell_alert
from adapters.persistence.alert_looks import LOOKS, MODELS
from adapters.persistence.database import Database
from adapters.persistence.pages import BY_CREATION, Order, fetch_page
from adapters.persistence.refusals import refusals_named
from application.pages import Page, PageRequest
from application.ports.alerts import Watched
from domain.alert_rules import Limits
from domain.credits import TURN_PRICE
from domain.monitoring import Alert, AlertKind, AlertState
from domain.notices import LIFTING, RESTRICTING
from domain.shared import storable

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
update alerts set resolved_at = clock_timestamp() where kind = %s and subject = %s and resolved_at is null
returning user_id
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
            tell_alert(kind, owner, subject, is_open=True)
        return bool(is_new)

    async def resolve(self, kind: AlertKind, subject: str) -> bool:
        """Report that a cause has ended; see the port."""
        ended = await self._database.house.fetch(RESOLVE, (kind, storable(subject)))
        for (user_id,) in ended:
            tell_alert(kind, user_id, subject, is_open=False)
        return bool(ended)

    async def list(self, user_id: UUID | None, state: AlertState | None, page: PageRequest) -> Page[Alert]:
        """A user's alerts, or all; see the port."""
        scope = self._database.house if user_id is None else self._database.of(user_id)
        return await fetch_page(scope, LISTS[state], {"item.user_id = %s": user_id}, page, _alert, BY_OPENING)

    async def watch(self, kind: AlertKind, limits: Limits) -> Watched:
        """Look for causes of a kind; see the port."""
        named = {"opens_at": limits.opens_at, "ends_at": limits.ends_at, "price": TURN_PRICE}
        words = {"restricting": list(RESTRICTING), "lifting": list(LIFTING)}
        return await self._watched(LOOKS[kind], kind, named | words)

    async def watch_models(self, shutdown_dates: Mapping[str, date], set_models: Mapping[str, str]) -> Watched:
        """Look for models that end; see the port."""
        dates = {"models": list(shutdown_dates), "days": list(shutdown_dates.values())}
        settings = {"settings": list(set_models), "set_models": list(set_models.values())}
        return await self._watched(MODELS, AlertKind.MODEL_ENDING, dates | settings)

    async def _watched(self, look: LiteralString, kind: AlertKind, values: Mapping[str, Any]) -> Watched:
        changed = await self._database.house.fetch(look, {"kind": kind, **values})
        for is_new, user_id, subject in changed:
            tell_alert(kind, user_id, subject, is_open=is_new)
        opened = sum(is_new for is_new, *_ in changed)
        return Watched(opened, len(changed) - opened)


def _number(kind: AlertKind, subject: str) -> UUID | None:
    """The phone number that is the subject of alerts of that kind."""
    try:
        return UUID(subject) if kind is AlertKind.QUEUE_OVERFLOW else None
    except ValueError:
        return None


def _alert(row: TupleRow) -> Alert:
    id_, user_id, kind, *rest = row
    return Alert(id_, user_id, AlertKind(kind), *rest)

"""What arrives beside messages and receipts, each by its own call: few of them come, and none may hold up another."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import blake2b
from uuid import UUID

from psycopg.types.json import Jsonb

from adapters.persistence.database import Scope
from adapters.persistence.rows import storable_json
from application.ports.clock import Ids
from application.ports.inbox import ChangeOutcome, EchoOutcome
from domain.channels import Change, Echo, Move, Notice

DIGEST_BYTES = 16

ECHO = """
select outcome, message_id from note_echo(%s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s::jsonb, %s, %s)
"""
CHANGE = "select note_change(%s, %s, %s, %s, %s)"
MOVE = "select note_move(%s, %s, %s, %s, %s) = 'moved'"
NOTICES = """
insert into channel_notices (id, type, account, business, field, content, occurred_at, digest)
select * from unnest(
    %s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::jsonb[], %s::timestamptz[], %s::bytea[]
)
on conflict do nothing returning id
"""


async def note_echo(house: Scope, ids: Ids, echo: Echo) -> tuple[EchoOutcome, UUID | None]:
    """Whose message it was; with the id of ours where the platform's was not known yet."""
    parameters = (
        *(ids.new() for _ in range(3)),
        echo.channel,
        echo.account,
        echo.address,
        Jsonb(list(echo.aliases)) if echo.aliases else None,
        echo.platform_message_id,
        echo.type,
        echo.text,
        storable_json(echo.content),
        echo.written_at,
        echo.is_ours,
    )
    ((outcome, message_id),) = await house.fetch(ECHO, parameters)
    return EchoOutcome(outcome), message_id


async def note_change(house: Scope, change: Change) -> ChangeOutcome:
    """What the change did."""
    parameters = (change.channel, change.account, change.platform_message_id, change.text, change.at)
    ((outcome,),) = await house.fetch(CHANGE, parameters)
    return ChangeOutcome(outcome)


async def note_move(house: Scope, move: Move) -> bool:
    """Whether anybody is known by either name."""
    ((is_known,),) = await house.fetch(MOVE, (move.channel, move.account, move.before, move.after, move.at))
    return bool(is_known)


async def keep_notices(house: Scope, ids: Ids, notices: Sequence[Notice]) -> int:
    """How many were new."""
    parameters = (
        [ids.new() for _ in notices],
        [notice.channel for notice in notices],
        [notice.account for notice in notices],
        [notice.business for notice in notices],
        [notice.field for notice in notices],
        [storable_json(notice.content) for notice in notices],
        [notice.at for notice in notices],
        [digest_of(notice) for notice in notices],
    )
    return len(await house.fetch(NOTICES, parameters))


def digest_of(notice: Notice) -> bytes:
    """What is the same when the platform tells it again: 16 bytes."""
    named = [notice.channel, notice.account, notice.business, notice.field, notice.content]
    written = json.dumps(named, sort_keys=True, separators=(",", ":"))
    return blake2b(written.encode(), digest_size=DIGEST_BYTES).digest()

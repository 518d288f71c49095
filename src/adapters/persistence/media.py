"""The rows of files in Postgres, and the keys of those whose rows are gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog
from psycopg.rows import TupleRow

from adapters.persistence.database import Database, Scope
from adapters.persistence.rows import found
from application.ports.media import ClaimedMedium, FetchResult, Later
from application.ports.vault import SecretUnreadable, Vault
from domain.channels import ChannelType, Medium, MediumKind
from domain.media import (
    ATTEMPTS_MAX,
    Fetched,
    MediumStatus,
    MissingReason,
    StoredMedium,
    Unfetchable,
)

log = structlog.get_logger()

COLUMNS = """
select id, user_id, message_id, place, kind, mime_type, filename, status, reason, bytes, storage_key from media
"""
OF_MESSAGES = COLUMNS + "where message_id = any (%s) order by message_id, place"
GET = COLUMNS + "where message_id = %s and place = %s and user_id = %s"

CLAIM = """
update media m set attempts = m.attempts + 1, fetch_after = now() + %(lease)s * interval '1 second'
from phone_numbers n, messages s
where m.id = any (%(ids)s) and m.status = 'pending' and s.id = m.message_id and n.id = s.phone_number_id
returning m.id, m.user_id, n.type, n.account, n.id, n.access_token, m.attempts,
    m.kind, m.platform_id, m.url, m.mime_type, m.sha256, m.filename
"""
PENDING_OF = """
select id from media where message_id = any (%s) and status = 'pending' order by id for no key update
"""
WAITING = """
select id from media
where status = 'pending' and fetch_after <= now() and created_at <= now() - %s * interval '1 second' and attempts < %s
order by fetch_after, created_at limit %s for no key update skip locked
"""
# Whoever had the last attempt has not come back from it.
GIVE_UP = """
update media set status = 'missing', reason = 'out_of_time', fetched_at = now()
where id in (
    select id from media where status = 'pending' and fetch_after <= now() and attempts >= %s
    limit %s for no key update skip locked
)
"""
KEEP = """
update media m set status = 'kept', reason = null, storage_key = m.user_id || '/' || m.id, fetched_at = now(),
    mime_type = kept.mime_type, bytes = kept.bytes, sha256 = kept.sha256
from unnest(%s::uuid[], %s::text[], %s::bigint[], %s::text[]) as kept (id, mime_type, bytes, sha256)
where m.id = kept.id and m.status <> 'kept'
"""
MISS = """
update media m set status = 'missing', reason = missed.reason, fetched_at = now()
from unnest(%s::uuid[], %s::text[]) as missed (id, reason) where m.id = missed.id and m.status = 'pending'
"""
PUT_OFF = """
update media m set fetch_after = now() + later.seconds * interval '1 second'
from unnest(%s::uuid[], %s::float8[]) as later (id, seconds) where m.id = later.id and m.status = 'pending'
"""
CLAIM_DELETIONS = """
update media_to_delete set due_at = now() + %s * interval '1 second'
where storage_key in (
    select storage_key from media_to_delete where due_at <= now() order by due_at limit %s for update skip locked
) returning storage_key
"""
FORGET_DELETIONS = "delete from media_to_delete where storage_key = any (%s)"


class PostgresMedia:
    """A claim is committed before anything is fetched: no transaction is open meanwhile."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def of_messages(self, message_ids: Sequence[UUID]) -> Sequence[StoredMedium]:
        """The files of these messages; see the port."""
        return await media_of(self._database.house, message_ids)

    async def get(self, user_id: UUID, message_id: UUID, place: int) -> StoredMedium:
        """That file; see the port."""
        return _stored(found(await self._database.of(user_id).fetch(GET, (message_id, place, user_id)), "file"))

    async def claim_of(self, message_ids: Sequence[UUID], lease_seconds: float) -> Sequence[ClaimedMedium]:
        """All pending files of these messages; see the port."""
        async with self._database.house.transaction() as connection:
            rows = await (await connection.execute(PENDING_OF, (list(message_ids),))).fetchall()
            parameters = {"ids": [id_ for (id_,) in rows], "lease": lease_seconds}
            claimed = await (await connection.execute(CLAIM, parameters)).fetchall() if rows else []
        return [self._claimed(*row) for row in claimed]

    async def claim_waiting(
        self, older_than_seconds: float, lease_seconds: float, limit: int
    ) -> Sequence[ClaimedMedium]:
        """Files that are due; see the port."""
        async with self._database.house.transaction() as connection:
            await connection.execute(GIVE_UP, (ATTEMPTS_MAX, limit))
            rows = await (await connection.execute(WAITING, (older_than_seconds, ATTEMPTS_MAX, limit))).fetchall()
            parameters = {"ids": [id_ for (id_,) in rows], "lease": lease_seconds}
            claimed = await (await connection.execute(CLAIM, parameters)).fetchall() if rows else []
        return [self._claimed(*row) for row in claimed]

    async def settle(self, results: Mapping[UUID, FetchResult]) -> None:
        """Note what became of files; see the port."""
        ordered = sorted(results.items())
        kept = [(id_, one.mime_type, one.bytes, one.sha256) for id_, one in ordered if isinstance(one, Fetched)]
        missed = [(id_, one.reason) for id_, one in ordered if isinstance(one, Unfetchable)]
        later = [(id_, one.seconds) for id_, one in ordered if isinstance(one, Later)]
        async with self._database.house.transaction() as connection:
            for statement, rows in ((KEEP, kept), (MISS, missed), (PUT_OFF, later)):
                if rows:
                    await connection.execute(statement, [list(column) for column in zip(*rows, strict=True)])

    async def claim_deletions(self, lease_seconds: float, limit: int) -> Sequence[str]:
        """Keys without a row; see the port."""
        return [key for (key,) in await self._database.house.fetch(CLAIM_DELETIONS, (lease_seconds, limit))]

    async def forget_deletions(self, keys: Sequence[str]) -> None:
        """The content is gone; see the port."""
        await self._database.house.execute(FORGET_DELETIONS, (list(keys),))

    def _claimed(
        self,
        id_: UUID,
        user_id: UUID,
        channel: str,
        account: str | None,
        phone_number_id: UUID,
        sealed_token: bytes | None,
        attempts: int,
        kind: str,
        *named: str | None,
    ) -> ClaimedMedium:
        return ClaimedMedium(
            id=id_,
            user_id=user_id,
            channel=ChannelType(channel),
            account=account or "",
            access_token=self._token(sealed_token, phone_number_id),
            medium=Medium(MediumKind(kind), *named),
            attempts=attempts,
        )

    def _token(self, sealed: bytes | None, phone_number_id: UUID) -> str | None:
        try:
            return None if sealed is None else self._vault.unseal(sealed, phone_number_id)
        except SecretUnreadable:
            log.exception("access_token_unreadable", phone_number_id=str(phone_number_id))
            return None


async def media_of(scope: Scope, message_ids: Sequence[UUID]) -> list[StoredMedium]:
    """The files of these messages, by message and place. Raises as Scope.fetch does."""
    return [_stored(row) for row in await scope.fetch(OF_MESSAGES, (list(message_ids),))]


def _stored(row: TupleRow) -> StoredMedium:
    id_, user_id, message_id, place, kind, mime_type, filename, status, reason, bytes_, key = row
    return StoredMedium(
        id=id_,
        user_id=user_id,
        message_id=message_id,
        place=place,
        kind=MediumKind(kind),
        mime_type=mime_type,
        filename=filename,
        status=MediumStatus(status),
        reason=None if reason is None else MissingReason(reason),
        bytes=bytes_,
        storage_key=key,
    )

"""Phone numbers in Postgres. Their sealed tokens are written here and read only where a turn is briefed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg.rows import TupleRow

from adapters.persistence.answers import done_once
from adapters.persistence.channel_settings import read_settings, stored_settings
from adapters.persistence.database import Database
from adapters.persistence.forgotten_accounts import forget_accounts
from adapters.persistence.pages import fetch_page
from adapters.persistence.refusals import refusals_named
from adapters.persistence.rows import fetched, found, storable_json
from application.pages import Page, PageRequest
from application.ports.answers import Once
from domain.channels import ChannelStatus, ChannelType, PhoneNumber

COLUMNS = """item.id, item.user_id, item.type, item.display_name, item.number, item.meta_phone_number_id,
    item.instagram_account_id, item.allowed_origins, item.status, item.created_at, item.settings, item.status_detail,
    item.token_expires_at"""
LIST = "select {columns} from phone_numbers item ".replace("{columns}", COLUMNS)
GET = LIST + "where item.id = %s and item.user_id = %s"
ADD = """
insert into phone_numbers (id, user_id, type, display_name, number, meta_phone_number_id, instagram_account_id,
    allowed_origins, status, created_at, settings, status_detail, token_expires_at, access_token)
values (%(id)s, %(user_id)s, %(type)s, %(display_name)s, %(number)s, %(meta_phone_number_id)s,
    %(instagram_account_id)s, %(allowed_origins)s, %(status)s, %(created_at)s, %(settings)s,
    %(status_detail)s, %(token_expires_at)s, %(sealed_token)s)
returning id
"""
# The status is the platform's to tell, and may have changed since it was read.
CHANGE = """
update phone_numbers item set type = %(type)s, display_name = %(display_name)s, number = %(number)s,
    meta_phone_number_id = %(meta_phone_number_id)s, instagram_account_id = %(instagram_account_id)s,
    allowed_origins = %(allowed_origins)s, settings = %(settings)s,
    status = case when %(resumes)s then 'active' else status end,
    status_detail = case when %(resumes)s then null else status_detail end,
    token_expires_at = case when %(sealed_token)s::bytea is null then token_expires_at end,
    access_token = coalesce(%(sealed_token)s, access_token)
where id = %(id)s and user_id = %(user_id)s
returning """
CHANGE += COLUMNS
# The cascade would lock them in any order; whoever is writing in them locks them in this one, behind the phone number.
LOCK = "select id from phone_numbers where id = %s and user_id = %s for no key update"
LOCK_CONVERSATIONS = """
select id from conversations where phone_number_id = %s and user_id = %s
order by phone_number_id, customer_id, id for update
"""
# Its turns go with it, and what they held would be held for ever.
RELEASE = """
select move_credits(array_agg(id), array_agg('release'::text)) from turns
where phone_number_id = %s and user_id = %s and status in ('open', 'undecided') having count(*) > 0
"""
# First of both: whoever ends a run locks the run, and then the account.
RELEASE_RUNS = """
select release_extractions(array(select id from conversations where phone_number_id = %s and user_id = %s))
"""
REMOVE = "delete from phone_numbers where id = %s and user_id = %s returning id"


class PostgresPhoneNumbers:
    """Phone numbers, one row each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, phone_number: PhoneNumber, sealed_token: bytes | None, once: Once[PhoneNumber] | None = None
    ) -> PhoneNumber:
        """Add it; see the port."""

        async def effect() -> PhoneNumber:
            await connection.execute(ADD, _columns(phone_number, sealed_token))
            return phone_number

        with refusals_named():
            async with self._database.of(phone_number.user_id).transaction() as connection:
                return await done_once(connection, phone_number.user_id, once, effect)

    async def get(self, user_id: UUID, phone_number_id: UUID) -> PhoneNumber:
        """That phone number; see the port."""
        return _phone_number(
            found(await self._database.of(user_id).fetch(GET, (phone_number_id, user_id)), "phone number")
        )

    async def list(self, user_id: UUID, page: PageRequest) -> Page[PhoneNumber]:
        """A user's phone numbers; see the port."""
        return await fetch_page(self._database.of(user_id), LIST, {"item.user_id = %s": user_id}, page, _phone_number)

    async def change(
        self, phone_number: PhoneNumber, sealed_token: bytes | None, *, resumes: bool = False
    ) -> PhoneNumber:
        """Store what a person decides; see the port."""
        columns = {**_columns(phone_number, sealed_token), "resumes": resumes or sealed_token is not None}
        with refusals_named():
            return _phone_number(
                found(await self._database.of(phone_number.user_id).fetch(CHANGE, columns), "phone number")
            )

    async def remove(self, user_id: UUID, phone_number_id: UUID) -> None:
        """Delete it with its conversations; see the port."""
        # Whether a notice goes too is decided by the phone numbers of all users under one account of the platform.
        async with self._database.house.transaction() as connection:
            await connection.execute(LOCK, (phone_number_id, user_id))
            await connection.execute(LOCK_CONVERSATIONS, (phone_number_id, user_id))
            await connection.execute(RELEASE_RUNS, (phone_number_id, user_id))
            await connection.execute(RELEASE, (phone_number_id, user_id))
            await forget_accounts(connection, user_id, phone_number_id)
            found(await fetched(connection, REMOVE, (phone_number_id, user_id)), "phone number")


def _columns(phone_number: PhoneNumber, sealed_token: bytes | None) -> dict[str, Any]:
    return {
        "id": phone_number.id,
        "user_id": phone_number.user_id,
        "type": phone_number.type,
        "display_name": phone_number.display_name,
        "number": phone_number.number,
        "meta_phone_number_id": phone_number.meta_phone_number_id,
        "instagram_account_id": phone_number.instagram_account_id,
        "allowed_origins": list(phone_number.allowed_origins),
        "status": phone_number.status,
        "created_at": phone_number.created_at,
        "settings": stored_settings(phone_number.settings),
        "status_detail": storable_json(phone_number.status_detail),
        "token_expires_at": phone_number.token_expires_at,
        "sealed_token": sealed_token,
    }


def _phone_number(row: TupleRow) -> PhoneNumber:
    id_, user_id, type_, display_name, number, meta_id, instagram_id, allowed_origins, status, created_at, *rest = row
    settings, status_detail, token_expires_at = rest
    return PhoneNumber(
        id=id_,
        user_id=user_id,
        type=ChannelType(type_),
        display_name=display_name,
        number=number,
        meta_phone_number_id=meta_id,
        instagram_account_id=instagram_id,
        allowed_origins=tuple(allowed_origins),
        status=ChannelStatus(status),
        created_at=created_at,
        settings=read_settings(settings),
        status_detail=status_detail,
        token_expires_at=token_expires_at,
    )

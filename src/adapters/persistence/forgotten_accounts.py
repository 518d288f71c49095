"""What hangs on the platform's names for an account and on no row of ours, and goes with the phone number."""

from __future__ import annotations

from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

# What names only the account above goes with the last phone number there.
FORGET_NOTICES = """
with gone as (
    select type, account, business from phone_numbers
    where user_id = %(user_id)s and (%(phone_number_id)s::uuid is null or id = %(phone_number_id)s)
)
delete from channel_notices c using gone
where c.type = gone.type and (
    c.account = gone.account or c.account is null and c.business = gone.business and not exists (
        select from phone_numbers o
        where o.type = gone.type and o.business = gone.business
            and (o.type, o.account) not in (select type, account from gone)
    )
)
"""
FORGET = """
with gone as (
    select type, account from phone_numbers
    where user_id = %(user_id)s and (%(phone_number_id)s::uuid is null or id = %(phone_number_id)s)
), changes as (
    delete from early_changes e using gone where e.type = gone.type and e.account = gone.account
), receipts as (
    delete from early_receipts e using gone where e.type = gone.type and e.account = gone.account
)
delete from unclaimed_messages e using gone where e.type = gone.type and e.account = gone.account
"""


async def forget_accounts(
    connection: AsyncConnection[TupleRow], user_id: UUID, phone_number_id: UUID | None = None
) -> None:
    """Delete it for that phone number, or for all of the user's, which are still there."""
    for forget in (FORGET_NOTICES, FORGET):
        await connection.execute(forget, {"user_id": user_id, "phone_number_id": phone_number_id})

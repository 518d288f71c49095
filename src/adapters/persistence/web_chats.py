"""Web chats in Postgres, as a visitor's browser needs them.

A visitor's conversations follow each other: their sequence numbers become one by a large step for each that has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from adapters.persistence.database import Database
from adapters.persistence.rows import found
from domain.shared import storable
from domain.webchat import ANY_ORIGIN, ChatEntry, WebChat

STEP = 1_000_000
"""More messages than a conversation has. A browser counts exactly up to 2**53: nine thousand million conversations."""

GET = "select id, user_id, allowed_origins, identity_secret from phone_numbers where id = %s and type = 'webchat'"
ALLOWS = "select exists (select from phone_numbers where type = 'webchat' and allowed_origins && %s::text[])"
KEEP = """
update phone_numbers set
    identity_secret = case when %(replace)s then %(sealed)s else coalesce(identity_secret, %(sealed)s) end
where id = %(id)s and user_id = %(user_id)s and type = 'webchat'
returning identity_secret
"""
CHATS = """
with chat as (
    select c.id, c.last_sequence_number, (row_number() over (order by c.created_at, c.id) - 1) as place
    from customers_at('webchat', %(visitor)s) v
    join conversations c on c.customer_id = v.id and c.phone_number_id = %(id)s
    where v.user_id = %(user_id)s
)
"""
ENTRIES = (
    CHATS
    + """
select chat.place * %(step)s + m.sequence_number, m.author, m.text, m.created_at, m.platform_message_id
from chat join messages m on m.conversation_id = chat.id
    and m.sequence_number > case when chat.place = %(after)s / %(step)s then %(after)s %% %(step)s else 0 end
where chat.place >= %(after)s / %(step)s and m.text <> '' and (m.direction = 'inbound' or m.status <> 'failed')
order by 1 limit %(limit)s
"""
)
LAST = (
    CHATS
    + """
select coalesce(max(place * %(step)s + last_sequence_number), 0) from chat where last_sequence_number > 0
"""
)
SEQUENCE_OF = """
select %(step)s * (
    select count(*) from conversations earlier
    where earlier.customer_id = c.customer_id and earlier.phone_number_id = c.phone_number_id
        and (earlier.created_at, earlier.id) < (c.created_at, c.id)
) + m.sequence_number
from messages_named(%(platform_message_id)s) m join conversations c on c.id = m.conversation_id
where m.phone_number_id = %(id)s
"""


class PostgresWebChats:
    """Read at each request: whatever an owner changes counts from then on."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, web_chat_id: UUID) -> WebChat:
        """That web chat; see the port."""
        id_, user_id, allowed_origins, secret = found(await self._database.house.fetch(GET, (web_chat_id,)), "web chat")
        return WebChat(id_, user_id, tuple(allowed_origins), secret)

    async def allows(self, origin: str) -> bool:
        """Whether any web chat may be shown there; see the port."""
        ((is_allowed,),) = await self._database.house.fetch(ALLOWS, ([storable(origin), ANY_ORIGIN],))
        return bool(is_allowed)

    async def keep_identity_secret(self, user_id: UUID, web_chat_id: UUID, sealed: bytes, *, replace: bool) -> bytes:
        """The secret from now on; see the port."""
        parameters = {"id": web_chat_id, "user_id": user_id, "sealed": sealed, "replace": replace}
        return bytes(found(await self._database.of(user_id).fetch(KEEP, parameters), "web chat")[0])

    async def entries(self, web_chat: WebChat, visitor: str, after: int, limit: int) -> Sequence[ChatEntry]:
        """Messages behind a sequence number; see the port."""
        parameters = {**_of(web_chat, visitor), "after": after, "limit": limit}
        rows = await self._database.of(web_chat.user_id).fetch(ENTRIES, parameters)
        return [
            ChatEntry(sequence, author, text, at, _own_id(visitor, author, platform_message_id))
            for sequence, author, text, at, platform_message_id in rows
        ]

    async def last_sequence(self, web_chat: WebChat, visitor: str) -> int:
        """The newest sequence number; see the port."""
        return int((await self._database.of(web_chat.user_id).fetch(LAST, _of(web_chat, visitor)))[0][0])

    async def sequence_of(self, web_chat: WebChat, platform_message_id: str) -> int:
        """That message's sequence number; see the port."""
        parameters = {"id": web_chat.id, "platform_message_id": platform_message_id, "step": STEP}
        return int(found(await self._database.of(web_chat.user_id).fetch(SEQUENCE_OF, parameters), "message")[0])


def _of(web_chat: WebChat, visitor: str) -> dict[str, object]:
    return {"id": web_chat.id, "user_id": web_chat.user_id, "visitor": visitor, "step": STEP}


def _own_id(visitor: str, author: str, platform_message_id: str | None) -> str | None:
    if author != "customer" or platform_message_id is None:
        return None
    return platform_message_id.removeprefix(f"{visitor}:")

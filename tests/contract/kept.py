"""What no port reads back yet, as it lies in a store: one picture of both kinds."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from domain.channels import ChannelSettings, PhoneNumber
from tests.contract.paths import Path, Shop
from tests.contract.worlds import MemoryBackstage

CUSTOMERS = "select id, address, name, username from customers where user_id = %s order by created_at, id"
ALIASES = "select customer_id, value from customer_aliases where user_id = %s order by value"
CONSENTS = "select kind from consents where user_id = %s order by created_at"
MEDIA = """
select m.platform_message_id, f.place, f.kind, f.platform_id, f.mime_type, f.status
from media f join messages m on m.id = f.message_id where f.user_id = %s order by m.sequence_number, f.place
"""
CONTENTS = "select platform_message_id, content from messages where user_id = %s and content is not null"
PAUSED = """
select paused_reason from conversations
where user_id = %s and paused_until > clock_timestamp() order by created_at
"""


@dataclass(frozen=True, slots=True)
class Known:
    """A customer with all identifiers."""

    address: str
    name: str | None
    username: str | None
    aliases: tuple[str, ...]


class Kept:
    """A shop's rows."""

    def __init__(self, path: Path, shop: Shop) -> None:
        self._shop = shop
        backstage = path.world.backstage
        self._store = backstage._store if isinstance(backstage, MemoryBackstage) else None
        self._url = None if self._store else backstage._url

    async def customers(self) -> list[Known]:
        if self._store:
            ids = self._store.customer_ids
            return [
                Known(
                    row.address,
                    row.name,
                    self._store.usernames.get(row.id),
                    tuple(sorted(value for (_, _, value), id_ in ids.items() if id_ == row.id)),
                )
                for row in self._store.customers.values()
                if any(key[0] == self._shop.user.id and id_ == row.id for key, id_ in ids.items())
            ]
        aliases = await self._rows(ALIASES)
        return [
            Known(*named, tuple(value for owner, value in aliases if owner == id_))
            for id_, *named in await self._rows(CUSTOMERS)
        ]

    async def consents(self) -> list[str]:
        if self._store:
            return [kind for number, _, kind in self._store.consents if number == self._shop.number.id]
        return [kind for (kind,) in await self._rows(CONSENTS)]

    async def media(self) -> list[tuple[Any, ...]]:
        if self._store:
            return [
                (
                    self._store.messages[id_].platform_message_id,
                    place,
                    one.kind,
                    one.platform_id,
                    one.mime_type,
                    "pending",
                )
                for id_, media in self._store.sent_media.items()
                for place, one in enumerate(media)
            ]
        return await self._rows(MEDIA)

    async def contents(self) -> dict[str, Any]:
        if self._store:
            return {self._store.messages[id_].platform_message_id: one for id_, one in self._store.contents.items()}
        return dict(await self._rows(CONTENTS))

    async def pauses(self) -> list[str]:
        if self._store:
            talks = self._store.conversations.values()
            return [str(talk.paused_reason) for talk in talks if self._store.is_paused(talk.id)]
        return [reason for (reason,) in await self._rows(PAUSED)]

    async def pauses_end(self) -> None:
        if self._store:
            for talk in list(self._store.conversations.values()):
                self._store.conversations[talk.id] = replace(talk, paused_until=None, paused_reason=None)
        else:
            await self._rows("update conversations set paused_until = now() where user_id = %s returning 1")

    async def behaves(self, **settings: Any) -> None:
        """The phone number's settings become these."""
        if self._store:
            self._store.set_settings(self._shop.number.id, ChannelSettings(**settings))
        else:
            stored = {name: value for name, value in asdict(ChannelSettings(**settings)).items() if name in settings}
            statement = "update phone_numbers set settings = %s where user_id = %s returning 1"
            await self._rows(statement, Jsonb(stored))

    async def business(self) -> str | None:
        number: PhoneNumber = self._shop.number
        if self._store:
            return self._store.businesses.get(number.id)
        ((business,),) = await self._rows("select business from phone_numbers where user_id = %s")
        return business

    async def _rows(self, statement: str, *before: object) -> list[tuple[Any, ...]]:
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            return await (await connection.execute(statement, (*before, self._shop.user.id))).fetchall()

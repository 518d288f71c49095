"""What must be known to take a turn, for everyone who asks at once: from the cache, else from Postgres."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import structlog

from adapters.gatherer import Gatherer
from adapters.persistence.contexts import Context, Pair, briefing, busiest_pairs, read_contexts
from adapters.persistence.database import Database
from application.ports.briefings import Briefing
from application.ports.context_cache import ContextCache, ContextCacheUnavailable, SealedContext
from application.ports.vault import SecretUnreadable, Vault

log = structlog.get_logger()

BATCH_MAX = 256

Asked = tuple[UUID, UUID, UUID | None]
"""Agent, phone number, and the version in which they must be."""
Found = dict[Pair, Context]


class PostgresBriefings:
    """Briefings that are read from Postgres once, and then from the cache for as long as Postgres gives them that name.

    Which name is the right one comes with the turn, from the transaction that began it, so that no change can be
    missed: what the cache keeps under another name is not used, whoever put it there and whenever.
    """

    def __init__(self, database: Database, vault: Vault, cache: ContextCache) -> None:
        self._database = database
        self._vault = vault
        self._cache = cache
        self._asked = Gatherer(self._brief, items_max=BATCH_MAX)

    async def brief(self, agent_id: UUID, phone_number_id: UUID, version: UUID | None) -> Briefing | None:
        """The briefing; see the port."""
        context = await self._asked.one((agent_id, phone_number_id, version))
        return None if context is None else briefing(context, self._token(context))

    async def warm_up(self, limit: int) -> int:
        """Read what will be asked for; see the port."""
        busiest = await read_contexts(self._database, await busiest_pairs(self._database, limit))
        await self._keep(busiest.values())
        return len(busiest)

    async def _brief(self, asked: list[Asked]) -> Sequence[Context | None]:
        versions = {number: version for _, number, version in asked if version is not None}
        try:
            found = self._opened(await self._cache.get(versions))
        except ContextCacheUnavailable:
            found = await self._read(_missing(asked, {}))
        else:
            found |= await self._read_once(asked, _missing(asked, found), versions)
        return [found.get((agent, number)) for agent, number, _ in asked]

    async def _read_once(
        self, asked: Sequence[Asked], missing: Collection[Pair], versions: Mapping[UUID, UUID]
    ) -> Found:
        """What is missing, read by one of all the processes that miss it now; the others wait for what it puts."""
        if not missing:
            return {}
        wanted = {number: versions[number] for _, number in missing if number in versions}
        ours = await self._cache.claim(wanted) if wanted else ()
        found = await self._read_and_kept([pair for pair in missing if pair[1] in ours])
        theirs = [one for one in asked if one[:2] in missing and one[1] not in ours]
        if awaited := {number: versions[number] for _, number, _ in theirs if number in wanted}:
            found |= self._opened(await self._cache.wait(awaited))
        return found | await self._read_and_kept(_missing(theirs, found))

    async def _read_and_kept(self, pairs: Collection[Pair]) -> Found:
        read = await self._read(pairs)
        await self._keep(read.values())
        return read

    async def _read(self, pairs: Collection[Pair]) -> Found:
        return dict(await read_contexts(self._database, pairs)) if pairs else {}

    async def _keep(self, contexts: Collection[Context]) -> None:
        read_at = datetime.now(UTC)
        sealed = {context.phone_number_id: self._sealed(context, read_at) for context in contexts}
        if sealed:
            await self._cache.put(sealed)

    def _sealed(self, context: Context, read_at: datetime) -> SealedContext:
        sealed = self._vault.seal_context(msgspec.msgpack.encode(context), context.phone_number_id)
        return SealedContext(context.version, sealed, read_at)

    def _opened(self, kept: Mapping[UUID, SealedContext]) -> Found:
        contexts = [self._read_sealed(number, context.sealed) for number, context in kept.items()]
        return {(context.agent_id, context.phone_number_id): context for context in contexts if context is not None}

    def _read_sealed(self, phone_number_id: UUID, sealed: bytes) -> Context | None:
        """None for what other keys sealed, or another release in another shape: Postgres has it too."""
        try:
            return msgspec.msgpack.decode(self._vault.unseal_context(sealed, phone_number_id), type=Context)
        except (SecretUnreadable, msgspec.DecodeError):
            return None

    def _token(self, context: Context) -> str | None:
        if context.sealed_token is None:
            return None
        try:
            return self._vault.unseal(context.sealed_token, context.phone_number_id)
        except SecretUnreadable:
            log.exception("access_token_unreadable", phone_number_id=str(context.phone_number_id))
            return None


def _missing(asked: Sequence[Asked], found: Found) -> Collection[Pair]:
    """Who asked for something that was not found in the version they named, each once."""
    return dict.fromkeys(
        (agent, number)
        for agent, number, version in asked
        if version is None or (agent, number) not in found or found[agent, number].version != version
    )

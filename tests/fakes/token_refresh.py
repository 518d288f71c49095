"""Ageing tokens in memory, and an issuer that answers what the test wrote down for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from uuid import UUID

from application.ports.token_refresh import AgeingToken, NotRefreshed, Refreshed, TokenRefused
from domain.channels import ChannelStatus, ChannelType, PhoneNumber
from domain.tokens import TRIES_APART, is_due
from tests.fakes.memory_store import MemoryStore


class MemoryAgeingTokens:
    """The version of a token is made of the token itself."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def claim(self) -> AgeingToken | None:
        now = self._store.clock.now()
        due = [number for number in self._store.phone_numbers.values() if self._is_due(number, now)]
        if not due:
            return None
        self._store.tokens_tried_at[due[0].id] = now
        sealed = self._store.sealed_tokens[due[0].id]
        return AgeingToken(due[0].id, due[0].user_id, _version(sealed), sealed)

    async def keep(self, token: AgeingToken, sealed: bytes, lasts_seconds: float) -> bool:
        number = self._store.phone_numbers.get(token.phone_number_id)
        if number is None or _version(self._store.sealed_tokens[number.id]) != token.version:
            return False
        self._store.set_token(number.id, sealed)
        expires_at = self._store.clock.now() + timedelta(seconds=lasts_seconds)
        self._store.phone_numbers[number.id] = replace(number, token_expires_at=expires_at)
        return True

    def _is_due(self, number: PhoneNumber, now: datetime) -> bool:
        set_at = self._store.tokens_set_at.get(number.id)
        tried_at = self._store.tokens_tried_at.get(number.id)
        is_ours = number.type is ChannelType.INSTAGRAM and number.status is not ChannelStatus.UNAUTHORIZED
        is_free = tried_at is None or now - tried_at >= TRIES_APART
        return is_ours and is_free and set_at is not None and is_due(set_at, number.token_expires_at, now)


class ScriptedIssuer:
    """Gives one outcome for each call, in order, and then new tokens for sixty days; `asked` is what it was shown."""

    def __init__(self) -> None:
        self.outcomes: list[Refreshed | TokenRefused | NotRefreshed] = []
        self.asked: list[str] = []

    async def refresh(self, access_token: str) -> Refreshed | TokenRefused | NotRefreshed:
        self.asked.append(access_token)
        return self.outcomes.pop(0) if self.outcomes else Refreshed(f"IGAA{len(self.asked)}", 60 * 86_400)


def _version(sealed: bytes) -> UUID:
    return UUID(bytes=blake2b(sealed, digest_size=16).digest())

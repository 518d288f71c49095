"""Who sits at the console: a session that is made of a key, and that nobody else can make or read."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from application.ports.clock import Clock
from application.ports.rate_limits import Rate, RateLimits
from application.ports.vault import SecretUnreadable, Vault
from application.users import Authenticate
from domain.shared import Forbidden, TooFast, Unauthorized
from domain.users import Caller

SESSION_MINUTES = 60.0
"""Counted anew with each page that is opened, not with what a page fetches by itself."""
ATTEMPTS = Rate(per_minute=30, burst=20)
"""How often one address may try keys: an office behind one address gets in, and who tries many soon waits."""
TOKEN_LENGTH_MAX = 2_048
OWNER = UUID("c0501e00-0000-4000-8000-000000000000")
"""What sessions are sealed for: no access token can be put in the place of one."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody at the console. `seal` must come back with whatever they send: a page of others cannot know it."""

    caller: Caller
    key: str
    seal: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ConsoleSessions:
    """Nothing is stored: the key is sealed into the session, and a key that is deleted ends it at once."""

    authenticate: Authenticate
    vault: Vault
    rate_limits: RateLimits
    clock: Clock

    async def open(self, key: str, address: str) -> str:
        """A session for whoever has that key, as a token of URL-safe characters. Raises Unauthorized or TooFast."""
        wait_seconds = (await self.rate_limits.take(f"console {address}", ATTEMPTS)).wait_seconds
        if wait_seconds:
            raise TooFast("Too many keys were tried from here; wait a moment and try again.", wait_seconds)
        await self.authenticate(key)
        return self._token(key, self.vault.new_key_secret())

    async def __call__(self, token: str) -> SignedIn:
        """Who has that session. Raises Unauthorized when it is none, or over, or its key is gone."""
        expires, seal, key = self._opened(token)
        if expires <= self.clock.now():
            raise Unauthorized("The session is over.")
        return SignedIn(await self.authenticate(key), key, seal, expires)

    def renewed(self, signed_in: SignedIn) -> str:
        """The same session, counted from now."""
        return self._token(signed_in.key, signed_in.seal)

    def must_mean_it(self, signed_in: SignedIn, seal: str) -> None:
        """Raise Forbidden unless what was sent came from a page of this session."""
        if not hmac.compare_digest(signed_in.seal.encode(), seal.encode()):
            raise Forbidden("This form is not of your session any more: open the page again, and repeat it.")

    def _token(self, key: str, seal: str) -> str:
        expires = self.clock.now() + timedelta(minutes=SESSION_MINUTES)
        sealed = self.vault.seal(f"{expires.isoformat()} {seal} {key}", OWNER)
        return urlsafe_b64encode(sealed).decode().rstrip("=")

    def _opened(self, token: str) -> tuple[datetime, str, str]:
        try:
            sealed = urlsafe_b64decode(token[:TOKEN_LENGTH_MAX] + "=" * (-len(token) % 4))
            expires, seal, key = self.vault.unseal(sealed, OWNER).split(" ", 2)
            return datetime.fromisoformat(expires), seal, key
        except (SecretUnreadable, ValueError) as error:
            raise Unauthorized("Sign in with a key.") from error

"""Who is sitting before a browser, and whether that page may show the chat."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from uuid import UUID

from application.ports.chat_sessions import ChatSessions
from application.ports.clock import Clock
from application.ports.rate_limits import Rate, RateLimits
from application.ports.vault import SecretUnreadable, Vault
from application.ports.web_chats import WebChats
from domain.shared import TooFast, Unavailable, checked_name
from domain.webchat import (
    ANONYMOUS,
    SESSION_LASTS,
    Session,
    SessionOver,
    WebChat,
    WrongIdentity,
    checked_visitor,
)

SESSIONS_PER_ADDRESS = Rate(per_minute=30, burst=30)
"""A session lasts 30 days: whoever opens more is a large office or a script."""


@dataclass(frozen=True, slots=True)
class SignedVisitor:
    """A visitor for whom the site vouches: `signature` is the HMAC-SHA256 of `id` in hexadecimal."""

    id: str
    signature: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A session as its browser gets it. `last_sequence` is that of the newest message there."""

    token: str
    session: Session
    last_sequence: int


@dataclass(frozen=True, slots=True)
class RecogniseVisitor:
    """Opens sessions and recognises them again. A page of another origin gets neither."""

    web_chats: WebChats
    sessions: ChatSessions
    limits: RateLimits
    vault: Vault
    clock: Clock

    async def allows(self, origin: str) -> bool:
        """Whether any web chat may be shown on pages of `origin`: a preflight does not say which is meant."""
        return await self.web_chats.allows(origin)

    async def open(
        self, web_chat_id: UUID, origin: str | None, address: str, visitor: SignedVisitor | None, token: str | None
    ) -> OpenedSession:
        """A session for the visitor that is vouched for, of the session in `token`, or somebody new.

        `address` is the caller's on the network. Raises NotFound, OriginNotAllowed, TooFast, WrongIdentity or
        InvalidInput.
        """
        web_chat = await self.web_chats.get(web_chat_id)
        web_chat.must_allow(origin)
        allowance = await self.limits.take(f"chat sessions of {address}", SESSIONS_PER_ADDRESS)
        if allowance.wait_seconds > 0:
            raise TooFast("Too many sessions were opened from this address.", allowance.wait_seconds)
        who, name = self._named(web_chat, visitor) if visitor else self._known(web_chat, token) or self._somebody_new()
        session = Session(web_chat.id, who, name, self.clock.now() + SESSION_LASTS)
        last_sequence = await self.web_chats.last_sequence(web_chat, who)
        return OpenedSession(self.sessions.token_of(session), session, last_sequence)

    async def __call__(self, token: str, origin: str | None) -> tuple[WebChat, Session]:
        """The session of a token, and its web chat. Raises SessionOver or OriginNotAllowed."""
        session = self.sessions.session_of(token)
        if session is None or session.expires_at <= self.clock.now():
            raise SessionOver("Open a session first.")
        web_chat = await self.web_chats.get(session.web_chat_id)
        web_chat.must_allow(origin)
        return web_chat, session

    def _named(self, web_chat: WebChat, visitor: SignedVisitor) -> tuple[str, str | None]:
        who = checked_visitor(visitor.id)
        name = None if visitor.name is None else checked_name(visitor.name, "visitor.name")
        signature = visitor.signature.lower().encode(errors="replace")
        if not hmac.compare_digest(self._signature(web_chat, who), signature):
            raise WrongIdentity("The signature was not made of this id with the web chat's identity secret.")
        return who, name

    def _signature(self, web_chat: WebChat, who: str) -> bytes:
        if web_chat.sealed_identity_secret is None:
            raise WrongIdentity("The web chat has no identity secret yet; its owner has to ask for one.")
        try:
            secret = self.vault.unseal(web_chat.sealed_identity_secret, web_chat.id)
        except SecretUnreadable as error:
            raise Unavailable("The web chat's identity secret cannot be read; rotate it.") from error
        return hmac.digest(secret.encode(), who.encode(), hashlib.sha256).hex().encode()

    def _known(self, web_chat: WebChat, token: str | None) -> tuple[str, str | None] | None:
        """Whoever the token names, also after the session has ended: the browser has kept it since."""
        session = self.sessions.session_of(token) if token else None
        return (session.visitor, session.name) if session and session.web_chat_id == web_chat.id else None

    def _somebody_new(self) -> tuple[str, None]:
        return ANONYMOUS + self.vault.new_key_secret(), None

"""Sessions of visitors, as words that a browser keeps."""

from __future__ import annotations

from typing import Protocol

from domain.webchat import Session, SessionOver

__all__ = ["ChatSessions", "Session", "SessionOver"]


class ChatSessions(Protocol):
    """Nothing is stored: the token itself tells who somebody is, and nobody else can make one."""

    def token_of(self, session: Session) -> str:
        """The session as a token: URL-safe ASCII."""
        ...

    def session_of(self, token: str) -> Session | None:
        """The session that the token was made of, ended or not; None when we have not made it."""
        ...

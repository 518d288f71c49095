"""Web chat: where it may be shown, who writes in it, and what they see of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.shared import Exhausted, Forbidden, InvalidInput, Unauthorized, checked_text

ANY_ORIGIN = "*"
ORIGIN_LENGTH_MAX = 300
TEXT_LENGTH_MAX = 4_000
VISITOR_LENGTH_MAX = 150
"""A message's platform id is the visitor's id and the message's own; both together must stay far below what an index
takes."""
ANONYMOUS = "anonymous-"
"""How the ids of visitors begin whom nobody has vouched for."""
SESSION_LASTS = timedelta(days=30)

_GROUP = "[0-9a-f]{1,4}"
_ADDRESS = rf"{_GROUP}(?::{_GROUP}){{7}}|(?:{_GROUP}(?::{_GROUP}){{0,3}})?::(?:{_GROUP}(?::{_GROUP})?)?"
"""An IPv6 address as browsers write it: eight groups, or up to four before the two colons and up to two behind them."""
ORIGIN = re.compile(rf"(https?)://(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[(?:{_ADDRESS})\])(?::([1-9]\d{{0,4}}))?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


class OriginNotAllowed(Forbidden):
    """The page that asks is none of those the web chat may be shown on."""

    code = "origin_not_allowed"


class WrongIdentity(Forbidden):
    """The visitor's signature was not made with this web chat's secret."""

    code = "identity_signature_wrong"


class SessionOver(Unauthorized):
    """There is no session, or it has ended; another one can be opened at any time."""

    code = "session_over"


class TooManyStreams(Exhausted):
    """The visitor follows the chat in too many places at once."""

    code = "too_many_streams"


@dataclass(frozen=True, slots=True)
class WebChat:
    """A phone number of type web chat, as far as a visitor's browser has to do with it."""

    id: UUID
    user_id: UUID
    allowed_origins: tuple[str, ...]
    sealed_identity_secret: bytes | None

    def must_allow(self, origin: str | None) -> None:
        """Raise OriginNotAllowed unless pages of `origin` may show the chat. A browser cannot lie about it."""
        if origin is None or not {origin, ANY_ORIGIN} & set(self.allowed_origins):
            raise OriginNotAllowed("This page is not among the allowed_origins of the web chat.")


@dataclass(frozen=True, slots=True)
class Session:
    """Who is sitting before a browser: the visitor of one web chat, until `expires_at`.

    `name` is what the site calls them, None for somebody nobody has vouched for.
    """

    web_chat_id: UUID
    visitor: str
    name: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ChatEntry:
    """What a visitor sees of one message.

    `sequence` grows from message to message over all conversations of the visitor; it may leap where one has ended.
    `author` is customer, agent or human. `own_id` is the id that the visitor's browser gave it, None for a reply.
    """

    sequence: int
    author: str
    text: str
    at: datetime
    own_id: str | None


def checked_origin(origin: str) -> str:
    """`origin` as it is. Raises InvalidInput unless a browser could send it: scheme://host[:port], or it is ``*``."""
    checked_text(origin, "allowed_origins", ORIGIN_LENGTH_MAX)
    if origin == ANY_ORIGIN:
        return origin
    parts = ORIGIN.fullmatch(origin)
    if parts is None or parts[2] == _DEFAULT_PORTS[parts[1]]:
        detail = f"{origin!r} is no origin as browsers send it: scheme://host or scheme://host:port, in lower case."
        raise InvalidInput("allowed_origins", detail)
    return origin


def checked_message(text: str) -> str:
    """`text` without surrounding blanks. Raises InvalidInput when it is empty, too long or not storable."""
    text = checked_text(text.strip(), "text", TEXT_LENGTH_MAX)
    if not text:
        raise InvalidInput("text", "It must not be empty.")
    return text


def checked_visitor(id: str) -> str:
    """`id` as a site calls one of its visitors. Raises InvalidInput when it cannot be one."""
    checked_text(id, "visitor.id", VISITOR_LENGTH_MAX)
    if not id.strip() or id.startswith(ANONYMOUS):
        raise InvalidInput("visitor.id", f"It must not be empty or begin with {ANONYMOUS}.")
    return id

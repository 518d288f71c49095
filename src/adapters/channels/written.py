"""What somebody wrote, whichever platform it came by."""

from __future__ import annotations

from typing import Any, NamedTuple

from domain.channels import Medium


class Part(NamedTuple):
    """What one part of a message says: a text, what is more than text, and files."""

    text: str | None = None
    content: dict[str, Any] | None = None
    media: tuple[Medium, ...] = ()


class Written(NamedTuple):
    """A message's type, its text, what is more than text, and its files; see domain.channels.InboundMessage."""

    type: str
    text: str | None
    content: dict[str, Any] | None = None
    media: tuple[Medium, ...] = ()

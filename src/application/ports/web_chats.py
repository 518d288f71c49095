"""Web chats and what was said in them, as a visitor may see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from domain.webchat import ChatEntry, WebChat


class WebChats(Protocol):
    """Reads what the browser's side needs. All of it raises Unavailable when the store is out of reach."""

    async def get(self, web_chat_id: UUID) -> WebChat:
        """That web chat. Raises NotFound when there is no phone number of that type."""
        ...

    async def allows(self, origin: str) -> bool:
        """Whether any web chat may be shown on pages of `origin`."""
        ...

    async def keep_identity_secret(self, user_id: UUID, web_chat_id: UUID, sealed: bytes, *, replace: bool) -> bytes:
        """The sealed secret that the web chat has from now on: the one given, or without `replace` one it had.

        Raises NotFound when it is no web chat of the user's.
        """
        ...

    async def entries(self, web_chat: WebChat, visitor: str, after: int, limit: int) -> Sequence[ChatEntry]:
        """Up to `limit` messages behind the sequence number `after`, in their order."""
        ...

    async def last_sequence(self, web_chat: WebChat, visitor: str) -> int:
        """The sequence number of the visitor's newest message or reply; 0 when there is none."""
        ...

    async def sequence_of(self, web_chat: WebChat, platform_message_id: str) -> int:
        """The sequence number of the message that has this id. Raises NotFound."""
        ...

"""Handing a file back to the business that it was sent to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from application.ports.content_store import ContentStore
from application.ports.media import Media
from domain.media import StoredMedium
from domain.shared import NotFound
from domain.users import Caller


@dataclass(frozen=True, slots=True)
class ReadMedia:
    """A user's files."""

    media: Media
    content: ContentStore

    async def __call__(
        self, caller: Caller, user_id: UUID, message_id: UUID, place: int
    ) -> tuple[StoredMedium, AsyncIterator[bytes]]:
        """That file and its content in chunks. Raises NotFound, also while it is pending or when it is missing."""
        caller.must_read(user_id)
        medium = await self.media.get(user_id, message_id, place)
        if medium.storage_key is None:
            raise NotFound("file")
        return medium, await self.content.get(medium.storage_key)

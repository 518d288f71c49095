"""What the model is asked: a turn's questions in words, with the files that it can be shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from application.channels.fetch_media import FetchMedia
from application.ports.briefings import Briefing
from application.ports.content_store import ContentStore
from application.ports.language_model import FILE_TYPES, IMAGE_BYTES_MAX, IMAGE_TYPES, SHOWN_BYTES_MAX, Asked, Shown
from application.ports.media import Media
from domain.channels import ChannelType
from domain.contents import told, told_instead, told_missing
from domain.conversations import Question, Turn
from domain.media import MediumStatus, StoredMedium, safe_filename
from domain.shared import NotFound, Unavailable


@dataclass(frozen=True, slots=True)
class Asking:
    """Fetches what the questions bring, reads what the model takes, and tells the rest.

    It may take as long as `fetch_media.IN_TURN_SECONDS_MAX`, and holds as much as SHOWN_BYTES_MAX. What cannot be had
    never costs the customer the answer: the model is told that it is missing.
    """

    media: Media
    content: ContentStore
    fetch: FetchMedia

    async def asked(self, turn: Turn, briefing: Briefing) -> tuple[Asked, ...]:
        """The turn's questions, in order. Raises Unavailable when the store of the rows is out of reach."""
        stored = await self._media_of(turn, briefing.channel)
        budget = SHOWN_BYTES_MAX
        asked = []
        for question in turn.questions:
            one = await self._one(question, stored[question.message_id], briefing, budget)
            budget -= sum(len(file.content) for file in one.shown)
            asked.append(one)
        return tuple(asked)

    async def _media_of(self, turn: Turn, channel: ChannelType) -> dict[UUID, list[StoredMedium]]:
        by_message: dict[UUID, list[StoredMedium]] = defaultdict(list)
        ids = [question.message_id for question in turn.questions if _may_bring_files(question, channel)]
        if not ids:
            return by_message
        stored = await self.media.of_messages(ids)
        if any(medium.status is MediumStatus.PENDING for medium in stored):
            await self.fetch.of_messages(ids)
            stored = await self.media.of_messages(ids)
        for medium in stored:
            by_message[medium.message_id].append(medium)
        return by_message

    async def _one(self, question: Question, stored: Sequence[StoredMedium], briefing: Briefing, budget: int) -> Asked:
        shown: list[Shown] = []
        notes: list[str] = []
        for medium in stored:
            left = budget - sum(len(file.content) for file in shown)
            seen = await self._seen(medium, briefing.settings.unreadable_sentence, left)
            if isinstance(seen, Shown):
                shown.append(seen)
            else:
                notes.append(seen)
        return Asked(told(question.type, question.text, question.content), tuple(shown), tuple(notes))

    async def _seen(self, medium: StoredMedium, sentence: str | None, budget: int) -> Shown | str:
        """The file, or what stands for it."""
        if medium.status is not MediumStatus.KEPT or medium.storage_key is None:
            return told_missing(medium.kind, medium.filename, medium.reason)
        instead = told_instead(medium.kind, medium.filename, sentence)
        mime_type, size = medium.mime_type or "", medium.bytes or 0
        if not _is_taken(mime_type, size) or size > budget:
            return instead
        try:
            content = b"".join([chunk async for chunk in await self.content.get(medium.storage_key)])
        except (NotFound, Unavailable):
            return told_missing(medium.kind, medium.filename, None)
        name = safe_filename(medium.filename, str(medium.kind))
        return Shown(medium.kind, mime_type, name, content, instead)


def _may_bring_files(question: Question, channel: ChannelType) -> bool:
    """On Instagram a text may have attachments; elsewhere it is nothing but a text."""
    return question.type != "text" or channel is ChannelType.INSTAGRAM


def _is_taken(mime_type: str, size: int) -> bool:
    """Whether the model can be shown such a file; an empty one it refuses."""
    return size > 0 and (mime_type in FILE_TYPES or (mime_type in IMAGE_TYPES and size <= IMAGE_BYTES_MAX))

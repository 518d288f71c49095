"""The model that answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from application.ports.briefings import Briefing
from domain.answers import ModelOutcome, NotAnswered, NotHeard, TryAgain, Uncertain
from domain.channels import MediumKind
from domain.conversations import Said

SAID_MAX = 20
"""What OpenAI takes when a conversation is opened."""


IMAGE_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
"""What OpenAI takes as an image; of moving ones it may refuse the motion."""
FILE_TYPES: Mapping[str, str] = {
    "application/pdf": "pdf",
    "text/plain": "txt",
    "text/markdown": "md",
    "text/html": "html",
    "text/xml": "xml",
    "application/xml": "xml",
    "application/json": "json",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/rtf": "rtf",
    "text/rtf": "rtf",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
"""What OpenAI takes as a file, with the ending its name must have. Sound and film are not among it: the Responses API
has text, images and files as input and nothing else. Source: its description, and the guide to file inputs."""
SHOWN_BYTES_MAX = 20 * 1024 * 1024
"""All files of a turn together; OpenAI takes 50 MB of files in a request."""
IMAGE_BYTES_MAX = 15 * 1024 * 1024
"""A data URL of an image has 20,971,520 characters at most, of which four hold three bytes."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A file that the model is shown with what was said. `mime_type` is of IMAGE_TYPES or FILE_TYPES.

    `instead` is what the model is told in its place when it refuses the file.
    """

    kind: MediumKind
    mime_type: str
    filename: str
    content: bytes = field(repr=False)
    instead: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One message of the customer's as the model is told it.

    `text` is never empty and the same each time the message is asked: by it the question is known again. What depends
    on the moment stands beside it: the files that are `shown`, and `notes` for those that are not.
    """

    text: str
    shown: tuple[Shown, ...] = ()
    notes: tuple[str, ...] = ()


Listener = Callable[[str], Awaitable[None]]
"""Hears an answer while it is being written: each time the text that was added. It must not raise."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call: what the customer said, in order, in which conversation, and how long it may take.

    `customer` is a stable pseudonym: the provider can tell customers apart and never learns who they are.
    `question_id` is our id of the first question, by which our logs and the provider's find each other.
    `last_item_id` is the last item of the conversation that an earlier turn put there. With a `listener` the answer is
    streamed to it; what counts is still the outcome.
    """

    briefing: Briefing
    model_conversation_id: str
    turn_id: UUID
    customer: str
    questions: tuple[Asked, ...]
    timeout_seconds: float
    last_item_id: str | None = None
    listener: Listener | None = None
    question_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ModelConversation:
    """A conversation the model remembers; `last_item_id` is the last thing it was told when it was opened."""

    id: str
    last_item_id: str | None = None


class LanguageModel(Protocol):
    """Calls are never repeated inside: one call out for each call in."""

    async def open_conversation(
        self, conversation_id: UUID, said: Sequence[Said], timeout_seconds: float
    ) -> ModelConversation | TryAgain | Uncertain | NotAnswered:
        """Open a conversation for one of ours that begins with what was `said` (at most SAID_MAX things).

        One that is opened and forgotten does no harm.
        """
        ...

    async def answer(self, request: ModelRequest) -> ModelOutcome:
        """What the model says; every failure is one of the outcomes, never an exception."""
        ...

    async def recall(self, request: ModelRequest) -> ModelOutcome | NotHeard:
        """What became of an earlier call whose end nobody saw. Asks nothing, only looks."""
        ...

"""What happens this very moment. All of it may be lost: what counts stands in the store."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from domain.channels import ChannelType

STREAMS_PER_VISITOR_MAX = 5
STREAMS_PER_ACCOUNT_MAX = 100
STREAMS_MAX = 1_000
"""Of one process."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One visitor of one web chat."""

    web_chat_id: UUID
    visitor: str


@dataclass(frozen=True, slots=True)
class ConversationTopic:
    """What is said in one conversation."""

    conversation_id: UUID


@dataclass(frozen=True, slots=True)
class AccountTopic:
    """What happens on one phone number, by the platform's name of it: of a receipt no more is known in passing."""

    channel: ChannelType
    account: str


AnyTopic = Topic | ConversationTopic | AccountTopic


@dataclass(frozen=True, slots=True)
class Typing:
    """The agent is thinking of an answer."""


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer that is being written; `start` is how many characters of it stand before this piece.

    An answer that is begun again starts at 0 again.
    """

    turn_id: UUID
    start: int
    text: str


@dataclass(frozen=True, slots=True)
class Changed:
    """Something was stored; whoever listens should look."""


LiveEvent = Typing | Delta | Changed


class StreamOver(Exception):
    """Nothing more will come: the process stops, or the listener was too slow. Whoever listened may come again."""


class LiveStream(Protocol):
    """What one listener hears."""

    @property
    def is_live(self) -> bool:
        """Whether events can reach us now. If not, the store has to be looked at again and again."""
        ...

    async def next(self, seconds: float) -> LiveEvent | None:
        """The next event; None when none came in `seconds`. Raises StreamOver.

        After events may have been lost the next one is Changed.
        """
        ...


class LiveChannel(Protocol):
    """Carries events from whoever answers to whoever listens, over all processes."""

    def publish(self, topic: AnyTopic, event: LiveEvent) -> None:
        """Tell the listeners. Neither waits nor raises; without a connection nobody hears of it."""
        ...

    def listening(self, *topics: AnyTopic) -> AbstractAsyncContextManager[LiveStream]:
        """Listen from now on. Raises TooManyStreams, or Unavailable when the process has all it can serve."""
        ...

    def hang_up(self) -> None:
        """End all streams of this process: it is about to stop."""
        ...

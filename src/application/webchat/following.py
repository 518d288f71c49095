"""A visitor's browser follows the chat: first what is stored, then what happens, without a gap between the two."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

from application.ports.live import Changed, Delta, LiveChannel, LiveStream, Topic, Typing
from application.ports.web_chats import WebChats
from domain.webchat import ChatEntry, Session, WebChat

HEARTBEAT_SECONDS = 15.0
POLL_SECONDS = 2.0
"""How often the store is looked at while no live events can reach us."""
ENTRIES_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Nothing to show, and the stream lives."""


Shown = ChatEntry | Typing | Delta | Heartbeat


@dataclass(frozen=True, slots=True)
class FollowChat:
    """Everything a visitor sees, for as long as somebody looks."""

    web_chats: WebChats
    live: LiveChannel

    async def __call__(self, web_chat: WebChat, session: Session, after: int) -> AsyncGenerator[Shown, None]:
        """What is stored behind `after`, then what comes.

        Listening begins before the store is read, and what is stored always comes from the store: nothing is lost in
        between, and nothing comes twice. The first thing is a heartbeat: from then on somebody listens. Raises
        TooManyStreams, Unavailable, or StreamOver at the end.
        """
        async with self.live.listening(Topic(web_chat.id, session.visitor)) as stream:
            yield Heartbeat()
            while True:
                async for entry in self._behind(web_chat, session, after):
                    after = entry.sequence
                    yield entry
                async for shown in self._until_changed(stream):
                    yield shown

    async def _behind(self, web_chat: WebChat, session: Session, after: int) -> AsyncIterator[ChatEntry]:
        while entries := await self.web_chats.entries(web_chat, session.visitor, after, ENTRIES_AT_ONCE):
            for entry in entries:
                yield entry
            after = entries[-1].sequence

    async def _until_changed(self, stream: LiveStream) -> AsyncIterator[Shown]:
        """What is only of this moment, until the store should be looked at: after each silence, too."""
        while True:
            event = await stream.next(HEARTBEAT_SECONDS if stream.is_live else POLL_SECONDS)
            match event:
                case Changed():
                    return
                case None:
                    yield Heartbeat()
                    return
                case Typing() | Delta():
                    yield event

    def hang_up(self) -> None:
        """End all streams of this process."""
        self.live.hang_up()

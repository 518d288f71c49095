"""Somebody follows a conversation: first what is stored, then what comes and what changes, without a gap between."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from application.ports.conversations import Conversations
from application.ports.live import AccountTopic, ConversationTopic, LiveChannel, LiveStream
from application.ports.registry import PhoneNumbers
from domain.channels import PhoneNumber
from domain.conversations import Message
from domain.shared import NotFound
from domain.users import Caller

HEARTBEAT_SECONDS = 15.0
POLL_SECONDS = 0.5
"""How often the store is looked at while no live events can reach us."""
WINDOW = 50
"""Changes are told of that many messages before the last one."""
MESSAGES_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Nothing new, and the stream lives."""


@dataclass(frozen=True, slots=True)
class Told:
    """A message as it is now. `is_update`: one of its number was told before, here or to whoever comes back."""

    message: Message
    is_update: bool


@dataclass(frozen=True, slots=True)
class FollowMessages:
    """Everything said in a conversation and what becomes of it, for as long as somebody looks."""

    conversations: Conversations
    phone_numbers: PhoneNumbers
    live: LiveChannel

    async def __call__(
        self, caller: Caller, user_id: UUID, conversation_id: UUID, after: int
    ) -> AsyncGenerator[Told | Heartbeat, None]:
        """What is stored behind the sequence number `after`, then what comes, in order; and the newest ones' changes.

        Whoever comes back is told the last messages up to `after` again, as they are now: something may have become
        of them meanwhile. Listening begins before the store is read, so nothing is lost in between. The first thing is
        a heartbeat: from then on somebody listens. Raises NotFound, also when the conversation is erased meanwhile;
        TooManyStreams, Unavailable, or StreamOver at the end.
        """
        caller.must_read(user_id)
        conversation = await self.conversations.get(user_id, conversation_id)
        phone_number = await self.phone_numbers.get(user_id, conversation.phone_number_id)
        seen = _Seen(after)
        async with self.live.listening(ConversationTopic(conversation_id), account_of(phone_number)) as stream:
            yield Heartbeat()
            while True:
                async for told in self._new(user_id, conversation_id, seen):
                    yield told
                if not await _changed(stream):
                    yield Heartbeat()

    async def _new(self, user_id: UUID, conversation_id: UUID, seen: _Seen) -> AsyncIterator[Told]:
        limit = WINDOW + MESSAGES_AT_ONCE
        is_more = True
        while is_more:
            found = await self.conversations.since(user_id, conversation_id, max(seen.last - WINDOW, 0), limit)
            if not found and seen.known:
                raise NotFound("conversation")
            for told in seen.told(found):
                yield told
            is_more = len(found) == limit

    def hang_up(self) -> None:
        """End all streams of this process."""
        self.live.hang_up()


@dataclass(slots=True)
class _Seen:
    """What the reader has been told: up to which number, and the last ones as they were."""

    last: int
    known: dict[int, Message] = field(default_factory=dict)

    def told(self, found: Sequence[Message]) -> Sequence[Told]:
        """What of this is news: the new ones in order, then those that have changed."""
        new = [Told(message, is_update=False) for message in found if message.sequence_number > self.last]
        changed = [
            Told(message, is_update=True)
            for message in found
            if message.sequence_number <= self.last and self.known.get(message.sequence_number) != message
        ]
        if found:
            self.last = max(self.last, found[-1].sequence_number)
            self.known = {message.sequence_number: message for message in found[-WINDOW:]}
        return [*new, *changed]


async def _changed(stream: LiveStream) -> bool:
    """Whether there is a reason to look; False after a silence, which is one too. Reasons that wait count as one."""
    event = await stream.next(HEARTBEAT_SECONDS if stream.is_live else POLL_SECONDS)
    is_changed = event is not None
    while event is not None:
        event = await stream.next(0)
    return is_changed


def account_of(phone_number: PhoneNumber) -> AccountTopic:
    """The phone number by the platform's name of it; a web chat is its own platform."""
    account = phone_number.meta_phone_number_id or phone_number.instagram_account_id or str(phone_number.id)
    return AccountTopic(phone_number.type, account)

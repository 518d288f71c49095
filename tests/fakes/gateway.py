"""A platform that answers what the test wrote down for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import count

from application.ports.briefings import Briefing
from application.ports.channel_gateway import OutboundText
from domain.channels import ChannelType, Template
from domain.delivery import Accepted, SendOutcome
from tests.fakes.memory_store import MemoryStore

Meanwhile = Callable[[], Awaitable[SendOutcome]]


class ScriptedGateway:
    """Gives one outcome for each send, in order, and then accepts; a function runs while it is being sent.

    `sent` is what it was handed, `templates` those of it that were templates, `typing` for which messages it showed a
    sign. A text is sent in as many messages as it has parts between bars. No call of the store may be open meanwhile.
    """

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._outcomes: list[SendOutcome | Meanwhile] = []
        self._names = count(1)
        self.sent: list[OutboundText] = []
        self.templates: list[Template] = []
        self.typing: list[str] = []

    def says(self, *outcomes: SendOutcome | Meanwhile) -> None:
        self._outcomes += outcomes

    def worded(self, channel: ChannelType, text: str) -> Sequence[str]:
        return text.split("|")

    async def send_template(self, briefing: Briefing, message: OutboundText, template: Template) -> SendOutcome:
        self.templates.append(template)
        return await self.send(briefing, message)

    async def show_typing(self, briefing: Briefing, address: str, platform_message_id: str) -> None:
        self.typing.append(platform_message_id)

    async def send(self, briefing: Briefing, message: OutboundText) -> SendOutcome:
        assert self._store.calls_open == 0, "a store call is open while a reply is sent"
        self.sent.append(message)
        outcome = self._outcomes.pop(0) if self._outcomes else Accepted(f"wamid.reply.{next(self._names)}")
        return await outcome() if callable(outcome) else outcome

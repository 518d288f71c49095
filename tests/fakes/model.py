"""A model that says what the test wrote down for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from uuid import UUID

from application.ports.language_model import ModelConversation, ModelRequest
from domain.answers import Answered, ModelOutcome, NotAnswered, TryAgain, Uncertain, Usage
from tests.fakes.memory_store import MemoryStore

Opened = ModelConversation | TryAgain | Uncertain | NotAnswered
Meanwhile = Callable[[], Awaitable[ModelOutcome]]


def answered(text: str = "Until six.") -> Answered:
    return Answered(text, "resp_1", "gpt-5-mini-2026", Usage(12, 5))


class ScriptedModel:
    """Gives one outcome for each call, in order, and then answers; a function runs while the model thinks.

    `asked` and `opened` are what it was asked. No call of the store may be open meanwhile.
    """

    def __init__(
        self, store: MemoryStore, outcomes: Sequence[ModelOutcome | Meanwhile] = (), openings: Sequence[Opened] = ()
    ) -> None:
        self._store = store
        self._outcomes = list(outcomes)
        self._openings = list(openings)
        self._names = count(1)
        self.asked: list[ModelRequest] = []
        self.opened: list[UUID] = []

    def says(self, *outcomes: ModelOutcome | Meanwhile) -> None:
        self._outcomes += outcomes

    def opens(self, *openings: Opened) -> None:
        self._openings += openings

    async def open_conversation(self, conversation_id: UUID, timeout_seconds: float) -> Opened:
        assert self._store.calls_open == 0, "a store call is open while the model is asked"
        self.opened.append(conversation_id)
        return self._openings.pop(0) if self._openings else ModelConversation(f"conv_{next(self._names)}")

    async def answer(self, request: ModelRequest) -> ModelOutcome:
        assert self._store.calls_open == 0, "a store call is open while the model is asked"
        self.asked.append(request)
        outcome = self._outcomes.pop(0) if self._outcomes else answered()
        return await outcome() if callable(outcome) else outcome

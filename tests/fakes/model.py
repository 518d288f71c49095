"""A model that says what the test wrote down for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from uuid import UUID

from application.ports.language_model import ModelConversation, ModelRequest
from domain.answers import Answered, ModelOutcome, NotAnswered, NotHeard, TryAgain, Uncertain, Usage
from domain.conversations import Said
from tests.fakes.memory_store import MemoryStore

Opened = ModelConversation | TryAgain | Uncertain | NotAnswered
Recalled = ModelOutcome | NotHeard
Meanwhile = Callable[[], Awaitable[ModelOutcome]]


def answered(text: str = "Until six.", last_item_id: str | None = None) -> Answered:
    return Answered(text, "resp_1", "gpt-5-mini-2026", Usage(12, 5), last_item_id)


class ScriptedModel:
    """Gives one outcome for each call, in order, and then answers; a function runs while the model thinks.

    Looked into afterwards, it has not heard anything unless `recalls` says so. `asked`, `opened` (with what was `said`
    there) and `recalled` are what it was asked, `calls` all of them in order. No call of the store may be open
    meanwhile.
    """

    def __init__(
        self, store: MemoryStore, outcomes: Sequence[ModelOutcome | Meanwhile] = (), openings: Sequence[Opened] = ()
    ) -> None:
        self._store = store
        self._outcomes = list(outcomes)
        self._openings = list(openings)
        self._recalls: list[Recalled] = []
        self._names = count(1)
        self.asked: list[ModelRequest] = []
        self.opened: list[UUID] = []
        self.said: list[Sequence[Said]] = []
        self.recalled: list[ModelRequest] = []
        self.calls: list[str] = []

    def says(self, *outcomes: ModelOutcome | Meanwhile) -> None:
        self._outcomes += outcomes

    def opens(self, *openings: Opened) -> None:
        self._openings += openings

    def recalls(self, *recalled: Recalled) -> None:
        self._recalls += recalled

    async def open_conversation(self, conversation_id: UUID, said: Sequence[Said], timeout_seconds: float) -> Opened:
        self._note("open")
        self.opened.append(conversation_id)
        self.said.append(said)
        return self._openings.pop(0) if self._openings else ModelConversation(f"conv_{next(self._names)}")

    async def answer(self, request: ModelRequest) -> ModelOutcome:
        self._note("answer")
        self.asked.append(request)
        outcome = self._outcomes.pop(0) if self._outcomes else answered()
        return await outcome() if callable(outcome) else outcome

    async def recall(self, request: ModelRequest) -> Recalled:
        self._note("recall")
        self.recalled.append(request)
        return self._recalls.pop(0) if self._recalls else NotHeard()

    def _note(self, call: str) -> None:
        assert self._store.calls_open == 0, "a store call is open while the model is asked"
        self.calls.append(call)

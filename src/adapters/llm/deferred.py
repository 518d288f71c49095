"""Models whose SDK is loaded when they are first needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from application.ports.erasures import ModelEraser
from application.ports.language_model import LanguageModel, ModelConversation, ModelRequest
from application.ports.lead_model import LeadModel, LeadOutcome, LeadRequest
from domain.answers import ModelOutcome, NotAnswered, NotHeard, TryAgain, Uncertain
from domain.conversations import Said
from domain.erasing import Erasure


class DeferredModel:
    """Importing OpenAI's SDK takes 0.8 s of CPU: only the processes that ask a model should pay for it."""

    def __init__(self, open_model: Callable[[], Awaitable[LanguageModel]]) -> None:
        self._open_model = open_model
        self._model: LanguageModel | None = None

    async def loaded(self) -> LanguageModel:
        """The model itself, loaded now if it was not."""
        if self._model is None:
            self._model = await self._open_model()
        return self._model

    async def open_conversation(
        self, conversation_id: UUID, said: Sequence[Said], timeout_seconds: float
    ) -> ModelConversation | TryAgain | Uncertain | NotAnswered:
        """Open a conversation; see the port."""
        return await (await self.loaded()).open_conversation(conversation_id, said, timeout_seconds)

    async def answer(self, request: ModelRequest) -> ModelOutcome:
        """What the model says; see the port."""
        return await (await self.loaded()).answer(request)

    async def recall(self, request: ModelRequest) -> ModelOutcome | NotHeard:
        """What became of an earlier call; see the port."""
        return await (await self.loaded()).recall(request)


class DeferredLeadModel:
    """As above, for the model that reads conversations."""

    def __init__(self, open_model: Callable[[], Awaitable[LeadModel]]) -> None:
        self._open_model = open_model
        self._model: LeadModel | None = None

    async def loaded(self) -> LeadModel:
        """The model itself, loaded now if it was not."""
        if self._model is None:
            self._model = await self._open_model()
        return self._model

    async def read(self, request: LeadRequest) -> LeadOutcome:
        """What the model answers; see the port."""
        return await (await self.loaded()).read(request)


class DeferredEraser:
    """The same for what is erased, which is seldom."""

    def __init__(self, open_eraser: Callable[[], Awaitable[ModelEraser]]) -> None:
        self._open_eraser = open_eraser
        self._eraser: ModelEraser | None = None

    async def erase(self, erasures: Sequence[Erasure], timeout_seconds: float) -> Sequence[bool]:
        """Erase all at once; see the port."""
        if self._eraser is None:
            self._eraser = await self._open_eraser()
        return await self._eraser.erase(erasures, timeout_seconds)

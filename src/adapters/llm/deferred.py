"""A model whose SDK is loaded when it is first needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from application.ports.language_model import LanguageModel, ModelConversation, ModelRequest
from domain.answers import ModelOutcome, NotAnswered, TryAgain, Uncertain


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
        self, conversation_id: UUID, timeout_seconds: float
    ) -> ModelConversation | TryAgain | Uncertain | NotAnswered:
        """Open a conversation; see the port."""
        return await (await self.loaded()).open_conversation(conversation_id, timeout_seconds)

    async def answer(self, request: ModelRequest) -> ModelOutcome:
        """What the model says; see the port."""
        return await (await self.loaded()).answer(request)

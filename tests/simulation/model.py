"""The model's provider: it keeps conversations, and every now and then does not say what it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from application.ports.language_model import ModelConversation, ModelRequest
from domain.answers import Answered, Forgotten, ModelOutcome, NotAnswered, NotHeard, TryAgain, Uncertain, Usage
from domain.conversations import Said, UnansweredReason
from tests.simulation.driver import STEP, Driver
from tests.simulation.harm import Harm

USAGE = Usage(12, 5)


@dataclass(slots=True)
class Item:
    """One thing that stands in a conversation of the provider's."""

    id: str
    role: str
    text: str


@dataclass(slots=True)
class Remembered:
    """A conversation as the provider keeps it. Until `locked_until` it is still busy with `coming`."""

    items: list[Item] = field(default_factory=list)
    coming: list[Item] = field(default_factory=list)
    locked_until: float = 0.0
    is_gone: bool = False


class SimulatedModel:
    """Answers with what it was asked, so that a reply tells which questions it knows.

    Questions and answer are appended together, when the answer is done, as OpenAI does; while it is being made the
    conversation is locked. `conversations` is the journal the judge reads.
    """

    def __init__(self, driver: Driver, harm: Harm) -> None:
        self._driver, self._harm, self._random = driver, harm, harm.random
        self._names = 0
        self.conversations: dict[str, Remembered] = {}
        self.misuses: list[str] = []

    async def open_conversation(
        self, conversation_id: UUID, said: Sequence[Said], timeout_seconds: float
    ) -> ModelConversation | TryAgain | Uncertain | NotAnswered:
        if self._harm.happens(self._harm.model / 3):
            return self._random.choice((TryAgain("busy", 2.0), Uncertain("cut")))
        opened = Remembered([self._item("seed", one.text) for one in said])
        name = f"conv_{len(self.conversations)}"
        self.conversations[name] = opened
        self._driver.tell(f"model opens {name} with {len(said)} things said")
        await STEP
        return ModelConversation(name, opened.items[-1].id if opened.items else None)

    async def answer(self, request: ModelRequest) -> ModelOutcome:
        outcome = self._answer(request)
        self._driver.tell(f"model hears {request.questions} in {request.model_conversation_id}: {outcome}")
        await STEP
        return outcome

    async def recall(self, request: ModelRequest) -> ModelOutcome | NotHeard:
        outcome = self._recall(request)
        self._driver.tell(f"model looks for {request.questions} in {request.model_conversation_id}: {outcome}")
        await STEP
        return outcome

    def _answer(self, request: ModelRequest) -> ModelOutcome:
        conversation = self._settled(request.model_conversation_id)
        if conversation.is_gone:
            return Forgotten("It is gone.")
        if conversation.locked_until > self._driver.seconds:
            return TryAgain("conversation_locked", is_locked=True)
        if self._harm.happens(self._harm.model):
            return self._harmed(conversation, request)
        return self._heard(conversation, request, is_refused=False)

    def _harmed(self, conversation: Remembered, request: ModelRequest) -> ModelOutcome:
        match self._random.randrange(6):
            case 0:
                return TryAgain("rate", self._random.choice((None, 1.0, 20.0)))
            case 1:
                return Uncertain("cut before it was heard")
            case 2:
                self._heard(conversation, request, is_refused=False)
                return Uncertain("cut after it was heard")
            case 3:
                conversation.coming = self._items(request, is_refused=False)
                conversation.locked_until = self._driver.seconds + self._random.choice((0.3, 2.0, 15.0))
                return Uncertain("cut while it was being answered")
            case 4:
                return self._heard(conversation, request, is_refused=True)
            case _:
                conversation.is_gone = True
                return Forgotten("It is gone.")

    def _heard(self, conversation: Remembered, request: ModelRequest, *, is_refused: bool) -> ModelOutcome:
        conversation.items += self._items(request, is_refused=is_refused)
        return _read(conversation.items[-1])

    def _recall(self, request: ModelRequest) -> ModelOutcome | NotHeard:
        conversation = self._settled(request.model_conversation_id)
        if conversation.is_gone:
            return Forgotten("It is gone.")
        if self._harm.happens(self._harm.model / 3):
            return self._random.choice((TryAgain("rate", 1.0), Uncertain("cut")))
        behind = _behind(conversation.items, request.last_item_id)
        if behind is None:
            self.misuses.append(f"{request.last_item_id} does not stand in {request.model_conversation_id}")
            return NotAnswered(UnansweredReason.MODEL_FAILED, "There is no such item.")
        said = [item.text if item.role == "user" else None for item in behind]
        asked = [question.text for question in request.questions]
        for start in range(len(said) - len(asked), -1, -1):
            if said[start : start + len(asked)] == asked:
                return _read(behind[start + len(asked)])
        return NotHeard()

    def _settled(self, name: str) -> Remembered:
        conversation = self.conversations[name]
        if conversation.coming and conversation.locked_until <= self._driver.seconds:
            conversation.items += conversation.coming
            conversation.coming = []
        return conversation

    def _items(self, request: ModelRequest, *, is_refused: bool) -> list[Item]:
        asked = [question.text for question in request.questions]
        answer = "refusal" if is_refused else "assistant"
        questions = [self._item("user", question) for question in asked]
        return [*questions, self._item(answer, " ".join(asked))]

    def _item(self, role: str, text: str) -> Item:
        self._names += 1
        return Item(f"item_{self._names}", role, text)


def _behind(items: list[Item], last_item_id: str | None) -> list[Item] | None:
    if last_item_id is None:
        return items
    places = [place for place, item in enumerate(items) if item.id == last_item_id]
    return items[places[0] + 1 :] if places else None


def _read(item: Item) -> ModelOutcome:
    if item.role == "refusal":
        return NotAnswered(UnansweredReason.REFUSED, "It refused.", item.id)
    return Answered(item.text, None, "simulated", USAGE, item.id)

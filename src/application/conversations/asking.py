"""What the model is told of a customer's messages."""

from __future__ import annotations

from application.ports.language_model import Asked
from domain.conversations import Question, Turn


async def asked(turn: Turn) -> tuple[Asked, ...]:
    """The turn's questions as the model is told them, in order."""
    return tuple(Asked(_told(question)) for question in turn.questions)


def _told(question: Question) -> str:
    return question.text or f"[{question.type}]"

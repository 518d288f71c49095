"""Requests that act once, however often they come: what is known of such a request, and what was answered to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, NoReturn, Protocol, TypeVar

from domain.shared import Conflict, InvalidInput

Result = TypeVar("Result")
Part = TypeVar("Part")


class KeyReused(InvalidInput):
    """An Idempotency-Key was used before with another request."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("Idempotency-Key", "It was used before with another request; take a new key for this one.")


class StillRunning(Conflict):
    """The first request with this Idempotency-Key is being worked on right now."""

    code = "request_in_progress"

    def __init__(self) -> None:
        super().__init__("A request with this Idempotency-Key is under way; send it again in a moment.")


class AnswerLost(Conflict):
    """The request acted before, and its answer can no longer be read."""

    code = "answer_lost"

    def __init__(self) -> None:
        super().__init__("A request with this Idempotency-Key acted before; its answer is not known any more.")


class AnsweredBefore(Exception):
    """The very same request acted before. No error: `answer` is what was said then, to be said again as it is."""

    def __init__(self, answer: bytes) -> None:
        super().__init__("This request was answered before.")
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Once(Generic[Result]):
    """A request that names itself with an Idempotency-Key, as the transaction of its effect needs it.

    `name` (32 bytes) tells whose key it is and which. `seal` turns the result into what is kept of it: request and
    answer, unreadable to others. `replay` is given what was kept, and raises AnsweredBefore when it was of this very
    request, KeyReused when it was of another, AnswerLost when nobody can tell.
    """

    name: bytes
    seal: Callable[[Result], bytes]
    replay: Callable[[bytes], NoReturn]


def completed_by(once: Once[Result] | None, whole: Callable[[Part], Result]) -> Once[Part] | None:
    """The same request, for what has only a part of the result; `whole` makes the rest of it."""
    return None if once is None else Once(once.name, lambda part: once.seal(whole(part)), once.replay)


class Answers(Protocol):
    """What was answered to requests with an Idempotency-Key.

    Each is kept in the transaction of its effect, by the port that has it. Such a method takes `once` and raises
    StillRunning while another is in that transaction under the same name, and what `once.replay` raises when one was.
    A request that is refused keeps nothing. The answer goes with the user whom it is about.
    """

    async def forget(self, days: float, limit: int) -> int:
        """Delete up to `limit` answers that are older than so many days, the oldest first; how many it were."""
        ...

"""Ports between which others may go on, and which may fail before or after they have done their work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from application.ports.turn_queue import QueueUnavailable
from domain.shared import Unavailable
from tests.fakes.memory_store import MemoryStore
from tests.simulation.driver import STEP, Driver
from tests.simulation.harm import Harm

Call = Callable[..., Awaitable[Any]]


class Whole:
    """Nothing: a call of the simulated store cannot be interrupted, so nobody has to be kept out."""

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, *exception: object) -> None:
        return None


WHOLE = Whole()


class SteppedStore(MemoryStore):
    """Rows whose calls are whole: steps are taken around them, never inside."""

    def call(self) -> Whole:
        return WHOLE


class Stepped:
    """A port whose calls begin and end with a step: before the first nothing is done, before the second all is.

    `error` is what a caller sees when the connection breaks, with equal chance before or after the work.
    """

    def __init__(self, port: Any, name: str, driver: Driver, harm: Harm, chance: str = "") -> None:
        self._port, self._name, self._driver, self._harm = port, name, driver, harm
        self._chance = getattr(harm, chance) if chance else 0.0
        self._error = QueueUnavailable if chance == "queue_down" else Unavailable

    def __getattr__(self, name: str) -> Call:
        call = self._stepping(getattr(self._port, name), f"{self._name}.{name}")
        setattr(self, name, call)
        return call

    def _stepping(self, method: Call, name: str) -> Call:
        driver, harm, chance, error = self._driver, self._harm, self._chance, self._error

        async def call(*args: Any, **kwargs: Any) -> Any:
            await STEP
            if chance and harm.happens(chance / 2):
                driver.tell(f"{name} cannot be reached")
                raise error("It is down.")
            result = await method(*args, **kwargs)
            if driver.trace:
                driver.tell(f"{name} {_short(args)} -> {_short(result)}")
            await STEP
            if chance and harm.happens(chance / 2):
                driver.tell(f"{name} was done, and its answer lost")
                raise error("The answer was lost.")
            return result

        return call


def _short(thing: object) -> str:
    return str(thing)[:400]

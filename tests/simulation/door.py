"""The platform's deliveries: several at once, more than once, out of order, until the door has taken them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from application.channels.accept_webhook import AcceptWebhook
from domain.channels import Delivery, InboundMessage, Receipt
from domain.shared import Unavailable
from tests.simulation.driver import Driver, Process, Sleep

RETRY_SECONDS = 3.0


class HandedOver:
    """A reader that is handed what it would have read: the body is the place of a delivery."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []

    def read(self, headers: Mapping[str, str], body: bytes) -> Delivery:
        return self.deliveries[int(body)]


class Door:
    """Brings deliveries to the real use case, again and again while it fails or dies under them."""

    def __init__(self, accept: AcceptWebhook, reader: HandedOver, driver: Driver, random: Random) -> None:
        self._accept, self._reader, self._driver, self._random = accept, reader, driver, random
        self.pending: dict[Process, int] = {}
        self.accepted: list[Delivery] = []

    def bring(self, within_seconds: float, **what: Any) -> None:
        """Deliver it one to three times, some time within so many seconds."""
        self._reader.deliveries.append(Delivery(**what))
        for _ in range(self._random.choice((1, 1, 2, 3))):
            self._start(len(self._reader.deliveries) - 1, self._random.random() * within_seconds)

    def bring_letters(self, letters: Sequence[InboundMessage]) -> None:
        """Deliver what customers wrote: in batches, which overtake each other."""
        rest = list(letters)
        while rest:
            size = self._random.choice((1, 1, 1, 2, 3))
            self.bring(self._random.choice((1.0, 40.0)), messages=rest[:size])
            rest = rest[size:]

    def bring_receipts(self, receipts: Sequence[Receipt]) -> None:
        """Deliver what the platform says of a reply: each word for itself, or all at once."""
        if self._random.random() < 0.3:
            self.bring(5.0, receipts=list(receipts))
            return
        for receipt in receipts:
            self.bring(self._random.choice((0.1, 5.0, 60.0)), receipts=[receipt])

    def kill(self, process: Process) -> None:
        """The door dies under a delivery; the platform brings it again."""
        process.is_dead = True
        self._start(self.pending.pop(process), RETRY_SECONDS)

    def _start(self, place: int, after_seconds: float) -> None:
        process = Process(f"delivery {place}")
        self.pending[process] = place
        self._driver.start(process, self._deliver(process, place, after_seconds))

    async def _deliver(self, process: Process, place: int, after_seconds: float) -> None:
        await Sleep(after_seconds)
        while True:
            try:
                await self._accept({}, b"%d" % place)
                break
            except Unavailable:
                await Sleep(RETRY_SECONDS)
        self.accepted.append(self._reader.deliveries[place])
        del self.pending[process]

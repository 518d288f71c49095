"""What follows an accepted send: statuses on WhatsApp, an echo and a `seen` on Instagram."""

import asyncio
from collections.abc import Iterator

from entrypoints.simulators.answers import Json
from entrypoints.simulators.knobs import KnobBoard
from entrypoints.simulators.meta.deliveries import Deliveries, Webhook
from entrypoints.simulators.meta.knobs import MetaKnobs
from entrypoints.simulators.meta.messages import OutgoingMessage
from entrypoints.simulators.meta.outcomes import FailedLater
from entrypoints.simulators.meta.payloads import echo_delivery, seen_delivery, status_delivery
from entrypoints.simulators.meta.signing import Signer
from entrypoints.simulators.meta.wire import meta_json


class Aftermath:
    """Sends the webhooks about a message."""

    def __init__(self, board: KnobBoard[MetaKnobs], deliveries: Deliveries, signer: Signer) -> None:
        """Send by these deliveries, as the knobs say."""
        self._board = board
        self._deliveries = deliveries
        self._signer = signer

    def follow(self, message: OutgoingMessage, failure: FailedLater | None) -> None:
        """Start sending, unless there is nothing to send or nowhere to send it."""
        if self._board.values.webhook_url is None:
            return
        contents = list(self._contents(message, failure))
        if self._board.happens(self._board.values.disorder):
            self._board.random.shuffle(contents)
        if contents:
            self._deliveries.in_background(self._send(message, contents))

    async def _send(self, message: OutgoingMessage, contents: list[tuple[str, Json]]) -> None:
        for content, value in contents:
            knobs = self._board.values
            await asyncio.sleep(self._board.around_seconds(knobs.status_delay_ms, knobs.status_delay_spread_ms))
            body = meta_json(value)
            await self._deliveries.deliver(
                Webhook(
                    body=body,
                    signature=self._signer.sign(message.channel, body),
                    about=message.platform_message_id,
                    content=content,
                )
            )

    def _contents(self, message: OutgoingMessage, failure: FailedLater | None) -> Iterator[tuple[str, Json]]:
        if message.channel == "instagram":
            yield from self._instagram_contents(message)
            return
        for name in failure.after if failure else self._board.values.statuses:
            yield name, status_delivery(message, name)
        if failure:
            yield "failed", status_delivery(message, "failed", failure)

    def _instagram_contents(self, message: OutgoingMessage) -> Iterator[tuple[str, Json]]:
        if self._board.values.echoes:
            yield "echo", echo_delivery(message)
        if "read" in self._board.values.statuses:
            yield "read", seen_delivery(message)

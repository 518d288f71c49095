"""Posting webhooks: signed, sometimes twice, and again while the callback does not answer 200."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from aiohttp.web import BaseRequest, Response

from entrypoints.simulators.answers import json_answer
from entrypoints.simulators.journal import Journal
from entrypoints.simulators.knobs import KnobBoard
from entrypoints.simulators.meta.knobs import MetaKnobs

_TIMEOUT_SECONDS = 10
_CONNECTIONS_MAX = 64
_HTTP_OK = 200


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """A body ready to be posted: the very bytes, and the signature of them (None: unsigned)."""

    body: bytes
    signature: str | None
    about: str | None
    content: str
    redelivered: bool = True


class Deliveries:
    """Posts webhooks; as a context it owns the connections and ends what is still under way."""

    def __init__(self, board: KnobBoard[MetaKnobs], journal: Journal) -> None:
        """Post where the knobs say, and write every attempt into the journal."""
        self._board = board
        self._journal = journal
        self._under_way: set[asyncio.Task[None]] = set()
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the connections."""
        self._session = ClientSession(
            connector=TCPConnector(limit=_CONNECTIONS_MAX), timeout=ClientTimeout(total=_TIMEOUT_SECONDS)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Give up what is under way and close the connections."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        if self._session:
            await self._session.close()

    async def show(self, _: BaseRequest) -> Response:
        """How many sends are still followed by webhooks, and how many webhooks wait for another try."""
        return json_answer({"under_way": len(self._under_way)})

    def in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this without anyone waiting for it."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def deliver(self, webhook: Webhook) -> int | None:
        """Post a webhook, twice if the dice say so; the first answer's status, None if there was none."""
        status = await self._post(webhook, attempt=1)
        if status != _HTTP_OK and webhook.redelivered:
            self.in_background(self._redeliver(webhook))
        if self._board.happens(self._board.values.duplicate_rate):
            await self._post(webhook, attempt=1)
        return status

    async def _redeliver(self, webhook: Webhook) -> None:
        pause_seconds = self._board.values.redelivery_base_ms / 1000
        # The limit is read anew each time: turning the knob down ends a long series.
        attempt = 1
        while attempt <= self._board.values.redelivery_attempts_max:
            attempt += 1
            await asyncio.sleep(pause_seconds)
            if await self._post(webhook, attempt) == _HTTP_OK:
                return
            pause_seconds *= 2

    async def _post(self, webhook: Webhook, attempt: int) -> int | None:
        status, problem = await self._answer_to(webhook)
        self._journal.write(
            "webhook",
            accepted=status == _HTTP_OK,
            outcome=problem or "answered",
            status=status,
            content=webhook.content,
            platform_message_id=webhook.about,
            attempt=attempt,
        )
        return status

    async def _answer_to(self, webhook: Webhook) -> tuple[int | None, str | None]:
        url = self._board.values.webhook_url
        if url is None or self._session is None:
            return None, "no webhook URL"
        headers = {"Content-Type": "application/json", "User-Agent": "facebookexternalua"}
        if webhook.signature:
            headers["X-Hub-Signature-256"] = webhook.signature
        try:
            async with self._session.post(url, data=webhook.body, headers=headers) as answer:
                await answer.read()
                return answer.status, None
        except (ClientError, TimeoutError, OSError) as error:
            return None, type(error).__name__

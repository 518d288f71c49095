"""A webhook that keeps what arrives and answers what it is told to."""

import asyncio
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Delivery:
    body: bytes
    signature: str | None

    @property
    def payload(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def value(self) -> dict[str, Any]:
        return self.payload["entry"][0]["changes"][0]["value"]

    @property
    def status(self) -> dict[str, Any]:
        return self.value["statuses"][0]

    @property
    def event(self) -> dict[str, Any]:
        return self.payload["entry"][0]["messaging"][0]

    def is_signed_with(self, secret: str) -> bool:
        expected = hmac.new(secret.encode(), self.body, hashlib.sha256).hexdigest()
        return self.signature == f"sha256={expected}"


@dataclass
class Callback:
    """Refuses the next deliveries with these statuses, then answers 200."""

    refusals: list[int] = field(default_factory=list)
    arrived: asyncio.Queue[Delivery] = field(default_factory=asyncio.Queue)

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        signature = request.headers.get("X-Hub-Signature-256")
        self.arrived.put_nowait(Delivery(await request.read(), signature))
        return web.Response(status=self.refusals.pop(0) if self.refusals else 200)

    async def next(self, count: int = 1) -> list[Delivery]:
        return [await asyncio.wait_for(self.arrived.get(), 5) for _ in range(count)]

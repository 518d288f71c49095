"""A generator of signed webhooks and additions that costs little: requests are made before, a protocol moves bytes."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from bench.house import House

CONNECTIONS_OPEN_LOOP = 64
OK = 200
CREATED = 201


@dataclass(frozen=True, slots=True)
class Offer:
    """One request to be made: a message's mark stands in its text, an addition's is its key."""

    mark: str
    request: bytes


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of an offer: due and acknowledged in Unix seconds, and the status of the answer."""

    mark: str
    due: float
    acknowledged: float
    status: int

    @property
    def ack_seconds(self) -> float:
        """From the moment it was due, so that a generator that was held up hides nothing."""
        return self.acknowledged - self.due


def make_offers(house: House, run: str, count: int, *, customers: int, first_customer: int) -> list[Offer]:
    """`count` messages of `customers` customers in turn, each a signed request ready to be written to a socket."""
    secret = house.ready["meta_app_secret"].encode()
    account, host = house.ready["demo_meta_phone_number_id"], urlsplit(house.ready["rest_url"]).netloc
    offers = []
    for number in range(count):
        mark = f"{run}-{number:06}"
        body = _body(account, f"1555{first_customer + number % customers:07}", mark)
        signature = hmac.digest(secret, body, hashlib.sha256).hex()
        head = (
            f"POST /webhooks/meta HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            f"X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        offers.append(Offer(mark, head.encode() + body))
    return offers


def make_additions(house: House, run: str, count: int) -> list[Offer]:
    """`count` additions of one credit to the demo user, each under a key of its own."""
    body = b'{"amount":1}'
    address, key = urlsplit(house.ready["rest_url"]).netloc, house.ready["demo_api_key"]
    path = f"/users/{house.ready['demo_user_id']}/credits/add"
    additions = []
    for number in range(count):
        mark = f"{run}-{number:06}"
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {key}\r\nIdempotency-Key: {mark}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        additions.append(Offer(mark, head.encode() + body))
    return additions


async def closed_loop(house: House, offers: Sequence[Offer], in_flight: int) -> list[Delivered]:
    """Deliver as fast as they are acknowledged, `in_flight` at a time."""
    delivered: list[Delivered] = []
    left = iter(offers)

    async def deliver_on(connection: _Connection) -> None:
        for offer in left:
            due = time.time()
            delivered.append(Delivered(offer.mark, due, *await connection.deliver(offer.request)))

    async with _connections(house, in_flight) as connections:
        await asyncio.gather(*(deliver_on(connection) for connection in connections))
    return delivered


async def open_loop(house: House, offers: Sequence[Offer], per_second: float) -> list[Delivered]:
    """Deliver each offer when it is due, whether or not the earlier ones were acknowledged."""
    idle: asyncio.Queue[_Connection] = asyncio.Queue()

    async def deliver(offer: Offer, due: float) -> Delivered:
        connection = await idle.get()
        answer = await connection.deliver(offer.request)
        idle.put_nowait(connection)
        return Delivered(offer.mark, due, *answer)

    async with _connections(house, CONNECTIONS_OPEN_LOOP) as connections:
        for connection in connections:
            idle.put_nowait(connection)
        began, under_way = time.time(), []
        for number, offer in enumerate(offers):
            due = began + number / per_second
            await asyncio.sleep(max(0.0, due - time.time()))
            under_way.append(asyncio.create_task(deliver(offer, due)))
        return await asyncio.gather(*under_way)


class _Connection(asyncio.Protocol):
    """One request at a time over one kept connection."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._answer: asyncio.Future[tuple[float, int]] | None = None

    async def deliver(self, request: bytes) -> tuple[float, int]:
        """When it was answered (Unix seconds), and with which status.

        Whoever kept a connection for long finds it closed, and the platform delivers again what nobody answered: so
        do we, and the time counts.
        """
        while True:
            try:
                return await self._post(request)
            except ConnectionResetError:
                await self.open()

    async def open(self) -> None:
        """Connect, anew if need be."""
        self._received = b""
        await asyncio.get_running_loop().create_connection(lambda: self, *self._address)

    def close(self) -> None:
        """Hang up."""
        if self._transport:
            self._transport.close()

    def _post(self, request: bytes) -> asyncio.Future[tuple[float, int]]:
        self._answer = asyncio.get_running_loop().create_future()
        if self._transport is None:
            self._answer.set_exception(ConnectionResetError())
        else:
            self._transport.write(request)
        return self._answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be ready to write."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer whoever waits, once the response is whole."""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if self._answer is None or not found or len(body) < _content_length(head):
            return
        self._received = b""
        self._answer.set_result((time.time(), int(head[9:12])))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self._transport = None
        if self._answer and not self._answer.done():
            self._answer.set_exception(ConnectionResetError(str(exc or "hung up")))


@asynccontextmanager
async def _connections(house: House, count: int) -> AsyncIterator[list[_Connection]]:
    address = urlsplit(house.ready["rest_url"])
    connections = [_Connection(address.hostname or "127.0.0.1", address.port or 80) for _ in range(count)]
    try:
        await asyncio.gather(*(connection.open() for connection in connections))
        yield connections
    finally:
        for connection in connections:
            connection.close()


def _content_length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)


def _body(account: str, sender: str, mark: str) -> bytes:
    message = {
        "from": sender,
        "id": f"wamid.{mark}",
        "timestamp": str(int(time.time())),
        "type": "text",
        "text": {"body": f"Do you have a room for [{mark}]?"},
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": account, "phone_number_id": account},
        "contacts": [{"profile": {"name": "A customer"}, "wa_id": sender}],
        "messages": [message],
    }
    changes = [{"field": "messages", "value": value}]
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "0", "changes": changes}]}).encode()

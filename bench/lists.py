"""The fifth question: how fast are a list's pages read when a million messages are stored, the first and a deep one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from bench.archive import MESSAGES, stored
from bench.house import House, call
from bench.load import OK, Delivered, Offer, closed_loop, open_loop
from bench.meters import Meters, Reading
from bench.rpc_load import Call, closed_calls, open_calls
from entrypoints.rpc._generated.frontdesk.v1.conversation_pb2 import ListMessagesRequest

AT_ONCE = 8
PER_SECOND = 200
QUICK_MESSAGES = 20_000
"""With fewer messages to be offered than this, the archive is as small."""
DEEP = 0.9
PAGE_SIZE = 50
WARMING = 100
LIST_MESSAGES = "/frontdesk.v1.ConversationService/ListMessages"


@dataclass(frozen=True, slots=True)
class Lists:
    """Pages of 50 of a list. `per_second` in a closed loop, `taken_ms` at PER_SECOND by the clock."""

    name: str
    door: str
    stored: int
    per_second: float
    taken_ms: dict[str, float]
    cpu_ms: dict[str, float]
    refused: int


@dataclass(frozen=True, slots=True)
class _Loop:
    delivered: list[Delivered]
    cost: Reading
    seconds: float


async def lists(house: House, meters: Meters, messages: int) -> list[tuple[str, str, int, _Loop, _Loop]]:
    """Each page's two loops at each door: as fast as it goes, and by the clock."""
    count = MESSAGES if messages >= MESSAGES // 1_000 else QUICK_MESSAGES
    user_id, key = stored(house, count)
    found = []
    for name, cursor in (("first page", ""), ("deep page", _deep_cursor(house, user_id, key))):
        by_rest = await _by_rest(house, meters, _offers(house, user_id, key, cursor, 2 * messages))
        found.append((name, "REST", count, *by_rest))
        request = ListMessagesRequest(user_id=user_id, page_size=PAGE_SIZE, page_token=cursor).SerializeToString()
        by_rpc = await _by_rpc(house, meters, Call(LIST_MESSAGES, request, key), 2 * messages)
        found.append((name, "gRPC", count, *by_rpc))
    return found


async def _by_rest(house: House, meters: Meters, offers: list[Offer]) -> tuple[_Loop, _Loop]:
    await closed_loop(house, offers[:WARMING], AT_ONCE)
    fast = await _measured(meters, closed_loop(house, offers, AT_ONCE))
    return fast, await _measured(meters, open_loop(house, offers, PER_SECOND))


async def _by_rpc(house: House, meters: Meters, call: Call, count: int) -> tuple[_Loop, _Loop]:
    await closed_calls(house, call, WARMING, AT_ONCE)
    fast = await _measured(meters, closed_calls(house, call, count, AT_ONCE))
    return fast, await _measured(meters, open_calls(house, call, count, PER_SECOND))


async def _measured(meters: Meters, loop: Any) -> _Loop:
    before = meters.read()
    delivered = await loop
    cost = meters.read().since(before)
    seconds = max(one.acknowledged for one in delivered) - min(one.due for one in delivered)
    return _Loop(delivered, cost, seconds)


def refused_in(*loops: _Loop) -> int:
    """How many were answered with anything but a page."""
    return sum(one.status != OK for loop in loops for one in loop.delivered)


def _offers(house: House, user_id: str, key: str, cursor: str, count: int) -> list[Offer]:
    host = urlsplit(house.ready["rest_url"]).netloc
    query = f"limit={PAGE_SIZE}" + (f"&cursor={cursor}" if cursor else "")
    line = f"GET /users/{user_id}/messages?{query} HTTP/1.1"
    head = f"{line}\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
    return [Offer(str(number), head) for number in range(count)]


def _deep_cursor(house: House, user_id: str, key: str) -> str:
    """Where DEEP of all messages are behind: a cursor names a place in the order, whatever was filtered."""
    url, headers = f"{house.ready['rest_url']}/users/{user_id}/messages", {"Authorization": f"Bearer {key}"}
    newest = call("GET", f"{url}?limit=1&sort=-created_at", headers=headers)["items"][0]["created_at"]
    oldest = call("GET", f"{url}?limit=1", headers=headers)["items"][0]["created_at"]
    place = _between(oldest, newest, DEEP)
    cursor: str = call("GET", f"{url}?limit=1&since={place}", headers=headers)["next_cursor"]
    return cursor


def _between(begin: str, end: str, share: float) -> str:
    first, last = (datetime.fromisoformat(one) for one in (begin, end))
    return (first + (last - first) * share).isoformat().replace("+00:00", "Z")

"""The fifth question: how fast are a list's pages read when a million messages are stored, the first and a deep one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bench.archive import MESSAGES, stored
from bench.house import House, call
from bench.load import OK, Delivered
from bench.meters import Meters, Reading
from bench.reading import Asked, Read, Reader, as_fast_as_it_goes, by_rest, by_rpc, by_the_clock

AT_ONCE = 8
PER_SECOND = 200
QUICK_MESSAGES = 20_000
"""With fewer messages to be offered than this, the archive is as small."""
DEEP = 0.9
PAGE_SIZE = 50
WARMING = 100
READERS: dict[str, Reader] = {"REST": by_rest, "gRPC": by_rpc}


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
        asked = Asked(user_id, key, PAGE_SIZE, cursor)
        for door, reader in READERS.items():
            async with reader(house, asked) as read:
                found.append((name, door, count, *await _loops(meters, read, 2 * messages)))
    return found


async def _loops(meters: Meters, read: Read, count: int) -> tuple[_Loop, _Loop]:
    await as_fast_as_it_goes(read, WARMING, AT_ONCE)
    fast = await _measured(meters, as_fast_as_it_goes(read, count, AT_ONCE))
    return fast, await _measured(meters, by_the_clock(read, count, PER_SECOND))


async def _measured(meters: Meters, loop: Any) -> _Loop:
    before = meters.read()
    delivered = await loop
    cost = meters.read().since(before)
    seconds = max(one.acknowledged for one in delivered) - min(one.due for one in delivered)
    return _Loop(delivered, cost, seconds)


def refused_in(*loops: _Loop) -> int:
    """How many were answered with anything but a page."""
    return sum(one.status != OK for loop in loops for one in loop.delivered)


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

"""What the simulators saw: the proof that every message was asked and answered once, kept outside of Frontdesk."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bench.house import House, call

MARK = re.compile(r"\[([\w-]+)\]")
PAGE = 5_000
ITEMS_PAGE = 100


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many messages are missing from the evidence, and how many stand in it more than once."""

    lost: int
    doubled: int


class Evidence:
    """The journals from the moment this object was made."""

    def __init__(self, house: House) -> None:
        self._roots = {platform: house.simulator_url(platform) for platform in ("openai", "meta")}
        self._begun = {platform: self._last(platform) for platform in self._roots}

    def sent(self) -> dict[str, float]:
        """When the Meta simulator received the first reply to each mark, in Unix seconds."""
        found: dict[str, float] = {}
        for record in self._records("meta", "message"):
            for mark in MARK.findall(record["text"]):
                found.setdefault(mark, record["time"])
        return found

    def verdict_on_replies(self, marks: Iterable[str]) -> Verdict:
        """For customers who wrote once: each reply quotes its question, so the replies alone tell."""
        quoted = (mark for record in self._records("meta", "message") for mark in MARK.findall(record["text"]))
        return _verdict(set(marks), quoted)

    def verdict_on_conversations(self, marks: Iterable[str]) -> Verdict:
        """For customers who wrote much: one reply may answer several questions, the model's conversations hold all.

        A reply that the model gave and Meta never received counts as lost, one received twice as doubled.
        """
        opened = [record["conversation_id"] for record in self._records("openai", "conversation")]
        asked = _verdict(set(marks), (mark for each in opened for mark in self._questions(each)))
        answers = Counter(record["answer"] for record in self._records("openai", "response"))
        replies = Counter(record["text"] for record in self._records("meta", "message"))
        return Verdict(asked.lost + (answers - replies).total(), asked.doubled + (replies - answers).total())

    def under_way(self) -> int:
        """Webhooks that the Meta simulator still has to deliver."""
        return int(call("GET", f"{self._roots['meta']}/_sim/deliveries")["under_way"])

    def _questions(self, conversation_id: str) -> Iterator[str]:
        url = f"{self._roots['openai']}/v1/conversations/{conversation_id}/items?order=asc&limit={ITEMS_PAGE}"
        after = ""
        while True:
            page = call("GET", url + after, headers={"Authorization": "Bearer bench"})
            for item in page["data"]:
                if item.get("role") == "user":
                    yield from MARK.findall("".join(part["text"] for part in item["content"]))
            if not page["has_more"]:
                return
            after = f"&after={page['last_id']}"

    def _records(self, platform: str, kind: str) -> Iterator[dict[str, Any]]:
        after = self._begun[platform]
        while True:
            url = f"{self._roots[platform]}/_sim/journal?kind={kind}&after={after}&limit={PAGE}"
            page = call("GET", url)
            yield from page["records"]
            if len(page["records"]) < PAGE:
                return
            after = page["last"]

    def _last(self, platform: str) -> int:
        return int(call("GET", f"{self._roots[platform]}/_sim/journal?after={2**53}")["last"])


def _verdict(expected: set[str], seen: Iterable[str]) -> Verdict:
    times = Counter(mark for mark in seen if mark in expected)
    return Verdict(len(expected) - len(times), times.total() - len(times))

"""Telemetry that a test can read."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping

from application.ports.telemetry import WorkersSeen


class MemoryTelemetry:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.seen = WorkersSeen(None, None)

    def requested(self, door: str, route: str, status: str, seconds: float) -> None:
        self.counts[f'requests_total{{door="{door}",route="{route}",status="{status}"}}'] += 1

    def delivered(self, elements: Mapping[str, int]) -> None:
        for name, count in elements.items():
            self.counts[f'delivered_elements_total{{element="{name}"}}'] += count

    def swept(self, requeued: int, claimed: int) -> None:
        self.counts["requeued_total"] += requeued
        self.counts["late_claims_total"] += claimed

    def in_flight(self, conversations: int) -> None:
        self.counts["turns_in_flight"] = conversations

    def crashed(self) -> None:
        self.counts["turns_crashed_total"] += 1

    def interrupted(self) -> None:
        self.counts["turns_interrupted_total"] += 1

    def heartbeat(self, *, succeeded: bool) -> None:
        self.counts[f'heartbeats_total{{result="{"ok" if succeeded else "failed"}"}}'] += 1
        self.seen = WorkersSeen(self.seen.ran_at, time.time()) if succeeded else self.seen

    def workers_seen(self) -> WorkersSeen:
        return self.seen

    async def exposition(self) -> bytes:
        return "".join(f"frontdesk_{name} {float(count)}\n" for name, count in self.counts.items()).encode()

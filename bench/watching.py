"""`python -m bench.watching`: what metrics and log lines cost one message, in microseconds of CPU.

One message is a webhook with one text, its turn, and as many webhooks with a status as are asked for. The ports do
nothing, so that what is measured around them is all there is to measure. Lines go to standard error's neighbour,
/dev/null.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from adapters.telemetry.measured.arrivals import MeasuredFilter, MeasuredInbox
from adapters.telemetry.measured.gateway import MeasuredGateway
from adapters.telemetry.measured.model import MeasuredModel
from adapters.telemetry.measured.queue import MeasuredQueue, Waits
from adapters.telemetry.measured.turns import MeasuredTurns
from adapters.telemetry.metrics import Metrics
from adapters.telemetry.prometheus import PrometheusTelemetry
from adapters.telemetry.pseudonyms import Pseudonyms
from adapters.telemetry.shared_files import use_shared_files
from adapters.telemetry.spans import NoTracing
from application.ports.inbox import Acceptance, Stored
from application.ports.turn_queue import QueueEntry
from application.ports.turns import Settled
from domain.answers import Answered, Usage
from domain.channels import ChannelType
from domain.conversations import Question, Turn
from domain.delivery import Accepted, settlement_of_send
from domain.windows import Heard
from entrypoints.logs import configure_logs
from entrypoints.rest.access import tell, with_access_log

ROUNDS = 5


@dataclass(frozen=True)
class _Briefed:
    channel: ChannelType = ChannelType.WHATSAPP


class _Nothing:
    """Every port at once: answers at once, what is needed to go on."""

    def __init__(self) -> None:
        ids = [uuid4() for _ in range(8)]
        question = Question(ids[0], 1, "wamid.1", "Hello")
        self.entry = QueueEntry("1-0", ids[1], ids[2], ids[3], is_locked=True)
        self.turn = Turn(
            ids[4], 1, ids[5], ids[2], ids[1], ids[6], "15550001111", "conv_1", (question,), (), 1, 0, None,
            Heard(1, datetime.now(UTC)),
        )  # fmt: skip
        self.stored = [Stored(Acceptance.ACCEPTED, ids[2], ids[1], 1, waits=True, message_id=ids[0])]
        self.answered = Answered("Hi", "resp_1", "gpt-5.5", Usage(100, 50))
        self.accepted = Accepted("wamid.2")
        self.settled = Settled(more=False)
        self.reply_id = ids[7]

    async def accept(self, _messages: object) -> object:
        return self.stored

    async def known(self, names: list[str]) -> list[bool]:
        return [False for _ in names]

    async def claim(self, *_: object) -> list[QueueEntry]:
        return [self.entry]

    async def begin(self, *_: object, **__: object) -> Turn:
        return self.turn

    async def answer(self, _request: object) -> Answered:
        return self.answered

    async def send(self, *_: object) -> Accepted:
        return self.accepted

    async def settle(self, *_: object) -> Settled:
        return self.settled

    async def admit(self, _waiting: object) -> tuple[()]:
        return ()

    async def confirm(self, *_: object) -> None:
        return None

    record_reply = finish = confirm


class _Silent:
    """Telemetry that nobody keeps."""

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_, **__: None


def main() -> int:
    """Print the cost with and without."""
    parser = argparse.ArgumentParser(prog="python -m bench.watching")
    parser.add_argument("--messages", type=int, default=5_000)
    parser.add_argument("--statuses", type=int, default=0, help="webhooks with a status for each message")
    chosen = parser.parse_args()
    plain, metrics, lines = (_apart(variant, chosen) for variant in ("plain", "warning", "info"))
    sys.stdout.write(
        f"metrics {metrics - plain:.0f} µs, lines {lines - metrics:.0f} µs, together {lines - plain:.0f} µs a message\n"
    )
    return 0


def _apart(variant: str, chosen: argparse.Namespace) -> float:
    """The cost of a variant, in a process of its own: a logger that was used once does not change."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_cost, variant, chosen.messages, chosen.statuses).result()


def _cost(variant: str, messages: int, statuses: int) -> float:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if variant == "plain":
        return _microseconds(lambda count: _plain(count, statuses), messages)
    with tempfile.TemporaryDirectory() as folder:
        use_shared_files(Path(folder))
        return _microseconds(_watched(variant, Path(folder), statuses), messages)


def _microseconds(run: Callable[[int], Awaitable[None]], messages: int) -> float:
    """CPU for a message, the best round."""
    taken = []
    for _ in range(ROUNDS):
        before = time.process_time()
        asyncio.run(run(messages))  # type: ignore[arg-type]
        taken.append(time.process_time() - before)
    return min(taken) / messages * 1e6


async def _plain(messages: int, statuses: int) -> None:
    ports = _Nothing()
    await _messages(messages, statuses, ports, ports, ports, ports, ports, ports, _Silent(), lambda app: app)


def _watched(level: str, folder: Path, statuses: int) -> Callable[[int], Awaitable[None]]:
    configure_logs(level, "json", process="bench")
    ports: Any = _Nothing()
    metrics, waits, figures = Metrics(), Waits(), Any
    telemetry = PrometheusTelemetry(metrics, folder, figures)  # type: ignore[arg-type]
    turns = MeasuredTurns(ports, metrics, waits, NoTracing(), Pseudonyms("key"))
    inbox, seen = MeasuredInbox(ports, metrics, NoTracing()), MeasuredFilter(ports, metrics)
    queue, model, gateway = MeasuredQueue(ports, metrics, waits), MeasuredModel(ports, metrics), None
    gateway = MeasuredGateway(ports, metrics)
    return lambda n: _messages(
        n, statuses, inbox, seen, queue, turns, model, gateway, telemetry, lambda app: with_access_log(app, telemetry)
    )


async def _messages(
    count: int, statuses: int, inbox: Any, seen: Any, queue: Any, turns: Any, model: Any, gateway: Any,
    telemetry: Any, watched: Callable[[Any], Any],
) -> None:  # fmt: skip
    """The calls of a message's way, in their order."""
    nothing = _Nothing()

    async def webhook(scope: Any, _receive: Any, send: Any) -> None:
        scope["path_template"] = "/webhooks/meta"
        await seen.known(["a name"])
        stored = await inbox.accept(["a message"])
        await queue.admit(["a conversation"])
        telemetry.delivered({"accepted": 1})
        tell(scope, accepted=1, queued=True, message_ids=[str(each.message_id) for each in stored])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def status(scope: Any, _receive: Any, send: Any) -> None:
        scope["path_template"] = "/webhooks/meta"
        await seen.known(["a name"])
        telemetry.delivered({"receipts": 1})
        tell(scope, receipts=1, queued=True, message_ids=[str(nothing.turn.questions[0].message_id)])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def sent(_message: object) -> None:
        return None

    taken, reported = watched(webhook), watched(status)
    settlement = settlement_of_send(nothing.accepted, nothing.reply_id)
    briefing, number = _Briefed(), UUID(int=1)
    for _ in range(count):
        await taken({"type": "http", "method": "POST", "headers": []}, None, sent)
        for entry in await queue.claim(number, number, 1):
            telemetry.in_flight(1)
            turn = await turns.begin(entry.conversation_id, entry.worker_id)
            await model.answer("a request")
            await turns.record_reply(turn, "a reply")
            await gateway.send(briefing, "a message")
            await turns.settle(turn, settlement)
            await queue.finish(entry)
            telemetry.in_flight(0)
        for _ in range(statuses):
            await reported({"type": "http", "method": "POST", "headers": []}, None, sent)


if __name__ == "__main__":
    sys.exit(main())

"""A Dramatiq broker whose consumer waits for a wake-up instead of asking for one again and again.

Dramatiq's own Redis broker polls: a wake-up then waits up to a second, and an idle process costs 230,000 commands
a day for each queue. Here a consumer blocks on a list. Messages are hints: what is to be done stands in Postgres,
and one that is lost is made good by the sweeper. So there is nothing to acknowledge and nothing to keep.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import dramatiq
import redis
from dramatiq.broker import Consumer, MessageProxy
from dramatiq.errors import ConnectionClosed, QueueNotFound

from adapters.coordination.connection import blocking_redis

QUEUE = "turns"
ACTOR = "take_turns"
EXTRACTION_QUEUE = "extractions"
EXTRACTION_ACTOR = "run_extractions"
WAIT_SECONDS = 5
STOPPING_SECONDS = 0.02


def wake_up_key(queue_name: str = QUEUE) -> str:
    """The list in which a queue's wake-ups lie."""
    return f"wake-ups:{queue_name}"


def wake_up(phone_number_ids: Sequence[UUID]) -> bytes:
    """The message that makes a worker look into the queues of those phone numbers."""
    arguments = ([phone_number_id.hex for phone_number_id in phone_number_ids],)
    message: dramatiq.Message[None] = dramatiq.Message(
        queue_name=QUEUE, actor_name=ACTOR, args=arguments, kwargs={}, options={}
    )
    return message.encode()


def extraction_wake_up() -> bytes:
    """The message that makes a worker look for runs of the extraction."""
    message: dramatiq.Message[None] = dramatiq.Message(
        queue_name=EXTRACTION_QUEUE, actor_name=EXTRACTION_ACTOR, args=(), kwargs={}, options={}
    )
    return message.encode()


class WakeUpBroker(dramatiq.Broker):
    """Delivers each wake-up to one worker, as soon as it is there."""

    def __init__(self, url: str, middleware: list[dramatiq.Middleware]) -> None:
        super().__init__(middleware=middleware)
        self._url = url
        # Dramatiq makes a new consumer after every lost connection and drops the old one.
        self._consumers: weakref.WeakSet[WakeUpConsumer] = weakref.WeakSet()

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 30_000) -> Consumer:  # noqa: ARG002
        """A consumer of that queue. Wake-ups are taken one at a time, so there is nothing to prefetch."""
        if queue_name not in self.queues:
            raise QueueNotFound(queue_name)  # type: ignore[no-untyped-call]
        consumer = WakeUpConsumer(self._url, queue_name)
        self._consumers.add(consumer)
        return consumer

    def declare_queue(self, queue_name: str) -> None:
        """Make a queue known, so that a worker consumes it."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues[queue_name] = None
            self.emit_after("declare_queue", queue_name)

    def enqueue(self, message: dramatiq.Message[object], *, delay: int | None = None) -> dramatiq.Message[object]:
        """Add a wake-up. What must happen later is a row with a time in Postgres, so `delay` is refused."""
        if delay is not None:
            raise ValueError("A wake-up cannot be delayed; keep the time in Postgres.")
        self.emit_before("enqueue", message, delay)
        with blocking_redis(self._url, 0) as client:
            client.rpush(wake_up_key(message.queue_name), message.encode())
        self.emit_after("enqueue", message, delay)
        return message

    def interrupt(self) -> None:
        """End all waiting at once, for a worker that stops."""
        for consumer in list(self._consumers):
            consumer.interrupt()


class WakeUpConsumer(Consumer):
    """Waits for the next wake-up on a connection of its own."""

    def __init__(self, url: str, queue_name: str) -> None:
        self._key = wake_up_key(queue_name)
        self._client = blocking_redis(url, WAIT_SECONDS)
        self._interrupted = threading.Event()

    def __next__(self) -> MessageProxy | None:
        """The next wake-up, or None when there was none for WAIT_SECONDS."""
        if self._interrupted.is_set():
            time.sleep(STOPPING_SECONDS)  # this thread is told to end in a moment; until then it must not spin
            return None
        try:
            found: Any = self._client.blpop([self._key], timeout=WAIT_SECONDS)
        except redis.RedisError as error:
            if self._interrupted.is_set():
                return None
            # Dramatiq makes a new consumer a few seconds after this.
            raise ConnectionClosed(error) from None  # type: ignore[no-untyped-call]
        return MessageProxy(dramatiq.Message.decode(found[1])) if found else None

    def ack(self, message: MessageProxy) -> None:
        """Do nothing: a hint that was heard is done with."""

    def nack(self, message: MessageProxy) -> None:
        """Do nothing: what a failed hint pointed at is found by the sweeper."""

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Put wake-ups back that a stopping worker had taken, for another one to hear."""
        for message in messages:
            self._client.rpush(self._key, message.encode())

    def interrupt(self) -> None:
        """Stop waiting: the blocked read ends now, and no other begins."""
        self._interrupted.set()
        self._client.connection_pool.disconnect()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

"""Every metric that processes count, on one screen. Labels are bounded: no names, no texts, no telephone numbers."""

from __future__ import annotations

from functools import cache
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds of what should take milliseconds."""
SLOW = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0)
"""Seconds of what waits for a model."""
AGES = (1.0, 10.0, 60.0, 300.0, 600.0, 3_600.0, 21_600.0, 86_400.0)
"""Seconds of what is kept for as long as it is used."""
SIZES = (512.0, 1_024.0, 2_048.0, 4_096.0, 8_192.0, 16_384.0, 65_536.0, 262_144.0)
"""Bytes of what is told in words."""
OTHER = "other"

Labelled = TypeVar("Labelled", Counter, Histogram)


class Metrics:
    """The metrics, made once for each process."""

    def __init__(self) -> None:
        registry = CollectorRegistry()

        def counter(name: str, told: str, *labels: str) -> Counter:
            return _quick(Counter(name, told, labels, namespace="frontdesk", registry=registry))

        def histogram(name: str, told: str, *labels: str, buckets: tuple[float, ...] = FAST) -> Histogram:
            return _quick(Histogram(name, told, labels, namespace="frontdesk", registry=registry, buckets=buckets))

        def gauge(name: str, told: str, *labels: str, over: str = "livesum") -> Gauge:
            return Gauge(name, told, labels, namespace="frontdesk", registry=registry, multiprocess_mode=over)  # type: ignore[arg-type]

        self.requests = counter("requests", "Requests answered, by route template.", "door", "route", "status")
        self.request_seconds = histogram("request_seconds", "How long requests took.", "door", "route")
        self.delivered = counter("delivered_elements", "What platforms delivered, by what it came to.", "element")
        self.duplicates = counter("duplicates_refused", "Deliveries known already, by who knew them.", "known_by")

        self.queue_wait = histogram("queue_wait_seconds", "From the queue to a worker.", buckets=SLOW)
        self.lock_wait = histogram("lock_wait_seconds", "Waits for a conversation's lock.")
        self.queue_errors = counter("queue_errors", "Calls that the queue did not answer.", "call")
        self.in_flight = gauge("turns_in_flight", "Conversations in the hands of workers.")
        self.turns = counter("turns", "Turns that ended, by status and reason.", "status", "reason")
        self.turn_seconds = histogram("turn_seconds", "From a turn's begin to its end.", "status", buckets=SLOW)
        self.end_to_end = histogram("end_to_end_seconds", "From the queue to the reply's acceptance.", buckets=SLOW)
        self.recovered = counter("leases_recovered", "Turns taken over from a worker that is gone.")
        self.lost = counter("turns_lost", "Turns that another worker had taken over meanwhile.")
        self.parked = counter("turns_parked", "Turns handed back because a phone number sends nothing now.")
        self.crashed = counter("turns_crashed", "Turns that ended in a bug.")
        self.interrupted = counter("turns_interrupted", "Turns that an outage of a store interrupted.")

        self.model_seconds = histogram("model_seconds", "Calls to the model.", "call", buckets=SLOW)
        self.model_calls = counter("model_calls", "Calls to the model, by outcome.", "call", "outcome")
        self.tokens = counter("model_tokens", "Tokens that the provider counted.", "model", "direction")
        self.send_seconds = histogram("send_seconds", "Sends to a platform.", "channel")
        self.sends = counter("sends", "Sends to a platform, by outcome.", "channel", "outcome")
        self.provider_errors = counter("provider_errors", "What went wrong at a provider.", "provider", "class")
        self.cache_reads = counter("cache_reads", "Look-ups in a cache.", "cache", "result")
        self.cache_age = histogram("cache_age_seconds", "How long ago it was read.", "cache", buckets=AGES)
        self.cache_entry_bytes = histogram("cache_entry_bytes", "What is put into a cache.", "cache", buckets=SIZES)

        self.requeued = counter("requeued", "Conversations that the sweeper queued again.")
        self.claimed = counter("late_claims", "Messages whose phone number was registered later.")
        self.heartbeats = counter("heartbeats", "Heartbeats of workers.", "result")
        self.heartbeat_at = gauge("heartbeat_timestamp_seconds", "The last good heartbeat.", over="livemax")

        self.processes = gauge("processes", "Processes that live.", "role")
        self.seen_at = gauge("process_seen_timestamp_seconds", "When an event loop last ran.", "role", over="liveall")
        self.loop_lag = gauge("event_loop_lag_seconds", "How late event loops run.", "role", over="livemax")
        self.resident = gauge("process_resident_bytes", "Memory of living processes.", "role")
        self.cpu = counter("process_cpu_seconds", "CPU that processes have used.", "role")
        self.pool = gauge("pool_connections", "Connections in pools.", "pool", "state")
        self.pool_waiting = gauge("pool_waiting", "Calls that wait for a connection.", "pool")


def _quick(metric: Labelled) -> Labelled:
    """The metric, whose series are found without a lock: labels are few, and asked for with each message."""
    metric.labels = cache(metric.labels)  # type: ignore[method-assign]
    return metric

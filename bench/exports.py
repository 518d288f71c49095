"""The sixth question: how fast a million runs are exported, and how much memory the process that streams them takes."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg

from bench.house import House
from bench.meters import EVERY_ROW, Meters

CONVERSATIONS = 1_000
SAMPLE_SECONDS = 0.05
CHUNK = 256 * 1024
SECONDS_MAX = 600.0
SEED = """
with number as (
    select n.id, n.user_id, a.id as agent_id from phone_numbers n join agents a on a.phone_number_id = n.id
    where n.user_id = %(user)s and n.type = 'whatsapp' limit 1
), customer as (
    insert into customers (id, user_id, type, address)
    select gen_random_uuid(), user_id, 'whatsapp', 'bench-exports-' || i
    from number, generate_series(1, %(conversations)s) i returning id
), conversation as (
    insert into conversations (id, user_id, phone_number_id, agent_id, customer_id, last_sequence_number, news_at)
    select gen_random_uuid(), number.user_id, number.id, number.agent_id, customer.id, 8, null
    from number, customer returning id, user_id, agent_id
)
insert into extractions (id, user_id, conversation_id, agent_id, origin, through_sequence_number, status, attempt,
    due_at, data, evidence, dropped, form_digest, prompt_version, model, input_tokens, output_tokens, created_at,
    ended_at)
select gen_random_uuid(), user_id, id, agent_id, 'request', 8, 'completed', 1, null,
    jsonb_build_object('name', 'Ana Pérez', 'email', 'ana' || i || '@example.com', 'telephone', '+34612345678',
        'need', '=HYPERLINK("https://example.com") and a cake by tomorrow', 'urgency', 'high', 'language', 'es',
        'budget', jsonb_build_object('amount', i, 'currency', 'EUR'), 'summary', repeat('Ana wants a cake. ', 5)),
    '{"name": [1], "email": [1], "telephone": [3], "need": [5], "urgency": [5], "language": [1], "budget": [7]}',
    '{"company": "no customer''s message that was shown proves it"}', 'bench', 1, 'gpt-5-mini', 900, 120,
    now() - i * interval '1 second', now() - i * interval '1 second'
from conversation, generate_series(1, %(each)s) i
"""


@dataclass(frozen=True, slots=True)
class Export:
    """One export, from the request to the last byte. Memory is how much the REST process grew above idleness."""

    format: str
    rows: int
    mib: float
    first_byte_seconds: float
    seconds: float
    grown_mib: float
    cpu_seconds: dict[str, float]


def export_all(house: House, meters: Meters, count: int) -> Iterator[Export]:
    """Fill in so many runs of the demo user, and export them in both formats, one after the other."""
    with psycopg.connect(house.ready["database_url"], autocommit=True, options=EVERY_ROW) as postgres:
        each = count // CONVERSATIONS
        postgres.execute(SEED, {"user": house.ready["demo_user_id"], "conversations": CONVERSATIONS, "each": each})
        postgres.execute("analyze extractions")
        postgres.execute("select count(data) from extractions")  # whoever reads a new row first notes that it stays
    for format_ in ("csv", "jsonl"):
        yield _export(house, meters, format_)


def _export(house: House, meters: Meters, format_: str) -> Export:
    before, began = meters.read(), time.monotonic()
    servers = meters.processes("REST")
    with _highest(lambda: sum(process.memory_info().rss for process in servers) / 2**20) as grown:
        lines, size, first_byte = _streamed(house, format_)
    seconds = time.monotonic() - began
    cpu_seconds = meters.read().since(before).cpu_seconds
    return Export(format_, lines - (format_ == "csv"), size / 2**20, first_byte, seconds, grown[0], dict(cpu_seconds))


def _streamed(house: House, format_: str) -> tuple[int, int, float]:
    """Lines, bytes, and seconds to the first byte of the body."""
    address = urlsplit(house.ready["rest_url"])
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=SECONDS_MAX)
    path = f"{address.path}/users/{house.ready['demo_user_id']}/extractions/export?format={format_}"
    began = time.monotonic()
    connection.request("GET", path, headers={"Authorization": f"Bearer {house.ready['demo_api_key']}"})
    answer = connection.getresponse()
    if answer.status != http.client.OK:
        raise RuntimeError(f"The export was refused with {answer.status}.")
    chunk = answer.read(1)
    first_byte, lines, size = time.monotonic() - began, 0, 0
    while chunk:
        lines, size = lines + chunk.count(b"\n"), size + len(chunk)
        chunk = answer.read(CHUNK)
    connection.close()
    return lines, size, first_byte


@contextmanager
def _highest(measure: Callable[[], float]) -> Iterator[list[float]]:
    """By how much a figure grew at most meanwhile, there at the end."""
    grown, over, idle = [0.0], threading.Event(), measure()

    def watch() -> None:
        while not over.wait(SAMPLE_SECONDS):
            grown[0] = max(grown[0], measure() - idle)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield grown
    finally:
        over.set()
        watcher.join()

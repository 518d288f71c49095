"""The fifth question: how many quiet conversations are read each second, by a model that takes no time."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import psycopg

from bench.meters import EVERY_ROW

SECONDS_MAX = 300.0
LOOK_AGAIN_SECONDS = 0.1
MESSAGES = 8
# All of it was written an hour ago, so that the next look of the scheduler finds it due.
SEED = """
with number as (
    select n.id, n.user_id, a.id as agent_id from phone_numbers n join agents a on a.phone_number_id = n.id
    where n.user_id = %(user)s and n.type = 'whatsapp' limit 1
), customer as (
    insert into customers (id, user_id, type, address)
    select gen_random_uuid(), user_id, 'whatsapp', 'bench-leads-' || i from number, generate_series(1, %(count)s) i
    returning id
), conversation as (
    insert into conversations (id, user_id, phone_number_id, agent_id, customer_id, last_sequence_number, news_at,
        last_activity_at)
    select gen_random_uuid(), number.user_id, number.id, number.agent_id, customer.id, %(messages)s,
        now() - interval '1 hour', now() - interval '1 hour'
    from number, customer returning id, user_id, phone_number_id
)
insert into messages (id, user_id, conversation_id, phone_number_id, sequence_number, direction, author, type, text,
    status)
select gen_random_uuid(), user_id, id, phone_number_id, i, case i %% 2 when 1 then 'inbound' else 'outbound' end,
    case i %% 2 when 1 then 'customer' else 'agent' end, 'text',
    'My name is Ana, ana' || i || '@example.com, +34 612 345 678. I need a cake by tomorrow, budget 150 euros',
    case i %% 2 when 1 then 'answered' else 'sent' end
from conversation, generate_series(1, %(messages)s) i
"""
PROGRESS = """
select count(*) filter (where status = 'completed'), count(*) filter (where status = 'failed'),
    extract(epoch from max(ended_at) - min(created_at))::float8
from extractions
"""


@dataclass(frozen=True, slots=True)
class Leads:
    """Conversations that all became due at once, from the first run that was opened to the last that ended."""

    read: int
    failed: int
    seconds: float
    cpu_ms: dict[str, float]

    @property
    def per_second(self) -> float:
        """The figure."""
        return self.read / self.seconds


async def read_all(database_url: str, user_id: str, count: int) -> tuple[int, int, float]:
    """Make that many conversations due, wait until all are read: how many were, how many failed, in which time."""
    with psycopg.connect(database_url, autocommit=True, options=EVERY_ROW) as postgres:
        postgres.execute(SEED, {"user": user_id, "count": count, "messages": MESSAGES})
        deadline = time.monotonic() + SECONDS_MAX
        while True:
            ((read, failed, seconds),) = postgres.execute(PROGRESS).fetchall()
            if read + failed >= count or time.monotonic() > deadline:
                return read, failed, seconds
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

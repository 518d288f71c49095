"""Telling Redis of workers that are known to be dead, for whoever supervises them."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import redis

from adapters.coordination.connection import blocking_redis
from adapters.coordination.turn_queue import WORKERS_KEY


def forget_workers(url: str, worker_ids: Collection[UUID]) -> bool:
    """Let what those workers held count as left behind. False when Redis is out of reach: then leases run out."""
    if not worker_ids:
        return True
    try:
        with blocking_redis(url, 0) as client:
            client.hdel(WORKERS_KEY, *(worker_id.hex for worker_id in worker_ids))
    except redis.RedisError:
        return False
    return True

"""Why Postgres let nobody in, in one line."""

from __future__ import annotations

import psycopg


def last_reason(error: psycopg.Error) -> str:
    """The last thing that libpq says went wrong; its advice stands below that, indented."""
    lines = [line for line in str(error).splitlines() if line and not line.startswith(("\t", " "))]
    return (lines or [type(error).__name__])[-1]

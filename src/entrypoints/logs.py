"""Logs to standard output: JSON for machines, colours for people. No message texts, tokens or telephone numbers.

Our own lines go their own short way: they are part of every message's cost. Those of libraries go by the standard
library's. Of an exception only what cannot quote anybody is told.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
from types import TracebackType
from typing import Any

import msgspec
import structlog

NOISY = (
    "httpx", "httpx2", "aiohttp", "openai", "dramatiq", "_granian", "granian.access", "psycopg.pool", "asyncio",
    "opentelemetry", "urllib3",
)  # fmt: skip
"""Libraries that write URLs or chatter at info; their warnings stay."""
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|\d{5,}|\S+@\S+|\bEAA\w+|(?i:bearer)\s+\S+")
"""What an exception's message may quote of somebody: values in quotes, telephone numbers, addresses, tokens."""
FRAMES_MAX = 30

Excepted = tuple[type[BaseException], BaseException, TracebackType | None]


def configure_logs(level: str, log_format: str, **always: str) -> None:
    """Send structlog and the standard library's loggers to standard output; `always` is part of every line."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _always(always),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_told_exception,
    ]
    last: structlog.typing.Processor = _as_json if log_format == "json" else _for_people()
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last, _as_text],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, last],
        logger_factory=_Lines,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )


def told(excepted: Excepted) -> str:
    """An exception without what it might quote: where it came from, its kind, the first line of what it says."""
    kind, error, trace = excepted
    frames = traceback.extract_tb(trace)[-FRAMES_MAX:]
    where = "".join(f"  {frame.filename}:{frame.lineno} {frame.name}\n" for frame in frames)
    said = QUOTED.sub("…", str(error).partition("\n")[0])
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = "" if cause is None else told((type(cause), cause, cause.__traceback__)) + "\n"
    return f"{before}{where}{kind.__module__}.{kind.__qualname__}: {said}"


class _Lines:
    """Writes lines to standard output. That nobody reads them must not harm who writes."""

    def __init__(self, *_: object) -> None:
        self._descriptor = sys.stdout.fileno()

    def msg(self, line: bytes) -> None:
        """Write one line, in one go."""
        try:
            os.write(self._descriptor, line + b"\n")
        except OSError:
            return

    debug = info = warning = error = critical = exception = log = msg


def _always(facts: dict[str, str]) -> structlog.typing.Processor:
    """On all threads: what is bound to a context is not known beside it."""

    def with_facts(_logger: object, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return {**event, **facts}

    return with_facts


def _with_told_exception(_logger: object, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    excepted: Any = event.pop("exc_info", None)
    if not excepted:
        return event
    if isinstance(excepted, BaseException):
        excepted = (type(excepted), excepted, excepted.__traceback__)
    elif not isinstance(excepted, tuple):
        excepted = sys.exc_info()
    if excepted[1] is not None:
        event["exception"] = told(excepted)
    return event


def _as_json(_logger: object, _name: str, event: structlog.typing.EventDict) -> bytes:
    return msgspec.json.encode(event, enc_hook=str)


def _for_people() -> structlog.typing.Processor:
    render = structlog.dev.ConsoleRenderer()

    def rendered(logger: object, name: str, event: structlog.typing.EventDict) -> bytes:
        return render(logger, name, event).encode()

    return rendered


def _as_text(_logger: object, _name: str, line: Any) -> str:  # noqa: ANN401 - what the last processor made
    return str(line, "utf-8")

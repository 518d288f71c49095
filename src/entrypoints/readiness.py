"""Between a process and whoever supervises it: its name, the word that it answers, what it tells."""

from __future__ import annotations

import os
from contextlib import suppress
from uuid import UUID, uuid4

READY_FD = "FRONTDESK_READY_FD"
"""Environment variable with the number of a pipe that the supervisor reads. Absent when nobody waits."""
TOLD_FD = "FRONTDESK_TOLD_FD"
"""Environment variable with the number of a pipe that the supervisor goes on reading. Absent when nobody listens."""
PROCESS_ID = "FRONTDESK_PROCESS_ID"
"""Environment variable with the id under which the supervisor knows this process. Absent when nobody supervises."""
PULSE_SECONDS = 1.0
"""How often a supervised worker tells that its event loop goes round."""


def process_id() -> UUID:
    """The id of this process: the supervisor's, or one of its own."""
    given = os.environ.get(PROCESS_ID)
    return UUID(given) if given else uuid4()


def announce_ready() -> None:
    """Say that this process answers. Closing the pipe without a word means that it ended before."""
    descriptor = os.environ.pop(READY_FD, None)
    if descriptor is not None:
        os.write(int(descriptor), b"ready")
        os.close(int(descriptor))


def tell(line: str) -> None:
    """Tell the supervisor that this process is alive, and what it has to say. Nobody waits for whoever listens."""
    descriptor = os.environ.get(TOLD_FD)
    if descriptor is not None:
        with suppress(BlockingIOError, BrokenPipeError):  # one that is stuck has not read for a day; one that is gone …
            os.write(int(descriptor), f"{line}\n".encode())

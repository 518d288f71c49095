"""Between a process and whoever supervises it: its name, and the word that it answers now."""

from __future__ import annotations

import os
from uuid import UUID, uuid4

READY_FD = "FRONTDESK_READY_FD"
"""Environment variable with the number of a pipe that the supervisor reads. Absent when nobody waits."""
PROCESS_ID = "FRONTDESK_PROCESS_ID"
"""Environment variable with the id under which the supervisor knows this process. Absent when nobody supervises."""


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

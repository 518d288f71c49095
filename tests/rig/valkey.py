"""One Valkey for each worker: flushing it disturbs nobody else."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.local.home import Home
from adapters.local.valkey import LocalValkey


@contextmanager
def running_valkey() -> Iterator[str]:
    """The URL of a Valkey that is gone, with its data, at the end."""
    with tempfile.TemporaryDirectory(prefix="frontdesk-tests-") as folder:
        Path(folder).chmod(0o711)  # as root the server runs as another user, who must get in
        server = LocalValkey(Home(Path(folder)))
        try:
            yield server.start()
        finally:
            server.stop()

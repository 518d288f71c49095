"""A line between somebody and a server that can be cut at any moment."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class CuttingProxy:
    """Passes bytes on, both ways, until the line is cut; while it `is_down` nobody gets through."""

    def __init__(self, host: str, port: int, near: str = "127.0.0.1") -> None:
        self._target = (host, port)
        self._listener = socket.create_server((near, 0))
        self._lines: list[socket.socket] = []
        self.is_down = False
        self.taken = 0
        self.port = self._listener.getsockname()[1]
        self.url = f"http://{near}:{self.port}"

    @contextmanager
    def serving(self) -> Iterator["CuttingProxy"]:
        threading.Thread(target=self._accept, daemon=True).start()
        try:
            yield self
        finally:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self.cut()

    def cut(self) -> None:
        """End every connection that is open, as a lost network does."""
        lines, self._lines = self._lines, []
        for line in lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self.is_down:
                    near.close()
                    continue
                self.taken += 1
                far = socket.create_connection(self._target)
                self._lines += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65_536):
            other.sendall(data)
    for end in (one, other):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)

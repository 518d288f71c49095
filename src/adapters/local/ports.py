"""Ports for servers that start in a moment."""

import errno
import secrets
import socket

NOT_HANDED_OUT = range(20_000, 30_000)
"""Below those that systems give to connections and to whoever asks for any (32768 on Linux, 49152 elsewhere, and up).
One of those may be somebody else's before our server, which takes a second to start, has it."""


def free_port(host: str = "127.0.0.1") -> int:
    """A port of `host` that nobody listens on. Raises OSError when there is no such host."""
    while True:  # hardly any are taken
        port = secrets.choice(NOT_HANDED_OUT)
        try:
            with socket.create_server((host, port)):
                return port
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise

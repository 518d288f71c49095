"""Ports for servers that start in a moment."""

import errno
import itertools
import os
import socket

FIRST, COUNT = 20_000, 12_000
"""Below those that systems give to connections and to whoever asks for any (32768 on Linux, 49152 elsewhere, and up).
One of those may be somebody else's before our server, which takes a second to start, has it."""
APART = 8
"""Every process counts up from a place of its own, so far from its neighbour's: two houses that start at the same time
do not choose the same ports, which nobody could see yet."""

_counted = itertools.count()


def free_port(host: str = "127.0.0.1") -> int:
    """A port of `host` that nobody listens on, and another each time. Raises OSError when there is no such host."""
    while True:  # hardly any are taken
        port = FIRST + (os.getpid() * APART + next(_counted)) % COUNT
        try:
            with socket.create_server((host, port)):
                return port
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise

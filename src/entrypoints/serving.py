"""What the two network doors share: taking an address, and knowing when to stop."""

from __future__ import annotations

import asyncio
import signal
import socket

GRACE_SECONDS = 25.0
"""How long a stop waits for requests in flight: less than what orchestrators wait before they kill (30 s)."""


class CannotListen(OSError):
    """An address cannot be listened on. The message is one line that names it."""


def must_be_free(door: str, host: str, port: int) -> None:
    """Raise CannotListen when somebody has the address.

    Asked before the server starts, because a server that shares its port with SO_REUSEPORT would start all the
    same and take half of another's requests.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise CannotListen(f"{door} cannot listen on {host}:{port}: {reason}.") from None


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop

"""Serving a simulator: one process, one event loop, an orderly end.

aiohttp's low-level server, without its framework: it lets a handler cut the very connection it is answering,
which is half of what a simulator is for, it tells which port it got, and it refuses a port that is in use.
(Granian was measured too: 50 instead of 35 microseconds a call, no way to cut a connection, and a second
process on the same port shares it without a word.)
"""

import asyncio
import errno
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import uvloop
from aiohttp.web import BaseRequest, Server

from entrypoints.readiness import announce_ready
from entrypoints.simulators.application import Simulator
from entrypoints.simulators.options import SimulatorOptions

_GOODBYE_SECONDS = 0.2
_BACKLOG = 1024
# Meta takes documents of up to 100 MB.
_BODY_BYTES_MAX = 128 * 1024 * 1024


def run(create: Callable[[], Simulator], options: SimulatorOptions) -> int:
    """Serve until SIGTERM or SIGINT; the exit code: 0 after a clean end, 1 if the port is in use."""
    try:
        uvloop.run(_serve(create, options))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        sys.stderr.write(f"Port {options.port} on {options.host} is already in use.\n")
        return 1
    return 0


async def _serve(create: Callable[[], Simulator], options: SimulatorOptions) -> None:
    stopped = _stop_signal()
    with closing(create()) as simulator:
        await _listen(simulator, options, stopped)


async def _listen(simulator: Simulator, options: SimulatorOptions, stopped: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    request_class = partial(BaseRequest, loop=loop, client_max_size=_BODY_BYTES_MAX)
    server = Server(simulator, request_factory=request_class, access_log=None)
    with _listener(options.host, options.port) as listener:
        async with simulator.running:
            loop.add_reader(listener, _accept, listener, server, set())
            port = listener.getsockname()[1]
            _announce(simulator, f"http://{options.host}:{port}{simulator.base_path}", options.ready_file)
            await stopped.wait()
            loop.remove_reader(listener)
            listener.close()
            await server.shutdown(_GOODBYE_SECONDS)


def _listener(host: str, port: int) -> socket.socket:
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    listener.setblocking(False)
    return listener


def _accept(listener: socket.socket, server: Server, incoming: set[asyncio.Task[Any]]) -> None:
    """Let all in who wait. uvloop lets in one in each round: beside hundreds who talk the next waited for a minute."""
    loop = asyncio.get_running_loop()
    with suppress(BlockingIOError):
        while True:
            connection, _ = listener.accept()
            connection.setblocking(False)
            task = loop.create_task(loop.connect_accepted_socket(server, connection))
            incoming.add(task)
            task.add_done_callback(incoming.discard)


def _stop_signal() -> asyncio.Event:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped


def _announce(simulator: Simulator, url: str, ready_file: Path | None) -> None:
    if ready_file:
        # Written beside and moved into place: whoever waits for the file never reads half of it.
        draft = ready_file.with_name(f"{ready_file.name}.{os.getpid()}")
        draft.write_text(json.dumps({"url": url, "pid": os.getpid()}))
        draft.replace(ready_file)
    sys.stdout.write(f"{simulator.name} simulator ready at {url}\n")
    sys.stdout.flush()
    announce_ready()

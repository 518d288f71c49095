"""Callers who are slow on purpose, seen from outside the process they keep waiting."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from urllib.parse import urlsplit

SLOW_CALLERS = 200
HEADERS = b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-"
"""A header that never ends."""


def called(house) -> socket.socket:
    address = urlsplit(house.ready["rest_url"])
    return socket.create_connection((address.hostname, address.port), timeout=30)


def seconds_until_closed(connection: socket.socket) -> tuple[float, bytes]:
    began, answer = time.monotonic(), b""
    try:
        while part := connection.recv(65_536):
            answer += part
    except ConnectionError:
        pass
    return time.monotonic() - began, answer


def test_who_never_ends_their_headers_is_hung_up_on(house):
    with called(house) as connection:
        connection.sendall(HEADERS)
        seconds, answer = seconds_until_closed(connection)
    assert 1 < seconds < 5
    assert b" 200 " not in answer


def test_who_never_ends_their_body_is_told_so_and_hung_up_on(house):
    key = house.ready["admin_api_key"]
    head = f"POST /users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    with called(house) as connection:
        connection.sendall(head.encode() + b'Content-Length: 100\r\n\r\n{"name": "')
        seconds, answer = seconds_until_closed(connection)
    assert 8 < seconds < 14
    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"request_timeout"' in answer


def test_two_hundred_slow_callers_keep_nobody_else_waiting(house):
    with ExitStack() as stack:
        for _ in range(SLOW_CALLERS):
            stack.enter_context(called(house)).sendall(HEADERS)
        taken = []
        for _ in range(20):
            began = time.monotonic()
            assert house.rest("GET", "/health/live").status == 200
            taken.append(time.monotonic() - began)
    assert sorted(taken)[-2] < 0.5

import errno
import itertools
import os
import socket
import subprocess
import sys

import pytest

from adapters.local import ports
from adapters.local.ports import APART, COUNT, FIRST, free_port

CHOOSE = "from adapters.local.ports import free_port; print(*[free_port() for _ in range(6)])"


def test_a_port_that_somebody_listens_on_is_passed_over(monkeypatch):
    monkeypatch.setattr(ports, "_counted", itertools.count())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(ports, "FIRST", port - os.getpid() * APART % COUNT)

        assert free_port() != port


def test_a_port_is_none_that_a_connection_could_take_in_the_meantime():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as connection:
        assert connection.getsockname()[1] not in range(FIRST, FIRST + COUNT)
        assert free_port() in range(FIRST, FIRST + COUNT)


def test_processes_that_choose_at_the_same_time_choose_different_ports():
    choosing = [subprocess.Popen([sys.executable, "-c", CHOOSE], stdout=subprocess.PIPE, text=True) for _ in range(8)]

    chosen = [port for process in choosing for port in process.communicate()[0].split()]

    assert len(set(chosen)) == len(chosen) == 8 * 6


def test_an_address_that_is_not_ours_is_refused_at_once():
    with pytest.raises(OSError, match=r"192\.0\.2\.1|assign") as refused:
        free_port("192.0.2.1")

    assert refused.value.errno == errno.EADDRNOTAVAIL

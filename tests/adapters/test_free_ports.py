import errno
import secrets
import socket

import pytest

from adapters.local.ports import NOT_HANDED_OUT, free_port


def test_a_port_that_somebody_listens_on_is_passed_over(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        tried = iter([taken.getsockname()[1], 0])
        monkeypatch.setattr(secrets, "choice", lambda _: next(tried))

        assert free_port() == 0


def test_a_port_is_none_that_a_connection_could_take_in_the_meantime():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as connection:
        assert connection.getsockname()[1] not in NOT_HANDED_OUT
        assert free_port() in NOT_HANDED_OUT


def test_an_address_that_is_not_ours_is_refused_at_once():
    with pytest.raises(OSError, match=r"192\.0\.2\.1|assign") as refused:
        free_port("192.0.2.1")

    assert refused.value.errno == errno.EADDRNOTAVAIL

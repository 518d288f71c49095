"""The compose file's health checks, asked of a house that is well and of a door where nobody is."""

import socket
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from tests.deploy.manifests import compose, image_environment

PORTS = {"rest": "REST_PORT", "grpc": "GRPC_PORT"}


def _asked(service: str, port: int) -> int:
    *_, program = compose()["services"][service]["healthcheck"]["test"]
    before = image_environment()[PORTS[service]]
    assert f"127.0.0.1:{before}" in program
    changed = program.replace(f":{before}", f":{port}")
    return subprocess.run([sys.executable, "-c", changed], capture_output=True, check=False).returncode


@pytest.mark.parametrize("service", PORTS)
def test_a_health_check_tells_a_house_that_is_well_from_none(house, service):
    port = urlsplit(house.ready["rest_url"]).port if service == "rest" else _grpc_port(house)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # and never listens

        assert _asked(service, port) == 0
        assert _asked(service, deaf.getsockname()[1]) != 0


def _grpc_port(house) -> int:
    return int(house.ready["grpc_target"].rpartition(":")[2])

"""Machines that are network namespaces: each is joined to ours by one line, which can be cut and mended."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests.rig.cutting_proxy import CuttingProxy


class Machine:
    """A network and a host name of its own. What it reaches of ours, it reaches at `ours`, through proxies."""

    def __init__(self, name: str, subnet: str, number: int) -> None:
        self.name = name
        self._line, self.ours, self._its = f"{name}-o", f"{subnet}.{4 * number + 1}", f"{subnet}.{4 * number + 2}"

    def start(self) -> None:
        _ip("netns", "add", self.name)
        _ip("link", "add", self._line, "type", "veth", "peer", "name", "line", "netns", self.name)
        _ip("addr", "add", f"{self.ours}/30", "dev", self._line)
        _ip("link", "set", self._line, "up")
        _ip("-n", self.name, "addr", "add", f"{self._its}/30", "dev", "line")
        for device in ("line", "lo"):
            _ip("-n", self.name, "link", "set", device, "up")

    def stop(self) -> None:
        """Take it away with its line."""
        subprocess.run(["ip", "netns", "del", self.name], check=False)

    def cut(self) -> None:
        """No packet gets through from now on, and nobody is told."""
        _ip("-n", self.name, "link", "set", "line", "down")

    def mend(self) -> None:
        _ip("-n", self.name, "link", "set", "line", "up")

    def command(self, words: list[str]) -> list[str]:
        """The command line that runs `words` there."""
        as_itself = ["unshare", "--uts", "sh", "-c", f'hostname {self.name} && exec "$@"', "sh"]
        return ["ip", "netns", "exec", self.name, *as_itself, *words]

    @contextmanager
    def reaching(self, **urls: str) -> Iterator[dict[str, str]]:
        """The same URLs, as they are reached from there."""
        with ExitStack() as stack:
            yield {name: self._reached(url, stack) for name, url in urls.items()}

    def _reached(self, url: str, stack: ExitStack) -> str:
        parts = urlsplit(url)
        proxy = stack.enter_context(CuttingProxy(parts.hostname or "", parts.port or 0, self.ours).serving())
        login, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{login}{at}{self.ours}:{proxy.port}"))


@contextmanager
def machines(count: int) -> Iterator[list[Machine]]:
    """So many, gone in the end. Skips the test where they are not allowed."""
    _skip_unless_allowed()
    subnet = f"10.{200 + secrets.randbelow(50)}.{secrets.randbelow(250)}"
    found = [Machine(f"fd{os.getpid()}-{number}", subnet, number) for number in range(count)]
    with ExitStack() as stack:
        for machine in found:
            stack.callback(machine.stop)
            machine.start()
        yield found


def _skip_unless_allowed() -> None:
    missing = [tool for tool in ("ip", "unshare") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"machines need {' and '.join(missing)} (Debian: iproute2, util-linux)")
    name = f"fd{os.getpid()}-try"
    tried = subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True, text=True)
    subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
    if tried.returncode:
        pytest.skip(f"this account may not make network namespaces: {tried.stderr.strip()}")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)

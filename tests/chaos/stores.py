"""Postgres and Valkey of our own, to be killed and started again where they were."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
from redis import Redis
from redis.exceptions import RedisError

from adapters.local import child
from adapters.local.home import Home
from adapters.local.postgres import LocalPostgres
from adapters.local.roles import bootstrap
from adapters.local.valkey import LocalValkey
from tests.rig.waiting import until


class Server:
    """A server under supervision: killed without warning, started again on its port."""

    def __init__(self, home: Home, local: LocalPostgres | LocalValkey, answers: Callable[[], bool]) -> None:
        self._home = home
        self._process: subprocess.Popen[bytes] = local._child
        self._command = psutil.Process(self._process.pid).cmdline()
        self._answers = answers

    def kill(self) -> None:
        family = [*psutil.Process(self._process.pid).children(recursive=True), self._process]
        for each in reversed(family):
            each.kill()
        self._process.wait()
        psutil.wait_procs(family[:-1], timeout=10)

    def start(self) -> None:
        """Start it, again if need be: what was killed may not have let go of everything yet."""
        log = self._home.log("again")
        deadline = time.monotonic() + 60
        while True:
            self._process = child.start(self._command, self._home.account, log, signal.SIGINT)
            until(lambda: self._answers() or self._process.poll() is not None, 60)
            if self._process.poll() is None:
                return
            assert time.monotonic() < deadline, child.last_words(log)

    def stop(self) -> None:
        if self._process.poll() is None:
            child.stop(self._process, signal.SIGINT)


class Stores:
    """Both servers, and where a house finds them."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        postgres, valkey = LocalPostgres(self.home), LocalValkey(self.home)
        superuser = postgres.start()
        self.database_url, self.database_url_direct = bootstrap(superuser, self.home.passwords())
        self.redis_url = valkey.start()
        self.postgres = Server(self.home, postgres, lambda: _postgres_answers(superuser))
        self.valkey = Server(self.home, valkey, lambda: _valkey_answers(self.redis_url))

    @property
    def settings(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self.database_url,
            "DATABASE_URL_DIRECT": self.database_url_direct,
            "REDIS_URL": self.redis_url,
        }

    def snapshot(self) -> Path:
        """A copy of what Valkey has on its disk now."""
        copy = self.home.path / "snapshot"
        subprocess.run(["rm", "-rf", copy], check=True)
        subprocess.run(["cp", "-a", self._valkey_folder, copy], check=True)
        return copy

    def roll_valkey_back(self, snapshot: Path) -> None:
        """Kill Valkey and start it with an old snapshot in the place of its data."""
        self.valkey.kill()
        subprocess.run(["rm", "-rf", self._valkey_folder], check=True)
        subprocess.run(["cp", "-a", snapshot, self._valkey_folder], check=True)
        self.valkey.start()

    @property
    def _valkey_folder(self) -> Path:
        return self.home.data() / "valkey"


@contextmanager
def running_stores(folder: Path) -> Iterator[Stores]:
    """Both, gone in the end."""
    stores = Stores(folder)
    try:
        yield stores
    finally:
        stores.valkey.stop()
        stores.postgres.stop()


def _postgres_answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.Error:
        return False
    return True


def _valkey_answers(url: str) -> bool:
    try:
        with Redis.from_url(url, socket_timeout=2) as client:
            return bool(client.ping())
    except RedisError:
        return False

"""A Valkey of our own: loopback only, behind a password, every acknowledged write on disk."""

import json
import os
import signal

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from adapters.local import child, processes
from adapters.local.binaries import find_valkey
from adapters.local.errors import LocalStoreError
from adapters.local.home import Home, write_private
from adapters.local.processes import Running

_ANSWER_SECONDS = 2.0


class LocalValkey:
    """The Valkey of one home. `start` attaches to a live one, which `stop` leaves to whoever started it."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._folder = home.data() / "valkey"
        self._configuration = self._folder / "valkey.conf"
        self._record = home.path / "valkey.json"
        self._password = home.passwords()["valkey"]
        self._child: child.Child | None = None

    def start(self) -> str:
        """Start or attach; the URL. Raises `LocalStoreError`."""
        port = self._attach() or self._launch()
        return f"redis://:{self._password}@127.0.0.1:{port}/0"

    def stop(self) -> None:
        """Stop the server if we started it."""
        if self._child:
            child.stop(self._child, signal.SIGTERM)
            self._record.unlink(missing_ok=True)

    def _attach(self) -> int | None:
        running = processes.recorded(self._record)
        if running is None or not processes.serves(running.pid, self._configuration):
            return None
        if running.orphaned:
            processes.end(running.pid, signal.SIGTERM)
            return None
        if not self._is(running.pid, running.port):
            raise LocalStoreError(
                f"process {running.pid} serves {self._folder} but is silent on port {running.port}: stop it"
            )
        return running.port

    def _launch(self) -> int:
        account, log = self._home.account, self._home.log("valkey")
        program = find_valkey(account).within_reach(account, self._home.data())
        self._make_folder()

        def launch(port: int) -> child.Child:
            write_private(self._configuration, self._settings(port), account)
            return child.start([str(program), str(self._configuration)], account, log, signal.SIGTERM)

        self._child, port = child.start_on_free_port(launch, lambda each, port: self._is(each.pid, port), log)
        Running(self._child.pid, port, os.getpid()).record(self._record)
        return port

    def _make_folder(self) -> None:
        if not self._folder.exists():
            self._folder.mkdir(mode=0o700)
            os.chown(self._folder, self._home.account.uid, self._home.account.gid)

    def _settings(self, port: int) -> str:
        # In a file and not on the command line, which every user of the machine can read. The title of the
        # process stays its command line: by it the next launcher knows whose server it is.
        settings = {
            "bind": "127.0.0.1",
            "port": port,
            "dir": json.dumps(str(self._folder), ensure_ascii=False),
            "requirepass": self._password,
            "appendonly": "yes",
            "appendfsync": "always",
            "save": '""',
            "set-proc-title": "no",
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())

    def _is(self, pid: int, port: int) -> bool:
        """Whether the server at `port` is that process and has read its data."""
        no_retry = Retry(NoBackoff(), 0)
        client = Redis(port=port, password=self._password, socket_timeout=_ANSWER_SECONDS, retry=no_retry)
        with client:
            try:
                seen = client.info()
            except RedisError:
                return False
        return bool(seen["process_id"] == pid and not seen["loading"])

"""A Postgres of our own: loopback only, passwords, every commit on disk."""

import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

from adapters.local import child, processes
from adapters.local.binaries import find_postgres
from adapters.local.errors import LocalStoreError
from adapters.local.home import Home, write_private
from adapters.local.processes import Running

# Given at each start rather than kept in postgresql.conf: an old data folder gets what this version means.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "fsync": "on",
    "full_page_writes": "on",
    "timezone": "UTC",
}


class LocalPostgres:
    """The Postgres of one home. `start` attaches to a live one, which `stop` leaves to whoever started it."""

    def __init__(self, home: Home, settings: Mapping[str, str] = SETTINGS) -> None:
        self._home = home
        self._settings = settings
        self._folder = home.data() / "postgres"
        self._lock = self._folder / "postmaster.pid"
        self._record = home.path / "postgres.json"
        self._password = home.passwords()["postgres"]
        self._child: child.Child | None = None

    def start(self) -> str:
        """Start or attach; the superuser's URL of the database `postgres`. Raises `LocalStoreError`."""
        port = self._attach() or self._launch()
        return f"postgresql://postgres:{self._password}@127.0.0.1:{port}/postgres"

    def stop(self) -> None:
        """Stop the server if we started it: at once, without waiting for its clients to leave."""
        if self._child:
            child.stop(self._child, signal.SIGINT)
            self._record.unlink(missing_ok=True)

    def _attach(self) -> int | None:
        running = self._running()
        if running is None:
            return None
        if not processes.serves(running.pid, self._folder):
            self._lock.unlink()  # of a server that was killed: by now its number may be another process
            return None
        if running.orphaned:
            processes.end(running.pid, signal.SIGINT)
            return None
        return running.port

    def _launch(self) -> int:
        account, log = self._home.account, self._home.log("postgres")
        major = self._major_of_data()
        program = find_postgres(account, major).within_reach(account, self._home.data())
        if major is None:
            self._initialise(program.with_name("initdb"), log)
        settings = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]

        def launch(port: int) -> child.Child:
            command = [str(program), "-D", str(self._folder), "-p", str(port), *settings]
            return child.start(command, account, log, signal.SIGINT)

        self._child, port = child.start_on_free_port(launch, self._ready, log)
        Running(self._child.pid, port, os.getpid()).record(self._record)
        return port

    def _major_of_data(self) -> int | None:
        version = self._folder / "PG_VERSION"
        return int(version.read_text()) if version.exists() else None

    def _initialise(self, initdb: Path, log: Path) -> None:
        # Beside its place and renamed when complete: killed half-way, it leaves nothing that looks whole.
        draft, password = self._folder.with_name("postgres.new"), self._folder.with_name("password")
        shutil.rmtree(draft, ignore_errors=True)
        write_private(password, self._password, self._home.account)
        words = ["-U", "postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256"]
        command = [str(initdb), *words, f"--pwfile={password}", "-D", str(draft)]
        code = child.start(command, self._home.account, log, signal.SIGKILL).wait()
        password.unlink()
        if code:
            raise LocalStoreError(f"initdb cannot make {self._folder}, see {log}: {child.last_words(log)}")
        draft.rename(self._folder)

    def _running(self) -> Running | None:
        """Whom the lock file names; who launched it stands in our own record."""
        known = processes.recorded(self._record)
        match self._lock_lines():
            case [pid, _, _, port, *_]:
                launcher = known.launcher if known and known.pid == int(pid) else 0
                return Running(int(pid), int(port), launcher)
        return None

    def _ready(self, server: child.Child, port: int) -> bool:
        match self._lock_lines():
            case [pid, _, _, its_port, _, _, _, state]:
                return (int(pid), int(its_port), state.strip()) == (server.pid, port, "ready")
        return False

    def _lock_lines(self) -> list[str]:
        return self._lock.read_text().splitlines() if self._lock.exists() else []

"""Both stores at once, for a launcher: started on entry, stopped on exit, their data kept."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from adapters.local.errors import LocalStoreError
from adapters.local.home import Home
from adapters.local.postgres import LocalPostgres
from adapters.local.roles import bootstrap
from adapters.local.valkey import LocalValkey


@dataclass(frozen=True, slots=True)
class StoreUrls:
    """Where the stores are; "" for one that was switched off. Not shown in a repr: they hold passwords."""

    database_url: str = field(default="", repr=False)
    database_url_direct: str = field(default="", repr=False)
    redis_url: str = field(default="", repr=False)


class LocalStores:
    """Postgres and Valkey below `home`, for the time of a `with` block. To be entered from the main thread.

    A server that another launcher of the same home runs is shared, and left running at the end. Entering
    raises `LocalStoreError`, whatever the cause.
    """

    def __init__(self, home: Path, postgres: bool = True, valkey: bool = True) -> None:
        self._path = home
        self._with_postgres = postgres
        self._with_valkey = valkey
        self._stopping = ExitStack()

    def __enter__(self) -> StoreUrls:
        try:
            home = Home(self._path)
            with home.locked(), ExitStack() as started:
                urls = self._start(home, started)
                self._stopping = started.pop_all()
        except OSError as error:
            raise LocalStoreError(f"the local stores in {self._path} cannot start: {error}") from error
        return urls

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Under the lock, so that the next launcher meets a server that is there or one that is gone.
        with Home(self._path).locked():
            self._stopping.close()

    def _start(self, home: Home, started: ExitStack) -> StoreUrls:
        database_url = database_url_direct = redis_url = ""
        if self._with_postgres:
            postgres = LocalPostgres(home)
            started.callback(postgres.stop)
            database_url, database_url_direct = bootstrap(postgres.start(), home.passwords())
        if self._with_valkey:
            valkey = LocalValkey(home)
            started.callback(valkey.stop)
            redis_url = valkey.start()
        return StoreUrls(database_url, database_url_direct, redis_url)

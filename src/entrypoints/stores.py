"""The second composition root: what launchers and migrations need of the adapters, without the application."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from adapters.coordination.connection import check_redis
from adapters.local.child import bound_to_launcher
from adapters.local.errors import LocalStoreError
from adapters.local.home import Home
from adapters.local.ports import free_port
from adapters.local.stores import LocalStores, StoreUrls
from adapters.persistence.migration_files import MigrationError
from adapters.persistence.migrations import Migrator, migrations_directory, role_of

__all__ = [
    "LocalStoreError",
    "LocalStores",
    "MigrationError",
    "StoreUrls",
    "bound_to_launcher",
    "check_redis",
    "create_migrator",
    "free_port",
    "occupied_home",
]


def create_migrator(database_url: str, database_url_direct: str) -> Migrator:
    """The migrator over the direct URL; it lets the role of the other URL use what it creates."""
    app_role, owner = role_of(database_url), role_of(database_url_direct)
    return Migrator(migrations_directory(), database_url_direct, app_role if app_role != owner else None)


@contextmanager
def occupied_home(path: Path) -> Iterator[Path]:
    """FRONTDESK_HOME as an absolute path, made at the first start, for one house at a time. Raises LocalStoreError."""
    with ExitStack() as leaving:
        try:
            home = Home(path)
            leaving.enter_context(home.occupied())
        except OSError as error:
            raise LocalStoreError(f"The setting FRONTDESK_HOME cannot be used: {path}: {error.strerror}") from error
        yield home.path

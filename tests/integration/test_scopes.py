"""The roles that see rows, on given servers where nobody has made them before."""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from adapters.local.home import Home
from adapters.local.postgres import LocalPostgres
from adapters.persistence.migration_files import MigrationError
from adapters.persistence.migrations import Migrator, migrations_directory

AT_ONCE = 6
A_USER = """
insert into users (id, name) values (gen_random_uuid(), 'Bakery');
insert into credit_accounts (user_id) select id from users on conflict do nothing;
"""


@pytest.fixture
def superuser() -> Iterator[str]:
    """A server of one's own: roles are the whole server's."""
    with tempfile.TemporaryDirectory(prefix="frontdesk-tests-") as folder:
        Path(folder).chmod(0o711)
        server = LocalPostgres(Home(Path(folder)))
        try:
            yield server.start()
        finally:
            server.stop()


def test_migrations_of_several_databases_at_once_make_them_once(superuser: str) -> None:
    owner = _login(superuser, "strong", "createrole")
    urls = [_database(superuser, owner, f"house_{each}") for each in range(AT_ONCE)]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        applied = list(pool.map(lambda url: Migrator(migrations_directory(), url, None).up(), urls))

    assert {len(each) for each in applied} == {len(list(migrations_directory().glob("*.sql")))}
    assert [_seen(url) for url in urls] == [(0, 1)] * AT_ONCE


def test_the_login_of_the_application_may_choose_and_the_owner_too(superuser: str) -> None:
    owner, app = _login(superuser, "strong", "createrole"), _login(superuser, "plain")
    url = _database(superuser, owner, "house")

    Migrator(migrations_directory(), url, "plain").up()

    assert _seen(url) == (0, 1)
    assert _seen(_renamed(app, "house")) == (0, 2)


def test_an_owner_that_may_make_no_roles_is_told_what_to_run(superuser: str) -> None:
    url = _database(superuser, _login(superuser, "weak"), "house")

    with pytest.raises(MigrationError, match=r"let an administrator run: (create role .*;)") as refused:
        Migrator(migrations_directory(), url, None).up()
    with psycopg.connect(superuser, autocommit=True) as administrator:
        administrator.execute(str(refused.value).partition("administrator run: ")[2].encode())
    Migrator(migrations_directory(), url, None).up()

    assert _seen(url) == (0, 1)


def test_even_a_superusers_url_is_bound(superuser: str) -> None:
    Migrator(migrations_directory(), superuser, None).up()

    with psycopg.connect(superuser) as connection:
        connection.execute(A_USER)
        connection.execute("set local role frontdesk_tenant")
        assert connection.execute("select count(*) from users").fetchone() == (0,)


def _seen(url: str) -> tuple[int, int]:
    """How many users a login sees that has chosen nothing, and behind one more as the house."""
    with psycopg.connect(url) as connection:
        alone = connection.execute("select count(*) from users").fetchone()[0]
        connection.execute("set local role frontdesk_house")
        connection.execute(A_USER)
        return alone, connection.execute("select count(*) from users").fetchone()[0]


def _login(superuser: str, name: str, rights: str = "") -> str:
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(f"create role {name} login password 'secret' {rights}".encode())
    address = urlsplit(superuser)
    return urlunsplit(address._replace(netloc=f"{name}:secret@{address.netloc.rpartition('@')[2]}"))


def _database(superuser: str, owner: str, name: str) -> str:
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(f"create database {name} owner {urlsplit(owner).username}".encode())
    return _renamed(owner, name)


def _renamed(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))

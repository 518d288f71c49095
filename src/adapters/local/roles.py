"""The database `frontdesk` and its roles: one owns the tables, another logs in for the application.

Both are bound by the tables' policies, and see rows only as one of two more, for one user or for the house.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from adapters.local.errors import LocalStoreError

DATABASE = "frontdesk"
OWNER = "frontdesk_owner"
APP = "frontdesk_app"
HOUSE = "frontdesk_house"
SCOPES = "frontdesk_scopes"
_RIGHTS = sql.SQL("nosuperuser nobypassrls nocreatedb nocreaterole noreplication")


def bootstrap(superuser_url: str, passwords: Mapping[str, str]) -> tuple[str, str]:
    """Make the database and its roles, or bring the roles back to what they should be.

    The URLs of the application and of the owner. Raises `LocalStoreError` when the server refuses us.
    """
    try:
        with psycopg.connect(superuser_url, autocommit=True, connect_timeout=10) as connection:
            _make_scopes(connection)
            _make_login(connection, OWNER, passwords["owner"])
            _make_login(connection, APP, passwords["app"])
            _make_database(connection)
    except psycopg.OperationalError as error:
        reason = str(error).splitlines()[-1]
        raise LocalStoreError(
            f"Postgres started but refused us ({reason}): restore passwords.json in FRONTDESK_HOME, "
            "or remove the folder to begin empty"
        ) from error
    return _url(superuser_url, APP, passwords["app"]), _url(superuser_url, OWNER, passwords["owner"])


def _make_role(connection: psycopg.Connection, name: str, kind: sql.Composable) -> None:
    known = connection.execute("select from pg_roles where rolname = %s", [name]).fetchone()
    verb = sql.SQL("alter" if known is not None else "create")
    connection.execute(sql.SQL("{} role {} {} {}").format(verb, sql.Identifier(name), _RIGHTS, kind))


def _make_scopes(connection: psycopg.Connection) -> None:
    """The two that see rows, and between them and the logins one that does not inherit: as the migration does it."""
    for name in ("frontdesk_tenant", HOUSE):
        _make_role(connection, name, sql.SQL("nologin"))
    _make_role(connection, SCOPES, sql.SQL("nologin noinherit"))
    connection.execute(f"grant frontdesk_tenant, {HOUSE} to {SCOPES}".encode())


def _make_login(connection: psycopg.Connection, name: str, password: str) -> None:
    # The server is told the verifier, not the password: statements end up in its log.
    verifier = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    _make_role(connection, name, sql.SQL("login password {}").format(sql.Literal(verifier)))
    connection.execute(sql.SQL("grant {} to {}").format(sql.Identifier(SCOPES), sql.Identifier(name)))


def _make_database(connection: psycopg.Connection) -> None:
    known = connection.execute("select from pg_database where datname = %s", [DATABASE]).fetchone()
    if known is None:
        statement = sql.SQL("create database {} owner {}")
        connection.execute(statement.format(sql.Identifier(DATABASE), sql.Identifier(OWNER)))


def _url(superuser_url: str, role: str, password: str) -> str:
    address = urlsplit(superuser_url).netloc.rpartition("@")[2]
    return f"postgresql://{role}:{password}@{address}/{DATABASE}"

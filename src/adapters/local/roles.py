"""The database `frontdesk` and its two roles: one owns the tables, the other is bound by their policies."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from adapters.local.errors import LocalStoreError

DATABASE = "frontdesk"
OWNER = "frontdesk_owner"
APP = "frontdesk_app"
_RIGHTS = sql.SQL("login nosuperuser nobypassrls nocreatedb nocreaterole noreplication")


def bootstrap(superuser_url: str, passwords: Mapping[str, str]) -> tuple[str, str]:
    """Make the database and its roles, or bring the roles back to what they should be.

    The URLs of the application and of the owner. Raises `LocalStoreError` when the server refuses us.
    """
    try:
        with psycopg.connect(superuser_url, autocommit=True, connect_timeout=10) as connection:
            _make_role(connection, OWNER, passwords["owner"])
            _make_role(connection, APP, passwords["app"])
            _make_database(connection)
    except psycopg.OperationalError as error:
        reason = str(error).splitlines()[-1]
        raise LocalStoreError(
            f"Postgres started but refused us ({reason}): restore passwords.json in FRONTDESK_HOME, "
            "or remove the folder to begin empty"
        ) from error
    return _url(superuser_url, APP, passwords["app"]), _url(superuser_url, OWNER, passwords["owner"])


def _make_role(connection: psycopg.Connection, name: str, password: str) -> None:
    known = connection.execute("select from pg_roles where rolname = %s", [name]).fetchone()
    verb = sql.SQL("alter" if known is not None else "create")
    # The server is told the verifier, not the password: statements end up in its log.
    verifier = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    statement = sql.SQL("{} role {} {} password {}")
    connection.execute(statement.format(verb, sql.Identifier(name), _RIGHTS, sql.Literal(verifier)))


def _make_database(connection: psycopg.Connection) -> None:
    known = connection.execute("select from pg_database where datname = %s", [DATABASE]).fetchone()
    if known is None:
        statement = sql.SQL("create database {} owner {}")
        connection.execute(statement.format(sql.Identifier(DATABASE), sql.Identifier(OWNER)))


def _url(superuser_url: str, role: str, password: str) -> str:
    address = urlsplit(superuser_url).netloc.rpartition("@")[2]
    return f"postgresql://{role}:{password}@{address}/{DATABASE}"

"""Who may choose one of the two roles that see rows: the application's login, and the owner for its migrations."""

import psycopg
from psycopg import sql

from adapters.persistence.migration_files import MigrationError

# Without a row there are no such roles yet. What a superuser may, needs no grant. Since Postgres 16 whoever made a role
# is a member of it that must not become it: members are asked for more than membership.
_MAY_CHOOSE = """
select pg_has_role(login.oid, scopes.oid, %s) from pg_roles as login, pg_roles as scopes
 where login.rolname = %s and scopes.rolname = 'frontdesk_scopes'
"""
_POSTGRES_16 = 160_000
_GRANT = sql.SQL("grant frontdesk_scopes to {}")


def allow(connection: psycopg.Connection, app_role: str | None) -> None:
    """Let `app_role` and the owner choose, once there is something to choose.

    Raises `MigrationError` with what an administrator must run when the owner may not grant it.
    """
    owner = connection.info.user
    right = "set" if connection.info.server_version >= _POSTGRES_16 else "member"
    for login in sorted({owner, app_role or owner}):
        row = connection.execute(_MAY_CHOOSE, [right, login]).fetchone()
        if row is not None and not row[0]:
            _grant(connection, _GRANT.format(sql.Identifier(login)))


def _grant(connection: psycopg.Connection, statement: sql.Composed) -> None:
    try:
        connection.execute(statement)
    except psycopg.errors.UniqueViolation:
        return  # another runner, of another database of the server, has just done it
    except psycopg.errors.InsufficientPrivilege:
        needed = statement.as_string(connection)
        raise MigrationError(f"the application could see no row; let an administrator run: {needed};") from None

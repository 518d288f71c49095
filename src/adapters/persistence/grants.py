"""What the application's role may do in the schema: read and write rows, never change tables."""

import psycopg
from psycopg import sql

from adapters.persistence.migration_files import MigrationError

_RIGHTS = {"tables": "select, insert, update, delete", "sequences": "usage", "routines": "execute"}

_IS_ALLOWED = """
select app.rolname = current_user or exists (
    select from pg_default_acl, aclexplode(defaclacl) as given
     where defaclrole = owner.oid and defaclnamespace = schema.oid and given.grantee = app.oid
)
  from pg_roles as app, pg_roles as owner, pg_namespace as schema
 where app.rolname = %s and owner.rolname = current_user and schema.nspname = current_schema()
"""


def allow(connection: psycopg.Connection, role: str) -> None:
    """Grant `role` its rights on all there is in the current schema and all that the owner will create there.

    Once per role, before any file runs: what files create comes with the rights, and what a file then takes
    away (a ledger that nobody may update) stays away. Raises `MigrationError` when the role does not exist.
    """
    if _is_allowed(connection, role):
        return
    with connection.transaction():
        _grant(connection, role)


def _is_allowed(connection: psycopg.Connection, role: str) -> bool:
    row = connection.execute(_IS_ALLOWED, [role]).fetchone()
    if row is None:
        raise MigrationError(f"the application's role {role} does not exist: create it first")
    return bool(row[0])


def _grant(connection: psycopg.Connection, role: str) -> None:
    row = connection.execute("select current_schema()").fetchone()
    schema, to = sql.Identifier(row[0] if row else "public"), sql.Identifier(role)
    connection.execute(sql.SQL("grant usage on schema {} to {}").format(schema, to))
    for kind, rights in _RIGHTS.items():
        words = (sql.SQL(rights), sql.SQL(kind), schema, to)
        connection.execute(sql.SQL("grant {} on all {} in schema {} to {}").format(*words))
        given = (schema, sql.SQL(rights), sql.SQL(kind), to)
        connection.execute(sql.SQL("alter default privileges in schema {} grant {} on {} to {}").format(*given))
    # Which files were applied is for the owner alone to say; the application may look.
    connection.execute(sql.SQL("revoke insert, update, delete on schema_migrations from {}").format(to))

"""`frontdesk migrate`: bring the schema up to date, or take steps back."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from entrypoints.stores import MigrationError, create_migrator


def migrate(environment: Mapping[str, str], steps_down: int | None) -> int:
    """Apply what is pending, or undo `steps_down` migrations; the exit code."""
    url = environment.get("DATABASE_URL", "")
    direct = environment.get("DATABASE_URL_DIRECT") or url
    if not direct:
        sys.stderr.write("frontdesk migrate: The setting DATABASE_URL is missing.\n")
        return 1
    try:
        migrator = create_migrator(url or direct, direct)
        names = migrator.up() if steps_down is None else migrator.down(steps_down)
    except MigrationError as error:
        sys.stderr.write(f"frontdesk migrate: {error}\n")
        return 1
    verb = "applied" if steps_down is None else "taken back"
    print("\n".join(f"{verb} {name}" for name in names) or "The schema is up to date.")
    return 0

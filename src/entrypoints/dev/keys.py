"""The secrets that `dev` generates once and keeps, so that data and tokens survive a restart."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

KEYS_FILE = "keys.json"
GENERATED = ("ADMIN_API_KEY", "META_APP_SECRETS", "META_VERIFY_TOKEN", "ENCRYPTION_KEYS")


class Keys:
    """Names and secrets in a file only its owner can read."""

    def __init__(self, home: Path) -> None:
        self._path = home / KEYS_FILE
        self._known: dict[str, str] = json.loads(self._path.read_text()) if self._path.exists() else {}

    def generated(self) -> dict[str, str]:
        """The settings of GENERATED: made at the first start, the same at every other."""
        missing = [name for name in GENERATED if name not in self._known]
        if missing:
            self.keep(**{name: secrets.token_urlsafe(24) for name in missing})
        return {name: self._known[name] for name in GENERATED}

    def get(self, name: str) -> str | None:
        """A secret that was kept, or None."""
        return self._known.get(name)

    def keep(self, **named: str) -> None:
        """Keep secrets under their names."""
        self._known |= named
        write_private(self._path, json.dumps(self._known, indent=2))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, and that nobody ever sees half written."""
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)

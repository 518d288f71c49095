"""Ids that look like OpenAI's."""

import secrets


def new_id(prefix: str) -> str:
    """An id such as `resp_` and 48 hexadecimal digits."""
    return f"{prefix}_{secrets.token_hex(24)}"

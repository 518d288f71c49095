"""How much of everything: the promised sizes, unless the environment asks for less or for others."""

import os

SCALE = float(os.environ.get("CHAOS_SCALE", "1"))


def size(name: str, promised: int) -> int:
    """The size of a test: CHAOS_<NAME>, else what is promised, scaled by CHAOS_SCALE."""
    return int(os.environ.get(f"CHAOS_{name.upper()}", max(1, round(promised * SCALE))))

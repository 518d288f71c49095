"""How much of it: little in a usual run, more where the environment asks for it."""

import os


def size(name: str, usual: int) -> int:
    """The size of a test: CHAOS_<NAME> when it is given."""
    return int(os.environ.get(f"CHAOS_{name.upper()}", usual))

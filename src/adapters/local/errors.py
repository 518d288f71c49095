"""What can go wrong with the stores on this machine."""


class LocalStoreError(Exception):
    """A local store cannot be had. The message is one line: what was wrong and what to do about it."""

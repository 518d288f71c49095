"""Who follows what, as those who follow say it again and again: a publisher asks nobody, and sends to those alone."""

from __future__ import annotations

from collections.abc import Iterable

AUDIENCE = "audience"
"""Where followers say what they follow. Every process that publishes listens there: hearing costs no command."""
ANNOUNCED_SECONDS = 2.0
"""How often they say it: who has listened for so long has heard of everybody."""
TRUSTED_SECONDS = 2 * ANNOUNCED_SECONDS + 1.0
"""How long it holds, so that one announcement may be lost."""


class Audience:
    """What is followed, as far as was heard. Until everybody was heard, or when nothing can be, everything may be."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._known_at = float("inf")

    def begins(self, now: float) -> None:
        """From now on announcements reach us."""
        self._known_at = now + ANNOUNCED_SECONDS

    def lost(self) -> None:
        """None reaches us any more."""
        self._known_at = float("inf")

    def heard(self, announcement: bytes, now: float) -> None:
        """Somebody follows these channels."""
        self._until = {channel: until for channel, until in self._until.items() if until > now}
        self._until |= dict.fromkeys(announcement.decode().split(), now + TRUSTED_SECONDS)

    def is_known(self, now: float) -> bool:
        """Whether everybody who follows was heard."""
        return now >= self._known_at

    def may_hear(self, channel: str, now: float) -> bool:
        """Whether somebody may follow the channel."""
        return not self.is_known(now) or self._until.get(channel, now) > now


def announcement(channels: Iterable[str]) -> bytes:
    """What a follower says."""
    return " ".join(channels).encode()

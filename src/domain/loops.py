"""Telling a machine that answers our answers from a person who writes fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

LOOKED_BACK_SECONDS = 600.0
TURNS_MIN = 9
"""A conversation with fewer turns in that time is not looked into."""
SAME_IN_A_ROW = 10
SAME_WITHIN_SECONDS = 30.0
PROMPT_MESSAGES = 100
PROMPT_WITHIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Line:
    """Something that was said: by us or by the customer, and when. Equal digests are equal texts; None is no text."""

    is_ours: bool
    digest: str | None
    at: datetime


def is_auto_replier(lines: Sequence[Line]) -> bool:
    """Whether the customer's side of these lines, in their order, was written by a machine.

    So it is when the last SAME_IN_A_ROW texts were the same, each within SAME_WITHIN_SECONDS of our reply to the one
    before, or when in LOOKED_BACK_SECONDS PROMPT_MESSAGES messages came within
    PROMPT_WITHIN_SECONDS of a reply of ours. Who writes again before we replied is answering nothing.
    """
    return _repeats_itself(lines) or _is_always_prompt(lines)


def _repeats_itself(lines: Sequence[Line]) -> bool:
    heard = [place for place, line in enumerate(lines) if not line.is_ours][-SAME_IN_A_ROW:]
    if len(heard) < SAME_IN_A_ROW or len({lines[place].digest for place in heard}) > 1:
        return False
    return lines[heard[0]].digest is not None and all(
        _follows(lines, place, SAME_WITHIN_SECONDS) for place in heard[1:]
    )


def _is_always_prompt(lines: Sequence[Line]) -> bool:
    if not lines:
        return False
    since = lines[-1].at - timedelta(seconds=LOOKED_BACK_SECONDS)
    recent = [place for place, line in enumerate(lines) if not line.is_ours and line.at >= since]
    return sum(_follows(lines, place, PROMPT_WITHIN_SECONDS) for place in recent) >= PROMPT_MESSAGES


def _follows(lines: Sequence[Line], place: int, seconds: float) -> bool:
    """Whether the line directly behind a reply of ours came so soon after it."""
    before = lines[place - 1] if place else None
    return before is not None and before.is_ours and lines[place].at - before.at <= timedelta(seconds=seconds)

"""What was said, as the extractor is shown it: one JSON object a line between two lines that nobody can guess.

A text is written as JSON, so no line of a customer's can begin or end anything, whatever it holds. Long conversations
are cut by one rule: the first FIRST messages and as many of the last LAST as fit into CHARACTERS_MAX, each message up
to MESSAGE_CHARACTERS_MAX; where something is left out a line says how much.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

FIRST = 20
LAST = 400
MESSAGE_CHARACTERS_MAX = 2_000
CHARACTERS_MAX = 60_000
CUT = " […]"
BREAKS = {place: f"\\u{place:04x}" for place in (0x85, 0x2028, 0x2029)}
"""What JSON leaves as it is and others take for the end of a line."""


@dataclass(frozen=True, slots=True)
class Line:
    """A message of our record; `text` is what a model is told of it, never empty."""

    number: int
    is_customer: bool
    at: datetime
    text: str


def cut(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The lines that are shown, in order; see the rule above. `lines` are in order and may have gaps already."""
    whole = [_shortened(line) for line in lines]
    first, rest = whole[:FIRST], whole[FIRST:][-LAST:]
    room = CHARACTERS_MAX - sum(len(line.text) for line in first)
    kept: list[Line] = []
    for line in reversed(rest):
        room -= len(line.text)
        if room < 0:
            break
        kept.append(line)
    return (*first, *reversed(kept))


def written(lines: Sequence[Line], boundary: str) -> str:
    """The transcript between its boundaries."""
    parts = [f"BEGIN {boundary}"]
    before = 0
    for line in lines:
        if line.number > before + 1:
            parts.append(json.dumps({"left_out": line.number - before - 1}))
        parts.append(_written(line))
        before = line.number
    return "\n".join([*parts, f"END {boundary}"])


def _written(line: Line) -> str:
    said = {
        "number": line.number,
        "from": "customer" if line.is_customer else "business",
        "at": line.at.isoformat(timespec="minutes"),
        "text": line.text,
    }
    return json.dumps(said, ensure_ascii=False).translate(BREAKS)


def _shortened(line: Line) -> Line:
    if len(line.text) <= MESSAGE_CHARACTERS_MAX:
        return line
    return Line(line.number, line.is_customer, line.at, line.text[:MESSAGE_CHARACTERS_MAX] + CUT)

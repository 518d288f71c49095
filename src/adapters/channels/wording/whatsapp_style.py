"""WhatsApp's own formatting: which marks it knows, where they work, and how a literal one is kept literal."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import regex

from adapters.channels.wording.document import Style
from adapters.channels.wording.runs import Mark, Run, Words, words_of

STYLE = Style(
    bold=Mark("*", "*"),
    italic=Mark("_", "_"),
    struck=Mark("~", "~"),
    code=Mark("```", "```", is_block=True, is_verbatim=True),
    quote=Mark(line="> ", is_block=True),
)
UNSEEN = "\u200b"
"""A blank without width: beside a literal asterisk it keeps it from opening anything."""

_OPENERS = regex.compile(r"(?<![\p{L}\p{N}])[*_~`](?=\S)")
_QUOTES = regex.compile(r"(?m)^(?=>)")
_URL = regex.compile(r"https?://\S+")


def adapted(words: Words) -> Words:
    """The words with marks only where WhatsApp obeys them, and no literal character that it would obey."""
    runs = list(words.runs)
    for mark in (STYLE.bold, STYLE.italic, STYLE.struck):
        runs = list(_only_around_words(runs, mark))
    return words_of(_kept_literal(words_of(runs)))


def _only_around_words(runs: list[Run], mark: Mark) -> Iterator[Run]:
    """The runs without the mark where it would stand inside a word: WhatsApp shows the character itself there."""
    text = "".join(run.text for run in runs)
    place = 0
    for start, end in _stretches(runs, mark):
        length = sum(len(run.text) for run in runs[start:end])
        is_inside = text[place - 1 : place].isalnum() or text[place + length : place + length + 1].isalnum()
        is_blank = not text[place : place + length].strip()
        for run in runs[start:end]:
            is_dropped = mark in run.marks and (is_inside or is_blank)
            yield replace(run, marks=tuple(one for one in run.marks if one != mark)) if is_dropped else run
        place += length


def _stretches(runs: list[Run], mark: Mark) -> Iterator[tuple[int, int]]:
    """Neighbours that all bear the mark, or all do not."""
    start = 0
    for end in range(1, len(runs) + 1):
        if end == len(runs) or (mark in runs[end].marks) != (mark in runs[start].marks):
            yield start, end
            start = end


def _kept_literal(words: Words) -> Iterator[Run]:
    text = words.text
    places = {found.end() for found in _OPENERS.finditer(text)} | {found.start() for found in _QUOTES.finditer(text)}
    for start, end in (found.span() for found in _URL.finditer(text)):
        places.difference_update(range(start, end + 1))
    ordered = sorted(places)
    for start, run in zip(words.starts, words.runs, strict=True):
        here = ordered[bisect_left(ordered, start) : bisect_left(ordered, start + len(run.text))]
        if not any(mark.is_verbatim for mark in run.marks):
            yield replace(run, text=_with_unseen(run.text, [place - start for place in here]))
        else:
            yield run


def _with_unseen(text: str, places: list[int]) -> str:
    """The text with UNSEEN at those places."""
    return UNSEEN.join(text[start:end] for start, end in pairwise([0, *places, len(text)]))

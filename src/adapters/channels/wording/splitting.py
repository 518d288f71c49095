"""Cutting a text into messages within a limit: as few as possible, cut where a reader would pause."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum
from itertools import pairwise

import regex

from adapters.channels.wording.runs import Words

Fits = Callable[[str], bool]
"""Whether a message is within its platform's limit. A longer one than one that does not fit does not fit either."""


STEP = 512
"""How far a message is tried at first, in characters: most limits lie within a few of these."""


class Break(IntEnum):
    """Where a text may be cut, the best place first."""

    PARAGRAPH = 0
    LINE = 1
    SENTENCE = 2
    WORD = 3
    GRAPHEME = 4
    CHARACTER = 5


# Quotes, brackets and marks that close behind a sentence, those of Chinese and Japanese included.
_CLOSERS = r"\"'\u201D\u2019\u00BB)\\\]*_~\u300D\u300F\uFF09\u3011\u300B"
# Arabic question mark, Urdu full stop, danda, double danda, ideographic and full-width ends: no blank need follow.
_FULL_STOPS = r"\u061F\u06D4\u0964\u0965\u3002\uFF01\uFF1F\uFF61"
_PATTERNS = {
    Break.PARAGRAPH: r"\n[ \t]*\n",
    Break.LINE: r"\n",
    # A full stop ends no sentence after a single letter or a short number (z. B., 3. Mai), nor before a small letter.
    Break.SENTENCE: (
        rf"(?:(?<!\b\p{{L}})(?<!\b\d{{1,2}})\.(?=[{_CLOSERS}]*+\s++\P{{Ll}})|[!?…])[{_CLOSERS}]*\s+"
        rf"|[{_FULL_STOPS}]+[{_CLOSERS}]*\s*"
        r"|(?<=[\u0E00-\u0E7F])[ \u00A0]+(?=[\u0E00-\u0E7F])"
    ),
    Break.WORD: r"\s+",
    Break.GRAPHEME: r"\X",
    Break.CHARACTER: r"(?s:.)",
}
_PAUSES = (Break.PARAGRAPH, Break.LINE, Break.SENTENCE)
_ENDS = {kind: regex.compile(pattern) for kind, pattern in _PATTERNS.items()}
_URL = regex.compile(r"https?://\S+")


def split(words: Words, fits: Fits) -> list[str]:
    """The text as messages: none empty, none beyond the limit, nothing left out."""
    if not words.text.strip():
        return []
    whole = words.rendered(0, len(words.text))
    return [whole] if fits(whole) else _Cutter(words, fits).messages()


class _Cutter:
    def __init__(self, words: Words, fits: Fits) -> None:
        self._words = words
        self._fits = fits
        self._length = len(words.text)
        uncut = list(self._uncut())
        graphemes = {found.end() for found in _ENDS[Break.GRAPHEME].finditer(words.text)}
        self._places = {kind: self._places_of(kind, graphemes, uncut) for kind in Break}
        self._counts: dict[int, int] = {}

    def messages(self) -> list[str]:
        """Cut from the front to the end."""
        cuts = [0]
        while cuts[-1] < self._length:
            cuts.append(self._next(cuts[-1]))
        parts = [self._words.rendered(start, end) for start, end in pairwise(cuts)]
        return [part for part in parts if part.strip()]

    def _uncut(self) -> Iterator[tuple[int, int]]:
        """Links that fit in one message: nothing is cut inside them."""
        urls = [found.span() for found in _URL.finditer(self._words.text)]
        for start, end in (*self._words.links(), *urls):
            if self._fits(self._words.rendered(start, end)):
                yield start, end

    def _places_of(self, kind: Break, graphemes: set[int], uncut: Iterable[tuple[int, int]]) -> list[int]:
        places = {found.end() for found in _ENDS[kind].finditer(self._words.text)}
        if kind is not Break.CHARACTER:
            places &= graphemes
        inside = {place for start, end in uncut for place in range(start + 1, end)}
        return sorted(places - inside)

    def _next(self, start: int) -> int:
        """Where the message that begins at `start` ends.

        Earlier than it must, if that is a better place for a pause and makes no more messages.
        """
        latest = self._latest(start)
        count = self._count(latest)
        better = (self._last(kind, start, latest) for kind in _PAUSES)
        return next((place for place in better if place > start and self._count(place) <= count), latest)

    def _latest(self, start: int) -> int:
        """The latest end of the message that begins at `start`: a pause if there is one, or else what there is.

        What stands behind the pause and fits in no message is cut in any case: then the message is filled up.
        """
        farthest = self._reach(start)
        if farthest == self._length:
            return farthest
        pause = max(self._last(kind, start, farthest) for kind in _PAUSES)
        if pause > start and self._reach(pause) >= self._next_pause(farthest):
            return pause
        others = (self._last(kind, start, farthest) for kind in (Break.WORD, Break.GRAPHEME, Break.CHARACTER))
        return next((place for place in others if place > pause), max(pause, start + 1))

    def _next_pause(self, place: int) -> int:
        """The first pause behind that place, or the end."""
        later = (places[bisect_right(places, place) :][:1] for places in (self._places[kind] for kind in _PAUSES))
        return min((first for found in later for first in found), default=self._length)

    def _count(self, start: int) -> int:
        """How many messages the rest makes when each of them ends as late as it can."""
        way = []
        while start < self._length and start not in self._counts:
            way.append(start)
            start = self._latest(start)
        count = self._counts.get(start, 0)
        for place in reversed(way):
            count += 1
            self._counts[place] = count
        return count

    def _last(self, kind: Break, start: int, farthest: int) -> int:
        """The last place of that kind up to `farthest`; `start` when there is none behind it."""
        places = self._places[kind]
        found = bisect_right(places, farthest)
        return max(start, places[found - 1]) if found else start

    def _reach(self, start: int) -> int:
        """The farthest place up to which a message from `start` fits."""
        low, step = start, STEP
        while low + step < self._length and self._fits(self._words.rendered(start, low + step)):
            low, step = low + step, 2 * step
        high = min(low + step, self._length)
        while low < high:
            middle = (low + high + 1) // 2
            if self._fits(self._words.rendered(start, middle)):
                low = middle
            else:
                high = middle - 1
        return low

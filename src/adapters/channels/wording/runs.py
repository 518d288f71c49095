"""Worded text: what is said, each stretch of it with the marks it bears and where it should not be cut."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby


@dataclass(frozen=True, slots=True)
class Mark:
    """Formatting around a stretch of text: `before` and `after` it, and `line` in front of each of its lines.

    `is_block`: it goes on over line ends (code, quotes); all others are closed there and opened again, because
    platforms format within a line. `is_verbatim`: what is inside is shown letter by letter, blanks included.
    """

    before: str = ""
    after: str = ""
    line: str = ""
    is_block: bool = False
    is_verbatim: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text with its marks, the outermost first. `link` names the link it is part of, if any."""

    text: str
    marks: tuple[Mark, ...] = ()
    link: int | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """Runs as one text. Places are offsets in `text`, `starts` those of the runs."""

    runs: Sequence[Run]
    starts: Sequence[int]
    text: str

    def rendered(self, start: int, end: int) -> str:
        """The part from `start` to `end` with the marks that stand in it, each opened and closed within the part."""
        start, end = self._trimmed(start, end)
        written = _Writer()
        for text, marks in self._between(start, end):
            written.add(text, marks)
        return written.finished()

    def links(self) -> Iterator[tuple[int, int]]:
        """Where each link begins and ends."""
        for link, runs in groupby(zip(self.starts, self.runs, strict=True), lambda pair: pair[1].link):
            if link is not None:
                (start, last), *others = runs
                place, last = others[-1] if others else (start, last)
                yield start, place + len(last.text)

    def _between(self, start: int, end: int) -> Iterator[tuple[str, tuple[Mark, ...]]]:
        for number in range(max(0, bisect_right(self.starts, start) - 1), bisect_left(self.starts, end)):
            place, run = self.starts[number], self.runs[number]
            yield run.text[max(0, start - place) : end - place], run.marks

    def _trimmed(self, start: int, end: int) -> tuple[int, int]:
        """Without blanks at both ends; the first line of verbatim text keeps its own."""
        while end > start and self.text[end - 1].isspace():
            end -= 1
        first = start
        while first < end and self.text[first].isspace():
            first += 1
        if first < end and self._is_verbatim(first):
            first = max(start, self.text.rfind("\n", start, first) + 1)
        return first, end

    def _is_verbatim(self, place: int) -> bool:
        return any(mark.is_verbatim for _, marks in self._between(place, place + 1) for mark in marks)


def words_of(runs: Iterable[Run]) -> Words:
    """The runs as one text."""
    kept = [run for run in runs if run.text]
    starts = [0, *accumulate(len(run.text) for run in kept)]
    return Words(kept, starts[: len(kept)], "".join(run.text for run in kept))


class _Writer:
    """Writes runs one after the other, opening and closing marks where they change."""

    def __init__(self) -> None:
        self._written: list[str] = []
        self._open: list[Mark] = []
        self._at_line_start = True

    def add(self, text: str, marks: tuple[Mark, ...]) -> None:
        """Write a run, line by line."""
        for number, line in enumerate(text.split("\n")):
            if number:
                self._end_line(marks)
            if line:
                self._begin_line(marks)
                self._have_open(marks)
                self._written.append(line)

    def finished(self) -> str:
        """All that was written, with every mark closed."""
        self._have_open(())
        return "".join(self._written)

    def _end_line(self, marks: tuple[Mark, ...]) -> None:
        self._begin_line(marks)
        self._have_open(tuple(mark for mark in marks if mark.is_block))
        self._written.append("\n")
        self._at_line_start = True

    def _begin_line(self, marks: tuple[Mark, ...]) -> None:
        if self._at_line_start:
            self._written.extend(mark.line for mark in marks)
            self._at_line_start = False

    def _have_open(self, wanted: tuple[Mark, ...]) -> None:
        common = 0
        while common < min(len(self._open), len(wanted)) and self._open[common] == wanted[common]:
            common += 1
        while len(self._open) > common:
            self._written.append(self._open.pop().after)
        for mark in wanted[common:]:
            self._written.append(mark.before)
            self._open.append(mark)

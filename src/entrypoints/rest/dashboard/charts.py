"""Charts, drawn by the server: one SVG, coloured by the style sheet, with its meaning in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil, log10

from markupsafe import Markup, escape

WIDTH, HEIGHT = 420, 160
LEFT, RIGHT, TOP, BOTTOM = 40, 6, 10, 22
GRID_LINES = 4
TICK_MINUTES = 20


@dataclass(frozen=True, slots=True)
class Series:
    """Values in the order of time, None where there is none; `kind` is how they are drawn, and their colour."""

    name: str
    kind: str
    values: Sequence[float | None]


def chart(name: str, title: str, unit: str, times: Sequence[datetime], series: Sequence[Series]) -> Markup:
    """The chart. Everything in it that is not ours is escaped."""
    top = _round_up(max((value for one in series for value in one.values if value is not None), default=0))
    parts = [*_grid(top, unit), *_axis(times)]
    parts.extend(_bars(one, top) if one.kind.startswith("bar") else _line(one, top) for one in series)
    summary = escape(_summary(series, unit))
    return Markup(  # noqa: S704 - numbers of ours, and words that are escaped
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">{escape(title)}</title><desc id="{name}-d">{summary}</desc>{"".join(parts)}</svg>'
    )


def _round_up(value: float) -> float:
    """The next of 1, 2 and 5 times a power of ten: a top that people can divide."""
    if value <= 0:
        return 1
    power = 10.0 ** ceil(log10(value) - 1)
    return next(power * step for step in (1, 2, 5, 10) if power * step >= value)


def _grid(top: float, unit: str) -> list[str]:
    lines = []
    for step in range(GRID_LINES + 1):
        y = _y(top * step / GRID_LINES, top)
        label = f"{top * step / GRID_LINES:.3g}" + (f" {unit}" if unit and step == GRID_LINES else "")
        lines.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        lines.append(f'<text class="tick end" x="{LEFT - 6}" y="{y + 4:.1f}">{escape(label)}</text>')
    return lines


def _axis(times: Sequence[datetime]) -> list[str]:
    """A few moments, counted back from now."""
    count = len(times)
    marks = [*range(count - 1, TICK_MINUTES // 2, -TICK_MINUTES), 0]
    return [
        f'<text class="tick{" end" if place == count - 1 else ""}" x="{_x(place, count):.1f}" y="{HEIGHT - 5}">'
        f"{'now' if place == count - 1 else f'{count - 1 - place} min ago'}</text>"
        for place in marks
    ]


def _bars(one: Series, top: float) -> str:
    count = len(one.values)
    width = (WIDTH - LEFT - RIGHT) / max(count, 1)
    foot, across = f"{_y(0, top):.1f}", f"h{max(width - 2, 1):.1f}"
    bars = [
        f"M{LEFT + place * width + 1:.1f} {foot}V{_y(value, top):.1f}{across}V{foot}z"
        for place, value in enumerate(one.values)
        if value
    ]
    return f'<path class="{one.kind}" d="{"".join(bars)}"/>'


def _line(one: Series, top: float) -> str:
    """A line with gaps where nothing is known, and a dot for a value that stands alone."""
    count = len(one.values)
    path, is_drawing, dots = "", False, ""
    for place, value in enumerate(one.values):
        if value is None:
            is_drawing = False
            continue
        x, y = _x(place, count), _y(value, top)
        path += f"{'L' if is_drawing else 'M'}{x:.1f} {y:.1f}"
        dots += f"M{x:.1f} {y:.1f}h0"
        is_drawing = True
    return f'<path class="{one.kind}" d="{path}"/><path class="{one.kind} dots" d="{dots}"/>'


def _x(place: int, count: int) -> float:
    return LEFT + (place + 0.5) * (WIDTH - LEFT - RIGHT) / max(count, 1)


def _y(value: float, top: float) -> float:
    return TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM)


def _summary(series: Sequence[Series], unit: str) -> str:
    told = []
    for one in series:
        values = [value for value in one.values if value is not None]
        highest = f"at most {max(values):.3g} {unit}".strip() if values else "no values"
        told.append(f"{one.name}: {highest}")
    return "; ".join(told) + "."

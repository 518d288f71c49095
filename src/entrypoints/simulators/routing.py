"""A router of a few lines: literal path segments and `{placeholders}`."""

from collections import defaultdict
from collections.abc import Awaitable, Callable

from aiohttp.web import StreamResponse

Handler = Callable[..., Awaitable[StreamResponse]]
Pattern = tuple[str | None, ...]


class Router:
    """Finds the handler of a method and a path; a placeholder's value becomes a positional argument."""

    def __init__(self) -> None:
        """Start without routes."""
        self._routes: dict[tuple[str, int], list[tuple[Pattern, Handler]]] = defaultdict(list)

    def add(self, method: str, path: str, handler: Handler) -> None:
        """Add a route; of two that fit, the one added first is taken."""
        pattern = tuple(None if part.startswith("{") else part for part in path.split("/"))
        self._routes[method, len(pattern)].append((pattern, handler))

    def find(self, method: str, path: str) -> tuple[Handler, list[str]] | None:
        """The handler and the values of the placeholders, or None."""
        parts = path.split("/")
        for pattern, handler in self._routes.get((method, len(parts)), ()):
            if all(expected in {None, part} for expected, part in zip(pattern, parts, strict=True)):
                values = [part for expected, part in zip(pattern, parts, strict=True) if expected is None]
                return handler, values
        return None

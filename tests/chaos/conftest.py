"""The figures of the run: each test tells its own, and they are printed as a table in the end."""

from collections.abc import Callable

import pytest

_FIGURES: list[tuple[str, str]] = []


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Note figures of this test for the table."""

    def note(**figures: object) -> None:
        shown = ", ".join(
            f"{name} {value:.2f}" if isinstance(value, float) else f"{name} {value}" for name, value in figures.items()
        )
        _FIGURES.append((request.node.name, shown))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name, figures in _FIGURES:
        terminalreporter.write_line(f"{name}: {figures}")

"""The figures of the run: each test tells its own, and they are printed as a table in the end."""

from collections.abc import Callable

import pytest

_FIGURES = "figures"


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Note figures of this test for the table. They travel with its report, from an xdist worker too."""

    def note(**figures: object) -> None:
        shown = ", ".join(
            f"{name} {value:.2f}" if isinstance(value, float) else f"{name} {value}" for name, value in figures.items()
        )
        request.node.user_properties.append((_FIGURES, f"{request.node.name}: {shown}"))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, figures in report.user_properties if report.when == "call" else ():
                if name == _FIGURES:
                    terminalreporter.write_line(figures)

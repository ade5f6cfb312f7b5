"""The figures that all benches add to, and the report at the end."""

from __future__ import annotations

import pytest

from tests.bench import figures
from tests.bench.figures import Figures

_FIGURES = pytest.StashKey[Figures]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--keep`."""
    parser.addoption("--keep", action="store_true", help="keep the figures of this run in tests/bench/kept.json")


def pytest_configure(config: pytest.Config) -> None:
    """Begin without figures."""
    config.stash[_FIGURES] = Figures()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what has changed since the figures were kept; keep these if that is asked for."""
    lines = config.stash[_FIGURES].report(figures.read())
    if not lines:
        return
    terminalreporter.section("compared with the kept figures")
    terminalreporter.write_line("\n".join(lines))
    if config.getoption("--keep", default=False):
        config.stash[_FIGURES].keep()
        terminalreporter.write_line(f"kept in {figures.KEPT.name}")


@pytest.fixture(scope="session")
def bench_figures(request: pytest.FixtureRequest) -> Figures:
    """What each bench adds its results to."""
    return request.config.stash[_FIGURES]

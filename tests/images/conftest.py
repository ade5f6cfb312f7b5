"""The image, built once, and a place for its config."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

import connector
from tests.images import workshop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.images.daemon import Stack

_FIGURES = pytest.StashKey[list[str]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder, which `make test` leaves out."""
    for item in items:
        if "tests/images/" in item.path.as_posix():
            item.add_marker(pytest.mark.images)
            item.add_marker(pytest.mark.timeout(600, func_only=True))


def pytest_configure(config: pytest.Config) -> None:
    """Begin without figures."""
    config.stash[_FIGURES] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what was measured."""
    lines = config.stash[_FIGURES]
    if lines:
        terminalreporter.section("images")
        terminalreporter.write_line("\n".join(lines))


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> list[str]:
    """Lines to print at the end."""
    lines: list[str] = request.config.stash[_FIGURES]
    return lines


@pytest.fixture(scope="session")
def image(figures: list[str]) -> str:
    """The name of the connector's image, built from the sources."""
    if os.geteuid():
        pytest.fail("images are built and run by root here: see tests/images/install.sh", pytrace=False)
    workshop.prepare()
    began = time.monotonic()
    base = workshop.python_base()
    based = time.monotonic()
    name = f"localhost/tuzhan-connector:{connector.__version__}"
    workshop.build(name)
    size, base_size = (
        int(workshop.run(["podman", "image", "inspect", "--format", "{{.Size}}", each])) for each in (name, base)
    )
    figures.append(f"base image (stand-in): {based - began:.0f} s; build: {time.monotonic() - based:.0f} s")
    figures.append(f"the image adds {(size - base_size) / 1e6:.0f} MB to its base")
    return name


@pytest.fixture(scope="session")
def stack(image: str, figures: list[str]) -> Iterator[Stack]:
    """The stack of compose.yaml, up and healthy."""
    from tests.images.daemon import Daemon, Stack  # noqa: PLC0415 - only what runs it needs it

    with Daemon() as daemon:
        daemon.load(image)
        daemon.build_stand_ins()
        with Stack(daemon) as stack:
            figures.append(f"the stack is up and healthy after {stack.up_s:.0f} s")
            yield stack

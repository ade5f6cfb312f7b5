"""The stage that tests with the real command line play on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kafka.harness import Sandbox
from tests.kafka.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.kafka.cluster import Cluster


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The platform's stand-in, one for all tests."""
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox"))
    sandbox.start()
    yield sandbox
    sandbox.close()


@pytest.fixture
def stage(kafka: Cluster, sandbox: Sandbox, tmp_path: Path) -> Iterator[Stage]:
    """A topic's name, a group's name, an empty sandbox without faults."""
    sandbox.reset()
    stage = Stage(kafka, sandbox, tmp_path)
    yield stage
    stage.close()

"""The fixtures of the tests that run the real command line on a real broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import without_broker
from tests.kafka.cluster import Cluster
from tests.kafka.commands import SandboxProcess
from tests.kafka.harness import KafkaHarness
from tests.kafka.jars import NoBrokerError
from tests.kafka.registry import Registry
from tests.kafka.registry_door import RegistryDoor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.kafka.broker import Broker


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """The sandbox, one for all tests."""
    sandbox = SandboxProcess(tmp_path_factory.mktemp("sandbox"))
    sandbox.start()
    yield sandbox
    sandbox.close()


@pytest.fixture
def harness(kafka: Cluster, sandbox: SandboxProcess, tmp_path: Path) -> Iterator[KafkaHarness]:
    """A harness on the shared broker; the sandbox is empty and has no faults."""
    sandbox.reset()
    harness = KafkaHarness(kafka, sandbox, tmp_path)
    yield harness
    harness.close()


@pytest.fixture
def killable_harness(killable_broker: Broker, sandbox: SandboxProcess, tmp_path: Path) -> Iterator[KafkaHarness]:
    """A harness on the broker that the test may stop, kill or freeze."""
    sandbox.reset()
    cluster = Cluster(killable_broker.address)
    harness = KafkaHarness(cluster, sandbox, tmp_path)
    yield harness
    killable_broker.thaw()
    harness.close()
    cluster.close()


@pytest.fixture(scope="session")
def registry() -> Iterator[Registry]:
    """A real schema registry, one for all tests."""
    try:
        registry = Registry()
    except NoBrokerError as missing:
        without_broker(missing, "schema registry")
    with registry:
        yield registry


@pytest.fixture
def door(registry: Registry) -> Iterator[RegistryDoor]:
    """The way to the registry, which the test may close; it is open when the test begins."""
    with RegistryDoor(registry) as door:
        yield door

"""A stop takes no longer than `shutdown_timeout`, whatever hangs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.kafka.cluster import Cluster
from tests.kafka.stage import Stage
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.kafka.broker import Broker
    from tests.kafka.harness import Connector, Sandbox

pytestmark = pytest.mark.kafka

PATIENCE_S = 6
MARGIN_S = 3.0
"""What a process takes to end, on a machine that is busy."""


@pytest.fixture
def stage(mortal: Broker, sandbox: Sandbox, tmp_path: Path) -> Iterator[Stage]:
    """A stage on the broker that may hang."""
    sandbox.reset()
    stage = Stage(Cluster(mortal.address), sandbox, tmp_path)
    stage.kafka.create_topic(stage.topic, partitions=1)
    yield stage
    mortal.thaw()
    stage.close()
    stage.kafka.close()


def _connector(stage: Stage) -> Connector:
    return stage.connector({**stage.config(), "shutdown_timeout": f"{PATIENCE_S}s"}).wait_ready()


def _stop(connector: Connector) -> tuple[int, float]:
    began = time.monotonic()
    connector.terminate()
    return connector.exit_code(), time.monotonic() - began


def test_a_broker_that_hangs_does_not_hold_up_a_stop(mortal: Broker, stage: Stage) -> None:
    connector = _connector(stage)
    stage.kafka.produce_orders(stage.topic, range(100))
    stage.wait_stored(100)
    mortal.freeze()
    code, took_s = _stop(connector)
    assert code == 0
    assert took_s < PATIENCE_S + MARGIN_S


def test_dead_letters_that_wait_for_a_broker_that_hangs_do_not_hold_up_a_stop(mortal: Broker, stage: Stage) -> None:
    """To look for their topic blocks a thread for many seconds, and nothing can wake it."""
    connector = _connector(stage)
    stage.sandbox.misbehave({"kind": "latency", "ms": 1500}, {"kind": "refuse"})
    stage.kafka.produce_orders(stage.topic, range(1))
    until(lambda: connector.metric("requests_in_flight", target="purchases") == 1, "the item to be on the wire")
    mortal.freeze()
    until(lambda: connector.metric("requests_in_flight", target="dead-letters") == 1, "the item to be refused")
    code, took_s = _stop(connector)
    assert code == 0
    assert took_s < PATIENCE_S + MARGIN_S


def test_a_platform_that_hangs_does_not_hold_up_a_stop(stage: Stage) -> None:
    connector = _connector(stage)
    stage.sandbox.misbehave({"kind": "hang"})
    stage.kafka.produce_orders(stage.topic, range(1))
    until(lambda: connector.metric("requests_in_flight", target="purchases") == 1, "the item to be on the wire")
    code, took_s = _stop(connector)
    assert code == 0
    assert took_s < PATIENCE_S + MARGIN_S

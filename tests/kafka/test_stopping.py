"""A stop takes no longer than `shutdown_timeout`, whatever hangs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.kafka.harness import lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from tests.kafka.broker import Broker
    from tests.kafka.commands import ConnectorProcess
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka

SHUTDOWN_TIMEOUT_S = 6
MARGIN_S = 3.0
"""What a process takes to end on a busy machine."""


@pytest.fixture
def harness(killable_harness: KafkaHarness) -> KafkaHarness:
    """A harness on the broker that may hang, with a topic of one partition."""
    killable_harness.kafka.create_topic(killable_harness.topic, partitions=1)
    return killable_harness


def _ready_connector(harness: KafkaHarness) -> ConnectorProcess:
    return harness.start_connector({**harness.config(), "shutdown_timeout": f"{SHUTDOWN_TIMEOUT_S}s"}).wait_ready()


def _stop(connector: ConnectorProcess) -> tuple[int, float]:
    began = time.monotonic()
    connector.terminate()
    return connector.exit_code(), time.monotonic() - began


def test_a_hanging_broker_does_not_delay_a_stop(killable_broker: Broker, harness: KafkaHarness) -> None:
    connector = _ready_connector(harness)
    harness.kafka.produce_orders(harness.topic, range(100))
    harness.wait_stored(100)
    killable_broker.freeze()
    code, took_s = _stop(connector)
    assert code == 0
    assert took_s < SHUTDOWN_TIMEOUT_S + MARGIN_S


def test_dead_letters_that_wait_for_a_hanging_broker_do_not_delay_a_stop(
    killable_broker: Broker, harness: KafkaHarness
) -> None:
    """Looking up their topic blocks a thread for many seconds, and nothing can interrupt it."""
    connector = _ready_connector(harness)
    harness.sandbox.set_faults({"kind": "latency", "ms": 1500}, {"kind": "status", "status": 413})
    harness.kafka.produce_orders(harness.topic, range(1))
    until(lambda: connector.metric("requests_in_flight", target="purchases") == 1, "the request to be in flight")
    killable_broker.freeze()
    until(lambda: connector.metric("requests_in_flight", target="dead-letters") == 1, "the dead letter to be in flight")
    code, took_s = _stop(connector)
    assert code == 0
    assert took_s < SHUTDOWN_TIMEOUT_S + MARGIN_S


def test_a_hanging_platform_does_not_delay_a_stop(harness: KafkaHarness) -> None:
    connector = _ready_connector(harness)
    harness.sandbox.set_faults({"kind": "hang"})
    harness.kafka.produce_orders(harness.topic, range(1))
    until(lambda: connector.metric("requests_in_flight", target="purchases") == 1, "the request to be in flight")
    code, took_s = _stop(connector)
    assert code == 0
    assert took_s < SHUTDOWN_TIMEOUT_S + MARGIN_S


def test_a_stop_awaits_a_platform_that_takes_six_seconds_and_nothing_comes_twice(harness: KafkaHarness) -> None:
    """Sixteen requests are on the wire: each is answered, counted and committed before the process ends."""
    config = harness.config()
    config["targets"]["purchases"] |= {"max_in_flight": 16, "batch": {"max_records": 10, "max_wait": "50ms"}}
    connector = harness.start_connector(config).wait_ready()
    harness.sandbox.set_faults({"kind": "latency", "ms": 6_000})
    harness.kafka.produce_orders(harness.topic, range(2_000))
    until(lambda: connector.metric("requests_in_flight", target="purchases") == 16, "all requests to be in flight")
    connector.terminate()
    assert connector.exit_code() == 0
    assert harness.sandbox.count("stored") < 2_000, "everything was delivered before the stop"
    harness.sandbox.clear_faults()
    harness.start_connector()
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(2_000)) == (0, 0)

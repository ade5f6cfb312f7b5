"""Whatever is missing at start is waited for and reported: `run` does not exit because of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kafka.broker import SASL_PASSWORD, SASL_USER
from tests.kafka.harness import lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from tests.kafka.broker import Broker
    from tests.kafka.cluster import Cluster
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka


def test_a_broker_that_is_down_at_start_is_waited_for(killable_broker: Broker, killable_harness: KafkaHarness) -> None:
    killable_harness.kafka.create_topic(killable_harness.topic)
    killable_harness.kafka.produce_orders(killable_harness.topic, range(100))
    killable_broker.stop()
    connector = killable_harness.start_connector()
    until(lambda: "kafka_unreachable" in connector.reasons(), "readiness to report it")
    assert connector.is_alive()
    assert killable_broker.address in connector.stderr
    killable_broker.start()
    killable_harness.wait_committed()
    assert lost_and_repeated(killable_harness.sandbox.orders(), range(100)) == (0, 0)
    until(connector.is_ready, "the connector to be ready")


def test_a_connector_that_waits_for_its_broker_stops_cleanly(
    killable_broker: Broker, killable_harness: KafkaHarness
) -> None:
    killable_broker.stop()
    connector = killable_harness.start_connector()
    until(lambda: "kafka_unreachable" in connector.reasons(), "readiness to report it")
    connector.terminate()
    assert connector.exit_code() == 0


def test_an_unknown_topic_is_reported_and_consumed_when_it_appears(kafka: Cluster, harness: KafkaHarness) -> None:
    connector = harness.start_connector()
    until(lambda: "topic_missing" in connector.reasons(), "readiness to report it")
    assert harness.topic in connector.stderr
    kafka.create_topic(harness.topic)
    kafka.produce_orders(harness.topic, range(100))
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(100)) == (0, 0)
    until(connector.is_ready, "the connector to be ready")


def test_a_known_topic_is_consumed_while_another_is_missing(kafka: Cluster, harness: KafkaHarness) -> None:
    kafka.create_topic(harness.topic)
    kafka.produce_orders(harness.topic, range(100))
    connector = harness.start_connector(harness.config(harness.topic, f"{harness.topic}-missing"))
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(100)) == (0, 0)
    assert connector.reasons() == {"topic_missing"}


def test_the_right_kafka_password_is_passed_to_the_client(
    killable_broker: Broker, killable_harness: KafkaHarness
) -> None:
    killable_harness.kafka.create_topic(killable_harness.topic)
    killable_harness.kafka.produce_orders(killable_harness.topic, range(100))
    connector = killable_harness.start_connector(_with_password(killable_harness, killable_broker, SASL_PASSWORD))
    killable_harness.wait_committed()
    assert lost_and_repeated(killable_harness.sandbox.orders(), range(100)) == (0, 0)
    assert SASL_PASSWORD not in connector.stderr


def _with_password(harness: KafkaHarness, broker: Broker, password: str) -> dict[str, object]:
    config = harness.config()
    config["kafka"]["bootstrap_servers"] = broker.sasl_address
    config["kafka"]["properties"] |= {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": SASL_USER,
        "sasl.password": password,
    }
    return config

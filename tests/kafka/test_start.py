"""What is missing at start is waited for, and said: `run` never exits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kafka.broker import SASL_PASSWORD, SASL_USER
from tests.kafka.cluster import Cluster
from tests.kafka.stage import Stage, lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.kafka.broker import Broker
    from tests.kafka.harness import Sandbox

pytestmark = pytest.mark.kafka


@pytest.fixture
def mortal_stage(mortal: Broker, sandbox: Sandbox, tmp_path: Path) -> Iterator[Stage]:
    """A stage on the broker that may be stopped."""
    sandbox.reset()
    stage = Stage(Cluster(mortal.address), sandbox, tmp_path)
    yield stage
    stage.close()
    stage.kafka.close()


def test_a_broker_that_is_down_at_start_is_waited_for(mortal: Broker, mortal_stage: Stage) -> None:
    stage = mortal_stage
    stage.kafka.create_topic(stage.topic)
    stage.kafka.produce_orders(stage.topic, range(100))
    mortal.stop()
    connector = stage.connector()
    until(lambda: "kafka_unreachable" in connector.reasons(), "the connector to say so")
    assert connector.is_alive()
    assert mortal.address in connector.stderr
    mortal.start()
    stage.wait_committed()
    assert lost_and_repeated(stage.sandbox.seen(), range(100)) == (0, 0)
    until(connector.is_ready, "the connector to be ready")


def test_a_connector_that_waits_for_its_broker_stops_cleanly(mortal: Broker, mortal_stage: Stage) -> None:
    mortal.stop()
    connector = mortal_stage.connector()
    until(lambda: "kafka_unreachable" in connector.reasons(), "the connector to say so")
    connector.terminate()
    assert connector.exit_code() == 0


def test_an_unknown_topic_is_said_and_read_when_it_appears(kafka: Cluster, stage: Stage) -> None:
    connector = stage.connector()
    until(lambda: "topic_missing" in connector.reasons(), "the connector to say so")
    assert stage.topic in connector.stderr
    kafka.create_topic(stage.topic)
    kafka.produce_orders(stage.topic, range(100))
    stage.wait_committed()
    assert lost_and_repeated(stage.sandbox.seen(), range(100)) == (0, 0)
    until(connector.is_ready, "the connector to be ready")


def test_a_known_topic_is_read_while_another_is_missing(kafka: Cluster, stage: Stage) -> None:
    kafka.create_topic(stage.topic)
    kafka.produce_orders(stage.topic, range(100))
    connector = stage.connector(stage.config(stage.topic, f"{stage.topic}-missing"))
    stage.wait_committed()
    assert lost_and_repeated(stage.sandbox.seen(), range(100)) == (0, 0)
    assert connector.reasons() == {"topic_missing"}


def test_a_wrong_kafka_password_is_said_and_waited_out(mortal: Broker, mortal_stage: Stage) -> None:
    mortal_stage.kafka.create_topic(mortal_stage.topic)
    config = _with_password(mortal_stage, mortal, "a wrong password")
    connector = mortal_stage.connector(config)
    until(lambda: "kafka_not_authorized" in connector.reasons(), "the connector to say so")
    assert connector.is_alive()
    assert "a wrong password" not in connector.stderr
    connector.terminate()
    assert connector.exit_code() == 0


def test_the_right_kafka_password_is_passed_through(mortal: Broker, mortal_stage: Stage) -> None:
    stage = mortal_stage
    stage.kafka.create_topic(stage.topic)
    stage.kafka.produce_orders(stage.topic, range(100))
    connector = stage.connector(_with_password(stage, mortal, SASL_PASSWORD))
    stage.wait_committed()
    assert lost_and_repeated(stage.sandbox.seen(), range(100)) == (0, 0)
    assert SASL_PASSWORD not in connector.stderr


def _with_password(stage: Stage, broker: Broker, password: str) -> dict[str, object]:
    config = stage.config()
    config["kafka"]["bootstrap_servers"] = broker.sasl_address
    config["kafka"]["properties"] |= {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": SASL_USER,
        "sasl.password": password,
    }
    return config

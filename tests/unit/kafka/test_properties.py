"""What librdkafka is told, and what it says."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from connector.kafka.properties import (
    consumer_properties,
    is_incremental,
    is_static,
    producer_properties,
    reason_of,
    remedy_for,
    validate_properties,
)
from connector.settings.models import Kafka
from connector.settings.problems import Problems


def kafka(**properties: str | int | bool) -> Kafka:
    named: dict[str, str | int | float | bool] = {name.replace("_", "."): value for name, value in properties.items()}
    return Kafka(bootstrap_servers="localhost:1", group_id="g", properties=named)


def judged(config: Kafka) -> list[tuple[tuple[str | int, ...], str]]:
    problems = Problems()
    validate_properties(config, problems)
    return [(problem.path, problem.message) for problem in problems.found]


def test_properties_that_librdkafka_takes_are_sound() -> None:
    assert judged(kafka(session_timeout_ms=30_000, security_protocol="PLAINTEXT", socket_keepalive_enable=True)) == []


def test_every_property_that_librdkafka_refuses_is_named_at_its_place() -> None:
    config = kafka(sasl_mechansim="PLAIN", session_timeout_ms="many", isolation_level="read_all")
    found = dict(judged(config))
    assert set(found) == {("kafka", "properties", name) for name in config.properties}
    assert 'No such configuration property: "sasl.mechansim"' in found["kafka", "properties", "sasl.mechansim"]


def test_what_librdkafka_says_of_a_value_does_not_hold_the_value() -> None:
    [(_, message)] = judged(kafka(ssl_endpoint_identification_algorithm="hunter2"))
    assert "ssl.endpoint.identification.algorithm" in message
    assert "hunter2" not in message


def test_properties_that_do_not_go_together_are_told_too() -> None:
    [(path, message)] = judged(kafka(security_protocol="SASL_PLAINTEXT", sasl_mechanism="PLAIN"))
    assert path == ("kafka", "properties")
    assert "sasl.username" in message


def test_what_the_connector_owns_wins_over_the_users_properties() -> None:
    properties = consumer_properties(kafka(enable_auto_commit="true", auto_offset_reset="latest"))
    assert properties["enable.auto.commit"] == "false"
    assert properties["auto.offset.reset"] == "error"


def test_the_users_properties_win_over_the_defaults() -> None:
    assert consumer_properties(kafka(isolation_level="read_uncommitted"))["isolation.level"] == "read_uncommitted"


def test_a_member_of_the_new_protocol_is_given_no_assignment_strategy() -> None:
    config = kafka(group_protocol="consumer")
    assert "partition.assignment.strategy" not in consumer_properties(config)
    assert is_incremental(config)


def test_only_an_eager_strategy_takes_all_partitions_at_once() -> None:
    assert is_incremental(kafka())
    assert not is_incremental(kafka(partition_assignment_strategy="range"))


def test_a_static_member_is_known_by_its_instance_id() -> None:
    assert is_static(kafka(group_instance_id="one"))
    assert not is_static(kafka())


def test_the_producer_of_dead_letters_takes_over_how_to_reach_the_cluster_and_no_more() -> None:
    properties = producer_properties(kafka(sasl_username="u", max_poll_interval_ms=1000, socket_keepalive_enable=True))
    assert properties["sasl.username"] == "u"
    assert properties["socket.keepalive.enable"] == "true"
    assert properties["acks"] == "all"
    assert "max.poll.interval.ms" not in properties


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (KafkaError._AUTHENTICATION, "kafka_not_authorized"),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, "kafka_not_authorized"),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, "kafka_not_authorized"),
        (KafkaError._ALL_BROKERS_DOWN, "kafka_unreachable"),
        (KafkaError._TRANSPORT, "kafka_unreachable"),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, "topic_missing"),
        (KafkaError.REBALANCE_IN_PROGRESS, None),
    ],
)
def test_an_error_that_the_operator_can_mend_is_a_reason_and_others_pass(code: int, reason: str | None) -> None:
    error = KafkaError(code)
    found = reason_of(error)
    assert found == reason
    if found is not None:
        assert error.str() in remedy_for(found, error)

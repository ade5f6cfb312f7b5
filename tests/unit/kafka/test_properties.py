"""librdkafka's properties: what the connector sets, what the user may set, and what librdkafka refuses."""

from __future__ import annotations

import pytest

from connector.kafka.properties import (
    consumer_properties,
    exclusion_properties,
    is_incremental,
    is_static,
    producer_properties,
    validate_properties,
)
from connector.settings.models import Kafka
from connector.settings.problems import Problems


def kafka(**properties: str | int | bool) -> Kafka:
    named: dict[str, str | int | float | bool] = {name.replace("_", "."): value for name, value in properties.items()}
    return Kafka(bootstrap_servers="localhost:1", group_id="g", properties=named)


def problems_of(config: Kafka) -> list[tuple[tuple[str | int, ...], str]]:
    problems = Problems()
    validate_properties(config, problems)
    return [(problem.path, problem.message) for problem in problems.found]


def test_properties_that_librdkafka_accepts_have_no_problems() -> None:
    assert (
        problems_of(kafka(session_timeout_ms=30_000, security_protocol="PLAINTEXT", socket_keepalive_enable=True)) == []
    )


def test_every_property_that_librdkafka_refuses_is_reported_at_its_path() -> None:
    config = kafka(sasl_mechansim="PLAIN", session_timeout_ms="many", isolation_level="read_all")
    found = dict(problems_of(config))
    assert set(found) == {("kafka", "properties", name) for name in config.properties}
    assert 'No such configuration property: "sasl.mechansim"' in found["kafka", "properties", "sasl.mechansim"]


def test_the_message_about_a_bad_value_does_not_contain_the_value() -> None:
    [(_, message)] = problems_of(kafka(ssl_endpoint_identification_algorithm="hunter2"))
    assert "ssl.endpoint.identification.algorithm" in message
    assert "hunter2" not in message


def test_the_message_is_one_line() -> None:
    [(_, message)] = problems_of(kafka(fetch_min_bytes=-1))
    assert message.endswith("0..2147483647")


def test_properties_that_contradict_each_other_are_reported_for_the_whole_table() -> None:
    [(path, message)] = problems_of(kafka(security_protocol="SASL_PLAINTEXT", sasl_mechanism="PLAIN"))
    assert path == ("kafka", "properties")
    assert "sasl.username" in message


def test_owned_properties_override_the_users() -> None:
    properties = consumer_properties(kafka(enable_auto_commit="true", auto_offset_reset="latest"))
    assert properties["enable.auto.commit"] == "false"
    assert properties["auto.offset.reset"] == "error"


@pytest.mark.parametrize(
    "properties",
    [
        {"message_max_bytes": 10_000_000},
        {"message_max_bytes": "10000000"},
        {"message_max_bytes": 500_000},
        {"receive_message_max_bytes": 10_000_000},
        {"fetch_max_bytes": 60_000_000, "max_partition_fetch_bytes": 5_000_000},
    ],
)
def test_our_bound_of_an_answer_does_not_contradict_the_users_limits(properties: dict[str, int | str]) -> None:
    assert problems_of(kafka(**properties)) == []


def test_the_users_properties_override_the_defaults() -> None:
    assert consumer_properties(kafka(isolation_level="read_uncommitted"))["isolation.level"] == "read_uncommitted"


def test_a_member_with_the_kip848_protocol_gets_no_assignment_strategy() -> None:
    config = kafka(group_protocol="consumer")
    assert "partition.assignment.strategy" not in consumer_properties(config)
    assert is_incremental(config)


def test_a_topic_is_excluded_from_patterns_beside_those_that_the_user_excludes() -> None:
    assert exclusion_properties(kafka(), "a.b") == {"topic.blacklist": "^a[.]b$"}
    assert exclusion_properties(kafka(topic_blacklist="^x,^y"), "a.b") == {"topic.blacklist": "^x,^y,^a[.]b$"}
    assert exclusion_properties(kafka(group_protocol="consumer"), "a.b") == {}


def test_only_an_eager_strategy_is_not_incremental() -> None:
    assert is_incremental(kafka())
    assert not is_incremental(kafka(partition_assignment_strategy="range"))


def test_a_member_with_an_instance_id_is_static() -> None:
    assert is_static(kafka(group_instance_id="one"))
    assert not is_static(kafka())


def test_the_producer_of_dead_letters_shares_only_the_properties_that_reach_the_cluster() -> None:
    properties = producer_properties(kafka(sasl_username="u", max_poll_interval_ms=1000, socket_keepalive_enable=True))
    assert properties["sasl.username"] == "u"
    assert properties["socket.keepalive.enable"] == "true"
    assert properties["acks"] == "all"
    assert properties["enable.idempotence"] == "false"  # see there
    assert "max.poll.interval.ms" not in properties

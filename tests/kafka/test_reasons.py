"""Reasons of `/readyz` that no other file makes: the fault that raises each, and its remedy, followed, that clears it.

Which test covers which reason: tests/unit/observe/test_reasons.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kafka.access import allow_describing_only, allow_everything, allow_group, deny_group
from tests.kafka.broker import SASL_PASSWORD, SASL_USER
from tests.kafka.harness import SHORT_SESSION, assert_conserved, lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.kafka.broker import Broker
    from tests.kafka.cluster import Cluster
    from tests.kafka.commands import ConnectorProcess
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka


def remedy_of(connector: ConnectorProcess, code: str) -> str:
    """Return the remedies of all reasons with this code; empty if none stands."""
    return "; ".join(remedy for (reason, _), remedy in connector.remedies().items() if reason == code)


def test_a_platform_that_is_down_is_told_with_its_reply_its_tries_and_what_waits(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    kafka.create_topic(harness.topic)
    connector = harness.start_connector().wait_ready()
    harness.sandbox.set_faults({"kind": "status", "status": 503})
    kafka.produce_orders(harness.topic, range(100))
    until(lambda: "target_down" in connector.reasons(), "readiness to report it")
    first = remedy_of(connector, "target_down")
    assert "check whether the platform runs and can be reached" in first
    assert "last reply: HTTP 503" in first
    assert "100 items wait" in first
    until(lambda: remedy_of(connector, "target_down") != first, "the tries to be counted on")
    status = connector.status()
    [target] = [one for one in status["targets"] if one["name"] == "purchases"]
    assert (target["state"], status["ready"]) == ("down", False)
    assert target["attempts"] > 0
    assert [reason["target"] for reason in status["reasons"]] == ["purchases"]
    assert connector.metric("target_up", target="purchases") == 0

    def age() -> float:
        return connector.metric("partition_lag_seconds", topic=harness.topic)

    until(lambda: age() > 1, "the age of what waits to grow")
    harness.sandbox.clear_faults()
    until(connector.is_ready, "the reason to be cleared")
    harness.wait_committed()
    until(lambda: age() == 0, "nothing to wait any more")
    assert lost_and_repeated(harness.sandbox.orders(), range(100)) == (0, 0)
    assert_conserved(connector)


def test_a_stop_is_told_until_what_is_on_the_wire_is_answered(kafka: Cluster, harness: KafkaHarness) -> None:
    kafka.create_topic(harness.topic)
    connector = harness.start_connector().wait_ready()
    harness.sandbox.set_faults({"kind": "latency", "ms": 3_000})
    kafka.produce_orders(harness.topic, range(100))
    until(lambda: connector.metric("requests_in_flight", target="purchases") > 0, "a request to be in flight")
    connector.terminate()
    until(lambda: "draining" in connector.reasons(), "readiness to report it")
    assert "none needed" in remedy_of(connector, "draining")
    assert connector.status()["state"] == "draining"
    assert connector.is_alive()
    assert connector.exit_code() == 0
    harness.wait_committed()
    harness.sandbox.clear_faults()
    assert harness.start_connector().wait_ready().status()["state"] == "running"
    assert lost_and_repeated(harness.sandbox.orders(), range(100)) == (0, 0)


def test_commits_that_stay_refused_are_told_and_cleared_once_the_right_is_given(
    killable_harness: KafkaHarness,
) -> None:
    """Committing needs the right to read the topic, which is taken while requests are on the wire."""
    harness, kafka = killable_harness, killable_harness.kafka
    kafka.create_topic(harness.topic, partitions=1)
    connector = harness.start_connector(constants={"connector.kafka.commit_alarm.ALARM_AFTER_S": 1.0}).wait_ready()
    harness.sandbox.set_faults({"kind": "latency", "ms": 2_000})
    kafka.produce_orders(harness.topic, range(100))
    until(lambda: connector.metric("requests_in_flight", target="purchases") > 0, "a request to be in flight")
    allow_describing_only(kafka.address, harness.topic)
    until(lambda: "commits_refused" in connector.reasons(), "readiness to report it")
    assert harness.sandbox.count("stored") == 100
    assert harness.committed() < 100
    assert "this user may commit for the group (ACL: READ on group and topics)" in remedy_of(
        connector, "commits_refused"
    )
    allow_everything(kafka.address, harness.topic)
    until(lambda: "commits_refused" not in connector.reasons(), "the reason to be cleared")
    harness.wait_committed()
    until(connector.is_ready, "the connector to be ready")
    assert lost_and_repeated(harness.sandbox.orders(), range(100)) == (0, 0)


def test_a_group_that_may_not_be_joined_is_told_and_joined_once_the_right_is_given(
    killable_harness: KafkaHarness,
) -> None:
    harness, kafka = killable_harness, killable_harness.kafka
    kafka.create_topic(harness.topic, partitions=1)
    deny_group(kafka.address, harness.group)
    connector = harness.start_connector()
    until(lambda: "kafka_not_authorized" in connector.reasons(), "readiness to report it")
    assert "allow this user to READ the group (ACL)" in remedy_of(connector, "kafka_not_authorized")
    allow_group(kafka.address, harness.group)
    until(connector.is_ready, "the connector to be ready")


def test_a_login_that_is_refused_is_told_and_a_start_with_the_right_password_is_ready(
    killable_broker: Broker, killable_harness: KafkaHarness
) -> None:
    harness = killable_harness
    harness.kafka.create_topic(harness.topic)
    config = harness.config()
    config["kafka"]["bootstrap_servers"] = killable_broker.sasl_address
    sasl = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": SASL_USER}
    config["kafka"]["properties"] |= {**sasl, "sasl.password": "${NO_SUCH_VARIABLE:-a wrong password}"}
    connector = harness.start_connector(config)
    until(lambda: "kafka_not_authorized" in connector.reasons(), "readiness to report it")
    assert connector.is_alive()
    remedy = remedy_of(connector, "kafka_not_authorized")
    assert "the brokers refuse the login: check sasl.mechanism, sasl.username and sasl.password" in remedy
    assert "a wrong password" not in connector.stderr
    connector.terminate()
    assert connector.exit_code() == 0
    config["kafka"]["properties"] |= {"sasl.password": f"${{NO_SUCH_VARIABLE:-{SASL_PASSWORD}}}"}
    harness.start_connector(config).wait_ready()


def test_another_fetcher_of_tokens_is_told_until_it_fetches_no_more(kafka: Cluster, harness: KafkaHarness) -> None:
    kafka.create_topic(harness.topic)
    harness.sandbox.set_switches(new_token_kills_old=True)
    connector = harness.start_connector(constants={"connector.tuzhan.renewal.CONTEST_WINDOW_S": 10.0}).wait_ready()
    count = 0
    while "token_contested" not in connector.reasons():
        harness.sandbox.issue_token()
        kafka.produce_orders(harness.topic, range(count, count + 10))
        count += 10
        until(_stored_or_contested(harness, connector, count), "a renewal or the reason")
    assert "let one process fetch, write the token to a file" in remedy_of(connector, "token_contested")
    until(connector.is_ready, "the reason to be cleared")
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(count)) == (0, 0)


def _stored_or_contested(harness: KafkaHarness, connector: ConnectorProcess, count: int) -> Callable[[], bool]:
    return lambda: harness.sandbox.count("stored") >= count or "token_contested" in connector.reasons()


def test_dead_letters_that_left_with_their_partition_are_no_reason_any_more(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    """The next owner has them: nothing is left here that could show that the topic takes them again."""
    kafka.create_topic(harness.topic, partitions=1)
    letters = kafka.create_topic(f"{harness.group}.dead-letter", 1, {"max.message.bytes": "10"})
    kafka.produce(harness.topic, b"no json")
    first = harness.start_connector(harness.config(**SHORT_SESSION))
    until(lambda: "dead_letter_unavailable" in first.reasons(), "readiness to report it")
    assert f"raise max.message.bytes of topic {letters}" in remedy_of(first, "dead_letter_unavailable")
    second = harness.start_connector(harness.config(**SHORT_SESSION)).wait_ready()
    first.freeze()
    until(second.partitions, "the second connector to own the partition")
    first.thaw()
    until(first.is_ready, "the reason to be cleared")
    kafka.configure_topic(letters, "max.message.bytes", "100000")
    harness.wait_committed()
    until(second.is_ready, "the reason to be cleared there too")

"""Dead letters where rights are missing: what the connector and the commands say, and that nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kafka.access import allow_everything, deny_group, deny_reads, deny_writes
from tests.kafka.broker import SASL_USER, Broker
from tests.kafka.cluster import Cluster, order
from tests.kafka.dead_letter_commands import DeadLetterCommands
from tests.kafka.harness import KafkaHarness, assert_conserved
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.kafka.commands import SandboxProcess

pytestmark = pytest.mark.kafka


@pytest.fixture
def harness(killable_broker: Broker, sandbox: SandboxProcess, tmp_path: Path) -> Iterator[KafkaHarness]:
    """A harness on the broker that has rights, with a topic of one partition."""
    sandbox.reset()
    cluster = Cluster(killable_broker.address)
    harness = KafkaHarness(cluster, sandbox, tmp_path)
    cluster.create_topic(harness.topic, partitions=1)
    yield harness
    harness.close()
    cluster.close()


def test_while_writing_is_denied_nothing_settles_and_afterwards_nothing_is_lost(harness: KafkaHarness) -> None:
    """A producer that was denied is unusable from then on: another one takes its place."""
    kafka = harness.kafka
    letters = kafka.create_topic(f"{harness.group}.dead-letter", 1)
    deny_writes(kafka.address, letters)
    for value in (order(0), b"no json", order(2)):
        kafka.produce(harness.topic, value)
    connector = harness.start_connector()
    until(lambda: "dead_letter_unavailable" in connector.reasons(), "readiness to report it")
    harness.wait_stored(2)
    assert connector.records()["dead_lettered"] == 0
    assert harness.committed() <= 1
    allow_everything(kafka.address, letters)
    harness.wait_committed()
    until(connector.is_ready, "the reason to be cleared")
    assert [letter.value() for letter in kafka.read(letters)] == [b"no json"]
    assert_conserved(connector)


def test_the_commands_name_the_right_that_is_missing(harness: KafkaHarness, tmp_path: Path) -> None:
    kafka = harness.kafka
    letters = kafka.create_topic(f"{harness.group}.dead-letter", 1)
    kafka.produce(harness.topic, b"no json")
    harness.start_connector()
    harness.wait_committed()
    commands = DeadLetterCommands(harness.config(), tmp_path)
    deny_group(kafka.address, f"{harness.group}.replay")
    assert len(commands.list()) == 1
    refused = commands.run("replay", "--yes")
    assert refused.returncode == 1
    assert "allow this user to READ the group (ACL)" in refused.stderr
    deny_reads(kafka.address, letters)
    for command in (["list"], ["show", "0:0"], ["replay"]):
        denied = commands.run(*command)
        assert (denied.returncode, denied.stdout) == (1, ""), command
        assert "allow this user to READ and DESCRIBE the topic (ACL)" in denied.stderr


def test_a_wrong_password_is_named_as_the_cause(killable_broker: Broker, harness: KafkaHarness, tmp_path: Path) -> None:
    config = harness.config()
    config["kafka"]["bootstrap_servers"] = killable_broker.sasl_address
    config["kafka"]["properties"] |= {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": SASL_USER,
        "sasl.password": "a wrong one",
    }
    done = DeadLetterCommands(config, tmp_path).run("list")
    assert done.returncode == 1
    assert "the brokers refuse the login: check sasl.mechanism, sasl.username and sasl.password" in done.stderr
    assert "a wrong one" not in done.stderr

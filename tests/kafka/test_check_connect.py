"""`check --connect` as a subprocess, on a broker with a real SASL_SSL listener; users have only the rights given."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka.admin._acl import AclOperation
from confluent_kafka.admin._resource import ResourceType

from tests.conftest import without_broker
from tests.kafka.broker import SASL_PASSWORD, SASL_USER, Broker
from tests.kafka.cluster import Cluster, fresh, order
from tests.kafka.commands import APP_SECRET, ConnectorProcess, orders_config
from tests.kafka.harness import KafkaHarness
from tests.kafka.jars import NoBrokerError
from tests.kafka.processes import free_ports
from tests.kafka.secured import SCRAM_PASSWORD, SecuredBroker
from tests.kafka.waiting import until
from tests.support.authority import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.kafka.commands import SandboxProcess
    from tests.kafka.secured import Grant

pytestmark = pytest.mark.kafka

TOPIC, GROUP = ResourceType.TOPIC, ResourceType.GROUP
READ, WRITE, DESCRIBE = AclOperation.READ, AclOperation.WRITE, AclOperation.DESCRIBE


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    """The broker, one for this file."""
    authority = Authority(tmp_path_factory.mktemp("authority"))
    try:
        broker = SecuredBroker(authority)
    except NoBrokerError as missing:
        without_broker(missing)
    try:
        broker.start()
        yield broker
    finally:
        broker.close()


def run(config: dict[str, Any], folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command; no secret may be in its output."""
    file = folder / "connect.yaml"
    file.write_text(json.dumps(config, ensure_ascii=False))
    command = [sys.executable, "-m", "connector", "check", "-c", str(file), *arguments]
    wide = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, env=wide)
    assert "Traceback" not in done.stderr, done.stderr
    for secret in (SASL_PASSWORD, SCRAM_PASSWORD, APP_SECRET):
        assert secret not in done.stdout + done.stderr
    return done


def run_findings(config: dict[str, Any], folder: Path, code: int) -> dict[str, dict[str, Any]]:
    """Run it, and return the findings by check; it must end with this code."""
    done = run(config, folder, "--connect", "--json")
    document = json.loads(done.stdout)
    assert done.returncode == code, done.stdout
    assert document["sound"]
    assert document["connect"]["ok"] is (code == 0)
    return {each["check"]: each for each in document["connect"]["findings"]}


class Scene:
    """A topic, a group and a dead-letter topic of one test, and its config."""

    def __init__(self, broker: SecuredBroker, sandbox: SandboxProcess, folder: Path) -> None:
        self.broker, self.kafka, self._folder = broker, broker.cluster, folder
        self.topic, self.group = fresh("orders"), fresh("group")
        self.letters = f"{self.group}.dead-letter"
        self.kafka.create_topic(self.topic, partitions=3)
        self.config = orders_config(broker.address, sandbox.url, [self.topic], self.group, broker.properties())

    def create_letters(self) -> None:
        """Make the dead-letter topic, as the connector makes it."""
        self.kafka.create_topic(self.letters, 1, {"retention.ms": "-1", "retention.bytes": "-1"})

    def needed(self) -> dict[str, list[Grant]]:
        """Return the rights that a connector needs, by what they are for."""
        return {
            "topic": [(TOPIC, self.topic, READ)],
            "group": [(GROUP, self.group, READ)],
            "dead letters": [(TOPIC, self.letters, WRITE), (TOPIC, self.letters, AclOperation.DESCRIBE_CONFIGS)],
        }

    def allow_all_but(self, *left_out: str) -> None:
        """Give every right that a connector needs, but those for these."""
        self.broker.allow(*(each for what, grants in self.needed().items() if what not in left_out for each in grants))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command."""
        return run(self.config, self._folder, *arguments)

    def findings(self, code: int) -> dict[str, dict[str, Any]]:
        """Run it, and return the findings by check; it must end with this code."""
        return run_findings(self.config, self._folder, code)

    def failing(self) -> dict[str, dict[str, Any]]:
        """Return the findings that are not ok; the command must say with its code that one has failed."""
        return {check: each for check, each in self.findings(1).items() if each["verdict"] != "ok"}


@pytest.fixture
def scene(secured: SecuredBroker, sandbox: SandboxProcess, tmp_path: Path) -> Scene:
    sandbox.reset()
    return Scene(secured, sandbox, tmp_path)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_with_all_rights_everything_is_ok_and_nothing_was_joined_made_or_written(scene: Scene, mechanism: str) -> None:
    scene.config["kafka"]["properties"] = scene.broker.properties(mechanism)
    scene.create_letters()
    scene.allow_all_but()
    found = scene.findings(0)
    assert {check: each["verdict"] for check, each in found.items()} == dict.fromkeys(
        ("broker", "cluster", "topic", "group", "dead letters", "platform", "token", "clock"), "ok"
    )
    assert found["topic"]["detail"] == "3 partitions, may be read"
    assert found["broker"]["detail"] == f"a Kafka broker, SASL_SSL, {mechanism}"
    assert scene.kafka.members(scene.group) == 0
    assert scene.kafka.committed(scene.group, scene.topic) == {}
    assert set(scene.kafka.end_offsets(scene.letters).values()) == {0}


def test_the_table_is_for_people_and_says_how_many_failed(scene: Scene) -> None:
    scene.allow_all_but("topic")
    done = scene.run("--connect")
    assert done.returncode == 1
    assert "sound (" in done.stdout
    assert f"topic {scene.topic}" in done.stdout.replace("\n", "")
    assert "2 failed" in done.stdout  # the dead-letter topic is missing


@pytest.mark.parametrize("what", ["topic", "group", "dead letters"])
def test_a_right_that_is_missing_is_the_only_thing_that_fails_and_is_named(scene: Scene, what: str) -> None:
    scene.create_letters()
    scene.allow_all_but(what)
    failing = scene.failing()
    assert set(failing) == {what}
    assert failing[what]["verdict"] == "failed"
    name, right = {
        "topic": (scene.topic, "READ"),
        "group": (scene.group, "READ"),
        "dead letters": (scene.letters, "WRITE"),
    }[what]
    assert failing[what]["subject"] == name
    assert f"give this user {right}" in failing[what]["remedy"]
    assert name in failing[what]["remedy"]


@pytest.mark.parametrize("what", ["topic", "group", "dead letters"])
def test_what_may_be_seen_but_not_used_fails_too(scene: Scene, what: str) -> None:
    scene.create_letters()
    scene.allow_all_but(what)
    kind, name = {
        "topic": (TOPIC, scene.topic),
        "group": (GROUP, scene.group),
        "dead letters": (TOPIC, scene.letters),
    }[what]
    scene.broker.allow((kind, name, DESCRIBE))
    [failed] = scene.failing().values()
    assert (failed["check"], failed["verdict"]) == (what, "failed")
    assert "may not" in failed["detail"]


def test_topics_that_do_not_exist_are_told_and_not_made(scene: Scene) -> None:
    scene.allow_all_but()
    missing = fresh("missing")
    scene.broker.allow((TOPIC, missing, READ))
    scene.config["routes"][0]["topics"] = [missing, "^nothing[.]like[.]it"]
    failing = scene.failing()
    assert (failing["topic"]["verdict"], failing["topic"]["detail"]) == ("failed", "it does not exist")
    assert failing["pattern"]["verdict"] == "warning"
    assert failing["dead letters"]["verdict"] == "failed"
    assert "may not create it" in failing["dead letters"]["detail"]
    assert f"create the topic {scene.letters}" in failing["dead letters"]["remedy"]
    for topic in (missing, scene.letters):
        assert not scene.kafka.exists(topic)


def test_a_dead_letter_topic_that_the_connector_may_create_is_no_reason_to_fail(scene: Scene) -> None:
    scene.allow_all_but()
    scene.broker.allow((TOPIC, scene.letters, AclOperation.CREATE))
    assert "may create it" in scene.findings(0)["dead letters"]["detail"]
    assert not scene.kafka.exists(scene.letters)


def test_a_dead_letter_topic_that_forgets_is_a_warning(scene: Scene) -> None:
    scene.kafka.create_topic(scene.letters, 1, {"retention.ms": "86400000"})
    scene.allow_all_but()
    found = scene.findings(0)["dead letters"]
    assert found["verdict"] == "warning"
    assert "set retention.ms=-1" in found["remedy"]


def test_a_pattern_names_what_it_matches_now(scene: Scene) -> None:
    scene.create_letters()
    scene.allow_all_but()
    scene.config["routes"][0]["topics"] = [f"^{scene.topic[:-1]}"]
    found = scene.findings(0)
    assert found["pattern"]["detail"] == f"matches 1 topic now: {scene.topic}"
    assert found["topic"]["subject"] == scene.topic


CONNECTIONS: dict[str, tuple[dict[str, str | None], str, str]] = {
    "a TLS listener without TLS": (
        {"security.protocol": "SASL_PLAINTEXT"},
        "broker",
        "set security.protocol to SASL_SSL",
    ),
    "no login": ({"security.protocol": "SSL"}, "broker", "set security.protocol to SASL_SSL"),
    "a mechanism that is not offered": (
        {"sasl.mechanism": "SCRAM-SHA-256"},
        "broker",
        "set sasl.mechanism to PLAIN or SCRAM-SHA-512",
    ),
    "a wrong password": ({"sasl.password": "a wrong one"}, "cluster", "check sasl.mechanism, sasl.username"),
    "another authority": ({"ssl.ca.location": None}, "cluster", "ssl.ca.location must name a file"),
}


@pytest.mark.parametrize("case", CONNECTIONS)
def test_how_a_broker_is_to_be_reached_is_told_in_the_words_of_the_config(
    scene: Scene, case: str, tmp_path: Path
) -> None:
    change, check, remedy = CONNECTIONS[case]
    if change.get("ssl.ca.location", "") is None:
        change = {"ssl.ca.location": str(Authority(tmp_path / "another", "a stranger").ca)}
    scene.config["kafka"]["properties"] |= change
    failing = scene.failing()
    assert failing[check]["verdict"] == "failed"
    assert remedy in failing[check]["remedy"]
    assert failing["cluster"]["verdict"] == "failed"


def test_a_listener_of_another_kind_is_recognized(scene: Scene, sandbox: SandboxProcess) -> None:
    for address, detail in (
        (scene.broker.tls_address, "speaks TLS and takes no password"),
        (scene.kafka.address, "speaks no TLS and takes no password"),
        (sandbox.url.partition("://")[2], "an HTTP server listens there, not a Kafka broker"),
    ):
        scene.config["kafka"]["bootstrap_servers"] = address
        found = scene.failing()["broker"]
        assert detail in found["detail"]
        assert found["remedy"]


def test_servers_that_take_connections_and_never_answer_do_not_hold_the_command(scene: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=200) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        scene.config["kafka"]["bootstrap_servers"] = address
        scene.config["kafka"]["properties"] = {}
        scene.config["platform"]["base_url"] = f"http://{address}"
        scene.config["platform"]["request_timeout"] = "60s"
        failing = scene.failing()
    assert failing["broker"]["detail"] == "it takes connections and says nothing"
    assert failing["platform"]["verdict"] == failing["cluster"]["verdict"] == "failed"


def test_a_secret_that_the_platform_refuses_fails_the_token(scene: Scene) -> None:
    scene.create_letters()
    scene.allow_all_but()
    scene.config["platform"]["auth"]["app_secret"] = "wrong"  # noqa: S105
    [failed] = scene.failing().values()
    assert failed["check"] == "token"
    assert "check app_id and app_secret" in failed["remedy"]


def test_beside_a_connector_that_runs_nothing_is_rebalanced(
    scene: Scene, sandbox: SandboxProcess, tmp_path: Path
) -> None:
    harness = KafkaHarness(scene.kafka, sandbox, tmp_path)
    try:
        scene.kafka.create_topic(harness.topic, 1)
        scene.kafka.produce(harness.topic, order(0))
        connector = harness.start_connector()
        harness.wait_committed()
        scene.config = harness.config()
        assert scene.findings(0)["group"]["detail"] == "1 member now, may be joined"
        scene.kafka.produce(harness.topic, order(1))
        harness.wait_committed()
        assert connector.metric("rebalances_total", kind="assigned") == 1
        assert sandbox.count("stored") == 2
    finally:
        harness.close()


def test_a_broker_that_sends_its_clients_to_an_address_out_of_reach_is_told_as_the_cause(
    sandbox: SandboxProcess, tmp_path: Path
) -> None:
    [closed] = free_ports(1)
    try:
        broker = Broker(sasl_proxy=f"127.0.0.1:{closed}")
    except NoBrokerError as missing:
        without_broker(missing)
    with broker:
        login = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": SASL_USER}
        properties = {**login, "sasl.password": SASL_PASSWORD}
        config = orders_config(broker.sasl_address, sandbox.url, ["orders"], "group", properties)
        Cluster(broker.address).create_topic("orders")
        found = run_findings(config, tmp_path, 1)
        assert_told_by_a_running_connector(config, tmp_path, f"127.0.0.1:{closed}")
    assert found["broker"]["verdict"] == "ok"
    assert (found["advertised"]["verdict"], found["advertised"]["subject"]) == ("failed", f"127.0.0.1:{closed}")
    assert "advertised.listeners" in found["advertised"]["remedy"]


def assert_told_by_a_running_connector(config: dict[str, Any], folder: Path, address: str) -> None:
    """The bootstrap server answers each probe, and the client says of the broker again and again that it is away."""
    connector = ConnectorProcess(config, folder)
    connector.start()
    try:
        told = "a bootstrap server answers, but not the brokers that it names"
        until(lambda: told in connector.remedies().get(("kafka_unreachable", ""), ""), "readiness to report it")
        assert address in connector.remedies()["kafka_unreachable", ""]
        since = {reason["code"]: reason["since"] for reason in connector.readiness()["reasons"]}
        time.sleep(5)
        later = {reason["code"]: reason["since"] for reason in connector.readiness()["reasons"]}
        assert later["kafka_unreachable"] == since["kafka_unreachable"], "it stands, and does not come and go"
        assert len(connector.stderr.splitlines()) < 15, "it once wrote twenty a second"
    finally:
        connector.close()
        connector.show()

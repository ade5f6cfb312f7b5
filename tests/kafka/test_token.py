"""The token, as an operator sees it: refused at one endpoint, contested, not to be had, a secret that was wrong."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.kafka.cluster import fresh
from tests.kafka.commands import APP_SECRET
from tests.kafka.harness import assert_conserved, lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kafka.cluster import Cluster
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka

OTHER = "event/batchAdd"
TOKEN = "app/getOrgAccessToken"  # noqa: S105 - a path


def two_targets(harness: KafkaHarness, other_topic: str) -> dict[str, Any]:
    """The config with another topic that feeds another target."""
    config = harness.config()
    config["targets"]["legacy"] = {"endpoint": OTHER, "batch": {"max_wait": "50ms"}}
    [route] = config["routes"]
    config["routes"].append({**route, "name": "legacy-orders", "topics": [other_topic], "to": "legacy"})
    return config


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 401}, {"kind": "code", "code": "100200"}])
def test_an_endpoint_that_refuses_the_token_holds_its_target_alone(
    kafka: Cluster, harness: KafkaHarness, fault: dict[str, Any]
) -> None:
    other_topic = fresh("legacy")
    for topic in (harness.topic, other_topic):
        kafka.create_topic(topic)
    kafka.produce_orders(other_topic, range(10_000, 11_000))
    kafka.produce_orders(harness.topic, range(1_000))
    before = harness.sandbox.token_requests()
    harness.sandbox.set_faults({**fault, "endpoint": OTHER})
    connector = harness.start_connector(two_targets(harness, other_topic))
    harness.wait_stored(1_000)
    until(lambda: "target_held" in connector.reasons(), "readiness to report it")
    for number in range(1, 6):
        kafka.produce_orders(harness.topic, range(1_000 * number, 1_000 * number + 1_000))
        harness.wait_committed()
    assert connector.remedies().keys() == {("target_held", "legacy")}
    assert "事件->事件" in connector.remedies()["target_held", "legacy"]
    assert connector.metric("target_held", target="legacy") == 1
    assert connector.metric("target_held", target="purchases") == 0
    assert connector.metric("requests_total", target="purchases", verdict="token") == 0, "it did not wait"
    assert harness.sandbox.token_requests() - before <= 2
    assert connector.records()["dead_lettered"] == 0
    harness.sandbox.clear_faults()
    harness.wait_committed(other_topic)
    until(connector.is_ready, "the hold to end")
    assert lost_and_repeated(harness.sandbox.orders(), [*range(6_000), *range(10_000, 11_000)]) == (0, 0)
    assert_conserved(connector)


def test_two_processes_that_fetch_tokens_which_kill_each_other_s_both_make_progress(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    kafka.create_topic(harness.topic, partitions=4)
    harness.sandbox.set_switches(new_token_kills_old=True)
    connectors = [harness.start_connector(), harness.start_connector()]
    until(lambda: all(connector.is_alive() for connector in connectors), "both to run")
    until(lambda: all(len(connector.partitions()) == 2 for connector in connectors), "both to have partitions")
    before, count = harness.sandbox.token_requests(), 0
    # Each connector gets a record now and then, so that it notices when its token has died.
    while not all("token_contested" in connector.reasons() for connector in connectors):
        kafka.produce_orders(harness.topic, range(count, count + 40))
        count += 40
        time.sleep(0.2)
    assert harness.sandbox.token_requests() - before <= 8
    assert "token_file" in connectors[0].remedies()["token_contested", ""]
    contested, delivered = harness.sandbox.token_requests(), [one.records()["delivered"] for one in connectors]
    kafka.produce_orders(harness.topic, range(count, count + 4_000))
    count += 4_000
    harness.wait_committed()
    assert harness.sandbox.token_requests() - contested <= 6
    assert all(one.records()["delivered"] > then for one, then in zip(connectors, delivered, strict=True))
    assert lost_and_repeated(harness.sandbox.orders(), range(count)) == (0, 0)


def test_a_token_endpoint_that_is_down_at_start_is_waited_for(kafka: Cluster, harness: KafkaHarness) -> None:
    kafka.create_topic(harness.topic)
    kafka.produce_orders(harness.topic, range(500))
    harness.sandbox.set_faults({"kind": "status", "status": 503, "endpoint": TOKEN})
    connector = harness.start_connector()
    until(lambda: "503" in connector.remedies().get(("no_token", ""), ""), "readiness to report it")
    until(lambda: connector.records()["consumed"] == 500, "the records to be read")
    assert harness.committed() == 0
    assert harness.sandbox.count("requests") == 0
    harness.sandbox.clear_faults()
    harness.wait_committed()
    until(connector.is_ready, "the connector to be ready")
    assert lost_and_repeated(harness.sandbox.orders(), range(500)) == (0, 0)
    assert connector.metric("token_renewals_total", result="failed") >= 1
    assert connector.metric("token_renewals_total", result="ok") == 1
    assert 7_000 < connector.metric("token_expires_seconds") <= 7_200
    assert connector.status()["token"]["source"] == "app_id and app_secret"
    assert 7_000 < connector.status()["token"]["expires_in_s"] <= 7_200


def test_while_the_token_endpoint_is_down_a_good_token_is_used_and_a_dead_one_loses_nothing(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    kafka.create_topic(harness.topic)
    kafka.produce_orders(harness.topic, range(500))
    connector = harness.start_connector().wait_ready()
    harness.wait_committed()
    harness.sandbox.set_faults({"kind": "reset", "endpoint": TOKEN})
    kafka.produce_orders(harness.topic, range(500, 1_000))
    harness.wait_committed()
    assert connector.is_ready(), "the token is still good"
    harness.sandbox.expire_tokens()
    kafka.produce_orders(harness.topic, range(1_000, 1_500))
    until(lambda: "no_token" in connector.reasons(), "readiness to report it")
    assert connector.status()["token"]["expires_in_s"] is None
    harness.sandbox.clear_faults()
    harness.wait_committed()
    until(connector.is_ready, "the connector to be ready")
    assert lost_and_repeated(harness.sandbox.orders(), range(1_500)) == (0, 0)


def test_a_process_that_was_frozen_while_its_token_died_fetches_one(kafka: Cluster, harness: KafkaHarness) -> None:
    kafka.create_topic(harness.topic)
    kafka.produce_orders(harness.topic, range(500))
    connector = harness.start_connector().wait_ready()
    harness.wait_committed()
    before = harness.sandbox.token_requests()
    connector.process.send_signal(signal.SIGSTOP)
    harness.sandbox.expire_tokens()
    time.sleep(3)
    connector.process.send_signal(signal.SIGCONT)
    kafka.produce_orders(harness.topic, range(500, 5_000))
    harness.wait_committed()
    assert harness.sandbox.token_requests() - before == 1
    assert lost_and_repeated(harness.sandbox.orders(), range(5_000)) == (0, 0)


def test_a_wrong_secret_is_mended_while_the_connector_runs_and_is_written_nowhere(
    kafka: Cluster, harness: KafkaHarness, tmp_path: Path
) -> None:
    kafka.create_topic(harness.topic)
    kafka.produce_orders(harness.topic, range(500))
    secret = tmp_path / "secret"
    secret.write_text("a-wrong-secret\n")
    config = harness.config()
    config["platform"]["auth"]["app_secret"] = f"${{file:{secret}}}"
    config["log"]["level"] = "debug"
    connector = harness.start_connector(config)
    until(lambda: "100100" in connector.remedies().get(("no_token", ""), ""), "readiness to report it")
    assert connector.is_alive()
    mended = tmp_path / "mended"
    mended.write_text(f"{APP_SECRET}\n")
    mended.replace(secret)
    harness.wait_committed()
    until(connector.is_ready, "the connector to be ready")
    harness.sandbox.set_faults({"kind": "reset", "endpoint": TOKEN}, {"kind": "truncate", "count": 3})
    harness.sandbox.expire_tokens()
    kafka.produce_orders(harness.topic, range(500, 1_000))
    until(lambda: "no_token" in connector.reasons(), "readiness to report it")
    shown = [connector.get_text(path) for path in ("/status", "/readyz", "/metrics", "/")]
    harness.sandbox.clear_faults()
    harness.wait_committed()
    connector.terminate()
    assert connector.exit_code() == 0
    for text in (*shown, connector.stderr):
        for word in ("a-wrong-secret", APP_SECRET, "instanceSecrect", TOKEN):
            assert word not in text
    assert lost_and_repeated(harness.sandbox.orders(), range(1_000))[0] == 0


def test_a_token_file_is_followed_and_its_absence_reported(
    kafka: Cluster, harness: KafkaHarness, tmp_path: Path
) -> None:
    kafka.create_topic(harness.topic)
    kafka.produce_orders(harness.topic, range(500))
    file = tmp_path / "token"
    config = harness.config()
    config["platform"]["auth"] = {"token_file": os.fspath(file)}
    connector = harness.start_connector(config)
    until(lambda: str(file) in connector.remedies().get(("no_token", ""), ""), "readiness to report it")
    file.write_text("not a token of this platform".replace(" ", "-"))
    until(lambda: "refuses" in connector.remedies().get(("no_token", ""), ""), "readiness to report it")
    written = tmp_path / "written"
    written.write_text(harness.sandbox.issue_token())
    written.replace(file)
    harness.wait_committed()
    until(connector.is_ready, "the connector to be ready")
    assert connector.status()["token"] == {"source": "token_file", "expires_in_s": None}
    assert lost_and_repeated(harness.sandbox.orders(), range(500)) == (0, 0)

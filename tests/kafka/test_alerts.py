"""A real Prometheus scrapes a real run: every expression has an answer; each alert fires by its fault, and is cleared.

What clears it is what docs/runbook.md says. Which test covers which alert: tests/unit/compose/test_alerts.py.
"""

from __future__ import annotations

import copy
import json
import re
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from tests.alerts.prometheus import Prometheus
from tests.kafka.access import allow_describing_only, allow_everything
from tests.kafka.cluster import order
from tests.kafka.commands import APP_SECRET
from tests.kafka.harness import lost_and_repeated
from tests.kafka.waiting import until
from tests.support.tools import fetched_tool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.kafka.broker import Broker
    from tests.kafka.cluster import Cluster
    from tests.kafka.commands import ConnectorProcess
    from tests.kafka.harness import KafkaHarness

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240, func_only=True)]

ROOT = Path(__file__).parents[2]
RULES = (ROOT / "compose/prometheus/rules/connector.yml").read_text(encoding="utf-8")
DASHBOARD = json.loads((ROOT / "compose/grafana/dashboards/connector.json").read_text(encoding="utf-8"))
RARE = ("identity_invalid", "values_omitted", "histogram_quantile")
"""In these an empty answer is no mistake: nothing has happened that they count."""


def impatient(rules: str) -> str:
    """Return the rules with seconds for minutes, and ten seconds for hours: a test can't wait for those."""
    rules = re.sub(r"for: \d+m", "for: 2s", rules).replace("> 600", "> 5")
    return re.sub(r"(\[|offset )(?:1\dm|1h)\b", r"\g<1>10s", rules).replace("[3m]", "[3s]")


def panels() -> Iterator[tuple[str, str]]:
    """Yield title and expression of each query of the dashboard, its variables filled in."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"].replace("$__rate_interval", "10s")
            yield panel["title"], re.sub(r'=~"\$\w+"', '=~".*"', expression)


class Watched:
    """The rules, made impatient, in a Prometheus that scrapes one connector."""

    def __init__(self, prometheus: Prometheus) -> None:
        self.query = prometheus.query
        self.firing = prometheus.firing

    def fires(self, *names: str) -> bool:
        """Return whether all of these fire."""
        return {f"TuzhanConnector{name}" for name in names} <= self.firing()

    def wait_fired(self, *names: str) -> None:
        """Wait until all of these fire."""
        until(lambda: self.fires(*names), f"to fire: {', '.join(names)}")

    def wait_cleared(self, *names: str) -> None:
        """Wait until none of these fires."""
        until(lambda: not any(map(self.fires, names)), f"to clear: {', '.join(names)}")


@contextmanager
def watched(connector: ConnectorProcess, folder: Path) -> Iterator[Watched]:
    """Start a Prometheus that scrapes the connector, and return when it has."""
    address = connector.admin_url.removeprefix("http://")
    with Prometheus(fetched_tool("prometheus"), folder, [address], impatient(RULES)) as prometheus:
        watch = Watched(prometheus)
        until(lambda: watch.query("tuzhan_connector_build_info"), "a scrape")
        yield watch


def check_every_expression(watch: Watched) -> None:
    """Assert that the dashboard's expressions have an answer, and that the rules' are valid."""
    empty = [
        (title, expression)
        for title, expression in panels()
        if not watch.query(expression) and not any(word in expression for word in RARE)
    ]
    assert [each for each in empty if "> 0" not in each[1]] == []
    for rule in YAML(typ="safe").load(RULES)["groups"][0]["rules"]:
        watch.query(rule["expr"])


def moved_orders(numbers: range) -> list[dict[str, Any]]:
    """Return orders of a producer that has changed its format: the buyer's number has another name."""
    return [{"value": order(number, buyer={"phone": f"138{number:08d}"})} for number in numbers]


def test_a_changed_format_a_dead_platform_and_a_refused_target_are_alerted_of_until_mended(
    kafka: Cluster, harness: KafkaHarness, tmp_path: Path
) -> None:
    topic = kafka.create_topic(harness.topic, 2)
    config = harness.config()
    connector = harness.start_connector(config).wait_ready()
    with watched(connector, tmp_path) as watch:
        for number in range(4):
            kafka.produce_orders(topic, range(number * 50, number * 50 + 50))
            harness.wait_stored(number * 50 + 50)
        kafka.produce_all(topic, moved_orders(range(200, 230)))
        watch.wait_fired("DeadLetters", "ManyDeadLetters")
        check_every_expression(watch)
        broken = copy.deepcopy(config)
        broken["routes"][0]["feilds"] = {}
        connector.reload(broken)
        watch.wait_fired("ConfigRefused")
        config["routes"][0]["identity"][0]["value"]["from"] = "$.buyer.phone"
        connector.reload(config)
        until(lambda: "config_refused" not in connector.reasons(), "the config to take over")
        kafka.produce_all(topic, moved_orders(range(230, 250)))
        harness.wait_stored(220)
        watch.wait_cleared("ConfigRefused", "DeadLetters", "ManyDeadLetters")

        harness.sandbox.set_faults({"kind": "status", "status": 503})
        long_ago_ms = round((time.time() - 1_200) * 1_000)
        for message in moved_orders(range(250, 260)):
            kafka.produce(topic, **message, timestamp_ms=long_ago_ms)
        watch.wait_fired("TargetDown", "NotReady", "NoDelivery", "Behind", "UnsettledTooLong")
        watch.wait_fired("PartitionStandsStill")  # and by now not because its age has jumped, which counts for 3 s
        assert not watch.fires("TargetHeld")
        harness.sandbox.set_faults({"kind": "code", "code": "100300"})
        until(lambda: watch.fires("TargetHeld") and not watch.fires("TargetDown"), "the alert of a held target")
        harness.sandbox.set_faults()
        harness.wait_stored(230)
        until(lambda: not watch.firing(), "all alerts to clear")

        connector.terminate()
        assert connector.exit_code() == 0
        watch.wait_fired("Absent")
        connector.start()
        watch.wait_cleared("Absent")


def test_lost_records_a_wrong_secret_refused_commits_and_a_dead_broker_are_alerted_of_until_mended(
    killable_broker: Broker, killable_harness: KafkaHarness, tmp_path: Path
) -> None:
    harness, kafka = killable_harness, killable_harness.kafka
    topic = kafka.create_topic(harness.topic, 1)
    kafka.produce_orders(topic, range(100))
    kafka.reset_offsets(harness.group, topic, {0: 0})
    kafka.delete_before(topic, 0, 30)
    secret = tmp_path / "secret"
    secret.write_text("a-wrong-secret")
    config = harness.config()
    config["platform"]["auth"]["app_secret"] = f"${{file:{secret}}}"
    connector = harness.start_connector(config)
    until(lambda: "records_lost" in connector.reasons(), "the gap to be found: before the first scrape")
    with watched(connector, tmp_path) as watch:
        watch.wait_fired("RecordsLost", "Token")
        secret.write_text(APP_SECRET)
        harness.wait_committed()
        watch.wait_cleared("Token")

        harness.sandbox.set_faults({"kind": "latency", "ms": 1_000})
        kafka.produce_orders(topic, range(100, 200))
        until(lambda: connector.metric("requests_in_flight", target="purchases") > 0, "a request to be in flight")
        allow_describing_only(kafka.address, topic)
        watch.wait_fired("CommitsFail")
        allow_everything(kafka.address, topic)
        harness.wait_committed()

        killable_broker.kill()
        watch.wait_fired("KafkaDown")
        killable_broker.start()
        connector.terminate()
        assert connector.exit_code() == 0
        connector.start().wait_ready()  # which acknowledges the loss
        until(lambda: not watch.firing(), "all alerts to clear")
        assert lost_and_repeated(harness.sandbox.orders(), range(30, 200))[0] == 0

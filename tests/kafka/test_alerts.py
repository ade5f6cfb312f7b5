"""A real Prometheus scrapes a real run: every expression has an answer, and alerts fire by their faults, and clear."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from tests.alerts.prometheus import Prometheus
from tests.kafka.cluster import order
from tests.kafka.waiting import until
from tests.support.tools import fetched_tool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.kafka.cluster import Cluster
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).parents[2]
RULES = (ROOT / "compose/prometheus/rules/connector.yml").read_text(encoding="utf-8")
DASHBOARD = json.loads((ROOT / "compose/grafana/dashboards/connector.json").read_text(encoding="utf-8"))
RARE = ("identity_invalid", "values_omitted", "histogram_quantile")
"""In these an empty answer is no mistake: nothing has happened that they count."""


def impatient(rules: str) -> str:
    """Return the rules with seconds for minutes: a test can't wait for those."""
    rules = re.sub(r"for: \d+m", "for: 2s", rules)
    return rules.replace("[15m]", "[10s]").replace("[10m]", "[10s]").replace("[1h]", "[10s]")


def panels() -> Iterator[tuple[str, str]]:
    """Yield title and expression of each query of the dashboard, its variables filled in."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"].replace("$__rate_interval", "10s")
            yield panel["title"], re.sub(r'=~"\$\w+"', '=~".*"', expression)


def test_every_expression_has_an_answer_and_alerts_fire_by_their_faults_and_clear(
    kafka: Cluster, harness: KafkaHarness, tmp_path: Path
) -> None:
    topic = kafka.create_topic(harness.topic, 2)
    connector = harness.start_connector().wait_ready()
    address = connector.admin_url.removeprefix("http://")
    with Prometheus(fetched_tool("prometheus"), tmp_path, [address], impatient(RULES)) as prometheus:

        def fires(*names: str) -> bool:
            return {f"TuzhanConnector{name}" for name in names} <= prometheus.firing()

        until(lambda: prometheus.query("tuzhan_connector_ready == 1"), "a scrape")
        for number in range(4):
            kafka.produce_orders(topic, range(number * 50, number * 50 + 50))
            kafka.produce(topic, b"no json", partition=0)
            harness.wait_stored(number * 50 + 50)
        kafka.produce(topic, order(1, status="OPEN"), partition=1)
        until(lambda: fires("DeadLetters"), "the alert of dead letters")
        empty: list[Any] = []
        for title, expression in panels():
            if not prometheus.query(expression) and not any(word in expression for word in RARE):
                empty.append((title, expression))
        assert [each for each in empty if "> 0" not in each[1]] == []
        for rule in YAML(typ="safe").load(RULES)["groups"][0]["rules"]:
            prometheus.query(rule["expr"])
        until(lambda: not fires("DeadLetters"), "the alert of dead letters to clear")

        harness.sandbox.set_faults({"kind": "status", "status": 503})
        kafka.produce_orders(topic, range(200, 250))
        until(lambda: fires("TargetDown", "NotReady", "NoDelivery"), "the alerts of a platform that is down")
        assert not fires("TargetHeld")
        harness.sandbox.set_faults({"kind": "code", "code": "100300"})
        until(lambda: fires("TargetHeld") and not fires("TargetDown"), "the alert of a held target")
        harness.sandbox.set_faults()
        harness.wait_stored(250)
        until(lambda: not prometheus.firing(), "all alerts to clear")
        connector.terminate()
        assert connector.exit_code() == 0
        until(lambda: fires("Absent"), "the alert of a process that is gone")

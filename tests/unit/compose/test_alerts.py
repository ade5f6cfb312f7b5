"""The alert rules and the dashboard: their own tests pass, what they name exists, and each alert has its runbook."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.alerts import prometheusrule
from tests.support.tools import fetched_tool
from tests.unit.compose.files import COMPOSE, ROOT

RULES = COMPOSE / "prometheus/rules/connector.yml"
DASHBOARD = COMPOSE / "grafana/dashboards/connector.json"
METRIC = re.compile(r"\btuzhan_connector_(\w+)")


SEEN = {
    "kafka/test_alerts.py": {
        "a_changed_format_a_dead_platform_and_a_refused_target_are_alerted_of_until_mended": [
            *("DeadLetters", "ManyDeadLetters", "ConfigRefused", "TargetDown", "TargetHeld", "NotReady"),
            *("NoDelivery", "Behind", "UnsettledTooLong", "PartitionStandsStill", "Absent"),
        ],
        "lost_records_a_wrong_secret_refused_commits_and_a_dead_broker_are_alerted_of_until_mended": [
            *("RecordsLost", "Token", "CommitsFail", "KafkaDown"),
        ],
    }
}
"""By file and test: the alerts that it has seen, on a real run, to fire by their fault and to clear by their remedy."""


def alerts() -> list[dict[str, Any]]:
    [group] = YAML(typ="safe").load(RULES)["groups"]
    return list(group["rules"])


def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return loaded


def documented() -> set[str]:
    return set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/operations.md").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize(
    "arguments", [("check", "rules", RULES), ("test", "rules", ROOT / "tests/alerts/rules_test.yml")]
)
def test_promtool_accepts_the_rules_and_each_alert_fires_for_its_fault_alone(arguments: tuple[object, ...]) -> None:
    command = [fetched_tool("promtool"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tested() -> None:
    tests = (ROOT / "tests/alerts/rules_test.yml").read_text(encoding="utf-8")
    fired = set(re.findall(r"runbook: docs/runbook\.md#(\w+)", tests))
    assert {alert["alert"].lower() for alert in alerts()} == fired


def test_every_alert_has_a_test_in_which_a_real_run_meets_its_fault_and_its_remedy() -> None:
    seen: list[str] = []
    for file, tests in SEEN.items():
        text = (ROOT / "tests" / file).read_text(encoding="utf-8")
        for name, names in tests.items():
            _, found, rest = text.partition(f"\ndef test_{name}(")
            assert found, f"{file} has no {name}"
            body = rest.partition("\ndef ")[0]
            fired = {word for words in re.findall(r"(?:wait_fired|fires)\(([^)]*)", body) for word in words.split('"')}
            assert fired >= set(names), f"{name} does not see them fire: {set(names) - fired}"
            seen += [f"TuzhanConnector{each}" for each in names]
    assert sorted(seen) == sorted(alert["alert"] for alert in alerts())


def test_the_resource_for_kubernetes_is_made_from_the_rules() -> None:
    made = prometheusrule.resource()
    assert prometheusrule.RESOURCE.read_text(encoding="utf-8") == made, "python -m tests.alerts.prometheusrule"
    assert YAML(typ="safe").load(made)["spec"] == YAML(typ="safe").load(RULES)


def test_every_alert_says_what_it_is_in_two_languages_and_has_its_part_of_the_runbook() -> None:
    runbook = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
    parts = {part.splitlines()[0]: part for part in runbook.split("\n## ")[1:]}
    assert list(parts) == [alert["alert"] for alert in alerts()]
    for alert in alerts():
        annotations = alert["annotations"]
        assert annotations["runbook"] == f"docs/runbook.md#{alert['alert'].lower()}"
        assert set(annotations) == {"summary", "summary_zh", "runbook"}
        assert alert["labels"]["severity"] in {"warning", "critical"}
        part = parts[alert["alert"]]
        assert all(word in part for word in ("**Means**", "**Look at**", "**Do**")), alert["alert"]
        assert re.search("[\u4e00-\u9fff]", part), alert["alert"]


def test_rules_and_dashboard_name_metrics_that_exist() -> None:
    expressions = [alert["expr"] for alert in alerts()]
    expressions += [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", [])]
    named = {name for expression in expressions for name in METRIC.findall(expression)}
    of_histograms = {re.sub(r"_(bucket|sum|count)$", "", name) for name in named}
    assert of_histograms - documented() == set()


def test_the_dashboard_s_panels_are_in_place() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells

"""The alert rules as a resource of the Prometheus Operator. After a change of the rules: `python -m` this module."""

from __future__ import annotations

import textwrap
from pathlib import Path

COMPOSE = Path(__file__).parents[2] / "compose"
RULES = COMPOSE / "prometheus/rules/connector.yml"
RESOURCE = COMPOSE / "kubernetes/alert-rules/prometheusrule.yaml"
HEAD = """\
# Made from compose/prometheus/rules/connector.yml, to be edited there: python -m tests.alerts.prometheusrule
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: tuzhan-connector
  labels: {app.kubernetes.io/name: tuzhan-connector}
spec:
"""


def resource() -> str:
    """Return the text of the resource: the groups of the rules, as they are written."""
    comment, groups, rules = RULES.read_text(encoding="utf-8").partition("groups:\n")
    return HEAD + textwrap.indent(comment + groups + rules, "  ")


if __name__ == "__main__":
    RESOURCE.write_text(resource(), encoding="utf-8")

"""The config of Prometheus in the stack."""

from __future__ import annotations

import subprocess

from tests.support.tools import fetched_tool
from tests.unit.compose.files import COMPOSE


def test_promtool_accepts_the_config() -> None:
    command = [fetched_tool("promtool"), "check", "config", str(COMPOSE / "prometheus/prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

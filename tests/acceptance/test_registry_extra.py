"""The command line where the extra `registry` is not installed."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.kafka.commands import orders_config

if TYPE_CHECKING:
    from pathlib import Path

WITHOUT = """
import sys
for name in ("fastavro", "httpx2", "authlib", "cachetools"):
    sys.modules[name] = None
from connector.cli import main
main()
"""
"""Starts the command line in a process that finds none of what the extra brings."""


def run(config: dict[str, Any], folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    file = folder / "c.yaml"
    file.write_text(json.dumps(config))
    arguments = [sys.executable, "-c", WITHOUT, *command, "-c", str(file)]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_topic_in_avro_is_an_error_that_says_what_to_install(tmp_path: Path, command: str) -> None:
    config = orders_config("localhost:1", "http://localhost:1", ["orders"], "group")
    config["kafka"]["schema_registry"] = {"url": "http://localhost:1"}
    config["decode"] = {"orders": {"format": "avro"}}
    done = run(config, tmp_path, command)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "decode.orders.format: " in line
    assert "avro needs an extra that is not installed (no module " in line
    assert "pip install 'tuzhan-connector[registry]'" in line


def test_whoever_reads_json_needs_no_extra(tmp_path: Path) -> None:
    config = orders_config("localhost:1", "http://localhost:1", ["orders"], "group")
    done = run(config, tmp_path, "check")
    assert (done.returncode, done.stderr) == (0, "")

"""The command line where the extra `otel` is not installed, or asked for what it can't do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.kafka.commands import orders_config

if TYPE_CHECKING:
    from pathlib import Path

WITHOUT = """
import sys
sys.modules["opentelemetry"] = None
from connector.cli import main
main()
"""
"""Starts the command line in a process that finds nothing of what the extra brings."""


def run(folder: Path, command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    file = folder / "c.yaml"
    file.write_text(json.dumps(orders_config("localhost:1", "http://localhost:1", ["orders"], "group")))
    arguments = [sys.executable, "-c", WITHOUT, command, "-c", str(file)]
    without = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    return subprocess.run(
        arguments, capture_output=True, text=True, timeout=60, check=False, env={**without, **environ}
    )


@pytest.mark.parametrize(
    "environ", [{"OTEL_TRACES_EXPORTER": "otlp"}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}]
)
def test_traces_that_are_asked_for_are_an_error_that_says_what_to_install(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    done = run(tmp_path, "run", **environ)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "but opentelemetry is not installed: pip install 'tuzhan-connector[otel]'" in line
    assert "OTEL_TRACES_EXPORTER=none" in line


def test_a_protocol_that_is_not_supported_is_an_error_and_no_traceback(tmp_path: Path) -> None:
    done = run(tmp_path, "run", OTEL_TRACES_EXPORTER="otlp", OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("OTEL_EXPORTER_OTLP_PROTOCOL: ")


def test_other_commands_make_no_traces_and_need_no_extra(tmp_path: Path) -> None:
    done = run(tmp_path, "check", OTEL_TRACES_EXPORTER="otlp")
    assert (done.returncode, done.stderr) == (0, "")

"""The systemd unit: what systemd itself says of it, and that it fits the command line."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from connector.config.loading import load
from connector.settings.models import Config
from tests.support.tools import fetched_tool
from tests.unit.compose.files import COMPOSE
from tests.unit.config.files import SOUND

if TYPE_CHECKING:
    from pathlib import Path

UNIT = COMPOSE / "systemd/tuzhan-connector@.service"
EXPOSED = 2.0
"""From 0 to 10, where systemd calls less than 2 "OK" and 9.6 is a service without any setting."""


def settings() -> dict[str, str]:
    lines = [line for line in UNIT.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines if "=" in line)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, as an instance whose program exists."""
    program = tmp_path / "tuzhan-connector"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    text = UNIT.read_text(encoding="utf-8").replace(settings()["ExecStart"].split()[0], str(program))
    copy = tmp_path / "tuzhan-connector@orders.service"
    copy.write_text(text, encoding="utf-8")
    return copy


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [fetched_tool("systemd-analyze"), "--no-pager", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_systemd_has_nothing_to_complain_of(unit: Path) -> None:
    done = analyze("verify", str(unit))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_systemd_calls_it_well_confined(unit: Path) -> None:
    done = analyze("security", "--offline=true", f"--threshold={round(EXPOSED * 10)}", str(unit))
    assert done.returncode == 0, done.stdout


def test_there_is_time_to_drain_before_it_is_killed() -> None:
    stop_s = int(settings()["TimeoutStopSec"].removesuffix("s"))
    assert stop_s >= Config.model_fields["shutdown_timeout"].default + 5


def test_a_config_that_is_wrong_is_not_tried_again() -> None:
    assert settings()["Restart"] == "always"
    assert settings()["RestartPreventExitStatus"] == "2"


def test_a_config_reads_the_credential_as_the_unit_says(tmp_path: Path) -> None:
    comments = "\n".join(line for line in UNIT.read_text(encoding="utf-8").splitlines() if line.startswith("#"))
    name = settings()["LoadCredential"].partition(":")[0]
    reference = f"${{file:${{CREDENTIALS_DIRECTORY}}/{name}}}"
    assert reference in comments
    (tmp_path / name).write_text("from-a-file\n", encoding="utf-8")
    (tmp_path / "c.yaml").write_text(SOUND.replace("${SECRET}", reference), encoding="utf-8")
    auth = load(tmp_path / "c.yaml", {"CREDENTIALS_DIRECTORY": str(tmp_path)}).config.platform.auth
    assert auth.app_secret is not None
    assert auth.app_secret.get_secret_value() == "from-a-file"

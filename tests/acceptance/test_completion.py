"""Completion of the command line, in a real bash."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent

pytestmark = pytest.mark.skipif(
    shutil.which("bash") is None or not (BIN / "tuzhan-connector").exists(), reason="needs bash and the command"
)


def completed(*words: str) -> list[str]:
    """Return what bash offers for the last of these words."""
    script = (
        'source <(tuzhan-connector --show-completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
        '_tuzhan_connector_completion "$1"; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", *words],
        env={
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "SHELL": "/bin/bash",
            "_TYPER_FORCE_DISABLE_TERMINAL": "1",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_commands_options_and_values() -> None:
    assert completed("tuzhan-connector", "che") == ["check"]
    assert completed("tuzhan-connector", "dead-letters", "re") == ["replay"]
    assert completed("tuzhan-connector", "schema", "--l") == ["--lang"]
    assert completed("tuzhan-connector", "schema", "--lang", "") == ["en", "zh"]


def test_completion_is_installed_for_the_shell_that_it_is_called_from(tmp_path: Path) -> None:
    done = subprocess.run(
        [BIN / "tuzhan-connector", "--install-completion", "bash"],
        env={**os.environ, "HOME": str(tmp_path), "SHELL": "/bin/bash"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert "tuzhan-connector" in (tmp_path / ".bashrc").read_text()

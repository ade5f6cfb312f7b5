"""Programs that tests run: those of the virtual environment first, then those on PATH."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path

import pytest

_FETCHED_BY = {
    "prometheus": "tests/alerts/install.sh .venv/bin",
    "promtool": "tests/alerts/install.sh .venv/bin",
    "systemd-analyze": "tests/unit/compose/install.sh",
}
"""The script that fetches a program, with its arguments."""


def installed_tool(name: str) -> str:
    """Return the path of a program that `pip install '.[dev]'` brings. Where it has none for this machine, skip.

    With CI set that is a failure, where there are wheels of them.
    """
    found = _find(name)
    if found is None:
        remedy = f"no {name}: pip install '.[dev]' brings it on Linux, x86-64"
        if os.environ.get("CI") and (sys.platform, platform.machine()) == ("linux", "x86_64"):
            pytest.fail(remedy, pytrace=False)
        pytest.skip(remedy)
    return found


def fetched_tool(name: str) -> str:
    """Return the path of a program that `make test` fetches; skip where it could not, or fail if CI is set."""
    found = _find(name)
    if found is None:
        remedy = f"no {name}: sh {_FETCHED_BY[name]} fetches it on Debian"
        if os.environ.get("CI"):
            pytest.fail(remedy, pytrace=False)
        pytest.skip(remedy)
    return found


def _find(name: str) -> str | None:
    return shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")

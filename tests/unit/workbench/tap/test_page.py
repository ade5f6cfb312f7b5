"""docs/tap.md: what it shows is what the command prints, and its options are those of the command."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from connector.observe.tap_request import OUTCOMES
from connector.workbench.tap.options import tap
from connector.workbench.tap.rendering import Printer

if TYPE_CHECKING:
    import pytest

PAGE = (Path(__file__).parents[4] / "docs/tap.md").read_text(encoding="utf-8")


def test_the_item_of_the_page_is_printed_as_the_page_shows_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    [line] = re.findall(r"^```json\n(.*?)\n```", PAGE, re.MULTILINE | re.DOTALL)
    [shown] = re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    Printer().item(json.loads(line))
    assert [text.rstrip() for text in capsys.readouterr().out.splitlines()] == shown.splitlines()


def test_the_options_and_outcomes_of_the_page_are_those_of_the_command() -> None:
    options = {f"--{name.replace('as_', '').replace('_', '-')}" for name in inspect.signature(tap).parameters}
    assert set(re.findall(r"--[a-z][a-z-]+", PAGE)) == options
    [told] = re.findall(r"^\| `--outcome .*$", PAGE, re.MULTILINE)
    assert set(re.findall(r"`([a-z_]+)`", told)) == set(OUTCOMES)

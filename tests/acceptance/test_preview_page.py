"""docs/preview.md: its example prints what it shows, and its commands exist."""

from __future__ import annotations

import re
from pathlib import Path

from tests.acceptance.test_cli_check import command
from tests.acceptance.test_testing_page import FILES

PAGE = (Path(__file__).parents[2] / "docs/preview.md").read_text(encoding="utf-8")


def test_the_example_prints_what_the_page_shows(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    text = FILES["config/connector.yaml"].replace("$.mobile", "$.moblie")
    (tmp_path / "config/connector.yaml").write_text(text, encoding="utf-8")
    [records] = re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "records.jsonl").write_text(records, encoding="utf-8")
    [shown] = re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    done = command(tmp_path, "preview", "-c", "config/connector.yaml", "--file", "records.jsonl", COLUMNS="120")
    assert (done.returncode, done.stderr) == (0, "")
    assert _comparable(done.stdout) == _comparable(shown)


def test_the_options_of_the_page_are_those_of_the_command() -> None:
    named = set(re.findall(r"--[a-z]+", PAGE))
    told = command(Path(), "preview", "--help").stdout
    assert named == set(re.findall(r"--[a-z]+", told)) - {"--config", "--help"}


def _comparable(text: str) -> list[str]:
    lines = re.sub(r"\d{4}-\d\d-\d\dT[\d:]+\+00:00", "0000-00-00T00:00:00+00:00", text).split("\n")
    return [line.rstrip() for line in lines]

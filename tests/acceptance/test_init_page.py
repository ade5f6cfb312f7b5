"""docs/init.md: its records become what it says."""

from __future__ import annotations

import re
from pathlib import Path

from tests.acceptance.test_cli_check import command

PAGE = Path(__file__).parents[2] / "docs/init.md"


def test_the_records_of_the_page_become_its_config(tmp_path: Path) -> None:
    blocks = dict(re.findall(r"^```(json|yaml)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE))
    (tmp_path / "records.jsonl").write_text(blocks["json"], encoding="utf-8")
    done = command(tmp_path, "init", "--file", "records.jsonl", "--topic", "shop.orders", "--output", "-")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(blocks["yaml"])

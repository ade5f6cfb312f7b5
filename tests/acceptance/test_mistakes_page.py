"""docs/mistakes.md: each mistake is made, and its command says what the table says it does."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.acceptance.test_cli_check import command

PAGE = (Path(__file__).parents[2] / "docs/mistakes.md").read_text(encoding="utf-8")
[CONFIG] = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
[RECORDS] = re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
PLAN = """\
events:
  c_buy: {args: {c_goods: string, c_channel: string, c_note: string}}
  c_refund: {args: {c_goods: string, c_channel: string, c_note: string}}
"""


class Mistake(NamedTuple):
    """A row of the table."""

    name: str
    line: str
    """What the config has instead of what is right."""
    has_plan: bool
    command: str
    says: str


def _mistakes() -> list[Mistake]:
    rows = re.findall(r"^\| (.+?) \| `(.+?)`( with \[`events`\].*?)? \| `(\w+)` \| `(.+)` \|$", PAGE, re.MULTILINE)
    return [
        Mistake(name, line, bool(plan), command, says.replace("'", "`")) for name, line, plan, command, says in rows
    ]


MISTAKES = _mistakes()


def with_mistake(mistake: Mistake) -> str:
    """Return the config with the mistake in the place of the line that is most like it at its beginning."""
    lines = CONFIG.splitlines()
    right = max(lines, key=lambda line: _same(line.strip(), mistake.line))
    indent = right[: len(right) - len(right.lstrip())]
    lines[lines.index(right)] = indent + mistake.line
    return "\n".join([*lines, PLAN if mistake.has_plan else ""])


def _same(one: str, other: str) -> int:
    """Return how many characters two texts have in common at their beginning."""
    return len([*takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))])


def run(folder: Path, config: str, name: str, **environ: str) -> str:
    (folder / "connector.yaml").write_text(config, encoding="utf-8")
    (folder / "records.jsonl").write_text(RECORDS, encoding="utf-8")
    arguments = ("--file", "records.jsonl") if name == "preview" else ()
    secrets = {"TUZHAN_APP_ID": "a", "TUZHAN_APP_SECRET": "s"} if name == "check" else {}
    done = command(folder, name, "-c", "connector.yaml", *arguments, COLUMNS="200", **secrets, **environ)
    return " ".join((done.stdout + done.stderr).replace("│", " ").split())


def test_the_config_of_the_page_has_no_mistake(tmp_path: Path) -> None:
    assert run(tmp_path, CONFIG, "check") == "connector.yaml: sound (2 targets, 2 routes)"
    previewed = run(tmp_path, CONFIG, "preview")
    assert "2 records: 2 mapped, 0 skipped, 0 dead-lettered" in previewed
    assert not re.search(r"\b0 of [1-9]|not in it: (?!AAA)", previewed)


def test_the_table_has_every_mistake_that_was_asked_for() -> None:
    assert len(MISTAKES) == PAGE.count("\n| ") - 1
    names = " ".join(each.name for each in MISTAKES)
    for mistake in ("typo", "`where`", "platform", "seconds", "text for", "object", "tag list", "template", "`map`"):
        assert mistake in names


@pytest.mark.parametrize("mistake", MISTAKES, ids=[each.name for each in MISTAKES])
def test_the_command_says_what_the_table_shows(tmp_path: Path, mistake: Mistake) -> None:
    said = run(tmp_path, with_mistake(mistake), mistake.command)
    assert " ".join(mistake.says.split()) in said.replace("'", "`")


@pytest.mark.parametrize("mistake", [each for each in MISTAKES if each.command == "check"], ids=lambda each: each.name)
def test_a_chinese_reader_is_told_the_mistake_in_chinese_at_the_same_place(tmp_path: Path, mistake: Mistake) -> None:
    english = run(tmp_path, with_mistake(mistake), "check")
    chinese = run(tmp_path, with_mistake(mistake), "check", TUZHAN_LANG="zh")
    place, code = r"connector\.yaml:\d+:\d+: [\w.\[\]]+", r"\[\w+\]"
    assert re.findall(place, english) == re.findall(place, chinese)
    assert re.findall(code, english)[-1] == re.findall(code, chinese)[-1]
    told = re.sub(r"`[^`]*`|'[^']*'", "", re.split(place, chinese)[1])
    assert re.search("[\u4e00-\u9fff]", told)
    assert re.search(r"[a-z] [a-z]", told) is None, told

"""The documents keep their word: what they link, name, configure and tell people to type exists."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

from connector.config.loading import load
from connector.core.letters import REASONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(path.relative_to(ROOT) for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
TABLE_CELL = len(["table", "tbody", "tr", "td"])
"""How deep the text of a table's cell is nested."""
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUARANTEES = (ROOT / "docs/guarantees.md").read_text(encoding="utf-8")


def tokens(text: str) -> Iterator[Token]:
    """Yield the blocks of a document, each followed by what stands in it."""
    for token in MarkdownIt().enable("table").parse(text):
        yield token
        yield from token.children or []


def inline_code(text: str) -> list[str]:
    return [token.content for token in tokens(text) if token.type == "code_inline"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_link_into_the_repository_leads_somewhere(document: Path) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    links = [str(token.attrs["href"]) for token in tokens(text) if token.type == "link_open"]
    files = [link.partition("#")[0] for link in links if "://" not in link and not link.startswith("#")]
    assert [file for file in files if not (ROOT / document.parent / file).exists()] == []


def test_every_test_that_proves_a_guarantee_exists() -> None:
    proofs = [code.partition("::") for code in inline_code(GUARANTEES) if code.startswith("tests/") and ".py" in code]
    assert proofs
    absent = []
    for name, _, function in proofs:
        path = ROOT / name
        if not path.is_file() or (function and f"def {function}(" not in path.read_text(encoding="utf-8")):
            absent.append(f"{name}::{function}")
    assert absent == []


def test_every_make_target_of_the_readme_exists() -> None:
    commands = [*inline_code(README), *(line for token in tokens(README) for line in lines_of_code(token))]
    named = {command.split()[1] for command in commands if command.startswith("make ")}
    assert {"demo", "test", "setup", "bench"} <= named
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    targets = {line.partition(":")[0] for line in lines if ":" in line and not line.startswith(("\t", "#", "."))}
    assert named <= targets


def lines_of_code(token: Token) -> list[str]:
    return token.content.splitlines() if token.type in {"code_block", "fence"} else []


def test_the_readme_s_config_passes_the_check(tmp_path: Path) -> None:
    [block] = [token.content for token in tokens(README) if token.type == "fence" and token.info == "yaml"]
    path = tmp_path / "orders.yaml"
    path.write_text(block, encoding="utf-8")
    config = load(path, {"TUZHAN_APP_ID": "app", "TUZHAN_APP_SECRET": "secret"}).config
    assert [route.name for route in config.routes] == ["orders"]
    assert config.dead_letter_topic in README


def test_every_dependency_has_its_reason_in_the_readme() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[<>=]", line)[0] for line in project["dependencies"]}
    cells = [token.content for token in tokens(README) if token.type == "inline" and token.level == TABLE_CELL]
    assert {name for name in names if not any(name in re.split(r"[\s,`]+", cell) for cell in cells)} == set()


@pytest.mark.parametrize("path", ["README.md", "CHANGELOG.md"])
def test_nothing_is_left_to_fill_in(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert re.findall(r"\b(?:TODO|TBD|FIXME|XXX)\b|<[a-z ]+>|\?\?\?", text) == []


def test_every_reason_and_header_of_a_dead_letter_has_its_row() -> None:
    page = (ROOT / "docs/dead-letters.md").read_text(encoding="utf-8")
    first_cells = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    named = [name for cell in first_cells for name in re.findall(r"`([^`]+)`", cell)]
    added = re.findall(r'"(dl-[a-z-]+)"', (ROOT / "connector/core/letters.py").read_text(encoding="utf-8"))
    assert sorted(named) == sorted({*REASONS, *added})


@pytest.mark.parametrize("page", ["README", "docs/getting-started"])
def test_a_page_in_chinese_has_the_same_parts_commands_and_links(page: str) -> None:
    def parts(name: str) -> tuple[list[str], list[str], set[str]]:
        found = list(tokens((ROOT / name).read_text(encoding="utf-8")))
        headings = [token.tag for token in found if token.type == "heading_open"]
        code = [token.content for token in found if token.type in {"code_block", "fence"}]
        links = {str(token.attrs["href"]).partition("#")[0] for token in found if token.type == "link_open"}
        return headings, code, {link.replace(".zh-CN.md", ".md") for link in links}

    english = parts(f"{page}.md")
    assert parts(f"{page}.zh-CN.md") == english
    assert english[1]

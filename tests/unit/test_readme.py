"""The README keeps its word: what it links, names, configures and tells people to type is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from connector.config.loading import load

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_link_into_the_repository_leads_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link.partition("#")[0]).exists()] == []


def test_every_test_that_proves_a_guarantee_exists() -> None:
    proofs = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", README)
    assert proofs
    absent = []
    for name, function in proofs:
        path = ROOT / name
        if not path.is_file() or (function and f"def {function}(" not in path.read_text(encoding="utf-8")):
            absent.append(f"{name}::{function}")
    assert absent == []


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"(?:`|^ {4})make (\w+)", README, re.MULTILINE))
    assert {"demo", "test", "setup", "bench"} <= targets
    assert {target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()


def test_the_readme_s_config_passes_the_check(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 1
    path = tmp_path / "orders.yaml"
    path.write_text(blocks[0], encoding="utf-8")
    config = load(path, {"TUZHAN_APP_ID": "app", "TUZHAN_APP_SECRET": "secret"}).config
    assert [route.name for route in config.routes] == ["orders"]
    assert config.dead_letter_topic in README


def test_every_dependency_has_its_reason_in_the_readme() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.split(r"[<>=]", line)[0] for line in project["dependencies"]]
    assert [name for name in names if not re.search(rf"^\|.*\b{re.escape(name)}\b.*\|", README, re.MULTILINE)] == []


@pytest.mark.parametrize("path", ["README.md", "CHANGELOG.md"])
def test_nothing_is_left_to_fill_in(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert re.findall(r"\b(?:TODO|TBD|FIXME|XXX)\b|<[a-z ]+>|\?\?\?", text) == []

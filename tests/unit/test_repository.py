"""The repository itself: what it ships is sound, stands alone, and says the same thing in every place."""

from __future__ import annotations

import re
import subprocess
import tomllib
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

import connector
from connector.config.loading import load
from connector.core.record import Record

ROOT = Path(__file__).parents[2]
CONFIGS = sorted(path for path in (ROOT / "config").rglob("*.yaml") if "tests" not in path.relative_to(ROOT).parts)
VARIABLES = {"TUZHAN_APP_ID": "app", "TUZHAN_APP_SECRET": "not-a-real-secret"}

REGISTRIES = re.compile(
    r"\b(?:pypi|pythonhosted|npmjs|npmmirror|crates|repo1?\.maven(?:\.apache)?|docker|quay|ghcr|golang|gcr)\.(?:org|com|io|cn)\b"
    r"|--?index-url|--trusted[-]host",
)
INSTALLS_DOCKER = "tests/images/install.sh"
"""Names Debian's package of Docker, which is called like a host."""
MACHINE_PATHS = re.compile(r"(?<![\w.$}/])/(?:work|farm|home|root|Users)/\w")


def project() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def tracked_files() -> list[Path]:
    answer = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if answer.returncode:
        pytest.skip("not a git checkout")
    return [path for name in answer.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


# -- the configs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_a_config_of_the_repository_passes_the_check(path: Path) -> None:
    assert load(path, VARIABLES).config.routes


def test_the_records_in_the_annotated_config_s_comments_become_items() -> None:
    text = (ROOT / "config/connector.yaml").read_text(encoding="utf-8")
    comments = re.findall(r"^  # (\{.*(?:\n  #  .*)*)", text, re.MULTILINE)
    values = [comment.replace("\n  # ", "").encode() for comment in comments]
    loaded = load(ROOT / "config/connector.yaml", VARIABLES)
    mapper = loaded.mapping.mapper("cluster")
    topics = ["shop.orders", "shop.orders", "crm.member", "crm.tags"]
    items = [
        item
        for topic, value in zip(topics, values, strict=True)
        for item in mapper.items(Record(topic, 0, 0, 1605490616000, None, value, ()))
    ]
    assert [(item.route, item.failure) for item in items] == [
        ("orders", None),
        ("order-lines", None),
        ("members", None),
        ("tag-changes", None),
    ]
    assert b'"c_price":1420' in items[0].body
    assert b'"c_sku":"S1","c_num":2' in items[1].body
    assert items[3].params == b'{"isMatching":true,"matchingType":1,"optType":"add"}'


def test_what_the_package_reads_is_installed_with_it() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    package = ROOT / "connector"
    data = {path for path in tracked_files() if package in path.parents and path.suffix != ".py"}
    assert {path for pattern in settings["package-data"]["connector"] for path in package.glob(pattern)} == data


# -- it stands alone ------------------------------------------------------------------------------------------------


def test_constraints_hold_nothing_but_names_with_their_exact_versions() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.]+", pin)] == []


def test_every_dependency_is_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {normal(line.partition("==")[0]) for line in lines}
    wanted = [*project()["dependencies"], *chain.from_iterable(project()["optional-dependencies"].values())]
    assert {normal(re.split(r"[<>=~\[; ]", line)[0]) for line in wanted} <= pinned


@pytest.mark.parametrize("pattern", [REGISTRIES, MACHINE_PATHS], ids=["registry hosts", "machine paths"])
def test_no_tracked_file_depends_on_one_machine_or_registry(pattern: re.Pattern[str]) -> None:
    found = []
    for path in tracked_files():
        text = path.read_bytes().decode("utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in pattern.finditer(text)]
    assert [each for each in found if not each.startswith(f"{INSTALLS_DOCKER}: docker.")] == []


def test_the_version_has_a_heading_in_the_changelog() -> None:
    version = connector.__version__  # pyproject.toml takes it from there
    assert f"\n## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

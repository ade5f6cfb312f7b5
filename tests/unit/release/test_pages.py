"""docs/release.md and docs/upgrading.md: what they name exists."""

from __future__ import annotations

import re

import pytest
from typer.main import get_command

import connector
from connector.cli import app
from tests.release.environment import ROOT


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_the_make_targets_of_a_release_exist() -> None:
    named = set(re.findall(r"`make (\w+)", page("release.md")))
    targets = set(re.findall(r"(?m)^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    assert {"test", "check", "images", "dist"} <= named <= targets


def test_the_files_of_a_release_are_those_that_make_dist_writes() -> None:
    written = (ROOT / "tests/release/__main__.py").read_text(encoding="utf-8")
    named = re.findall(r"(?m)^ +\| `([\w.*-]+)`", page("release.md"))
    assert named[1:] == ["constraints.txt", "sbom.cdx.json", "licenses.md", "SHA256SUMS"]
    assert all(name in written for name in named[1:])


@pytest.mark.parametrize("line", re.findall(r"new/bin/tuzhan-connector (.*)", page("upgrading.md")))
def test_a_command_of_the_upgrade_exists_with_its_options(line: str) -> None:
    name, *arguments = line.split()
    command = get_command(app).commands[name]  # type: ignore[attr-defined]  # a group has commands
    options = {option for parameter in command.params for option in parameter.opts}
    assert {argument for argument in arguments if argument.startswith("-")} <= options


def test_there_are_notes_for_whoever_comes_from_the_last_release() -> None:
    releases = re.findall(r"(?m)^## \[(\d[\d.]*)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    last = next((version for version in releases if version != connector.__version__), connector.__version__)
    assert f"## From {last}" in page("upgrading.md")


@pytest.mark.parametrize("name", ["compose/.env.example", "docs/deployment.md"])
def test_every_tag_of_our_image_has_the_version(name: str) -> None:
    tags = re.findall(r"tuzhan-connector:(\d[\w.]*)", (ROOT / name).read_text(encoding="utf-8"))
    assert set(tags) == {connector.__version__}

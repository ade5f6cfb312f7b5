"""Which files of a directory hold tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from connector.core.errors import UsageError
from connector.workbench.testing.finding import find

TESTS = "config: c.yaml\ntests: []\n"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str, content: str | bytes = TESTS) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def test_of_a_directory_the_files_with_tests_are_found_sorted() -> None:
    for name in ("b/z.yaml", "b/a.yml", "a/deep/er/x.YAML", "t.yaml"):
        write(name)
    for name in (".hidden/x.yaml", "a/.x.yaml", "node_modules/x/y.yaml", "x.json", "x.yaml.bak"):
        write(name)
    write("venv/pyvenv.cfg")
    write("venv/lib/x.yaml")
    write("connector.yaml", "kafka: {}\n# tests: none\nroutes:\n  - tests: 1\n")
    write("compose.yaml", "services: {}\nconfigs: {}\n")
    assert find([Path()]) == ["t.yaml", "a/deep/er/x.YAML", "b/a.yml", "b/z.yaml"]
    assert find([Path("b")]) == ["b/a.yml", "b/z.yaml"]


@pytest.mark.parametrize(
    "content",
    [
        "tests:\n",
        "test: []\nconfig : x\n",
        '"config": x\n',
        '{"config": "x"}',
        "\ufeffconfig: x\n",
        "config: x\n".encode("utf-16"),
        "# only a comment\n\n",
        "",
    ],
)
def test_a_file_that_may_be_meant_as_tests_is_one(content: str | bytes) -> None:
    write("a/t.yaml", content)
    assert find([Path("a")]) == ["a/t.yaml"]


def test_a_file_that_is_named_is_one_whatever_it_holds() -> None:
    write("a.txt", "x")
    assert find([Path("a.txt")]) == ["a.txt"]


def test_a_file_is_run_once() -> None:
    write("a/t.yaml")
    Path("a/u.yaml").symlink_to("t.yaml")
    assert find([Path("a/t.yaml"), Path("a"), Path("./a/../a"), Path.cwd()]) == ["a/t.yaml"]


@pytest.mark.parametrize(("named", "message"), [("nope", "no such file"), ("empty", "no mapping tests here")])
def test_a_path_without_tests_is_wrong_usage(named: str, message: str) -> None:
    write("empty/c.yaml", "kafka: {}\n")
    with pytest.raises(UsageError, match=f"{named}: .*{message}"):
        find([Path(named)])


def test_a_pipe_is_passed_over_because_reading_it_would_wait() -> None:
    write("a/t.yaml")
    os.mkfifo("a/pipe.yaml")
    assert find([Path("a")]) == ["a/t.yaml"]

"""A config whose text may be anybody's: nothing of this machine gets into what is made of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from connector.config.loading import UNUSED_BY_MAPPING, check, check_sealed
from tests.unit.workbench.preview.configs import CONFIG

if TYPE_CHECKING:
    from pathlib import Path

    from connector.config.loading import Checked

SECRET = "the-secret-of-this-machine"  # noqa: S105 - of the test alone
ROUTE = "    fields:\n"


def sealed(text: str) -> Checked:
    return check_sealed(text.encode(), "config", unused=UNUSED_BY_MAPPING)


@pytest.fixture
def secret_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that must not be read; its content is in the environment too."""
    monkeypatch.setenv("SECRET_OF_TESTS", SECRET)
    file = tmp_path / "plan.yaml"
    file.write_text(f"c_buy: {{name: {SECRET}}}\n", encoding="utf-8")
    return file


@pytest.mark.parametrize(
    "written",
    [
        "${SECRET_OF_TESTS}",
        "${SECRET_OF_TESTS:?say it}",
        "${NO_SUCH_VARIABLE:-${SECRET_OF_TESTS}}",
        "${file:FILE}",
        "${file:${NO_SUCH_VARIABLE:-FILE}}",
        "${NO_SUCH_VARIABLE:-${file:FILE}}",
        "a ${file:FILE} b",
    ],
)
@pytest.mark.parametrize("line", ["c_name: {literal: '…'}", "c_name: {template: '…'}", "<<: {c_name: {literal: '…'}}"])
def test_no_variable_and_no_file_is_read(written: str, line: str, secret_file: Path) -> None:
    checked = sealed(CONFIG.replace("c_name: $.name", line.replace("…", written.replace("FILE", str(secret_file)))))
    assert checked.config is None
    [problem] = checked.problems
    assert problem.code in {"missing_variable", "unreadable_file"}
    assert SECRET not in repr(checked)


@pytest.mark.usefixtures("secret_file")
def test_a_default_is_used_even_where_the_variable_is_set() -> None:
    checked = sealed(CONFIG.replace("c_name: $.name", 'c_name: {literal: "${SECRET_OF_TESTS:-the default}"}'))
    assert checked.config is not None, checked.errors()
    assert checked.config.routes[0].fields["eventargs"]["c_name"] == {"literal": "the default"}


def test_no_plan_is_read_from_a_file(secret_file: Path) -> None:
    checked = sealed(f"{CONFIG}events: {{file: {secret_file}}}\n")
    assert [(each.code, each.path) for each in checked.problems] == [("unreadable_file", ("events", "file"))]
    assert SECRET not in repr(checked)
    absent = sealed(f"{CONFIG}events: {{file: {secret_file}.absent.yaml}}\n")
    assert [each.message for each in absent.problems] == [
        each.message.replace("plan.yaml", "plan.yaml.absent.yaml") for each in checked.problems
    ]


@pytest.mark.parametrize("around", ["…", "<<: {…}"])
def test_no_function_is_imported_or_called(around: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "imported_by_a_page.py").write_text("def f(value): return value\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    line = around.replace("…", "transform: imported_by_a_page:f")
    checked = sealed(CONFIG.replace(ROUTE, f"    {line}\n{ROUTE}"))
    assert [(each.code, each.path[-1]) for each in checked.problems] == [("bad_value", "transform")]
    assert checked.mapping is None
    assert "imported_by_a_page" not in sys.modules


@pytest.mark.parametrize(
    "text", ["", "a: [", "routes: 5", "- a", "\x00", "routes: [5, {transform: 1}]\nevents: 5", "{}"]
)
def test_any_text_is_checked_without_an_exception(text: str) -> None:
    checked = sealed(text)
    assert checked.config is None
    assert checked.problems


def test_a_config_that_reads_nothing_is_checked_as_ever(tmp_path: Path) -> None:
    for text in (CONFIG, CONFIG.replace("as: phone", "as: fone"), CONFIG.replace("$.status", "$.status..x")):
        file = tmp_path / "config"
        file.write_text(text, encoding="utf-8")
        usual = check(file, {}, unused=UNUSED_BY_MAPPING)
        assert sealed(text).problems == usual.problems

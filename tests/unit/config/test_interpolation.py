from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.config.interpolation import interpolate
from connector.settings.problems import Problems
from connector.settings.types import InterpolatedStr

if TYPE_CHECKING:
    from collections.abc import Callable

ENVIRON = {"NAME": "value", "EMPTY": "", "DOLLAR": "$.a", "NESTED": "${NAME}"}
FORMS = "write ${NAME}, ${NAME:-default}, ${NAME:?message} or ${file:/path}; $${ for a literal ${"


def make_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def replaced(text: str) -> tuple[object, list[str]]:
    problems = Problems()
    found = interpolate({"a": text}, ENVIRON, problems)
    assert isinstance(found, dict)
    return found["a"], [f"{problem.message} [{problem.code}]" for problem in problems.found]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${NAME}", "value"),
        ("a ${NAME} b ${NAME}", "a value b value"),
        ("${EMPTY}", ""),
        ("${EMPTY:-other}", "other"),
        ("${NOPE:-other}", "other"),
        ("${NAME:-other}", "value"),
        ("${NOPE:-}", ""),
        ("${NOPE:-a:b-c?d}", "a:b-c?d"),
        ("${NOPE:-${NAME}}", "value"),
        ("${NOPE:-${ALSO:-x}}y", "xy"),
        ("${NAME:?tell}", "value"),
        ("${DOLLAR}", "$.a"),
        ("${NESTED}", "${NAME}"),
        ("$${NAME}", "${NAME}"),
        ("a$${b}${NAME}", "a${b}value"),
        ("$$${NAME}", "$${NAME}"),
        ("${NAME}$", "value$"),
    ],
)
def test_expressions_are_replaced_once_and_the_result_is_a_literal(text: str, result: str) -> None:
    found, problems = replaced(text)
    assert found == result
    assert type(found) is InterpolatedStr
    assert problems == []


@pytest.mark.parametrize("text", ["$.a.b", "$$x", "plain", "{NAME}", "$NAME", "$ {NAME}", ""])
def test_what_has_no_expression_stays_what_it_was(text: str) -> None:
    found, problems = replaced(text)
    assert found == text
    assert type(found) is str
    assert problems == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("${NOPE}", "the environment variable NOPE is not set: export NOPE=…, or give a default: ${NOPE:-…}"),
        ("${NAMES}", "the environment variable NAMES is not set, did you mean 'NAME'?"),
        ("${NOPE:?ask ops}", "the environment variable NOPE is not set: ask ops"),
        ("${EMPTY:?ask ops}", "the environment variable EMPTY is empty: ask ops"),
    ],
)
def test_a_variable_that_is_missing_is_reported_with_the_remedy(text: str, line: str) -> None:
    assert replaced(text)[1] == [f"{line} [missing_variable]"]


@pytest.mark.parametrize("text", ["${}", "${1A}", "${A-b}", "${A?b}", "${A:+b}", "${a b}", "${A:}", "${A:=b}"])
def test_other_expressions_are_refused_with_those_that_there_are(text: str) -> None:
    assert replaced(text)[1] == [f"not a ${{…}} that can be replaced: {FORMS} [bad_value]"]


@pytest.mark.parametrize("text", ["${NAME", "a ${", "${NOPE:-${NAME}"])
def test_an_expression_that_is_never_closed_is_refused(text: str) -> None:
    assert replaced(text)[1] == [f"a ${{ is never closed: {FORMS} [bad_value]"]


def test_a_file_is_read_trimmed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"\xef\xbb\xbf hunter2\r\n\n")
    assert replaced(f"${{file:{tmp_path}/secret}}") == ("hunter2", [])


def test_a_files_path_may_come_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "value").write_text("x")
    assert replaced(f"${{file:{tmp_path}/${{NAME}}}}") == ("x", [])


def test_files_that_cannot_be_read_are_reported_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "gbk").write_bytes("秘密".encode("gbk"))
    (tmp_path / "large").write_bytes(b"x" * ((1 << 20) + 1))
    for name, reason in [
        ("none", "can't be read: no such file or directory"),
        ("", "can't be read: is a directory"),
        ("gbk", "is not UTF-8 text"),
        ("large", "is larger than 1 MiB: not a setting"),
    ]:
        expression = f"${{file:{tmp_path}/{name}}}"
        assert replaced(expression)[1] == [f"the file of {expression} {reason} [unreadable_file]"]


def test_a_path_that_comes_from_the_environment_is_not_shown() -> None:
    expression = "${file:/nowhere/${NAME}}"
    assert replaced(expression)[1] == [
        f"the file of {expression} can't be read: no such file or directory [unreadable_file]"
    ]


def test_keys_are_left_alone_and_lists_and_tables_are_walked() -> None:
    problems = Problems()
    data = {"${NAME}": [{"a": "${NAME}", "n": 1}, "${NOPE}", None, True]}
    found = interpolate(data, ENVIRON, problems)
    assert found == {"${NAME}": [{"a": "value", "n": 1}, "", None, True]}
    assert [problem.path for problem in problems.found] == [("${NAME}", 1)]


def test_everything_missing_is_reported_at_once() -> None:
    problems = Problems()
    interpolate({"a": "${A}", "b": ["${B}", {"c": "${C}"}]}, {}, problems)
    assert [problem.path for problem in problems.found] == [("a",), ("b", 0), ("b", 1, "c")]


def test_what_is_put_into_a_template_is_literal_and_the_rest_stays_a_template() -> None:
    problems = Problems()
    found = interpolate({"template": "{$.a} of ${SHOP} $${x}"}, {"SHOP": "{$.b}"}, problems)
    assert found == {"template": "{$.a} of {{$.b}} ${{x}"}


@given(st.text(alphabet="${}:-?abNAME/. ", max_size=30))
def test_any_text_is_replaced_or_reported(text: str) -> None:
    found, problems = replaced(text)
    assert isinstance(found, str)
    if "${" not in text:
        assert (found, problems) == (text, [])


@given(st.text(max_size=20))
def test_what_a_variable_holds_is_never_looked_into(value: str) -> None:
    problems = Problems()
    found = interpolate("a${X}b${X:-c}", {"X": value}, problems)
    assert found == f"a{value}b{value or 'c'}"
    assert problems.found == []


def test_the_repr_of_a_replaced_value_hides_it() -> None:
    found, _ = replaced("${NAME}")
    assert repr([found]) == "[InterpolatedStr('***')]"


def test_what_came_out_of_a_file_can_be_read_again(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("old\n")
    found, _ = replaced(f"a ${{file:{file}}} ${{NAME}}")
    assert isinstance(found, InterpolatedStr)
    assert found == "a old value"
    file.write_text("new\n")
    assert found.read_again() == "a new value"
    assert found == "a old value"


@pytest.mark.parametrize("make", [Path.unlink, lambda file: file.write_bytes(b"\xff"), make_pipe])
def test_a_file_that_can_no_longer_be_read_is_none(make: Callable[[Path], object], tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("old")
    found, problems = replaced(f"${{file:{file}}}")
    assert isinstance(found, InterpolatedStr)
    make(file)
    assert found.read_again() is None
    assert problems == []


def test_what_came_out_of_the_environment_is_not_read_again() -> None:
    found, _ = replaced("${NAME}")
    assert isinstance(found, InterpolatedStr)
    assert found.read_again() is None
    assert "value" not in repr(found.read_again)

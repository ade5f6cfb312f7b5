"""What is wrong with a file of tests: all of it at once, each with its place and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connector.workbench.testing.mappings import Mappings
from tests.unit.workbench.testing.project import CONFIG

if TYPE_CHECKING:
    from tests.unit.workbench.testing.project import Project

RECORD = "record: {topic: shop.orders, value: {}}"


def test_everything_is_reported_at_once_sorted_by_position(project: Project) -> None:
    text = """\
config: ../connector.yaml
test: 1
tests:
  - name: x
    record: {topic: shop.order}
    expect: []
  - name: x
    record: {topic: shop.orders, value: 1, value_text: x, partition: -1, ofset: 3, timestamp: soon, headers: [a]}
    expect: [{target: purchase}, {}, 5, {dead_letter: {route: order, reason: missing}, target: x}]
    expect_dead_letter: {}
  - record: {value_file: nope.json}
  -
  - {name: 1, record: , expect: {}}
"""
    assert project.problems(text) == [
        ":2:1: test: unknown key, did you mean 'tests'? [unknown_key]",
        (
            ":5:5: tests[0].record.value: a record needs one of value, value_text, value_file;"
            " `value: null` is a tombstone [missing_key]"
        ),
        (
            ":5:21: tests[0].record.topic: 'shop.order': no route reads this topic,"
            " did you mean 'shop.orders'? [unknown_name]"
        ),
        ":7:11: tests[1].name: 'x': tests[0] has the same name [duplicate_name]",
        ":8:44: tests[1].record.value_text: `value` and `value_text` exclude each other [bad_value]",
        ":8:70: tests[1].record.partition: '-1': must be at least 0 [bad_value]",
        ":8:74: tests[1].record.ofset: unknown key, did you mean 'offset'? [unknown_key]",
        (
            ":8:95: tests[1].record.timestamp: 'soon': expected a time such as 2024-01-31T08:00:00+08:00,"
            " or epoch milliseconds [bad_value]"
        ),
        ":8:110: tests[1].record.headers: expected a table of names and texts, got a list [wrong_type]",
        (":9:23: tests[1].expect[0].target: 'purchase': no such target, did you mean 'purchases'? [unknown_name]"),
        ":9:34: tests[1].expect[1]: expected an item: {target: …, item: {…}} [bad_value]",
        ":9:38: tests[1].expect[2]: '5': expected a table, got a number [wrong_type]",
        (":9:63: tests[1].expect[3].dead_letter.route: 'order': no such route, did you mean 'orders'? [unknown_name]"),
        (
            ":9:78: tests[1].expect[3].dead_letter.reason: 'missing': no such reason,"
            " did you mean 'value_missing'? [unknown_name]"
        ),
        ":9:88: tests[1].expect[3].target: `dead_letter` and `target` exclude each other [bad_value]",
        (
            ":10:5: tests[1].expect_dead_letter: `expect` and `expect_dead_letter` exclude each other;"
            " `expect` may hold `dead_letter` entries [bad_value]"
        ),
        (
            ":10:25: tests[1].expect_dead_letter: expected what the dead letter says,"
            " such as {route: orders, reason: identity_missing} [bad_value]"
        ),
        (
            ":11:5: tests[2].expect: a test needs `expect` or `expect_dead_letter`;"
            " `test --update` writes what comes out [missing_key]"
        ),
        ":11:5: tests[2].name: missing, required [missing_key]",
        ":11:5: tests[2].record.topic: missing, required [missing_key]",
        ":12:4: tests[3].name: missing, required [missing_key]",
        ":12:4: tests[3].record: missing, required [missing_key]",
        ":13:12: tests[4].name: '1': expected text, got a number; quote it [wrong_type]",
        ":13:15: tests[4].record.topic: missing, required [missing_key]",
        (
            ":13:15: tests[4].record.value: a record needs one of value, value_text, value_file;"
            " `value: null` is a tombstone [missing_key]"
        ),
        (
            ":13:33: tests[4].expect: expected a list, got a table: all items in the order of the routes,"
            " [] for a record that is skipped [wrong_type]"
        ),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", ":1:1: the file is empty: config and tests are required [yaml_syntax]"),
        ("# nothing yet\n", ":1:1: the file is empty: config and tests are required [yaml_syntax]"),
        ("- config: x", ":1:1: expected a table with the keys config and tests [yaml_syntax]"),
        ("config: a\n tests: [b", ":2:7: a ':' is not allowed here: quote the text, or begin a new line [yaml_syntax]"),
        (
            "tests: [{name: a, record: {topic: t, value: 1}, expect: []}]",
            ":1:1: config: missing, required [missing_key]",
        ),
        ("config: ../connector.yaml", ":1:1: tests: missing, required [missing_key]"),
        ("config: ../connector.yaml\ntests: []", ":2:8: tests: must not be empty [bad_value]"),
        ("config: ../connector.yaml\ntests:", ":2:1: tests: expected a list, got nothing [wrong_type]"),
    ],
)
def test_a_file_that_is_hardly_one_says_what_belongs_in_it(project: Project, text: str, problem: str) -> None:
    assert project.problems(text) == [problem]


def test_a_config_in_the_place_of_tests_is_recognized(project: Project) -> None:
    assert project.problems(CONFIG) == [
        (
            ":1:1: kafka: this is the config of a connector, not a file of its tests,"
            " which has the keys config and tests [unknown_key]"
        )
    ]


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ("nope.yaml", "there is no such config: looked for {0}/tests/nope.yaml"),
        ("..", "can't read {0}: is a directory"),
        ("''", "'': must not be blank"),
        ("5", "'5': expected text, got a number; quote it"),
    ],
)
def test_a_config_that_is_not_there_is_an_error_of_the_tests(project: Project, config: str, problem: str) -> None:
    [line] = project.problems(f"config: {config}\ntests: [{{name: a, {RECORD}, expect: []}}]")
    assert problem.format(project.folder) in line
    assert line.startswith(":1:9: config: ")


def test_a_broken_config_is_no_error_of_the_tests(project: Project) -> None:
    project.write("connector.yaml", CONFIG.replace("group_id", "groupid"))
    assert project.problems(f"  - {{name: a, {RECORD}, expect: []}}") == []


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (
            "target: purchases, item: {eventkey: c_buy}",
            "item.eventkey: event/v2/batchAdd has no field 'eventkey', did you mean 'eventKey'?",
        ),
        (
            "target: tags, item: {identities: []}",
            "item.identities: audience/tag/batchAdd has no field 'identities', did you mean 'identityType'?",
        ),
        (
            "route: tags, item: {eventKey: x}",
            (
                "item.eventKey: audience/tag/batchAdd has no field 'eventKey': it has audienceUserId, identityType,"
                " openid, phone, tags, thirdId, unionid"
            ),
        ),
        (
            "target: tags, public_params: {importMode: 1}",
            (
                "public_params.importMode: audience/tag/batchAdd has no parameter 'importMode': it has identifyWay,"
                " isMatching, matchingType, optType"
            ),
        ),
    ],
)
def test_a_field_that_the_endpoint_lacks_can_t_be_expected(project: Project, entry: str, problem: str) -> None:
    [line] = project.problems(f"  - {{name: a, {RECORD}, expect: [{{{entry}}}]}}")
    assert f"tests[0].expect[0].{problem} [not_for_this_endpoint]" in line


def test_a_target_that_allows_unknown_fields_may_have_any(project: Project) -> None:
    project.write("connector.yaml", CONFIG.replace("{endpoint: event/v2", "{allow_unknown: true, endpoint: event/v2"))
    project.cases(f"  - {{name: a, {RECORD}, expect: [{{target: purchases, item: {{new: 1}}}}]}}")


def test_a_reason_that_only_the_platform_gives_can_t_be_tested(project: Project) -> None:
    [line] = project.problems(f"  - {{name: a, {RECORD}, expect_dead_letter: {{reason: refused}}}}")
    assert "'refused': the platform gives this reason: no mapping does, so no test can reach it [bad_value]" in line


@pytest.mark.parametrize(
    ("name", "reason"), [("nope.json", "no such file or directory"), ("..", "is a directory"), ('"\\0"', "")]
)
def test_a_value_file_that_can_t_be_read_is_an_error(project: Project, name: str, reason: str) -> None:
    lines = project.problems(f"  - {{name: a, record: {{topic: shop.orders, value_file: {name}}}, expect: []}}")
    assert len(lines) == 1
    assert reason in lines[0]


def test_full_width_punctuation_is_shown_at_its_place(project: Project) -> None:
    [line] = project.problems(f"  - {{name: a, {RECORD}, expect：[]}}")
    assert line.startswith(":3:")
    assert "'：' is the Chinese colon (U+FF1A): write ':' and a blank" in line


def test_a_key_given_twice_is_an_error(project: Project) -> None:
    [line] = project.problems(f"  - {{name: a, {RECORD}, expect: [], name: b}}")
    assert "given twice, first in line 3 [duplicate_name]" in line


def test_a_test_need_not_say_what_it_expects_if_that_is_to_be_written(project: Project) -> None:
    [case] = project.cases(f"  - {{name: a, {RECORD}}}", may_be_open=True).cases
    assert (case.expected, case.dead_letter) == (None, None)


def test_a_value_file_has_a_limit(project: Project) -> None:
    project.write("tests/r.json", " " * ((16 << 20) + 1))
    [line] = project.problems("  - {name: a, record: {topic: shop.orders, value_file: r.json}, expect: []}")
    assert "record.value_file: larger than 16 MiB: this is not a record [unreadable_file]" in line


@pytest.mark.parametrize("timestamp", ["-1", "9223372036854775808", "1.5", "true", "[]", "2024-13-01"])
def test_what_is_no_time_can_t_be_a_timestamp(project: Project, timestamp: str) -> None:
    record = f"{{topic: shop.orders, value: {{}}, timestamp: {timestamp}}}"
    [line] = project.problems(f"  - {{name: a, record: {record}, expect: []}}")
    assert "expected a time such as 2024-01-31T08:00:00+08:00, or epoch milliseconds" in line


def test_a_target_that_no_route_feeds_may_be_incomplete(project: Project) -> None:
    project.write(
        "connector.yaml",
        CONFIG.replace("  tags: {endpoint", "  spare: {endpoint: audience/info/batchAdd}\n  tags: {endpoint"),
    )
    project.cases(f"  - {{name: a, {RECORD}, expect: []}}")


def test_a_config_is_the_same_by_whatever_path(project: Project) -> None:
    (project.folder / "link.yaml").symlink_to("connector.yaml")
    mappings = Mappings()
    tested = [
        mappings.get(str(project.folder / name)) for name in ("connector.yaml", "tests/../connector.yaml", "link.yaml")
    ]
    assert tested[0] is not None
    assert mappings.tested == tested[:1]
    assert tested == tested[:1] * 3

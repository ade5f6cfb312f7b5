"""`--update`: what came out is written into the file, and nothing else in it changes."""

from __future__ import annotations

import copy
import io
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from connector.config.source_text import SourceText
from connector.config.yaml_source import read_yaml
from connector.workbench.testing.editing import NotUpdatedError
from connector.workbench.testing.rendering import in_yaml
from connector.workbench.testing.running import run
from connector.workbench.testing.updating import updated
from tests.unit.workbench.testing.project import Project

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "config: ../connector.yaml  # the config\ntests:\n"
VALUE = "{status: PAID, mobile: '13800000000', fen: 142000, list: [1, {a: 1}], note: '5: x'}"
ORDER = f"record: {{topic: shop.orders, value: {VALUE}}}"
LETTER = "record: {topic: shop.orders, value: {status: PAID, fen: 1}}"
NEW = "record: {topic: shop.orders, value: {status: NEW}}"


def lines(*each: str) -> str:
    return "\n".join(each)


def update(project: Project, text: str) -> str:
    """Return the text of a file after an update; all of its tests pass then."""
    file = project.cases(text, may_be_open=True)
    new = updated(file, run([file]))
    again = run([project.cases(new)])
    assert [result.differences for result in again] == [() for _ in again]
    return new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("expect: [{item: {eventKey: c_byu}}]  # why", "expect: [{item: {eventKey: c_buy}}]  # why"),
        ("expect: [ {target: tags} ]", "expect: [ {target: purchases} ]"),
        (
            'expect: [{item: {"eventargs": {c_price: 14, c_note: x}}}]',
            'expect: [{item: {"eventargs": {c_price: 1420, c_note: "5: x"}}}]',
        ),
        ("expect: [{item: {eventargs: {c_list: [2]}}}]", "expect: [{item: {eventargs: {c_list: [1, {a: 1}]}}}]"),
        ("expect: [{item: {eventargs: {c_head: x, c_price: 1}}}]", "expect: [{item: {eventargs: {c_price: 1420}}}]"),
        ("expect: [{item: {intid: x}, route: lines}]", "expect: [{item: {}, route: orders}]"),
        (
            lines(
                "expect: # all",
                "      - item: # of the order",
                "          eventKey: c_byu  # sent",
                "          intid: x",
            ),
            lines("expect: # all", "      - item: {eventKey: c_buy}"),
        ),
        (
            lines(
                "expect:",
                "    - item:",
                "        eventargs:",
                "          c_list:",
                "          - 2 # two",
                "          c_note:",
            ),
            lines(
                "expect:",
                "    - item:",
                "        eventargs:",
                "          c_list: [1, {a: 1}] # two",
                '          c_note: "5: x"',
            ),
        ),
        (
            lines(
                "expect:",
                "    - item:",
                "       eventargs:",
                "        c_note: |",
                "         x",
                "        c_price: >-",
                "         y",
            ),
            lines("expect:", "    - item:", "       eventargs:", '        c_note: "5: x"', "        c_price: 1420"),
        ),
    ],
)
def test_only_what_differs_is_replaced(project: Project, old: str, new: str) -> None:
    before, after = (f"{HEAD}  - name: a\n    {ORDER}\n    {each}\n# end\n" for each in (old, new))
    assert update(project, before) == after


@pytest.mark.parametrize(
    ("record", "old", "new"),
    [
        (
            LETTER,
            "expect: [] # none",
            "expect_dead_letter: {route: orders, reason: identity_missing, field: identity} # none",
        ),
        (LETTER, "expect_dead_letter: {reason: bad_time}", "expect_dead_letter: {reason: identity_missing}"),
        (
            LETTER,
            "expect_dead_letter: {reason: bad_time, detail: x}",
            'expect_dead_letter: {reason: identity_missing, detail: "phone: absent; openid: absent"}',
        ),
        (NEW, "expect_dead_letter: {reason: bad_time}", "expect: []"),
        (NEW, "expect:\n      - target: purchases\n        item: {}", "expect: []"),
        (
            ORDER,
            "expect: []",
            lines(
                "expect:",
                "      - target: purchases",
                "        item:",
                '          identities: [{identityValue: "13800000000", identityType: phone}]',
                "          time: 1704067200000",
                "          eventKey: c_buy",
                '          eventargs: {c_price: 1420, c_note: "5: x", c_list: [1, {a: 1}]}',
            ),
        ),
    ],
)
def test_another_outcome_replaces_the_expectation(project: Project, record: str, old: str, new: str) -> None:
    before, after = (f"{HEAD}  - name: a\n    {record}\n    {each}\n\n# end\n" for each in (old, new))
    assert update(project, before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"  - name: a\n    {NEW} # new\n\n# end", f"  - name: a\n    {NEW} # new\n    expect: []\n\n# end"),
        (f"  -   {NEW}\n      name: a", f"  -   {NEW}\n      name: a\n      expect: []"),
        (f"  - {{name: a, {NEW}}} # x\n", f"  - {{name: a, {NEW}, expect: []}} # x\n"),
        (
            "  - record:\n      topic: crm.x\n      value:\n    name: a\n",
            "  - record:\n      topic: crm.x\n      value:\n    name: a\n    expect: []\n",
        ),
        (
            "  - name: a\n    record:\n      topic: crm.x\n      value:\n",
            "  - name: a\n    record:\n      topic: crm.x\n      value:\n    expect: []\n",
        ),
        (
            lines("  - name: a", "    record:", "      topic: crm.x", "      value_text: |", "        {}", "", ""),
            lines(
                *("  - name: a", "    record:", "      topic: crm.x", "      value_text: |", "        {}"),
                "    expect_dead_letter: {route: tags, reason: value_missing, field: public_params.optType}",
                *("", ""),
            ),
        ),
        (f"  - name: a\r\n    {NEW}\r\n", f"  - name: a\r\n    {NEW}\r\n    expect: []\r\n"),
    ],
)
def test_a_test_without_an_expectation_gets_one(project: Project, before: str, after: str) -> None:
    assert update(project, HEAD + before) == HEAD + after


def test_several_tests_are_updated_at_once(project: Project) -> None:
    text = "".join(
        f"  - name: t{n}\n    {each}\n    expect: [{{}} , ]\n" for n, each in enumerate((ORDER, LETTER, NEW))
    )
    new = update(project, HEAD + text.replace("{} ,", "{target: tags},"))
    assert [line.strip() for line in new.splitlines() if "expect" in line] == [
        "expect: [{target: purchases}, ]",
        "expect_dead_letter: {route: orders, reason: identity_missing, field: identity}",
        "expect: []",
    ]


def test_a_test_that_passes_stays_as_it_is(project: Project) -> None:
    text = f"{HEAD}  - {{name: a, {NEW}, expect: [ ] }}\n"
    assert update(project, text) == text


@pytest.mark.parametrize(
    "expectation",
    [
        "expect: *shared",
        "expect: [{item: *item}]",
        "expect: [{item: {eventKey: *key}}]",
        "expect: [{<<: *entry}]",
    ],
)
def test_an_anchor_that_others_use_is_not_changed(project: Project, expectation: str) -> None:
    text = (
        f"{HEAD}  - {{name: a, {ORDER.replace('PAID', 'BACK')},"
        " expect: &shared [&entry {item: &item {eventKey: &key c_back}}]}\n"
        f"  - {{name: b, {ORDER}, {expectation}}}\n"
    )
    file = project.cases(text)
    with pytest.raises(NotUpdatedError):
        updated(file, run([file]))


SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["null", "true", "1", "a b", "~", "- a"]
)
JSON = st.recursive(
    SCALARS | TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)


@given(JSON)
def test_what_is_written_reads_as_the_same_value(value: Any) -> None:  # noqa: ANN401 - JSON
    written = in_yaml({"a": [value]})
    assert "\n" not in written
    found = read_yaml(SourceText(f"x: {written}\n"))
    assert (found.data, found.problems) == ({"x": {"a": [value]}}, [])


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=30,
    deadline=None,
    phases=[Phase.generate],
)
@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "target": st.just("purchases"),
                "route": st.sampled_from(["orders", "lines"]),
                "item": st.fixed_dictionaries({}, optional={"eventKey": TEXTS, "eventargs": JSON, "identities": JSON}),
                "public_params": st.fixed_dictionaries({}, optional={"matchingType": JSON}),
            },
        ).filter(bool),
        max_size=2,
    ),
    st.sampled_from([True, False, None]),
    st.sampled_from([(2, 0), (4, 2), (6, 3)]),
)
def test_any_wrong_expectation_in_any_layout_becomes_a_right_one(
    tmp_path_factory: pytest.TempPathFactory,
    expected: list[Any],
    flow: bool | None,  # noqa: FBT001 - drawn
    indent: tuple[int, int],
) -> None:
    folder: Path = tmp_path_factory.mktemp("p")
    yaml = YAML()
    yaml.default_flow_style = flow
    yaml.indent(mapping=2, sequence=indent[0], offset=indent[1])
    value = {"status": "PAID", "mobile": "13800000000", "fen": 5, "lines": [{"sku": "a"}], "list": [1, [2]]}
    tests = [
        {"name": "a", "record": {"topic": "shop.orders", "value": value}, "expect": expected},
        {
            "name": "b",
            "expect": copy.deepcopy(expected),
            "record": {"topic": "shop.orders", "value": {**copy.deepcopy(value), "lines": []}},
        },
    ]
    text = io.StringIO()
    yaml.dump({"config": "../connector.yaml", "tests": tests}, text)
    try:
        YAML(typ="safe", pure=True).load(text.getvalue())
    except YAMLError:
        reject()  # the library writes some names, as `:-`, in a way that it can't read itself
    update(Project(folder), text.getvalue())


def test_a_new_expectation_has_what_the_route_maps_and_not_what_the_connector_fills_in(project: Project) -> None:
    record = "record: {topic: shop.orders, value: {mobile: '13800000000', lines: [{sku: a}]}}"
    new = update(project, f"{HEAD}  - name: a\n    {record}\n")
    item = (
        '{identities: [{identityValue: "13800000000", identityType: phone}], eventKey: c_line, eventargs: {c_sku: a}}'
    )
    assert read_yaml(SourceText(new)).data["tests"][0]["expect"] == [  # type: ignore[index]
        {"target": "purchases", "item": read_yaml(SourceText(f"x: {item}")).data["x"]}
    ]
    record = "record: {topic: crm.x, value: {mobile: '13800000000', op: ADD, labels: a}}"
    new = update(project, f"{HEAD}  - name: a\n    {record}\n")
    assert "public_params: {optType: add}" in new

"""Generated functions find the same as the closures that they replace."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.mapping.codegen import compiled as generated
from connector.mapping.codegen import generate_body, generate_getter, generate_object
from connector.mapping.expressions import Call, Expression
from connector.mapping.location import Location
from connector.mapping.lookup import Getter, nothing
from connector.mapping.values import compile_value
from connector.settings.problems import Problems
from tests.unit.mapping.helpers import record

NAMES = st.sampled_from(["a", "b", "0", "it's", 'say "x"', "\\n", "{x}", "中文", "__import__('os')"]) | st.text()
LEAVES = st.none() | st.integers() | st.text() | st.sampled_from(['{"a": {"b": 1}}', "[1, [2]]"])
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=10)


def quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(st.lists(NAMES, min_size=1, max_size=4), TREES | st.dictionaries(NAMES, TREES))
def test_the_generated_getter_of_a_path_finds_what_its_closure_finds(names: list[str], value: object) -> None:
    problems = Problems()
    compiled = compile_value("$" + "".join(f".{quoted(name)}" for name in names), Location(problems, ("x",)))
    assert not problems.found
    assert generated(compiled)(value, record()) == compiled.get(value, record())


WORDS = st.sampled_from(
    [
        "$.a",
        "$.a.b",
        "$.a.b.c",
        "$offset",
        "literal",
        None,
        {"from": "$.a"},
        {"from": "$.a.b", "as": "json"},
        {"from": ["$.a", "$.b"], "default": 1},
        {"from": "$.a", "map": {"1": "one"}, "otherwise": "$.b"},
        {"from": "$.a", "map": {"1": "$.b"}},
        {"template": "{$.a}-{$.b.c}%"},
        {"template": "{$.a}"},
        {"from": "$.a", "extract": "(.)"},
        {"from": "$.a", "as": ["list", "integer"], "on_error": "omit"},
        {"each": {"from": "$.a", "as": "list"}, "value": {"x": "$item.a", "b": ["$.b", {"c": "$item"}]}},
        ["$.a", "$.b"],
    ]
)


@given(st.dictionaries(NAMES, WORDS), TREES | st.dictionaries(st.sampled_from("abc"), TREES))
def test_a_generated_object_holds_what_its_values_are(raw: dict[str, Any], value: object) -> None:
    compiled = {name: compile_value(each, Location(Problems(), ("x",))) for name, each in raw.items()}
    expected = {name: got for name, each in compiled.items() if (got := each.get(value, record())) is not None}
    entries = [(name, each.expression) for name, each in compiled.items()]

    def otherwise(value: object, _record: object) -> object:
        assert not isinstance(value, dict)
        return expected or None

    made = generate_object(entries, otherwise)(value, record())
    assert made == (expected or None)
    head = {"first": 0}
    complete = generate_body(entries, lambda _value, _record, head: head | expected)
    both = complete(value, record(), head)
    assert both == {"first": 0, **expected}
    assert head == {"first": 0}
    if isinstance(value, dict):
        assert [*both] == ["first", *(name for name in expected if name != "first")]


def test_names_from_the_file_are_never_executed() -> None:
    path = compile_value('$."x\') or boom(\'"."y\\"z"', Location(Problems(), ("x",)))
    assert generated(path)({"x') or boom('": {'y"z': 1}}, record()) == 1


@pytest.mark.parametrize("expression", ["value.get('a')", Call(lambda value: value["a"], ("value",))])
def test_records_that_are_not_objects_are_left_to_the_closure(expression: Expression) -> None:
    other: Getter = lambda value, _record: ("other", value)  # noqa: E731 - one line
    assert generate_getter(expression, other)({"a": 1}, record()) == 1
    assert generate_getter(expression, other)([1], record()) == ("other", [1])
    assert generate_getter("record.offset", nothing)({}, record(offset=5)) == 5

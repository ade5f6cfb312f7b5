"""`where`: which records a route wants."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.mapping.conditions import compile_where
from connector.mapping.location import Location
from connector.mapping.operators import OPERATORS
from connector.settings.problems import Problems
from tests.unit.mapping.helpers import record

SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "a", "b", "1", "2.5", "true", "x y"])
VALUES = st.dictionaries(st.sampled_from("abc"), SCALARS | st.lists(SCALARS, max_size=3), max_size=3)
OPERANDS = {
    "eq": st.sampled_from([1, "a", "1", True]),
    "ne": st.sampled_from([1, "a", "1", True]),
    "in": st.lists(st.sampled_from([1, "a", True]), min_size=1, max_size=3),
    "not_in": st.lists(st.sampled_from([1, "a", True]), min_size=1, max_size=3),
    "gt": st.integers(-3, 3),
    "gte": st.integers(-3, 3),
    "lt": st.integers(-3, 3),
    "lte": st.integers(-3, 3),
    "matches": st.sampled_from(["a", "^1$", "."]),
    "contains": st.sampled_from(["a", "1"]),
}
CONDITIONS = st.one_of(
    *(st.builds(lambda operand, name=name: {name: operand}, operand) for name, operand in OPERANDS.items()),
    st.sampled_from([{"exists": True}, {"exists": False}, "a", ["a", 1]]),
)
TABLES = st.dictionaries(st.sampled_from(["$.a", "$.b", "$.c"]), CONDITIONS, min_size=1, max_size=3)


def holds(where: Any, value: object, **changed: Any) -> bool:  # noqa: ANN401 - JSON
    problems = Problems()
    condition = compile_where(where, Location(problems, ("where",))).get
    assert not problems.found
    return condition(value, record({}, **changed)) is True


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        ("PAID", "PAID", True),
        ("PAID", "paid", False),
        (1, "1", True),
        ("1", 1, True),
        (1, 1.0, True),
        (True, "true", True),
        (True, 1, False),
        (0.5, 0.5, True),
        ("", "", True),
        ("a", ["a"], False),
        (["PAID", 1], "PAID", True),
        (["PAID", 1], 1, True),
        (["PAID", 1], 2, False),
        ({"eq": "a"}, "a", True),
        ({"eq": "$.other"}, "o", True),
        ({"eq": "$.none"}, "o", False),
        ({"ne": "a"}, "b", True),
        ({"ne": "a"}, "a", False),
        ({"ne": "a"}, {"an": "object"}, True),
        ({"in": ["a"]}, "a", True),
        ({"not_in": ["a"]}, "b", True),
        ({"not_in": ["a"]}, "a", False),
        ({"gt": 0}, 1, True),
        ({"gt": 0}, 0, False),
        ({"gte": 0}, 0, True),
        ({"lt": 0}, "-0.5", True),
        ({"lte": 0}, "0", True),
        ({"gt": 9007199254740992}, 9007199254740993, True),
        ({"gt": "9.5"}, "10", True),
        ({"gt": 0}, "many", False),
        ({"lt": 0}, "many", False),
        ({"gt": 0}, True, False),
        ({"gt": 0}, [1], False),
        ({"gt": "$.less"}, 5, True),
        ({"gte": 1, "lt": 10}, 5, True),
        ({"gte": 1, "lt": 10}, 10, False),
        ({"exists": True}, 0, True),
        ({"exists": True}, "", True),
        ({"exists": False}, 0, False),
        ({"matches": "^1[3-9]"}, "138", True),
        ({"matches": "3"}, "138", True),
        ({"matches": "^3"}, 138, False),
        ({"matches": "."}, {}, False),
        ({"contains": "ell"}, "hello", True),
        ({"contains": "x"}, "hello", False),
        ({"contains": 2}, [1, "2"], True),
        ({"contains": "a"}, {"a": 1}, False),
        ({"contains": "$.other"}, "foo", True),
    ],
)
def test_a_condition_on_a_field_that_is_present(condition: Any, value: object, *, expected: bool) -> None:  # noqa: ANN401
    assert holds({"$.x": condition}, {"x": value, "other": "o", "less": 4}) is expected


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("value", [{}, {"x": None}])
def test_a_condition_on_a_missing_field_is_false(operator: str, value: object) -> None:
    operand = {"in": ["a"], "not_in": ["a"], "exists": True, "matches": ".*"}.get(operator, 0)
    assert not holds({"$.x": {operator: operand}}, value)


def test_exists_is_false_for_a_missing_field() -> None:
    assert holds({"$.x": {"exists": False}}, {})
    assert holds({"$.x": {"exists": False}}, {"x": None})


def test_all_entries_must_hold_and_combinations_nest() -> None:
    where = {
        "$.status": "PAID",
        "any": [{"$.amount": {"gt": 100}}, {"$.vip": True, "not": {"$.test": True}}],
        "all": [{"$.shop": {"exists": True}}],
    }
    sound: dict[str, object] = {"status": "PAID", "amount": 200, "shop": 1}
    assert holds(where, sound)
    assert not holds(where, {**sound, "status": "NEW"})
    assert not holds(where, {**sound, "amount": 1})
    assert holds(where, {**sound, "amount": 1, "vip": True})
    assert not holds(where, {**sound, "amount": 1, "vip": True, "test": True})
    assert not holds(where, {"status": "PAID", "amount": 200})


def test_a_condition_may_refer_to_key_headers_and_coordinates() -> None:
    assert holds({"$headers.kind": "order", "$topic": "orders"}, {}, headers=(("kind", b"order"),))
    assert not holds({"$key": {"exists": True}}, {})


def test_an_empty_table_of_conditions_always_holds() -> None:
    assert holds({}, {})


@given(VALUES, TABLES, TABLES)
def test_any_all_and_not_combine_as_in_logic(value: object, first: Any, second: Any) -> None:  # noqa: ANN401 - JSON
    one, two = holds(first, value), holds(second, value)
    assert holds({"any": [first, second]}, value) == (one or two)
    assert holds({"all": [first, second]}, value) == (one and two)
    assert holds({"not": first}, value) == (not one)
    assert holds({"not": {"any": [first, second]}}, value) == holds({"all": [{"not": first}, {"not": second}]}, value)


@given(VALUES, TABLES)
def test_a_table_holds_if_each_of_its_entries_does(value: object, table: Any) -> None:  # noqa: ANN401 - JSON
    assert holds(table, value) == all(holds({key: each}, value) for key, each in table.items())


@given(SCALARS.filter(lambda value: value is not None), st.sampled_from([1, "a", "1", True, "x y", "2.5"]))
def test_ne_is_the_opposite_of_eq_for_values_that_are_present(value: object, operand: object) -> None:
    equal = holds({"$.x": {"eq": operand}}, {"x": value})
    assert holds({"$.x": {"ne": operand}}, {"x": value}) is not equal
    assert holds({"$.x": {"in": [operand]}}, {"x": value}) is equal
    assert holds({"$.x": {"not_in": [operand]}}, {"x": value}) is not equal


@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str), st.integers(-100, 100))
def test_numbers_are_ordered(value: object, bound: int) -> None:
    at = {"x": value}
    below, above = holds({"$.x": {"lt": bound}}, at), holds({"$.x": {"gt": bound}}, at)
    assert holds({"$.x": {"gte": bound}}, at) is not below
    assert holds({"$.x": {"lte": bound}}, at) is not above
    assert not (below and above)

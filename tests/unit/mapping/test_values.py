"""The words of a value, and the order in which they are applied."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.settings.types import InterpolatedStr
from tests.unit.mapping.helpers import body, failure, failure_of, mapper, record, route, value_of


@pytest.mark.parametrize("literal", ["text", 12, 1.5, True, False, ["a", 1], ""])
def test_a_literal_is_sent_as_it_is(literal: object) -> None:
    assert value_of(literal, {}) == literal


def test_an_object_is_a_literal_only_if_it_says_so() -> None:
    assert value_of({"literal": {"from": "$.a", "n": [1]}}, {}) == {"from": "$.a", "n": [1]}


def test_a_missing_or_null_value_is_left_out() -> None:
    assert value_of("$.none", {}) is None
    assert value_of("$.x", {"x": None}) is None
    assert value_of({"from": "$.x", "as": "phone"}, {}) is None


def test_a_reference_yields_blank_text_and_from_treats_it_as_missing() -> None:
    assert value_of("$.x", " ") == " "
    assert value_of({"from": "$.x"}, " ") is None
    assert value_of({"from": ["$.a", "$.b", "$.c"]}, {"a": None, "b": "", "c": "found"}) == "found"
    assert value_of({"from": ["$.a", "$.b"]}, {"a": 0, "b": 1}) == 0
    assert value_of({"from": "$.x", "as": "string"}, "  ") is None


def test_default_is_applied_before_the_conversions() -> None:
    assert value_of({"from": "$.none", "default": "7", "as": "integer"}, {}) == 7
    assert value_of({"from": "$.none", "default": "$.other"}, {"other": "o"}) == "o"
    assert value_of({"from": "$.x", "default": "d"}, " ") == "d"
    assert value_of({"from": "$.x", "default": "d", "as": "upper"}, " ") == "D"
    assert value_of({"from": "$.x", "default": 1}, 0) == 0
    assert value_of({"from": "$.none", "default": {"template": "<{$.a}>"}}, {"a": 5}) == "<5>"


def test_default_is_used_for_values_that_are_not_in_the_map() -> None:
    words = {"from": "$.x", "map": {"A": "a", "d": "mapped"}, "default": "d"}
    assert value_of(words, "A") == "a"
    assert value_of(words, "B") == "d"
    assert value_of(words, None) == "mapped"
    assert value_of({**words, "default": "e"}, None) == "e"
    assert value_of({**words, "otherwise": "o"}, "B") == "o"


def test_a_required_value_that_is_missing_is_a_dead_letter() -> None:
    for raw in (
        {"from": "$.none", "required": True},
        {"from": "$.x", "required": True, "as": "upper"},
        {"from": "$.x", "required": True, "as": "trim"},
        {"from": "$.y", "required": True, "map": {"A": "a"}},
    ):
        told = failure_of(raw, {"x": " ", "y": "B"})
        assert (told.reason, told.field) == ("value_missing", "eventargs.c_x")


def test_map_compares_text_forms() -> None:
    table = {"1": "one", "true": "yes", "A": "a"}
    for value, expected in ((1, "one"), ("1", "one"), (1.0, "one"), (True, "yes"), ("A", "a"), ("B", None)):
        assert value_of({"from": "$.x", "map": table}, value) == expected
    assert value_of({"from": "$.x", "map": {1: "one", False: "no"}}, "1") == "one"


def test_otherwise_is_used_for_values_that_are_missing_or_not_in_the_map() -> None:
    raw = {"from": "$.x", "map": {"A": "a", "N": None}, "otherwise": "o"}
    assert value_of(raw, "B") == "o"
    assert value_of(raw, {}) == "o"
    assert value_of(raw, {"x": {"an": "object"}}) == "o"
    assert value_of(raw, "N") is None
    assert value_of({**raw, "otherwise": "$.other"}, {"x": "B", "other": 5}) == 5


def test_map_is_applied_after_the_conversions_and_to_each_element_of_a_list() -> None:
    assert value_of({"from": "$.x", "as": ["trim", "upper"], "map": {"A": "a"}}, " a ") == "a"
    assert value_of({"from": "$.x", "map": {"A": "a", "B": "b"}}, ["A", "C", "B"]) == ["a", "b"]
    assert value_of({"from": "$.x", "map": {"A": "a"}, "otherwise": "?"}, ["A", "C"]) == ["a", "?"]
    assert value_of({"from": "$.x", "map": {"A": "$.y", "B": "b"}}, {"x": ["A", "B"], "y": 1}) == [1, "b"]
    assert value_of({"from": "$.x", "map": {"A": "$.y"}}, {"x": "A", "y": 1}) == 1


def test_skip_and_dead_letter_end_the_item() -> None:
    for word, at in (("default", {}), ("otherwise", {"x": "B"})):
        raw = {"from": "$.x", word: "$skip", **({"map": {"A": "a"}} if word == "otherwise" else {})}
        skipping = mapper(route(fields={"eventargs": {"c_x": raw}}))
        assert skipping.items(record({"phone": "1", **at})) == []
        assert skipping.skipped == {("r", "t"): 1}
        told = failure_of({**raw, word: "$dead_letter"}, at)
        assert (told.reason, told.field, told.detail) == ("requested", "eventargs.c_x", f"by `{word}`")


def test_skip_from_the_environment_is_a_literal() -> None:
    assert value_of({"from": "$.x", "default": InterpolatedStr("$skip")}, {}) == "$skip"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("order {$.id} of {$.shop.name}", "order 4711 of 店"),
        ("{$.id}", "4711"),
        ("{ $.id }", "4711"),
        ("{{{$.id}}} 100%", "{4711} 100%"),
        ("{$.flag}/{$.half}", "true/0.5"),
        ('{$."odd key"}', "k"),
        ("plain", "plain"),
        ("{$.none}-{$.id}", None),
        ("{$.blank}-{$.id}", None),
        ("{$.shop}", None),
        ("{$topic}:{$offset}", "orders:0"),
    ],
)
def test_a_template_with_a_missing_part_is_missing(template: str, expected: str | None) -> None:
    value = {"id": 4711, "shop": {"name": "店"}, "flag": True, "half": 0.5, "odd key": "k", "blank": " "}
    assert value_of({"template": template}, value) == expected


def test_a_template_can_be_converted() -> None:
    assert value_of({"template": "{$.a}-{$.b}", "as": ["md5", "upper"]}, {"a": 1, "b": 2}) is not None
    assert value_of({"template": "{$.none}", "default": "d"}, {}) == "d"


def test_missing_elements_are_left_out_of_a_list() -> None:
    assert value_of(["a", "$.none", "$.x", {"from": "$.y", "as": "upper"}], {"x": 1, "y": "b"}) == ["a", 1, "B"]


def test_the_arguments_of_an_event_may_come_as_one_object() -> None:
    for raw in ("$.args", {"from": "$.args"}, {"from": ["$.none", "$.args"], "required": True}):
        made = body(mapper(route(fields={"eventargs": raw})).items(record({"phone": "1", "args": {"a": [1]}})))
        assert made["eventargs"] == {"a": [1]}
    told = failure(mapper(route(fields={"eventargs": "$.args"})).items(record({"phone": "1", "args": "text"})))
    assert (told.reason, told.field) == ("item_invalid", "eventargs")


def test_an_argument_may_be_named_like_a_word() -> None:
    made = body(mapper(route(fields={"eventargs": {"from": "app", "c_x": 1}})).items(record({"phone": "1"})))
    assert made["eventargs"] == {"from": "app", "c_x": 1}


@given(st.integers(), st.integers())
def test_from_takes_the_first_that_is_there(first: int, second: int) -> None:
    assert value_of({"from": ["$.a", "$.b"]}, {"a": first, "b": second}) == first
    assert value_of({"from": ["$.a", "$.b"]}, {"b": second}) == second

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


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("^SKU-([0-9]+)", "SKU-4711-red", "4711"),
        ("([0-9]+)", "no digits", None),
        ("a(b)?", "a", None),
        ("a( *)", "a  ", None),
        ("(.)(.)", "xy", "x"),
        ("([0-9]{2})$", 4711, "11"),
        ("(r)", True, "r"),
        ("(.)$", ["a1", 22, None, {}], ["1", "2"]),
        ("(z)", ["a1", []], None),
        ("(.)", {}, None),
        ("(.+)", " \n", None),
        ("([\u4e00-\u9fff]+)", "店: 上海", "店"),
    ],
)
def test_extract_yields_the_first_group_or_nothing(pattern: str, value: object, expected: object) -> None:
    assert value_of({"from": "$.x", "extract": pattern}, value) == expected


def test_extract_comes_before_default_and_the_conversions_and_works_on_templates() -> None:
    words = {"from": "$.x", "extract": "([0-9]+)", "default": "5", "as": "integer"}
    assert [value_of(words, value) for value in ("a7", "a", None)] == [7, 5, 5]
    assert value_of({"template": "{$.a}-{$.b}", "extract": "(-.)"}, {"a": 1, "b": 2}) == "-2"


def test_what_extract_does_not_find_is_missing_where_it_is_required() -> None:
    told = failure_of({"from": "$.x", "extract": "(secret-[a-z]+)", "required": True}, "secret-4711")
    assert (told.reason, told.field) == ("value_missing", "eventargs.c_x")
    assert "4711" not in str(told)


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ({"as": "integer"}, "many"),
        ({"as": ["trim", "phone"]}, "138****0000"),
        ({"as": "joined"}, ["a,b"]),
        ({"as": "integer"}, [1, "many"]),
        ({"multiply": 2}, "many"),
        ({"round": 2}, [[]]),
        ({"as": "number", "multiply": 2}, "many"),
    ],
)
def test_on_error_omit_leaves_out_what_cannot_be_converted_and_counts_it(
    words: dict[str, object], value: object
) -> None:
    raw = {"from": "$.x", **words}
    assert failure_of(raw, value).reason == "conversion_failed"
    mapped = mapper(route(fields={"eventargs": {"c_x": {**raw, "on_error": "omit"}, "c_y": 1}}))
    for times in (1, 2):
        made = body(mapped.items(record({"phone": "13800000000", "x": value})))
        assert made["eventargs"] == {"c_y": 1}
        assert mapped.omitted == {("r", "eventargs.c_x"): times}


def test_a_value_that_is_omitted_is_missing_for_the_words_that_follow() -> None:
    words = {"from": "$.x", "as": "integer", "on_error": "omit"}
    assert value_of({**words, "map": {"1": "one"}, "otherwise": "other"}, "many") == "other"
    assert failure_of({**words, "required": True}, "many").reason == "value_missing"


@given(st.sampled_from(["phone", "timestamp", "integer", "boolean", "json", "joined", "date", "md5"]), st.data())
def test_with_on_error_omit_nothing_fails(name: str, data: st.DataObject) -> None:
    scalars = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False)
    value = data.draw(scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.text(), scalars, max_size=2))
    mapped = mapper(route(fields={"eventargs": {"c_x": {"from": "$.x", "as": name, "on_error": "omit"}}}))
    try:
        at = record({"phone": "13800000000", "x": value})
    except UnicodeEncodeError:
        return
    [item] = mapped.items(at)
    assert item.failure is None or item.failure.reason == "decode_failed"

"""Routes held against the tracking plan: at start what is known then, per record what depends on it; both ways."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.mapping.helpers import (
    INFO,
    TOPIC,
    args_of,
    body,
    compiled,
    failure,
    found,
    mapper,
    record,
    route,
    warned,
)

BUY = {
    "args": {
        "c_goods": "string",
        "c_price": {"type": "number", "required": True},
        "c_note": {"type": "string", "max_length": 5},
    }
}
REFUND: dict[str, Any] = {"args": {"c_price": "number"}}
PLAN = {"c_buy": BUY, "c_refund": REFUND}
BY_STATUS = {"from": "$.status", "map": {"PAID": "c_buy", "REFUNDED": "c_refund"}}
PRICE = {"c_price": "$.price"}
BY_PHONE = {"type": "phone", "value": {"from": "$.phone", "as": "phone"}}
ARGS = ("routes", 0, "fields", "eventargs")


def planned(args: object, **changed: Any) -> dict[str, Any]:  # noqa: ANN401 - keys of a route
    return route(identity=[BY_PHONE], fields={} if args is None else {"eventargs": args}, **changed)


def refused(args: object, value: dict[str, Any], **changed: Any) -> tuple[str, str, str]:  # noqa: ANN401 - as above
    """Return reason, field and detail of the dead letter that a record becomes; it has no value of the record."""
    told = failure(mapper(planned(args, **changed), events=PLAN).items(record({"phone": "13800000000", **value})))
    assert "secret" not in json.dumps([told.field, told.detail])
    return told.reason, told.field, told.detail


def made(args: object, value: dict[str, Any], **changed: Any) -> Any:  # noqa: ANN401 - JSON
    """Return the event arguments of an item."""
    items = mapper(planned(args, **changed), events=PLAN).items(record({"phone": "13800000000", **value}))
    return body(items).get("eventargs")


# What is known at start


@pytest.mark.parametrize(
    ("event_key", "place"),
    [
        ("c_by", ("event_key",)),
        ({"literal": "c_by"}, ("event_key", "literal")),
        ({"from": "$.s", "map": {"PAID": "c_buy", "X": "c_by"}}, ("event_key", "map", "X")),
        ({"from": "$.s", "map": {"PAID": "c_buy"}, "otherwise": "c_by"}, ("event_key", "otherwise")),
        ({"from": "$.s", "map": {"PAID": "c_buy"}, "default": "c_by"}, ("event_key", "default")),
        ({"from": "$.s", "map": {"PAID": {"from": "$.k", "default": "c_by"}}}, ("event_key", "map", "PAID", "default")),
        ({"from": "$.event", "default": "c_by"}, ("event_key", "default")),
    ],
)
def test_an_event_key_that_is_not_defined_is_an_error_where_it_stands(event_key: object, place: Any) -> None:  # noqa: ANN401
    [(path, code, message)] = found(planned(PRICE, event_key=event_key), events=PLAN)
    assert (path, code) == (("routes", 0, *place), "undefined_event")
    assert message == "no event of `events` has this key, did you mean 'c_buy'?"


def test_beside_an_event_key_that_is_not_defined_only_arguments_that_no_event_has_are_errors() -> None:
    errors = found(planned({"c_pric": 1, "c_goods": 5}, event_key="c_by"), events=PLAN)
    assert [(path, code) for path, code, _ in errors] == [
        (("routes", 0, "event_key"), "undefined_event"),
        ((*ARGS, "c_pric"), "undefined_event"),
    ]


@pytest.mark.parametrize(
    "event_key",
    [
        "c_buy",
        BY_STATUS,
        {**BY_STATUS, "otherwise": "$skip"},
        {**BY_STATUS, "otherwise": "$dead_letter"},
        {**BY_STATUS, "default": "PAID"},
        {"from": "$.event", "as": "lower", "default": "C_BUY"},
    ],
)
def test_event_keys_that_are_defined_are_no_error(event_key: object) -> None:
    assert found(planned(PRICE, event_key=event_key), events=PLAN) == []


def test_an_argument_that_the_event_does_not_have_is_an_error_at_its_key() -> None:
    [(path, code, message)] = found(planned({**PRICE, "c_good": "$.title"}), events=PLAN)
    assert (path, code) == ((*ARGS, "c_good"), "undefined_event")
    assert message == "c_buy has no such argument in `events`, did you mean 'c_goods'?"


@pytest.mark.parametrize(
    ("event_key", "message"),
    [
        (BY_STATUS, "none of c_buy, c_refund has such an argument in `events`"),
        ("$.event", "no event of `events` has such an argument"),
    ],
)
def test_an_argument_that_none_of_several_events_has_is_an_error(event_key: object, message: str) -> None:
    assert found(planned({**PRICE, "x": "$.title"}, event_key=event_key), events=PLAN) == [
        ((*ARGS, "x"), "undefined_event", message)
    ]


def test_an_argument_that_one_of_several_events_lacks_is_suspicious() -> None:
    [(path, message)] = warned(planned({**PRICE, "c_goods": "$.title"}, event_key=BY_STATUS), events=PLAN)
    assert path == (*ARGS, "c_goods")
    assert message == "c_refund has no such argument in `events`: with it, such an event becomes a dead letter"


def test_a_constant_argument_that_one_of_several_events_lacks_is_an_error_since_it_is_in_all_of_them() -> None:
    [(path, code, message)] = found(planned({**PRICE, "c_goods": "x"}, event_key=BY_STATUS), events=PLAN)
    assert (path, code) == ((*ARGS, "c_goods"), "undefined_event")
    assert "c_refund has no such argument" in message


@pytest.mark.parametrize(
    ("args", "name", "message"),
    [
        ({"c_price": "12"}, "c_price", "expected a number, got text (`events`: c_buy)"),
        ({"c_price": True}, "c_price", "expected a number, got a boolean (`events`: c_buy)"),
        ({**PRICE, "c_goods": 12}, "c_goods", "expected text, got an integer (`events`: c_buy): quote it"),
        ({**PRICE, "c_goods": ["a"]}, "c_goods", "expected text, got a list (`events`: c_buy)"),
        ({**PRICE, "c_note": "123456"}, "c_note", "expected at most 5 characters, got 6 (`events`: c_buy)"),
    ],
)
def test_a_constant_of_the_wrong_type_is_an_error(args: object, name: str, message: str) -> None:
    assert found(planned(args), events=PLAN) == [((*ARGS, name), "wrong_type", message)]


def test_a_conversion_that_never_yields_the_type_is_an_error_at_the_word() -> None:
    args = {"c_price": {"from": "$.price", "as": "string"}}
    message = "`as: string` yields text, expected a number (`events`)"
    assert found(planned(args), events=PLAN) == [((*ARGS, "c_price", "as"), "wrong_type", message)]


@pytest.mark.parametrize("args", [None, {}, {"c_goods": "$.title"}, {"c_price": None}])
@pytest.mark.parametrize("event_key", ["c_buy", BY_STATUS])
def test_a_required_argument_that_is_not_mapped_is_an_error(args: object, event_key: object) -> None:
    errors = found(planned(args, event_key=event_key), events=PLAN)
    message = "c_buy requires this argument (`events`), and the route does not map it"
    assert errors == [((*ARGS, "c_price"), "missing_key", message)]


def test_a_literal_table_of_arguments_is_checked_at_start() -> None:
    errors = found(planned({"literal": {"c_price": "x"}}), events=PLAN)
    assert [(path, code) for path, code, _ in errors] == [(ARGS, "wrong_type")]
    assert errors[0][2].startswith("eventargs.c_price: expected a number, got text")
    assert found(planned({"literal": {"c_price": 1}}), events=PLAN) == []


def test_definitions_that_no_route_makes_are_suspicious_unless_a_route_may_make_any() -> None:
    assert warned(planned(PRICE), events=PLAN) == [(("events", "c_refund"), "no route makes this event")]
    assert warned(planned(PRICE, event_key="$.event"), events=PLAN) == []


def test_audiences_are_not_events() -> None:
    each = route(identity=[BY_PHONE], event_key=None, fields={"address": "$.city"})
    assert warned(each, endpoint=INFO, target={"public_params": {"importMode": 1}}, events={"c_x": {}}) == [
        (("events", "c_x"), "no route makes this event")
    ]


def test_a_definition_that_is_broken_hides_nothing_and_adds_nothing() -> None:
    from connector.mapping import compile_mapping  # noqa: PLC0415 - only here
    from connector.settings.models import Route, Target  # noqa: PLC0415 - only here
    from connector.settings.problems import Problems  # noqa: PLC0415 - only here

    problems = Problems()
    each = Route.model_validate(planned({"x": "$.x"}))
    compile_mapping({"t": Target(endpoint="event/v2/batchAdd")}, [(0, each)], problems, events={"c_buy": None})
    assert problems.found == []


# What depends on the record


@pytest.mark.parametrize("event_key", ["$.event", {"from": "$.event", "default": "c_refund"}])
def test_an_event_key_that_only_the_record_knows_is_a_dead_letter(event_key: object) -> None:
    told = refused(PRICE, {"event": "secret", "price": 1}, event_key=event_key)
    assert told == ("event_undefined", "event_key", "`events` defines no event with this key")


@pytest.mark.parametrize("event", [None, "", " ", [], {}])
def test_an_event_key_that_is_missing_keeps_its_own_reason(event: object) -> None:
    told = refused(PRICE, {"event": event, "price": 1}, event_key="$.event")
    assert told[:2] == ("event_key_unmapped", "event_key")


def test_an_event_key_is_compared_as_text() -> None:
    both = mapper(planned({"n": "$.n"}, event_key="$.event"), events={"5": {"args": {"n": "integer"}}})
    assert body(both.items(record({"phone": "13800000000", "event": 5, "n": 1})))["eventKey"] == "5"


@pytest.mark.parametrize(
    ("value", "field", "detail"),
    [
        ({"price": "secret"}, "c_price", "expected a number, got text (`events`): use `as: number`"),
        ({"price": True}, "c_price", "expected a number, got a boolean (`events`): use `as: number`"),
        ({}, "c_price", "missing, required (`events`)"),
        ({"price": 1, "title": 5}, "c_goods", "expected text, got an integer (`events`): use `as: string`"),
        ({"price": 1, "note": "secret"}, "c_note", "expected at most 5 characters, got 6 (`events`)"),
    ],
)
def test_an_argument_that_is_not_as_defined_is_a_dead_letter(value: dict[str, Any], field: str, detail: str) -> None:
    args = {**PRICE, "c_goods": "$.title", "c_note": "$.note"}
    assert refused(args, value) == ("item_invalid", f"eventargs.{field}", detail)


@pytest.mark.parametrize("value", [{"price": 1}, {"price": 1.5, "title": "t", "note": "12345"}, {"price": 10**30}])
def test_arguments_as_defined_are_sent_as_they_are(value: dict[str, Any]) -> None:
    args = {**PRICE, "c_goods": "$.title", "c_note": "$.note"}
    assert made(args, value) == {f"c_{ {'title': 'goods'}.get(name, name) }": each for name, each in value.items()}


def test_what_an_argument_may_be_follows_from_the_event_key_of_the_record() -> None:
    args = {**PRICE, "c_goods": "$.title"}
    for event_key, of in ((BY_STATUS, "status"), ("$.event", "event")):
        buy, refund = ("PAID", "REFUNDED") if of == "status" else ("c_buy", "c_refund")
        assert made(args, {of: buy, "price": 1, "title": "t"}, event_key=event_key) == {"c_price": 1, "c_goods": "t"}
        assert made(args, {of: refund}, event_key=event_key) is None
        told = refused(args, {of: refund, "title": "secret"}, event_key=event_key)
        assert told == ("item_invalid", "eventargs.c_goods", "c_refund has no such argument in `events`")
        assert refused(args, {of: buy, "title": "t"}, event_key=event_key)[:2] == ("item_invalid", "eventargs.c_price")


def test_an_event_whose_required_argument_the_route_never_makes_is_a_dead_letter() -> None:
    told = refused({"c_goods": "$.title"}, {"event": "c_buy"}, event_key="$.event")
    assert told[:2] == ("item_invalid", "eventargs.c_price")
    assert made({"c_goods": "$.title"}, {"event": "c_refund"}, event_key="$.event") is None


@pytest.mark.parametrize(
    ("of", "event"), [("$.args", "c_buy"), ("$.args", "$.event"), ({"from": "$.args", "as": "json"}, "c_buy")]
)
def test_arguments_that_are_one_value_are_checked_by_name(of: object, event: str) -> None:
    given = {"c_price": 1, "c_goods": "t", "c_note": None}
    if isinstance(of, dict):
        assert found(planned(of, event_key=event), events=PLAN)[0][1] == "wrong_type"  # `json` makes text
        return
    assert made(of, {"args": given, "event": "c_buy"}, event_key=event) == given
    for wrong, field in (({"x": 1}, "x"), ({"c_price": "secret"}, "c_price"), ({"c_note": "secret"}, "c_note")):
        told = refused(of, {"args": {**given, **wrong}, "event": "c_buy"}, event_key=event)
        assert told[:2] == ("item_invalid", f"eventargs.{field}")
    nothing: list[Any] = [{}, None]
    for absent in nothing:
        assert refused(of, {"args": absent, "event": "c_buy"}, event_key=event)[1] == "eventargs.c_price"


def test_each_element_of_for_each_is_held_against_its_own_event() -> None:
    args = {"c_price": "$.price", "c_goods": "$item.title"}
    key = {"from": "$item.status", "map": BY_STATUS["map"]}
    lines = [{"status": "PAID", "title": "t"}, {"status": "REFUNDED", "title": "t"}, {"status": "REFUNDED"}]
    both = mapper(planned(args, event_key=key, for_each="$.lines"), events=PLAN)
    one, two, three = both.items(record({"phone": "13800000000", "price": 1, "lines": lines}))
    assert args_of([one, three]) == [{"c_price": 1, "c_goods": "t"}, {"c_price": 1}]
    assert two.failure is not None
    assert two.failure.field == "eventargs.c_goods"
    assert two.failure.detail.startswith("element 1 of the list: c_refund")
    [computed] = [line for line in both.source(TOPIC).splitlines() if line.lstrip().startswith("v_c_price")]
    assert computed.startswith(" " * 12), "what depends on an element is computed in the loop, not by the general way"


def test_what_is_counted_in_an_event_key_is_counted_once() -> None:
    key = {"from": "$.n", "as": "integer", "on_error": "omit", "map": {"1": "c_buy"}, "otherwise": "c_refund"}
    both = mapper(planned({**PRICE, "c_goods": "$.title"}, event_key=key), events=PLAN)
    body(both.items(record({"phone": "13800000000", "n": "many", "price": 1})))
    assert both.omitted == {("r", "event_key"): 1}


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("string", ["", "a"], [1, True, [], {}, 1.5]),
        ("number", [1, 1.5, -0.0, 10**400], ["1", True, [1], {}]),
        ("integer", [1, 2.0, 10**30], [1.5, "1", True]),
        ("boolean", [True, False], [0, 1, "true"]),
        ("array", [[], [1]], ["[1]", {}, 1]),
        ("object", [{}, {"a": 1}], ["{}", [], 1]),
        (
            "date",
            ["2024-02-29", "2024-02-29 12:30", "2024-02-29T12:30:00.123+08:00", "2024-02-29T12:30:00Z", 1605490615673],
            ["2024-02-30", "20240229", "today", "", 1605490615, 1605490615673000, True, "2024-02-29 25:00", 0],
        ),
    ],
)
def test_types_of_arguments(kind: str, right: list[Any], wrong: list[Any]) -> None:
    both = mapper(planned({"x": "$.x"}, event_key="c_x"), events={"c_x": {"args": {"x": kind}}})
    for each in right:
        made = body(both.items(record({"phone": "13800000000", "x": each})))
        assert made["eventargs"] == {"x": each}
    for each in wrong:
        told = failure(both.items(record({"phone": "13800000000", "x": each})))
        assert (told.reason, told.field) == ("item_invalid", "eventargs.x"), each


def test_without_a_plan_and_with_one_that_is_known_to_hold_the_generated_code_is_the_same() -> None:
    each = planned({"c_goods": "x"}, event_key=BY_STATUS)
    events = {"c_buy": {"args": {"c_goods": "string"}}, "c_refund": {"args": {"c_goods": "string"}}}
    sources = []
    for plan in (None, events):
        mapping, problems = compiled(each, events=plan)
        assert mapping is not None, problems.found
        sources.append(mapping.mapper("cluster").source("orders"))
    assert sources[0] == sources[1]


NAMES = ("x", "y", "z")
TYPES = ("string", "number", "integer", "boolean", "date", "array", "object")
KEYS = ("a", "b", "c")
PLANS = st.dictionaries(
    st.sampled_from(KEYS),
    st.builds(
        lambda args: {"args": args},
        st.dictionaries(
            st.sampled_from(NAMES),
            st.fixed_dictionaries({"type": st.sampled_from(TYPES)}, optional={"required": st.booleans()}),
        ),
    ),
    min_size=1,
)
VALUES = st.sampled_from([None, "", "t", "2024-01-31", 1, 1.5, 2.0, True, 1605490615673, [], [1], {}, {"n": 1}])
OBJECTS = st.fixed_dictionaries(
    {}, optional={"k": st.sampled_from([*KEYS, "d", None, 5]), **dict.fromkeys(NAMES, VALUES)}
)
EVENT_KEYS = st.sampled_from(
    ["a", "$.k", "$item.k", {"from": "$.k", "default": "a"}, {"from": "$item.k", "map": {"a": "a", "b": "b"}}]
    + [{"from": "$.k", "map": {"a": "b"}, "otherwise": other} for other in ("$.x", "c", "$skip", "$dead_letter")]
)
ARGUMENTS = st.dictionaries(
    st.sampled_from(NAMES),
    st.sampled_from([f"{of}.{name}" for of in ("$", "$item") for name in NAMES])
    | st.sampled_from(
        [{"from": "$.x", "as": "string"}, {"from": "$item.y", "as": "number", "on_error": "omit"}, "t", 1]
    ),
) | st.sampled_from(["$", "$item", "$item.x"])


@settings(max_examples=150, deadline=None)
@given(
    PLANS, EVENT_KEYS, ARGUMENTS, st.lists(st.tuples(OBJECTS, st.lists(OBJECTS, max_size=3)), min_size=1, max_size=6)
)
def test_no_item_breaks_the_plan_and_both_ways_agree(
    plan: dict[str, Any], event_key: object, args: object, records: list[tuple[dict[str, Any], list[Any]]]
) -> None:
    identity = [{"type": "uid", "value": "$offset"}]
    has_item = "$item" in json.dumps([event_key, args])
    each = planned(args, event_key=event_key, for_each="$.list" if has_item else None) | {"identity": identity}
    if found(each, events=plan):
        return
    both, unplanned = mapper(each, events=plan), mapper(each)
    for value, elements in records:
        given_record = record({**value, "list": elements} if has_item else value)
        items = both.items(given_record)
        for item in items:
            if item.failure is None:
                sent = json.loads(item.body)
                assert breaks(plan, sent["eventKey"], sent.get("eventargs", {})) == ""
        for item, free in zip(items, unplanned.items(given_record), strict=True):
            if free.failure is not None:
                assert item.failure is not None
            elif item.failure is None:
                assert item.body == free.body
            else:
                sent = json.loads(free.body)
                assert breaks(plan, sent["eventKey"], sent.get("eventargs", {})) != ""


def breaks(plan: dict[str, Any], key: str, args: dict[str, Any]) -> str:
    """Say how an event breaks the plan; written apart from the code that it checks."""
    if key not in plan:
        return "key"
    definitions = plan[key]["args"]
    for name, each in definitions.items():
        if each.get("required") and args.get(name) is None:
            return f"{name} missing"
    for name, value in args.items():
        if value is None:
            continue
        if name not in definitions:
            return f"{name} undefined"
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        fits = {
            "string": isinstance(value, str),
            "number": is_number,
            "integer": is_number and value == int(value),
            "boolean": isinstance(value, bool),
            "array": isinstance(value, list),
            "object": isinstance(value, dict),
            "date": value in ("2024-01-31", 1605490615673),
        }
        if not fits[definitions[name]["type"]]:
            return f"{name} is no {definitions[name]['type']}"
    return ""

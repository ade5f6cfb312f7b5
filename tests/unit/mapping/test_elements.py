"""Several items from one record, and lists built element by element: `for_each`, `each`, `$item`, `$index`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.record import DEAD_LETTERS, UNREADABLE_HEADERS, Item, Record
from tests.unit.mapping.helpers import (
    INFO,
    PHONE,
    TAG,
    body,
    failure_of,
    found,
    mapper,
    record,
    route,
    value_of,
)
from tests.unit.mapping.helpers import (
    args_of as args,
)

ORDER = {
    "order_id": "A1",
    "status": "PAID",
    "phone": "13800000000",
    "items": [{"sku": "s1", "qty": 2}, {"sku": "s2", "qty": 0}, {"sku": "s3", "qty": 1}],
}
LINES = route(
    for_each="$.items",
    fields={"eventargs": {"c_sku": "$item.sku", "c_no": "$index", "c_order": "$.order_id"}},
)


def test_for_each_makes_one_item_for_each_element() -> None:
    items = mapper(LINES).items(record(ORDER))
    assert args(items) == [{"c_sku": f"s{n + 1}", "c_no": n, "c_order": "A1"} for n in range(3)]
    assert {item.record for item in items} == {record(ORDER)}
    assert {type(item.record) for item in items} == {Record}


def test_each_element_has_a_uuid_of_its_own_that_is_the_same_every_time() -> None:
    mapped = mapper(LINES)
    uuids = [json.loads(item.body)["uuid"] for item in mapped.items(record(ORDER))]
    assert len({*uuids}) == 3
    assert uuids == [json.loads(item.body)["uuid"] for item in mapper(LINES).items(record(ORDER))]
    [first] = mapper(route()).items(record(ORDER))
    assert json.loads(first.body)["uuid"] == uuids[0]


def test_a_mapped_uuid_may_be_made_of_the_element() -> None:
    fields = {"uuid": {"template": "{$.order_id}:{$item.sku}", "as": "uuid"}}
    items = mapper(route(for_each="$.items", fields=fields)).items(record(ORDER))
    assert len({json.loads(item.body)["uuid"] for item in items}) == 3


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"$.status": "PAID"}, ["s1", "s2", "s3"]),
        ({"$.status": "NEW"}, []),
        ({"$item.qty": {"gt": 0}}, ["s1", "s3"]),
        ({"$.status": "PAID", "$item.qty": {"gt": 1}}, ["s1"]),
        ({"any": [{"$item.sku": "s2"}, {"$index": 2}]}, ["s2", "s3"]),
        ({"not": {"$index": 0}}, ["s2", "s3"]),
        ({"$.wanted": {"eq": "$item.sku"}}, []),
        ({"$.first": {"ne": "$item.sku"}}, ["s2", "s3"]),
    ],
)
def test_conditions_may_concern_the_record_and_the_element(where: object, expected: list[str]) -> None:
    items = mapper(LINES | {"where": where}).items(record({**ORDER, "first": "s1"}))
    assert [each["c_sku"] for each in args(items)] == expected


def test_a_record_that_is_not_wanted_can_not_fail_in_its_list() -> None:
    mapped = mapper(LINES | {"where": {"$.status": "PAID"}})
    assert not mapped.items(record({**ORDER, "status": "NEW", "items": 5}))


@pytest.mark.parametrize("items", [None, [], "", " ", "[]", [None]])
def test_a_list_without_elements_gives_no_item(items: object) -> None:
    assert not mapper(LINES).items(record({**ORDER, "items": items}))


def test_null_elements_are_passed_over_and_keep_their_position() -> None:
    items = mapper(LINES).items(record({**ORDER, "items": [None, {"sku": "x"}]}))
    assert args(items) == [{"c_sku": "x", "c_no": 1, "c_order": "A1"}]


def test_the_list_may_be_json_text_or_made_by_words() -> None:
    text = json.dumps(ORDER["items"])
    assert len(args(mapper(LINES).items(record({**ORDER, "items": text})))) == 3
    split = LINES | {"for_each": {"from": "$.skus", "as": "split"}, "fields": {"eventargs": {"c_sku": "$item"}}}
    assert args(mapper(split).items(record({**ORDER, "skus": "a, b"}))) == [{"c_sku": "a"}, {"c_sku": "b"}]


@pytest.mark.parametrize(("items", "kind"), [({"a": 1}, "an object"), (5, "an integer"), ("secret-4711", "text")])
def test_what_is_no_list_is_one_dead_letter(items: object, kind: str) -> None:
    [item] = mapper(LINES).items(record({**ORDER, "items": items}))
    assert item.failure is not None
    assert (item.target, item.failure.reason, item.failure.field) == (DEAD_LETTERS, "conversion_failed", "for_each")
    assert item.failure.detail == f"for_each: expected a list, got {kind}"


def test_an_element_that_fails_leaves_the_others_alone_and_is_named() -> None:
    fields = {"eventargs": {"c_num": {"from": "$item.qty", "as": "integer"}}}
    lines = [{"qty": 1}, {"qty": "secret-4711"}, {"qty": 3}]
    items = mapper(route(for_each="$.items", fields=fields)).items(record({**ORDER, "items": lines}))
    assert [item.target for item in items] == ["t", DEAD_LETTERS, "t"]
    assert items[1].failure is not None
    assert items[1].failure.field == "eventargs.c_num"
    assert items[1].failure.detail == "element 1 of the list: as: integer: expected a whole number, got text"
    assert items[1].record == record({**ORDER, "items": lines})


def test_skip_concerns_the_element_alone_and_is_counted() -> None:
    key = {"from": "$item.sku", "map": {"s2": "c_two"}, "otherwise": "$skip"}
    mapped = mapper(route(for_each="$.items", event_key=key))
    [item] = mapped.items(record(ORDER))
    assert json.loads(item.body)["eventKey"] == "c_two"
    assert mapped.skipped == {("r", "t"): 2}


def test_identity_and_public_params_may_be_made_of_the_element() -> None:
    tags = route(
        for_each="$.people",
        event_key=None,
        identity=[{"type": "phone", "value": {"from": "$item.phone", "as": "phone"}}],
        public_params={"optType": {"from": "$item.op", "map": {"+": "add", "-": "delete"}}},
        fields={"tags": {"from": "$item.tag", "required": True}},
    )
    people = [{"phone": "13800000000", "op": "+", "tag": "a"}, {"phone": "13900000000", "op": "-", "tag": "b"}]
    items = mapper(tags, endpoint=TAG).items(record({"people": people}))
    assert [json.loads(item.params)["optType"] for item in items] == ["add", "delete"]
    assert [item.order_keys for item in items] == [("phone=13800000000",), ("phone=13900000000",)]


def test_an_unreadable_header_in_a_condition_is_one_dead_letter() -> None:
    mapped = mapper(LINES | {"where": {"$headers.a": "b"}})
    [item] = mapped.items(record(ORDER).replace(headers=UNREADABLE_HEADERS))
    assert item.failure is not None
    assert item.failure.reason == "decode_failed"


@pytest.mark.parametrize(
    "changed",
    [
        {"fields": {"intid": "$item.a"}},
        {"fields": {"eventargs": {"a": {"template": "{$index}"}}}},
        {"event_key": "$item"},
        {"identity": [{"type": "phone", "value": "$item.p"}]},
        {"where": {"$.a": {"eq": "$item.b"}}},
        {"for_each": "$item.a"},
    ],
)
def test_item_and_index_are_refused_where_there_is_no_list(changed: dict[str, Any]) -> None:
    [(_, code, message)] = found(route(**changed))
    assert code == "bad_reference"
    assert "has no meaning here, but in a route with `for_each`, and inside `each`" in message


@pytest.mark.parametrize("raw", ["items", 5, ["$.a"], {"literal": [1]}, {"template": "x"}])
def test_what_for_each_takes_is_a_reference_to_a_list(raw: object) -> None:
    [(path, code, message), *_] = found(route(for_each=raw))
    assert (path, code) == (("routes", 0, "for_each"), "bad_reference")
    assert message == "expected a reference to a list, like $.items"


def test_each_makes_a_list_of_values_or_of_tables() -> None:
    lines = {"items": [{"sku": "a", "n": 1}, {"n": 2}, None, {"sku": "c"}]}
    assert value_of({"each": "$.items", "value": "$item.sku"}, lines) == ["a", "c"]
    made = value_of({"each": "$.items", "value": {"sku": "$item.sku", "at": "$index", "kind": "k"}}, lines)
    assert made == [
        {"sku": "a", "at": 0, "kind": "k"},
        {"at": 1, "kind": "k"},
        {"sku": "c", "at": 3, "kind": "k"},
    ]


def test_a_table_without_anything_found_is_left_out_of_the_list() -> None:
    value = {"sku": "$item.sku", "kind": "k", "inner": {"n": "$item.n"}}
    assert value_of({"each": "$.items", "value": value}, {"items": [{"x": 1}, {"n": 1}]}) == [
        {"kind": "k", "inner": {"n": 1}}
    ]
    assert value_of({"each": "$.items", "value": value}, {"items": [{}, {}]}) is None
    assert value_of({"each": "$.items", "value": {"kind": "k"}}, {"items": [1, 2]}) == [{"kind": "k"}, {"kind": "k"}]


def test_lists_may_be_nested_and_item_is_the_innermost_element() -> None:
    groups = {"groups": [{"name": "g", "tags": ["a", "b"]}, {"name": "h", "tags": []}]}
    value = {"name": "$item.name", "tags": {"each": "$item.tags", "value": {"tag": "$item", "of": "$.x"}}}
    assert value_of({"each": "$.groups", "value": value}, {**groups, "x": 1}) == [
        {"name": "g", "tags": [{"tag": "a", "of": 1}, {"tag": "b", "of": 1}]},
        {"name": "h"},
    ]


def test_each_inside_for_each_and_words_after_each() -> None:
    tags = {"each": "$item.tags", "value": {"template": "{$index}{$item}"}, "as": "joined", "default": "none"}
    mapped = mapper(route(for_each="$.items", fields={"eventargs": {"t": tags, "i": "$index"}}))
    items = mapped.items(record({"phone": "1", "items": [{"tags": ["a", "b"]}, {}]}))
    assert args(items) == [{"t": "0a,1b", "i": 0}, {"t": "none", "i": 1}]


def test_each_of_what_is_no_list_fails_with_the_field() -> None:
    told = failure_of({"each": "$.x", "value": "$item"}, "secret-4711")
    assert (told.reason, told.field) == ("conversion_failed", "eventargs.c_x")
    assert told.detail == "each: expected a list, got text"


def test_custom_fields_may_be_made_of_a_list() -> None:
    custom = {
        "each": "$.attributes",
        "value": {"configId": "$item.id", "configName": "$item.name", "values": ["$item.value"]},
    }
    mapped = mapper(
        route(event_key=None, fields={"customFields": custom}),
        endpoint=INFO,
        target={"public_params": {"importMode": 1}},
    )
    attributes = [{"id": "1", "name": "颜色", "value": "红"}, {"id": 2, "name": 7, "value": 3}]
    assert body(mapped.items(record({"phone": "1", "attributes": attributes})))["customFields"] == [
        {"configId": 1, "configName": "颜色", "values": ["红"]},
        {"configId": 2, "configName": "7", "values": ["3"]},
    ]
    wrong = {"each": "$.a", "value": {"configID": 1}}
    [(path, _, message)] = found(
        route(event_key=None, fields={"customFields": wrong}),
        endpoint=INFO,
        target={"public_params": {"importMode": 1}},
    )
    assert path[-3:] == ("customFields", "value", "configID")
    assert message == "unknown key, did you mean 'configId'?"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=3)
    | st.sampled_from(['[{"a": 1}]', "[", "13800000000"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abxp"), inner, max_size=3),
    max_leaves=12,
)
ODD = mapper(
    route(
        name="odd",
        for_each="$.x",
        where={"$.a": {"exists": True}, "not": {"$item.b": "no"}},
        identity=[{"type": "phone", "value": {"from": ["$item.p", "$.p"], "as": "phone"}}, PHONE],
        event_key={"from": ["$item.a", "$.a"], "default": "c_x"},
        fields={
            "intid": {"from": "$item.a", "as": "string", "on_error": "omit"},
            "eventargs": {
                "e": {"each": "$item.b", "value": {"i": "$item", "n": "$index", "o": "$.a"}},
                "f": "$item.*.a",
            },
        },
    )
)


@given(st.dictionaries(st.sampled_from("abxp"), JSON) | JSON)
def test_any_record_ends_in_exactly_its_items_and_nothing_is_raised(value: object) -> None:
    try:
        at = record(json.dumps(value, ensure_ascii=False).encode())
    except UnicodeEncodeError:
        return
    items = ODD.items(at)
    assert list(items) == list(ODD.items(at))
    for item in items:
        assert isinstance(item, Item)
        assert item.record is at
        assert item.failure is None or "raised" not in item.failure.detail
    uuids = [json.loads(item.body)["uuid"] for item in items if item.failure is None]
    assert len({*uuids}) == len(uuids)

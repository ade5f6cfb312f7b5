"""Item fields: each value is checked against the kind of its field."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.mapping.helpers import INFO, TAG, body, failure, found, mapper, record, route

PERSON = {"phone": "13800000000"}
INFO_TARGET = {"public_params": {"importMode": 2}}


def info(fields: dict[str, Any], value: dict[str, object]) -> Any:  # noqa: ANN401 - items
    return mapper(route(event_key=None, fields=fields), endpoint=INFO, target=INFO_TARGET).items(
        record({**PERSON, **value})
    )


@pytest.mark.parametrize(("value", "expected"), [("x", "x"), (7, "7"), (1.5, "1.5"), (True, "true"), ("", "")])
def test_a_text_field_takes_any_scalar_as_its_text(value: object, expected: str) -> None:
    assert body(info({"realName": "$.x"}, {"x": value}))["realName"] == expected
    assert body(info({"realName": value}, {}))["realName"] == expected


@pytest.mark.parametrize("value", [["a", "b"], {"a": 1}])
def test_a_text_field_refuses_lists_and_objects(value: object) -> None:
    told = failure(info({"tags": "$.x"}, {"x": value}))
    assert (told.reason, told.field) == ("item_invalid", "tags")
    assert ("as: joined" in told.detail) == isinstance(value, list)


def test_sex_is_one_of_the_documented_values() -> None:
    assert body(info({"sex": {"from": "$.x", "map": {"M": "男", "F": "女"}}}, {"x": "F"}))["sex"] == "女"
    told = failure(info({"sex": "$.x"}, {"x": "F"}))
    assert (told.reason, told.field, told.detail) == ("item_invalid", "sex", "expected one of 男, 女")


def test_fields_stand_in_the_order_of_the_document() -> None:
    made = body(info({"remark": "r", "birthday": "b", "realName": "n"}, {}))
    assert list(made) == ["identityType", "phone", "realName", "birthday", "remark"]


CUSTOM = [
    {"configId": 1, "configName": "color", "values": "$.colors"},
    {"configId": "$.id", "values": ["$.a", "$.b"]},
    {"configId": 3, "configName": "fixed", "values": ["x"]},
]


def test_custom_fields_are_written_as_the_document_has_them() -> None:
    value: dict[str, object] = {"colors": ["red", 5], "id": "22", "a": "A", "b": None}
    assert body(info({"customFields": CUSTOM}, value))["customFields"] == [
        {"configId": 1, "configName": "color", "values": ["red", "5"]},
        {"configId": 22, "values": ["A"]},
        {"configId": 3, "configName": "fixed", "values": ["x"]},
    ]


def test_a_custom_field_whose_references_found_nothing_is_left_out() -> None:
    assert [each["configId"] for each in body(info({"customFields": CUSTOM}, {}))["customFields"]] == [3]
    assert "customFields" not in body(info({"customFields": CUSTOM[:2]}, {}))
    assert body(info({"customFields": CUSTOM[:1]}, {"colors": "red"}))["customFields"][0]["values"] == ["red"]


def test_custom_fields_may_come_as_one_list() -> None:
    ready = [{"configId": 1, "values": ["x"]}, None, {"configName": "n"}]
    assert body(info({"customFields": "$.c"}, {"c": ready}))["customFields"] == [ready[0], ready[2]]
    assert "customFields" not in body(info({"customFields": "$.c"}, {"c": []}))


@pytest.mark.parametrize(
    "custom",
    [
        "text",
        [1],
        [{"configId": "x"}],
        [{"configId": 1, "secret-4711": 1}],
        [{"configName": []}],
        [{"values": [{}]}],
        {"configId": 1},
    ],
)
def test_malformed_custom_fields_are_invalid(custom: object) -> None:
    told = failure(info({"customFields": "$.c"}, {"c": custom}))
    assert told.reason == "item_invalid"
    assert told.field.startswith("customFields")
    assert "4711" not in told.detail


def test_unknown_fields_are_sent_if_the_target_says_so() -> None:
    target = {"public_params": {"optType": "add", "newParam": 1}, "allow_unknown": True}
    mapped = mapper(route(event_key=None, fields={"newField": ["a", "$.x"], "tags": "t"}), endpoint=TAG, target=target)
    [item] = mapped.items(record({**PERSON, "x": 1}))
    assert body([item]) == {"identityType": "phone", "phone": "13800000000", "tags": "t", "newField": ["a", 1]}
    assert item.params.endswith(b'"newParam":1}')


def in_group(**fields: object) -> Any:  # noqa: ANN401 - items
    tags = route(event_key=None, fields={"groups": "g", **fields})
    return mapper(tags, endpoint="audience/group/rel/v2/batchAdd", target={"public_params": {"optType": "add"}})


def test_a_department_must_be_named_where_the_category_asks_for_one() -> None:
    mapped = in_group(categoryType="$.type", deptId="$.dept", wxDeptId="$.wx")
    assert body(mapped.items(record({"phone": "1", "type": 2, "dept": "7"})))["deptId"] == 7
    assert body(mapped.items(record({"phone": "1", "type": "2", "wx": "w"})))["wxDeptId"] == "w"
    assert body(mapped.items(record({"phone": "1", "type": "1"})))["categoryType"] == "1"
    told = failure(mapped.items(record({"phone": "1", "type": "2"})))
    assert (told.reason, told.field) == ("value_missing", "wxDeptId")
    assert told.detail == "categoryType 2 requires one of wxDeptId, thirdDeptId, deptId"
    always = in_group(categoryType="2", thirdDeptId="$.dept")
    assert failure(always.items(record({"phone": "1"}))).field == "wxDeptId"


def test_a_category_that_always_lacks_its_department_is_refused_at_start() -> None:
    [(path, code, message)] = found(
        route(event_key=None, fields={"groups": "g", "categoryType": "2"}),
        endpoint="audience/group/rel/v2/batchAdd",
        target={"public_params": {"optType": "add"}},
    )
    assert (path[-1], code) == ("wxDeptId", "missing_key")
    assert message == "categoryType 2 requires one of wxDeptId, thirdDeptId, deptId"


@pytest.mark.parametrize(
    ("raw", "value", "expected"),
    [
        ("$.x", [{"any": {"thing": 1}}, None, {}], [{"any": {"thing": 1}}]),
        ([{"tagName": "$.x"}, {"tagName": "$.none"}], "a", [{"tagName": "a"}]),
        ([{"tagName": "VIP"}], None, [{"tagName": "VIP"}]),
        (
            [{"tagName": "a", "tagValueList": [{"tagValue": "$.x"}]}],
            "b",
            [{"tagName": "a", "tagValueList": [{"tagValue": "b"}]}],
        ),
        ("$.none", 1, None),
        ("$.x", [], None),
    ],
)
def test_operate_tags_are_a_list_of_any_objects(raw: object, value: object, expected: object) -> None:
    tags = route(event_key=None, fields={"operateTags": raw})
    mapped = mapper(tags, endpoint="audience/tag/v2/batchAdd", target={"public_params": {"optType": "add"}})
    assert body(mapped.items(record({"phone": "1", "x": value}))).get("operateTags") == expected


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        ("secret-4711", "expected a list of objects, got text"),
        ({"tagName": "a"}, "expected a list of objects, got an object"),
        (["secret-4711"], "expected an object as an element, got text"),
    ],
)
def test_operate_tags_of_another_shape_are_dead_letters(value: object, detail: str) -> None:
    tags = route(event_key=None, fields={"operateTags": "$.x"})
    mapped = mapper(tags, endpoint="audience/tag/v2/batchAdd", target={"public_params": {"optType": "add"}})
    told = failure(mapped.items(record({"phone": "1", "x": value})))
    assert (told.reason, told.field, told.detail) == ("item_invalid", "operateTags", detail)

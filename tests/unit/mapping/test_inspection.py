"""What is known of a config before any record: errors, and what is sound and looks wrong."""

from __future__ import annotations

from typing import Any

import pytest

from connector.settings.types import InterpolatedStr
from tests.unit.mapping.helpers import EVENT, EVENT_V1, INFO, TAG, found, route, warned

PHONE = {"type": "phone", "value": {"from": "$.phone", "as": "phone"}}
TAG_V2 = "audience/tag/v2/batchAdd"
GROUP_V2 = "audience/group/rel/v2/batchAdd"
ADD = {"public_params": {"optType": "add"}}
SAME = "the same for every record, which would put them all on one customer"


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("buyer.mobile", ", did you mean '$.buyer.mobile'?"),
        ("mobile", ", did you mean '$.mobile'?"),
        ("13800000000", ""),
        (13800000000, ""),
        (InterpolatedStr("mobile"), ""),
        ("$topic", ""),
        ({"literal": "x"}, ""),
        ({"template": "x"}, ""),
        ({"template": "shop", "as": "md5"}, ""),
        ({"from": "$topic", "as": "upper"}, ""),
        (["a"], ""),
        (None, ""),
    ],
)
@pytest.mark.parametrize("endpoint", [EVENT, EVENT_V1])
def test_an_identity_that_is_the_same_for_every_record_is_an_error(endpoint: str, value: object, hint: str) -> None:
    [(path, code, message)] = found(route(identity=[{"type": "uid", "value": value}]), endpoint=endpoint)
    assert (path, code, message) == (("routes", 0, "identity", 0, "value"), "bad_value", SAME + hint)


@pytest.mark.parametrize(
    "value", ["$.a", "$key", {"from": ["$topic", "$.a"]}, {"template": "x{$.a}"}, {"from": "$.a", "default": "x"}]
)
def test_an_identity_of_the_record_is_none(value: object) -> None:
    assert not found(route(identity=[{"type": "uid", "value": value}]))


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"time": {"from": "$.a", "as": "date"}}, ("time", "as"), "`as: date` yields text, expected epoch milli"),
        ({"time": {"from": "$.a", "as": ["timestamp", "string"]}}, ("time", "as"), "`as: string` yields text"),
        ({"time": {"from": "$.a", "as": "boolean"}}, ("time", "as"), "`as: boolean` yields a boolean"),
        ({"time": {"template": "{$.a}"}}, ("time", "template"), "`template` yields text, expected epoch milliseconds"),
        ({"time": {"from": "$.a", "extract": "(.)"}}, ("time", "extract"), "`extract` yields text"),
        ({"intid": {"from": "$.a", "as": "split"}}, ("intid", "as"), "yields a list, expected text: use `as: joined`"),
        ({"intid": {"from": "$.a", "as": ["split", "upper"]}}, ("intid", "as"), "`as: split` yields a list"),
        ({"intid": "$.a.*.b"}, ("intid",), "the reference yields a list, expected text: use `as: joined`"),
        ({"intid": {"from": "$.a.*", "as": "upper"}}, ("intid", "from"), "the reference yields a list"),
        ({"intid": {"each": "$.a", "value": "$item"}}, ("intid", "each"), "`each` yields a list, expected text"),
        ({"eventargs": {"from": "$.a", "as": "json"}}, ("eventargs", "as"), "yields text, expected an object"),
        ({"eventargs": {"from": "$.a", "multiply": 2}}, ("eventargs", "multiply"), "`multiply` yields a number"),
        ({"eventargs": {"each": "$.a", "value": {"b": 1}}}, ("eventargs", "each"), "`each` yields a list"),
    ],
)
def test_a_value_that_never_yields_what_its_field_takes_is_an_error(
    fields: dict[str, Any], path: tuple[str, ...], message: str
) -> None:
    [(at, code, text)] = found(route(fields=fields))
    assert (at, code) == (("routes", 0, "fields", *path), "wrong_type")
    assert message in text


@pytest.mark.parametrize(
    ("endpoint", "fields", "path"),
    [
        (INFO, {"customFields": {"from": "$.a", "as": "json"}}, ("customFields", "as")),
        (INFO, {"customFields": [{"configName": "$.a.*"}]}, ("customFields", 0, "configName")),
        (INFO, {"sex": {"from": "$.a", "as": "list"}}, ("sex", "as")),
        (TAG_V2, {"operateTags": {"from": "$.a", "as": "joined"}}, ("operateTags", "as")),
        (GROUP_V2, {"deptId": {"from": "$.a", "as": "boolean"}}, ("deptId", "as")),
    ],
)
def test_the_same_on_audience_endpoints(endpoint: str, fields: dict[str, Any], path: tuple[str | int, ...]) -> None:
    target = {"public_params": {"importMode": 1}} if endpoint == INFO else ADD
    [(at, code, _)] = found(route(event_key=None, fields=fields), endpoint=endpoint, target=target)
    assert (at, code) == (("routes", 0, "fields", *path), "wrong_type")


@pytest.mark.parametrize(
    "fields",
    [
        {"time": {"from": "$.a", "multiply": 1000}},
        {"time": {"from": "$.a", "as": ["string", "timestamp"]}},
        {"time": {"from": "$.a", "map": {"a": 1}}},
        {"intid": {"from": "$.a.*.b", "as": "joined"}},
        {"intid": {"from": "$.a", "as": ["split", "joined"]}},
        {"intid": {"each": "$.a", "value": "$item", "as": "joined"}},
        {"intid": {"from": "$.a", "as": "timestamp"}},
        {"intid": {"from": "$.a.*", "default": "x"}},
        {"eventargs": "$.a"},
        {"eventargs": {"a": {"from": "$.a", "as": "split"}}},
    ],
)
def test_what_may_yield_the_type_of_the_field_is_none(fields: dict[str, Any]) -> None:
    assert not found(route(fields=fields))


def test_event_keys_identities_and_parameters_are_held_to_their_types_too() -> None:
    [(path, _, _)] = found(route(event_key={"from": "$.a", "as": "split"}))
    assert path[2:] == ("event_key", "as")
    [(path, _, _)] = found(route(identity=[{"type": "uid", "value": {"from": "$.a", "as": "split"}}]))
    assert path[2:] == ("identity", 0, "value", "as")
    lists = route(event_key=None, public_params={"optType": {"from": "$.a", "as": "split"}})
    [(path, _, _)] = found(lists, endpoint=TAG)
    assert path[2:] == ("public_params", "optType", "as")


@pytest.mark.parametrize(
    ("conversion", "key", "reachable"),
    [
        ("upper", "paid", False),
        ("upper", "PAID", True),
        ("lower", "Paid", False),
        ("lower", "已付", True),
        ("trim", " a", False),
        ("trim", "a b", True),
        ("integer", "01", False),
        ("integer", "many", False),
        ("integer", "1", True),
        ("number", "1.50", False),
        ("number", "1.5", True),
        ("boolean", "yes", False),
        ("boolean", "true", True),
        ("phone", "+8613800000000", False),
        ("phone", "13800000000", True),
        ("date", "2020/1/1", False),
        ("date", "2020-01-01", True),
        ("string", "anything", True),
        ("md5", "anything", True),
    ],
)
@pytest.mark.parametrize("listed", [False, True])
def test_an_entry_that_its_conversion_never_yields_is_unreachable(
    conversion: str,
    key: str,
    reachable: bool,  # noqa: FBT001
    listed: bool,  # noqa: FBT001
) -> None:
    chain = ["trim", conversion] if listed else conversion
    told = found(route(event_key={"from": "$.a", "as": chain, "map": {key: "c"}}))
    message = f"unreachable: `as: {conversion}` never yields this"
    assert told == ([] if reachable else [(("routes", 0, "event_key", "map", key), "bad_value", message)])


def test_what_arithmetic_yields_is_not_foretold() -> None:
    assert not found(route(event_key={"from": "$.a", "as": "number", "multiply": 2, "map": {"3.0": "c"}}))


@pytest.mark.parametrize(
    ("of_target", "of_route", "wrong"),
    [
        ({"identifyWay": 1}, {}, ("targets", "t")),
        ({"identifyWay": 1, "matchingType": 1}, {}, ("targets", "t")),
        ({}, {"identifyWay": 2}, ("routes", 0)),
        ({"identifyWay": 1, "matchingType": 2}, {"matchingType": 1}, ("targets", "t")),
        ({"identifyWay": 1, "matchingType": 2}, {}, None),
        ({"identifyWay": 1}, {"matchingType": 2}, None),
        ({"identifyWay": 1}, {"matchingType": "$.m"}, None),
    ],
)
def test_identify_way_needs_fuzzy_matching(
    of_target: dict[str, Any], of_route: dict[str, Any], wrong: tuple[str | int, ...] | None
) -> None:
    told = found(route(public_params=of_route), endpoint=EVENT_V1, target={"public_params": of_target})
    message = "only fuzzy matching uses it: set matchingType: 2, or drop it"
    expected = [] if wrong is None else [((*wrong, "public_params", "identifyWay"), "bad_value", message)]
    assert told == expected


def test_a_sound_route_is_not_suspicious() -> None:
    assert not warned(route(identity=[PHONE]))


@pytest.mark.parametrize("value", ["$.phone", {"from": "$.phone", "as": "trim"}, {"template": "{$.a}"}])
def test_a_phone_without_its_conversion_is_suspicious(value: object) -> None:
    [(path, message)] = warned(route(identity=[{"type": "phone", "value": value}]))
    assert path == ("routes", 0, "identity", 0, "value")
    assert message.startswith("a phone without `as: phone`")
    assert not warned(route(identity=[{"type": "phone", "value": {"from": "$.a", "as": ["trim", "phone"]}}]))


@pytest.mark.parametrize(
    ("platform", "hint"), [("GZH", "did you mean 'gzh'?"), ("douyin", ": gzh, "), ("workwechat", None), ("$.p", None)]
)
def test_a_platform_that_no_page_lists_is_suspicious(platform: str, hint: str | None) -> None:
    told = warned(route(identity=[{"type": "openid", "value": "$.o", "platform": platform, "mpid": "m"}]))
    assert [path[-1] for path, _ in told] == ([] if hint is None else ["platform"])
    assert hint is None or hint in told[0][1]


@pytest.mark.parametrize(
    ("kind", "suspicious"), [("Phone", True), ("open_id", True), ("member", False), ("uid", False)]
)
def test_a_type_that_looks_misspelt_is_suspicious(kind: str, suspicious: bool) -> None:  # noqa: FBT001
    told = warned(route(identity=[{"type": kind, "value": "$.a"}]))
    assert [path[-1] for path, _ in told] == (["type"] if suspicious else [])


@pytest.mark.parametrize(
    ("text", "suspicious"),
    [
        ("order {$.id}", True),
        ("{$key}", True),
        ("{ $.id }", True),
        ("{id}", False),
        ("5 $ {}", False),
        (InterpolatedStr("{$.id}"), False),
        ({"literal": "{$.id}"}, False),
        ({"template": "{$.id}"}, False),
    ],
)
def test_braces_outside_of_a_template_are_suspicious(text: object, suspicious: bool) -> None:  # noqa: FBT001
    told = warned(route(identity=[PHONE], fields={"eventargs": {"a": text}}))
    assert [path[-2:] for path, _ in told] == ([("eventargs", "a")] if suspicious else [])


@pytest.mark.parametrize(("endpoint", "field"), [(TAG, "tags"), (TAG_V2, "operateTags"), (GROUP_V2, "groups")])
def test_tags_that_may_be_missing_are_suspicious(endpoint: str, field: str) -> None:
    def told(**fields: object) -> list[tuple[tuple[str | int, ...], str]]:
        return warned(route(event_key=None, identity=[PHONE], fields=fields), endpoint=endpoint, target=ADD)

    for raw in ("$.a", {"from": "$.a"}):
        [(path, message)] = told(**{field: raw})
        assert path == ("routes", 0, "fields", field)
        assert message.endswith("add `required: true`")
    [(path, message)] = told()
    assert message == f"without {field} an item says nothing"
    for sure in ({"from": "$.a", "required": True}, {"from": "$.a", "default": "$skip"}):
        assert not told(**{field: sure})


@pytest.mark.parametrize(
    ("where", "unreachable"),
    [
        ({"$.a": ["A", 1]}, ["B"]),
        ({"$.a": "A"}, ["B", "1"]),
        ({"$.a": {"in": ["B", "1"]}}, ["A"]),
        ({"$.a": {"eq": 1, "exists": True}}, ["A", "B"]),
        ({"$.a": {"gt": 0}}, []),
        ({"$.a": {"eq": "$.b"}}, []),
        ({"$.b": "A"}, []),
        ({"any": [{"$.a": "A"}, {"$.b": 1}]}, []),
    ],
)
def test_an_entry_that_where_does_not_let_through_is_suspicious(where: object, unreachable: list[str]) -> None:
    table = {"A": "c_a", "B": "c_b", "1": "c_1"}
    told = warned(route(identity=[PHONE], where=where, event_key={"from": "$.a", "map": table}))
    assert [path for path, _ in told] == [("routes", 0, "event_key", "map", key) for key in unreachable]
    assert all(message == "unreachable: `where` lets no record with it through ($.a)" for _, message in told)
    changing = {"from": "$.a", "as": "string", "map": table}
    assert not warned(route(identity=[PHONE], where=where, event_key=changing))


def test_an_operation_that_where_does_not_let_through_is_suspicious() -> None:
    operation = {"from": "$.op", "map": {"+": "add", "-": "delete"}}
    tags = {"from": "$.tags", "required": True}
    keys = {"event_key": None, "identity": [PHONE], "fields": {"tags": tags}, "public_params": {"optType": operation}}
    [(path, _)] = warned(route(**keys, where={"$.op": "+"}), endpoint=TAG)
    assert path == ("routes", 0, "public_params", "optType", "map", "-")

"""Everything that the mapping language refuses at start: location, code and message."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.mapping.helpers import EVENT, EVENT_V1, INFO, PHONE, TAG, compiled, found, route

if TYPE_CHECKING:
    from collections.abc import Mapping

R = ("routes", 0)
ARGS = (*R, "fields", "eventargs")
INFO_TARGET = {"public_params": {"importMode": 1}}
TAG_TARGET = {"public_params": {"optType": "add"}}
TARGETS: Mapping[str, Mapping[str, Any]] = {INFO: INFO_TARGET, TAG: TAG_TARGET}


@pytest.mark.parametrize(
    ("raw", "path", "code", "message"),
    [
        ({"from": "$.a", "requird": True}, ("requird",), "unknown_key", "unknown key, did you mean 'required'?"),
        ({"city": "$.c"}, ("city",), "unknown_key", "write {literal: …} for an object that is a literal"),
        ({"as": "phone"}, ("from",), "missing_key", "expected one of the keys from, template, literal"),
        ({}, ("from",), "missing_key", "from, template, literal"),
        ({"from": "$.a", "template": "x"}, ("template",), "bad_value", "`from` and `template` exclude each other"),
        ({"literal": 1, "as": "string"}, (), "bad_value", "no other key may stand beside `literal`"),
        ({"from": "status"}, ("from",), "bad_reference", "did you mean '$.status'?"),
        ({"from": 5}, ("from",), "bad_reference", "expected a reference, or a list of them"),
        ({"from": ["$.a", "b"]}, ("from", 1), "bad_reference", "did you mean '$.b'?"),
        ({"from": []}, ("from",), "bad_value", "empty"),
        ({"from": "$.a", "as": "fone"}, ("as",), "bad_value", "no such conversion, did you mean 'phone'?"),
        ({"from": "$.a", "as": ["trim", "Upper"]}, ("as", 1), "bad_value", "did you mean 'upper'?"),
        ({"from": "$.a", "as": 5}, ("as",), "bad_value", "no such conversion: expected one of string, trim"),
        ({"from": "$.a", "as": []}, ("as",), "bad_value", "empty"),
        ({"from": "$.a", "as": "phone", "zone": "UTC"}, ("zone",), "bad_value", "belongs to `as: timestamp`"),
        ({"from": "$.a", "unit": "s"}, ("unit",), "bad_value", "belongs to `as: timestamp`"),
        ({"from": "$.a", "as": "timestamp", "unit": "sec"}, ("unit",), "bad_value", "one of s, ms, us, ns, days"),
        ({"from": "$.a", "as": "timestamp", "unit": ["s"]}, ("unit",), "bad_value", "one of s, ms, us, ns, days"),
        ({"from": "$.a", "as": "timestamp", "zone": "Peking"}, ("zone",), "bad_value", "names are like Asia/Shanghai"),
        ({"from": "$.a", "as": "date", "zone": 8}, ("zone",), "bad_value", "no such time zone"),
        ({"from": "$.a", "as": "date", "zone": "../etc"}, ("zone",), "bad_value", "no such time zone"),
        ({"from": "$.a", "multiply": "x"}, ("multiply",), "wrong_type", "expected a number"),
        ({"from": "$.a", "multiply": True}, ("multiply",), "wrong_type", "expected a number"),
        ({"from": "$.a", "round": 1.5}, ("round",), "bad_value", "number of decimal places"),
        ({"from": "$.a", "round": -1}, ("round",), "bad_value", "0 to 12"),
        ({"from": "$.a", "required": "yes"}, ("required",), "wrong_type", "expected true or false"),
        ({"from": "$.a", "otherwise": 1}, ("otherwise",), "bad_value", "`otherwise` belongs to `map`"),
        ({"from": "$.a", "map": ["A"]}, ("map",), "wrong_type", "expected a table of values and what becomes of them"),
        ({"from": "$.a", "map": {}}, ("map",), "wrong_type", "expected a table of values and what becomes of them"),
        ({"from": "$.a", "map": {1: "a", "1": "b"}}, ("map", "1"), "bad_value", "has this key twice"),
        ({"from": "$.a", "map": {" ": "a"}}, ("map", " "), "bad_value", "blank text counts as missing"),
        ({"from": "$.a", "map": {"A": "$b"}}, ("map", "A"), "bad_reference", "did you mean '$.b'"),
        ({"from": "$.a", "default": "$b"}, ("default",), "bad_reference", "did you mean '$.b'"),
        ({"template": 5}, ("template",), "wrong_type", "expected text with {references}"),
        ({"template": "{$.a"}, ("template",), "bad_value", "a brace is not closed"),
        ({"template": "}"}, ("template",), "bad_value", "write {{ and }}"),
        ({"template": "{a}"}, ("template",), "bad_reference", "must be a reference, which begins with $"),
        ({"template": "{$.a[0]}"}, ("template",), "bad_reference", "$.items.0"),
        (
            {"template": "{$item}"},
            ("template",),
            "bad_reference",
            "$item has no meaning here, but in a route with `for_each`",
        ),
        ({"from": "$.a", "extract": "x"}, ("extract",), "bad_value", "put parentheses around the part to extract"),
        ({"from": "$.a", "extract": "(x"}, ("extract",), "bad_value", "not a regular expression: missing )"),
        ({"from": "$.a", "extract": "(x){99999999999}"}, ("extract",), "bad_value", "not a regular expression"),
        ({"from": "$.a", "extract": 5}, ("extract",), "wrong_type", "expected a regular expression"),
        ({"from": "$.a", "as": "timestamp", "local": 1}, ("local",), "wrong_type", "expected true or false"),
        ({"from": "$.a", "as": "phone", "local": True}, ("local",), "bad_value", "belongs to `as: timestamp`"),
        ({"from": "$.a", "as": "phone", "on_error": "skip"}, ("on_error",), "bad_value", "expected omit"),
        ({"from": "$.a", "on_error": "omit"}, ("on_error",), "bad_value", "belongs to `as`, `multiply`, `round`"),
        ({"each": "$.a"}, ("value",), "missing_key", "missing, required together with `each`"),
        ({"each": "items", "value": 1}, ("each",), "bad_reference", "expected a reference to a list, like $.items"),
        ({"each": ["$.a"], "value": 1}, ("each",), "bad_reference", "expected a reference to a list, like $.items"),
        ({"each": {"literal": [1]}, "value": 1}, ("each",), "bad_reference", "expected a reference to a list"),
        ({"each": {"from": "a"}, "value": 1}, ("each", "from"), "bad_reference", "did you mean '$.a'?"),
        ({"each": "$item", "value": 1}, ("each",), "bad_reference", "$item has no meaning here"),
        ({"each": "$.a", "value": {"x": {"y": "$b"}}}, ("value", "x", "y"), "bad_reference", "did you mean '$.b'"),
        ({"each": "$.a", "value": {"from": "$.a", "ass": 1}}, ("value", "ass"), "unknown_key", "did you mean 'as'?"),
        ({"each": "$.a", "from": "$.a", "value": 1}, ("each",), "bad_value", "`from` and `each` exclude each other"),
        ({"from": "$.a", "value": 1}, ("value",), "bad_value", "`value` belongs to `each`"),
        (["a", {"x": 1}], (1, "x"), "unknown_key", "{literal: …}"),
        ({"template": "a", "as": {"x": 1}}, ("as",), "bad_value", "no such conversion"),
    ],
)
def test_a_value_is_refused(raw: object, path: tuple[str | int, ...], code: str, message: str) -> None:
    [(at, told, text), *rest] = found(route(fields={"eventargs": {"c_x": raw}}))
    assert not rest
    assert (at, told) == ((*ARGS, "c_x", *path), code)
    assert message in text


def test_a_date_that_is_not_in_quotes_is_refused() -> None:
    [(_, code, message)] = found(route(fields={"eventargs": {"c_x": date(2020, 1, 1)}}))
    assert (code, message) == ("wrong_type", "expected a JSON value: put it in quotes")


@pytest.mark.parametrize(
    ("where", "path", "code", "message"),
    [
        ("$.a", (), "wrong_type", "expected a table of conditions"),
        ({"status": "PAID"}, ("status",), "bad_reference", "did you mean '$.status'?"),
        ({"any_of": []}, ("any_of",), "bad_reference", "or any, all or not"),
        ({"any": {}}, ("any",), "wrong_type", "a list of tables"),
        ({"any": []}, ("any",), "wrong_type", "a list of tables"),
        ({"all": [{"$.a": {}}]}, ("all", 0, "$.a"), "bad_value", "expected a condition: eq"),
        ({"not": [{"$.a": 1}]}, ("not",), "wrong_type", "expected a table of conditions"),
        ({"$a": 1}, ("$a",), "bad_reference", "did you mean '$.a'"),
        ({"$item.x": 1}, ("$item.x",), "bad_reference", "has no meaning here"),
        ({"$.a": None}, ("$.a",), "wrong_type", "{exists: false}"),
        ({"$.a": {"bigger": 1}}, ("$.a", "bigger"), "unknown_key", "expected one of eq, ne, in"),
        ({"$.a": {"mathces": "x"}}, ("$.a", "mathces"), "unknown_key", "did you mean 'matches'?"),
        ({"$.a": {"matches": "("}}, ("$.a", "matches"), "bad_value", "not a regular expression"),
        ({"$.a": {"matches": 5}}, ("$.a", "matches"), "wrong_type", "expected a regular expression"),
        ({"$.a": {"gt": "many"}}, ("$.a", "gt"), "wrong_type", "expected a number"),
        ({"$.a": {"gt": True}}, ("$.a", "gt"), "wrong_type", "expected a number"),
        ({"$.a": {"in": "x"}}, ("$.a", "in"), "wrong_type", "a list of scalars"),
        ({"$.a": {"not_in": []}}, ("$.a", "not_in"), "wrong_type", "a list of scalars"),
        ({"$.a": [{"x": 1}]}, ("$.a",), "wrong_type", "expected a scalar"),
        ({"$.a": ["$.b"]}, ("$.a",), "bad_reference", "a reference is not allowed here"),
        ({"$.a": {"exists": "yes"}}, ("$.a", "exists"), "wrong_type", "expected true or false"),
        ({"$.a": {"eq": {"x": 1}}}, ("$.a", "eq"), "wrong_type", "expected a scalar"),
        ({"$.a": {"gt": "$b"}}, ("$.a", "gt"), "bad_reference", "did you mean '$.b'"),
    ],
)
def test_a_condition_is_refused(where: object, path: tuple[str | int, ...], code: str, message: str) -> None:
    [(at, told, text), *rest] = found(route(where=where))
    assert not rest
    assert (at, told) == ((*R, "where", *path), code)
    assert message in text


@pytest.mark.parametrize(
    ("endpoint", "line", "path", "code", "message"),
    [
        (EVENT, "phone", (), "wrong_type", "expected an identity rule"),
        (EVENT, {"value": "$.a"}, ("type",), "missing_key", "needs a type"),
        (EVENT, {"type": "phone"}, ("value",), "missing_key", "needs a value"),
        (EVENT, {"type": "$.t", "value": "$.a"}, ("type",), "wrong_type", "expected the name of a type"),
        (EVENT, {**PHONE, "mpId": "x"}, ("mpId",), "unknown_key", "did you mean 'mpid'?"),
        (EVENT, {"type": "phone", "value": {"from": "a"}}, ("value", "from"), "bad_reference", "did you mean '$.a'?"),
        (
            EVENT,
            {**PHONE, "mpid": "x"},
            ("isWeChatEcosystem",),
            "missing_key",
            "mpid requires isWeChatEcosystem",
        ),
        (EVENT, {**PHONE, "isWeChatEcosystem": "yes"}, ("isWeChatEcosystem",), "wrong_type", "expected true or false"),
        (EVENT, {"type": "audienceUserId", "value": "$.a"}, ("type",), "not_for_this_endpoint", "drop the rule"),
        (EVENT, {"type": "identityId", "value": "$.a"}, ("type",), "not_for_this_endpoint", "drop the rule"),
        (
            EVENT_V1,
            {**PHONE, "platform": "gzh"},
            ("platform",),
            "not_for_this_endpoint",
            "has no 'platform' of an identity: drop it",
        ),
        (
            EVENT_V1,
            {"type": "member", "value": "$.a"},
            ("type",),
            "not_for_this_endpoint",
            "only the identity types phone, openid, unionid, uid:",
        ),
        (EVENT_V1, {"type": "identityId", "value": "$.a"}, ("type",), "not_for_this_endpoint", "drop the rule"),
        (TAG, {"type": "identityId", "value": "$.a"}, ("type",), "not_for_this_endpoint", "drop the rule"),
    ],
)
def test_an_identity_rule_is_refused(
    endpoint: str, line: object, path: tuple[str | int, ...], code: str, message: str
) -> None:
    target = TAG_TARGET if endpoint == TAG else None
    event_key = None if endpoint == TAG else "c"
    [(at, told, text), *rest] = found(
        route(identity=[PHONE, line], event_key=event_key), endpoint=endpoint, target=target
    )
    assert not rest
    assert (at, told) == ((*R, "identity", 1, *path), code)
    assert message in text


@pytest.mark.parametrize(
    ("endpoint", "fields", "path", "code", "message"),
    [
        (EVENT, {"eventKey": "c"}, ("eventKey",), "unknown_key", "map it by `event_key`"),
        (EVENT, {"eventId": "c"}, ("eventId",), "unknown_key", "map it by `event_key`"),
        (EVENT, {"phone": "$.p"}, ("phone",), "unknown_key", "map it by `identity`"),
        (EVENT_V1, {"identityType": "phone"}, ("identityType",), "unknown_key", "map it by `identity`"),
        (EVENT, {"identities": []}, ("identities",), "unknown_key", "map it by `identity`"),
        (
            EVENT,
            {"realName": "$.n"},
            ("realName",),
            "not_for_this_endpoint",
            "which belongs to audience/info/batchAdd, audience/info/v2/batchAdd: drop it",
        ),
        (EVENT, {"eventArgs": {}}, ("eventArgs",), "unknown_key", "did you mean 'eventargs'?"),
        (EVENT, {"zzz": 1}, ("zzz",), "unknown_key", "event/v2/batchAdd has time, uuid, intid, eventargs"),
        (EVENT, {"time": "2020-11-16"}, ("time",), "wrong_type", "use `as: timestamp`"),
        (EVENT, {"intid": ["a"]}, ("intid",), "wrong_type", "expected text, got a list"),
        (EVENT, {"eventargs": "text"}, ("eventargs",), "wrong_type", "expected an object, got text"),
        (EVENT, {"eventargs": {"from": "$.a", "requird": True}}, ("eventargs", "requird"), "unknown_key", "'required'"),
        (EVENT_V1, {"uuid": "x" * 37}, ("uuid",), "bad_value", "at most 36 characters"),
        (INFO, {"sex": "M"}, ("sex",), "bad_value", "one of 男, 女"),
        (INFO, {"time": "$.t"}, ("time",), "not_for_this_endpoint", "has no field 'time'"),
        (INFO, {"eventKey": "c"}, ("eventKey",), "not_for_this_endpoint", "has no field 'eventKey': drop it"),
        (INFO, {"customFields": "x"}, ("customFields",), "wrong_type", "a list of {configId, configName, values}"),
        (INFO, {"customFields": ["$.x"]}, ("customFields", 0), "wrong_type", "a table of configId"),
        (
            INFO,
            {"customFields": [{"configID": 1}]},
            ("customFields", 0, "configID"),
            "unknown_key",
            "did you mean 'configId'?",
        ),
        (
            INFO,
            {"customFields": [{"configId": "x"}]},
            ("customFields", 0, "configId"),
            "wrong_type",
            "expected a whole number, got text",
        ),
        (TAG, {"realName": "x"}, ("realName",), "not_for_this_endpoint", "drop it"),
    ],
)
def test_a_field_is_refused(
    endpoint: str, fields: dict[str, Any], path: tuple[str | int, ...], code: str, message: str
) -> None:
    target = TARGETS.get(endpoint)
    event_key = "c" if endpoint.startswith("event") else None
    [(at, told, text), *rest] = found(route(fields=fields, event_key=event_key), endpoint=endpoint, target=target)
    assert not rest
    assert (at, told) == ((*R, "fields", *path), code)
    assert message in text


def test_identities_and_event_keys_are_refused_as_fields_even_with_allow_unknown() -> None:
    told = found(route(fields={"eventKey": "c", "phone": "1", "other": 1}), target={"allow_unknown": True})
    assert [path[-1] for path, _, _ in told] == ["eventKey", "phone"]


@pytest.mark.parametrize(
    ("endpoint", "event_key", "code", "message"),
    [
        (EVENT, None, "missing_key", "event/v2/batchAdd requires an event key"),
        (EVENT_V1, None, "missing_key", "event/batchAdd requires an event key"),
        (EVENT, ["a"], "wrong_type", "expected text for the event key"),
        (EVENT, " ", "wrong_type", "expected text for the event key"),
        (TAG, "c_buy", "not_for_this_endpoint", "takes no events: drop `event_key`"),
    ],
)
def test_an_event_key_is_refused(endpoint: str, event_key: object, code: str, message: str) -> None:
    target = TAG_TARGET if endpoint == TAG else None
    [(at, told, text)] = found(route(event_key=event_key), endpoint=endpoint, target=target)
    assert (at, told) == ((*R, "event_key"), code)
    assert message in text


TARGET = ("targets", "t", "public_params")
ROUTE = (*R, "public_params")


@pytest.mark.parametrize(
    ("endpoint", "named", "path", "code", "message"),
    [
        (
            TAG,
            ({}, {}),
            (*TARGET, "optType"),
            "missing_key",
            "requires 'optType' (add or delete), which has no default",
        ),
        (INFO, ({}, {}), (*TARGET, "importMode"), "missing_key", "requires 'importMode' (1 or 2)"),
        (TAG, ({"optType": "update"}, {}), (*TARGET, "optType"), "bad_value", "expected one of add, delete"),
        (
            TAG,
            ({"optType": "$.op"}, {}),
            (*TARGET, "optType"),
            "bad_reference",
            "only the public_params of a route may depend",
        ),
        (TAG, ({}, {"optType": "ad"}), (*ROUTE, "optType"), "bad_value", "expected one of add, delete"),
        (TAG, ({}, {"optType": {"from": "op"}}), (*ROUTE, "optType", "from"), "bad_reference", "did you mean '$.op'?"),
        (TAG, ({"optType": "add", "importMode": 1}, {}), (*TARGET, "importMode"), "not_for_this_endpoint", "drop it"),
        (TAG, ({"optType": "add", "opType": 1}, {}), (*TARGET, "opType"), "unknown_key", "did you mean 'optType'?"),
        (
            TAG,
            ({"optType": "add", "isMatching": None}, {}),
            (*TARGET, "isMatching"),
            "missing_key",
            "requires 'isMatching', which has no default",
        ),
        (
            EVENT,
            ({"isMatching": 1}, {}),
            (*TARGET, "isMatching"),
            "wrong_type",
            "expected a boolean, got an integer",
        ),
        (
            EVENT,
            ({"matchingType": "1"}, {}),
            (*TARGET, "matchingType"),
            "wrong_type",
            "expected an integer, got text",
        ),
        (EVENT, ({"matchingType": True}, {}), (*TARGET, "matchingType"), "wrong_type", "got a boolean"),
        (EVENT, ({"matchingType": 3}, {}), (*TARGET, "matchingType"), "bad_value", "one of 1, 2"),
        (
            EVENT,
            ({"identifyWay": 1}, {}),
            (*TARGET, "identifyWay"),
            "not_for_this_endpoint",
            "has no parameter 'identifyWay'",
        ),
        (EVENT, ({"accurateMatchType": "gzh"}, {}), (*TARGET, "accurateMatchType"), "not_for_this_endpoint", "drop it"),
        (EVENT_V1, ({"importMode": 1}, {}), (*TARGET, "importMode"), "not_for_this_endpoint", "drop it"),
        (
            EVENT_V1,
            ({"accurateMatchType": "x"}, {}),
            (*TARGET, "accurateMatchType"),
            "bad_value",
            "one of gzh, workwechat",
        ),
        (
            EVENT_V1,
            ({"matchingType": 2}, {}),
            (*TARGET, "identifyWay"),
            "missing_key",
            "requires 'identifyWay' (1 or 2) for fuzzy",
        ),
        (EVENT_V1, ({}, {"matchingType": 2}), (*ROUTE, "identifyWay"), "missing_key", "for fuzzy matching"),
        (EVENT, ({"matchingType": [1]}, {}), (*TARGET, "matchingType"), "wrong_type", "got a list"),
    ],
)
def test_public_params_are_refused(
    endpoint: str,
    named: tuple[dict[str, Any], dict[str, Any]],
    path: tuple[str | int, ...],
    code: str,
    message: str,
) -> None:
    event_key = "c" if endpoint.startswith("event") else None
    of_target, of_route = named
    told = found(
        route(event_key=event_key, public_params=of_route), endpoint=endpoint, target={"public_params": of_target}
    )
    [(at, got, text)] = told
    assert (at, got) == (path, code)
    assert message in text


def test_a_required_parameter_may_come_from_every_route_but_not_from_some() -> None:
    giving = route(name="a", event_key=None, public_params={"optType": "add"})
    lacking = route(name="b", event_key=None)
    assert not found(giving, endpoint=TAG)
    [(path, code, message)] = found(giving, lacking, endpoint=TAG)
    assert (path, code) == ((*TARGET, "optType"), "missing_key")
    assert message.endswith("route 'b' does not set it")


def test_a_target_that_no_route_feeds_is_checked_too() -> None:
    _, problems = compiled(endpoint=TAG)
    assert [(problem.path, problem.code) for problem in problems.found] == [((*TARGET, "optType"), "missing_key")]


def test_moving_a_route_to_the_newer_endpoint_names_each_key_to_drop() -> None:
    told = found(
        route(identity=[{"type": "audienceUserId", "value": "$.a"}, PHONE], fields={"intid": "$.i"}),
        target={"public_params": {"identifyWay": 1, "accurateMatchType": "gzh", "accurateMatchValue": "x"}},
    )
    assert {path[-1] for path, code, _ in told if code == "not_for_this_endpoint"} == {
        "identifyWay",
        "accurateMatchType",
        "accurateMatchValue",
        "type",
    }
    assert len(told) == 4


def test_all_problems_are_reported_at_once() -> None:
    told = found(
        route(
            where={"a": 1},
            event_key={"from": "b"},
            identity=[{"type": "phone"}],
            fields={"zzz": 1, "eventargs": {"x": "$y"}},
            public_params={"m": 1},
        )
    )
    assert len(told) == 6

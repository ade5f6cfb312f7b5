"""Identities in the form that each endpoint expects."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.mapping.helpers import EVENT, EVENT_V1, INFO, TAG, body, failure, mapper, record, route

LINES: list[dict[str, Any]] = [
    {"type": "phone", "value": {"from": "$.phone", "as": "phone"}},
    {"type": "openid", "value": "$.openid"},
    {"type": "uid", "value": "$.uid"},
]
INFO_TARGET = {"public_params": {"importMode": 1}}
TAG_TARGET = {"public_params": {"optType": "add"}}


def written(endpoint: str, lines: list[dict[str, Any]], value: object, **target: Any) -> dict[str, Any]:  # noqa: ANN401
    event_key = "c_buy" if endpoint.startswith("event") else None
    made = body(
        mapper(route(identity=lines, event_key=event_key), endpoint=endpoint, target=target).items(record(value))
    )
    return {key: each for key, each in made.items() if key not in ("time", "uuid", "eventKey")}


def test_flat_endpoints_get_every_present_identity_and_the_type_of_the_first() -> None:
    value = {"phone": "+86 13800000000", "openid": "o1", "uid": 7}
    expected = {"identityType": "phone", "phone": "13800000000", "openid": "o1", "thirdId": "7"}
    assert written(EVENT_V1, LINES, value) == expected
    assert written(INFO, LINES, value, **INFO_TARGET) == expected
    assert written(TAG, LINES, value, **TAG_TARGET) == expected
    assert written(EVENT_V1, LINES, {"uid": "7"}) == {"identityType": "uid", "thirdId": "7"}


def test_fuzzy_matching_gets_no_identity_type() -> None:
    fuzzy = {"public_params": {"matchingType": 2, "identifyWay": 1}}
    assert written(EVENT_V1, LINES, {"openid": "o1"}, **fuzzy) == {"openid": "o1"}


def test_flat_endpoints_get_the_first_identity_of_each_type() -> None:
    lines = [{"type": "openid", "value": "$.a"}, {"type": "openid", "value": "$.b"}]
    assert written(EVENT_V1, lines, {"a": "1", "b": "2"})["openid"] == "1"
    assert written(EVENT_V1, lines, {"b": "2"})["openid"] == "2"


def test_ids_of_the_platform_itself_have_no_identity_type() -> None:
    lines = [{"type": "audienceUserId", "value": "$.a"}, {"type": "phone", "value": "$.phone"}]
    assert written(TAG, lines, {"a": 1}, **TAG_TARGET) == {"audienceUserId": "1"}
    assert written(TAG, lines, {"a": 1, "phone": "138"}, **TAG_TARGET) == {"audienceUserId": "1", "phone": "138"}
    assert written(INFO, [{"type": "identityId", "value": "$.a"}], {"a": 1}, **INFO_TARGET) == {"identityId": "1"}


def test_the_newer_endpoint_gets_every_identity_with_its_platform_and_mpid() -> None:
    lines = [
        {"type": "phone", "value": "$.phone"},
        {"type": "openid", "value": "$.openid", "platform": "gzh", "mpid": "$.app"},
        {"type": "openid", "value": "$.second", "platform": "EXTERNAL", "mpid": "x"},
        {"type": "member", "value": "$.member"},
    ]
    value = {"phone": "138", "openid": "o1", "second": "o2", "app": "wx1", "member": 5}
    assert written(EVENT, lines, value) == {
        "identities": [
            {"identityValue": "138", "identityType": "phone"},
            {
                "identityValue": "o1",
                "identityType": "openid",
                "platform": "gzh",
                "mpid": "wx1",
                "isWeChatEcosystem": True,
            },
            {
                "identityValue": "o2",
                "identityType": "openid",
                "platform": "EXTERNAL",
                "mpid": "x",
                "isWeChatEcosystem": False,
            },
            {"identityValue": "5", "identityType": "member"},
        ]
    }


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({"platform": "gzh"}, {"platform": "gzh"}),
        ({"platform": "gzh", "mpid": "$.none"}, {"platform": "gzh"}),
        ({"mpid": "m", "isWeChatEcosystem": False}, {"mpid": "m", "isWeChatEcosystem": False}),
        ({"mpid": "m", "isWeChatEcosystem": "$.eco"}, {"mpid": "m", "isWeChatEcosystem": True}),
        ({"mpid": 5, "platform": "$.p"}, {"mpid": "5", "platform": "workwechat", "isWeChatEcosystem": True}),
        (
            {"mpid": "m", "platform": "gzh", "isWeChatEcosystem": False},
            {"platform": "gzh", "mpid": "m", "isWeChatEcosystem": False},
        ),
        ({"mpid": "m", "platform": "$.none"}, {"mpid": "m", "isWeChatEcosystem": False}),
    ],
)
def test_platform_and_mpid_of_an_identity_may_depend_on_the_record(
    extra: dict[str, Any], expected: dict[str, Any]
) -> None:
    lines = [{"type": "openid", "value": "$.o", **extra}]
    [identity] = written(EVENT, lines, {"o": "o1", "eco": "true", "p": "workwechat"})["identities"]
    assert identity == {"identityValue": "o1", "identityType": "openid", **expected}


def test_an_ecosystem_that_is_neither_true_nor_false_is_invalid() -> None:
    lines = [{"type": "openid", "value": "$.o", "mpid": "m", "isWeChatEcosystem": "$.eco"}]
    told = failure(mapper(route(identity=lines)).items(record({"o": "1", "eco": "perhaps"})))
    assert (told.reason, told.field) == ("item_invalid", "identity.openid.isWeChatEcosystem")


@pytest.mark.parametrize("endpoint", [EVENT, EVENT_V1])
def test_a_masked_phone_number_counts_as_absent_and_is_counted(endpoint: str) -> None:
    mapped = mapper(route(identity=LINES), endpoint=endpoint)
    made = body(mapped.items(record({"phone": "138****0000", "openid": "o1"})))
    assert "phone" not in made
    assert made.get("openid") or made["identities"] == [{"identityValue": "o1", "identityType": "openid"}]
    assert mapped.identity_invalid == {("r", "phone"): 1}


@pytest.mark.parametrize("endpoint", [EVENT, EVENT_V1])
@pytest.mark.parametrize(
    "value", [{}, {"openid": " "}, {"openid": None}, {"openid": ""}, {"openid": {}}, {"openid": []}]
)
def test_a_record_without_identity_is_a_dead_letter(endpoint: str, value: object) -> None:
    told = failure(mapper(route(identity=LINES), endpoint=endpoint).items(record(value)))
    assert (told.reason, told.field, told.target) == ("identity_missing", "identity", "t")


def test_a_record_without_identity_is_skipped_if_the_route_says_so() -> None:
    mapped = mapper(route(identity=LINES, identity_missing="$skip"))
    assert not mapped.items(record({}))
    assert mapped.skipped == {("r", "t"): 1}


def test_a_required_identity_that_is_missing_is_a_dead_letter() -> None:
    required = [{"type": "uid", "value": {"from": "$.uid", "required": True}}, LINES[1]]
    assert failure(mapper(route(identity=required)).items(record({"openid": "o"}))).reason == "value_missing"
    asked = [{"type": "uid", "value": {"from": "$.uid", "default": "$dead_letter"}}, LINES[1]]
    assert failure(mapper(route(identity=asked)).items(record({"openid": "o"}))).reason == "requested"


def test_items_are_ordered_by_each_of_their_identities_on_audience_endpoints() -> None:
    value = {"phone": "13800000000", "openid": "o1"}
    tags = mapper(route(identity=LINES, event_key=None), endpoint=TAG, target=TAG_TARGET)
    assert tags.items(record(value))[0].order_keys == ("phone=13800000000", "openid=o1")
    assert mapper(route(identity=LINES)).items(record(value))[0].order_keys == ()
    events = mapper(route(identity=LINES), target={"ordering": "identity"})
    assert events.items(record(value))[0].order_keys == ("phone=13800000000", "openid=o1")


def test_items_may_be_ordered_by_key_and_records_without_one_are_not() -> None:
    mapped = mapper(route(identity=LINES), target={"ordering": "key"})
    keys = [
        mapped.items(record({"openid": "o"}, key=key, topic="orders"))[0].order_keys
        for key in (b"a", b"b", b"a", b"\xff", None)
    ]
    assert keys[0] == keys[2] != keys[1]
    assert len({*keys}) == 4
    assert keys[4] == ()


@pytest.mark.parametrize("endpoint", [EVENT, EVENT_V1])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, "phone: absent; openid: absent"),
        ({"phone": "138****0000"}, "phone: not convertible (as: phone: {}, got text); openid: absent"),
        ({"phone": True, "openid": " "}, "phone: not convertible (as: phone: {}, got a boolean); openid: absent"),
        ({"openid": {"a": 1}}, "phone: absent; openid: not convertible (expected text, got an object)"),
    ],
)
def test_the_detail_of_a_missing_identity_tells_absent_from_not_convertible(
    endpoint: str, value: object, expected: str
) -> None:
    told = failure(mapper(route(identity=LINES[:2]), endpoint=endpoint).items(record(value)))
    assert told.detail == expected.format("expected a mainland mobile number of 11 digits")
    assert "0000" not in told.detail


def test_an_identity_that_cannot_be_converted_is_counted_once_with_on_error_too() -> None:
    line = {"type": "phone", "value": {"from": "$.phone", "as": "phone", "on_error": "omit"}}
    mapped = mapper(route(identity=[line]))
    assert failure(mapped.items(record({"phone": "138****0000"}))).reason == "identity_missing"
    assert (mapped.identity_invalid, mapped.omitted) == ({("r", "phone"): 1}, {})

"""The endpoint tables against the platform documents."""

from __future__ import annotations

import pytest

from connector.tuzhan.endpoints import ENDPOINTS

EVENT_FIELDS = ["time", "uuid", "intid", "eventargs"]


def test_the_supported_endpoints() -> None:
    assert list(ENDPOINTS) == [
        "event/batchAdd",
        "event/v2/batchAdd",
        "audience/info/batchAdd",
        "audience/info/v2/batchAdd",
        "audience/tag/batchAdd",
        "audience/tag/v2/batchAdd",
        "audience/group/rel/batchAdd",
        "audience/group/rel/v2/batchAdd",
    ]


@pytest.mark.parametrize(
    ("path", "names", "required"),
    [
        (
            "event/batchAdd",  # documents 000 and 001, together
            ["isMatching", "matchingType", "identifyWay", "accurateMatchType", "accurateMatchValue"],
            [],
        ),
        ("event/v2/batchAdd", ["isMatching", "matchingType"], []),
        (
            "audience/info/batchAdd",
            ["isMatching", "matchingType", "identifyWay", "importMode"],
            ["isMatching", "importMode"],
        ),
        (
            "audience/tag/batchAdd",
            ["isMatching", "matchingType", "identifyWay", "optType"],
            ["isMatching", "optType"],
        ),
        ("audience/info/v2/batchAdd", ["isMatching", "matchingType", "importMode"], ["importMode"]),
        ("audience/tag/v2/batchAdd", ["isMatching", "matchingType", "optType"], ["optType"]),
        (
            "audience/group/rel/batchAdd",
            ["isMatching", "matchingType", "identifyWay", "accurateMatchType", "accurateMatchValue", "optType"],
            ["isMatching", "optType"],
        ),
        ("audience/group/rel/v2/batchAdd", ["isMatching", "matchingType", "optType"], ["optType"]),
    ],
)
def test_public_params_are_the_documented_ones(path: str, names: list[str], required: list[str]) -> None:
    parameters = ENDPOINTS[path].parameters
    assert [parameter.name for parameter in parameters] == names
    assert [parameter.name for parameter in parameters if parameter.required] == required


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("event/batchAdd", EVENT_FIELDS),
        ("event/v2/batchAdd", EVENT_FIELDS),
        (
            "audience/info/batchAdd",
            ["realName", "sex", "address", "birthday", "remark", "tags", "customFields"],
        ),
        ("audience/info/v2/batchAdd", ["realName", "sex", "address", "birthday", "remark", "customFields"]),
        ("audience/tag/batchAdd", ["tags"]),
        ("audience/tag/v2/batchAdd", ["operateTags"]),
        ("audience/group/rel/batchAdd", ["groups"]),
        ("audience/group/rel/v2/batchAdd", ["groups", "categoryType", "deptId", "thirdDeptId", "wxDeptId"]),
    ],
)
def test_item_fields_are_the_documented_ones(path: str, names: list[str]) -> None:
    assert [field.name for field in ENDPOINTS[path].fields] == names


@pytest.mark.parametrize(
    ("path", "types"),
    [
        ("event/batchAdd", ["phone", "openid", "unionid", "uid"]),
        ("audience/info/batchAdd", ["phone", "openid", "unionid", "uid", "audienceUserId", "identityId"]),
        ("audience/tag/batchAdd", ["phone", "openid", "unionid", "uid", "audienceUserId"]),
        ("audience/group/rel/batchAdd", ["phone", "openid", "unionid", "uid"]),
    ],
)
def test_the_identity_types_of_flat_endpoints(path: str, types: list[str]) -> None:
    flat = ENDPOINTS[path].flat_identities
    assert flat is not None
    assert list(flat) == types
    assert flat["uid"].field == "thirdId"
    assert flat["uid"].identity_type == "uid"


def test_audience_items_keep_their_order_by_default_and_events_do_not() -> None:
    assert {path: endpoint.default_ordering for path, endpoint in ENDPOINTS.items()} == {
        "event/batchAdd": "none",
        "event/v2/batchAdd": "none",
        "audience/info/batchAdd": "identity",
        "audience/info/v2/batchAdd": "identity",
        "audience/tag/batchAdd": "identity",
        "audience/tag/v2/batchAdd": "identity",
        "audience/group/rel/batchAdd": "identity",
        "audience/group/rel/v2/batchAdd": "identity",
    }


def test_the_newer_endpoints_have_a_list_of_identities() -> None:
    assert {path for path, endpoint in ENDPOINTS.items() if endpoint.flat_identities is None} == {
        path for path in ENDPOINTS if "/v2/" in path
    }

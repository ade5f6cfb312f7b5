from __future__ import annotations

import copy
from typing import Any

import pytest

from connector.sandbox.documents import ENDPOINTS
from connector.sandbox.switches import Switches
from connector.sandbox.validation import RefusalError, identities_of, validate_envelope, validate_item
from tests.unit.sandbox import examples

_ABSENT = object()


def _error(path: str, body: Any, switches: Switches | None = None) -> str | None:  # noqa: ANN401 - any JSON
    switches = switches or Switches()
    endpoint = ENDPOINTS[path]
    try:
        validate_envelope(endpoint, body, switches)
        for item in body["data"]:
            validate_item(endpoint, body["publicParams"], "", item, switches)
    except RefusalError as error:
        return str(error)
    return None


def _broken(body: dict[str, Any], where: str, value: object) -> dict[str, Any]:
    """Set the value at a dotted path, or remove it if the value is _ABSENT."""
    changed = copy.deepcopy(body)
    node: Any = changed
    *path, last = where.split(".")
    for part in path:
        node = node[int(part)] if isinstance(node, list) else node[part]
    if value is _ABSENT:
        del node[last]
    else:
        node[last] = value
    return changed


@pytest.mark.parametrize("name", examples.ACCEPTED)
def test_a_documented_example_is_accepted(name: str) -> None:
    path, body = examples.ACCEPTED[name]
    assert _error(path, body) is None


def test_document_000s_own_example_contradicts_its_table_and_is_refused() -> None:
    assert _error("event/batchAdd", examples.DOCUMENT_000) == ".eventId is retired: send eventKey"
    corrected = copy.deepcopy(examples.DOCUMENT_000)
    corrected["data"][0]["eventKey"] = corrected["data"][0].pop("eventId")
    assert _error("event/batchAdd", corrected) == ".time must be milliseconds"
    corrected["data"][0]["time"] = 1600912805000
    assert _error("event/batchAdd", corrected) == " has no identity"


EVENT = ("event/batchAdd", examples.DOCUMENT_001)
EVENT_V2 = ("event/v2/batchAdd", examples.DOCUMENT_004)
INFO = ("audience/info/batchAdd", examples.DOCUMENT_002)
TAG = ("audience/tag/batchAdd", examples.DOCUMENT_003)

INFO_V2 = ("audience/info/v2/batchAdd", examples.INFO_V2)
TAG_V2 = ("audience/tag/v2/batchAdd", examples.TAG_V2)
GROUP = ("audience/group/rel/batchAdd", examples.GROUP_V1)
GROUP_V2 = ("audience/group/rel/v2/batchAdd", examples.GROUP_V2)


@pytest.mark.parametrize(
    ("example", "where", "value", "error"),
    [
        (EVENT, "publicParams", _ABSENT, "publicParams must be an object"),
        (EVENT, "publicParams", [], "publicParams must be an object"),
        (EVENT, "data", _ABSENT, "data must be an array"),
        (EVENT, "data", {}, "data must be an array"),
        (EVENT, "data", [], "data is empty"),
        (EVENT, "data", [{}] * 501, "data holds 501 items, at most 500 are allowed"),
        (EVENT, "more", 1, "more is not documented"),
        (EVENT, "data", ["text"], " must be an object"),
        (EVENT, "publicParams.isMatching", 1, "publicParams.isMatching must be true or false"),
        (EVENT, "publicParams.matchingType", "1", "publicParams.matchingType must be an integer"),
        (EVENT, "publicParams.matchingType", True, "publicParams.matchingType must be an integer"),
        (EVENT, "publicParams.matchingType", 3, "publicParams.matchingType must be one of 1, 2"),
        (EVENT, "publicParams.matchingType", 2, "publicParams.identifyWay is missing: fuzzy matching needs it"),
        (
            EVENT,
            "publicParams.accurateMatchType",
            "x",
            "publicParams.accurateMatchType must be one of EZR, YOUZAN, contenthome, contentminiapp, gzh, workwechat",
        ),
        (EVENT, "data.0.identityType", _ABSENT, ".identityType is missing: exact matching needs it"),
        (EVENT, "data.0.identityType", "id", ".identityType must be one of openid, phone, uid, unionid"),
        (EVENT, "data.0.identityType", "uid", ".thirdId is missing: identityType selects it"),
        (EVENT, "data.0.openid", "", " has no identity"),
        (EVENT, "data.0.time", "1605490615673", ".time must be an integer"),
        (EVENT, "data.0.time", 1605490615.673, ".time must be an integer"),
        (EVENT, "data.0.time", 1605490615, ".time must be milliseconds"),
        (EVENT, "data.0.uuid", "x" * 37, ".uuid is longer than 36 characters"),
        (EVENT, "data.0.uuid", 5, ".uuid must be text"),
        (EVENT, "data.0.eventKey", _ABSENT, ".eventKey is missing"),
        (EVENT, "data.0.eventId", "e1", ".eventId is retired: send eventKey"),
        (EVENT, "data.0.audienceUserId", "1", ".audienceUserId is retired: send thirdId"),
        (EVENT, "data.0.identities", [], ".identities is not documented"),
        (EVENT, "data.0.realName", "张三", ".realName is not documented"),
        (EVENT, "data.0.intid", None, ".intid must be text"),
        (EVENT, "data.0.eventargs", "text", ".eventargs must be an object"),
        (
            EVENT,
            "data.0.eventargs.c_goods",
            ["a"],
            ".eventargs.c_goods must be text, a number or a boolean",
        ),
        (EVENT, "data.0.eventargs.c_goods", None, ".eventargs.c_goods must be text, a number or a boolean"),
        (EVENT_V2, "publicParams.isMatching", 1, "publicParams.isMatching must be true or false"),
        (EVENT_V2, "data.0.identities", _ABSENT, ".identities is missing"),
        (EVENT_V2, "data.0.identities", [], ".identities must be an array with at least one entry"),
        (EVENT_V2, "data.0.identities.0.identityType", _ABSENT, ".identities[0].identityType is missing"),
        (EVENT_V2, "data.0.identities.0.identityValue", "", ".identities[0].identityValue is missing"),
        (EVENT_V2, "data.0.identities.0.identityValue", 1, ".identities[0].identityValue must be text"),
        (
            EVENT_V2,
            "data.0.identities.0.mpid",
            "wx1",
            ".identities[0].isWeChatEcosystem is missing: mpid needs it",
        ),
        (EVENT_V2, "data.0.identities.0.appid", "wx1", ".identities[0].appid is retired: send mpid"),
        (EVENT_V2, "data.0.identities.0.phone", "1", ".identities[0].phone is not documented"),
        (EVENT_V2, "data.0.phone", "1", ".phone is not documented"),
        (EVENT_V2, "data.0.eventKey", "", ".eventKey is missing"),
        (INFO, "publicParams.importMode", _ABSENT, "publicParams.importMode is missing"),
        (INFO, "publicParams.importMode", 3, "publicParams.importMode must be one of 1, 2"),
        (INFO, "publicParams.isMatching", _ABSENT, "publicParams.isMatching is missing"),
        (INFO, "data.0.sex", "male", ".sex must be one of 女, 男"),
        (INFO, "data.0.identityId", _ABSENT, " has no identity"),
        (INFO, "data.0.customFields", {}, ".customFields must be an array"),
        (INFO, "data.0.customFields.0.configId", "1", ".customFields[0].configId must be an integer"),
        (INFO, "data.0.customFields.1.values", ["a", 1], ".customFields[1].values must be an array of text"),
        (INFO, "data.0.customFields.1.value", "a", ".customFields[1].value is not documented"),
        (INFO, "data.0.uuid", "x", ".uuid is not documented"),
        (TAG, "publicParams.optType", _ABSENT, "publicParams.optType is missing"),
        (TAG, "publicParams.optType", "update", "publicParams.optType must be one of add, delete"),
        (TAG, "publicParams.optType", 1, "publicParams.optType must be text"),
        (TAG, "data.0.tags", ["tag1"], ".tags must be text"),
        (TAG, "data.0.audienceUserId", 1, ".audienceUserId must be text"),
        (TAG, "data.0.identityId", "1", ".identityId is not documented"),
        (INFO_V2, "publicParams.importMode", _ABSENT, "publicParams.importMode is missing"),
        (INFO_V2, "data.0.identities", _ABSENT, ".identities is missing"),
        (INFO_V2, "data.0.tags", "a", ".tags is not documented"),
        (INFO_V2, "data.0.sex", "M", ".sex must be one of 女, 男"),
        (INFO_V2, "data.0.customFields.0.configId", "1", ".customFields[0].configId must be an integer"),
        (TAG_V2, "publicParams.optType", _ABSENT, "publicParams.optType is missing"),
        (TAG_V2, "data.0.operateTags", ["a"], ".operateTags must be an array of objects"),
        (TAG_V2, "data.0.operateTags", "a,b", ".operateTags must be an array of objects"),
        (TAG_V2, "data.0.tags", "a,b", ".tags is not documented"),
        (GROUP, "publicParams.isMatching", _ABSENT, "publicParams.isMatching is missing"),
        (GROUP, "data.0.identityType", "uid", ".thirdId is missing: identityType selects it"),
        (GROUP, "data.0.audienceUserId", "1", ".audienceUserId is not documented"),
        (GROUP, "data.0.groups", ["a"], ".groups must be text"),
        (GROUP_V2, "publicParams.optType", "update", "publicParams.optType must be one of add, delete"),
        (GROUP_V2, "data.0.categoryType", 1, ".categoryType must be text"),
        (GROUP_V2, "data.0.categoryType", "3", ".categoryType must be one of 1, 2"),
        (GROUP_V2, "data.0.deptId", "1", ".deptId must be an integer"),
        (
            GROUP_V2,
            "data.0.categoryType",
            "2",
            " has none of wxDeptId, thirdDeptId, deptId: categoryType 2 needs one",
        ),
    ],
)
def test_an_invalid_field_is_refused_with_its_place(
    example: tuple[str, dict[str, Any]], where: str, value: object, error: str
) -> None:
    path, body = example
    assert _error(path, _broken(body, where, value)) == error


def test_what_operate_tags_hold_is_free_and_a_department_is_enough() -> None:
    assert _error(*TAG_V2[:1], _broken(TAG_V2[1], "data.0.operateTags", [{"any": {"thing": 1}}])) is None
    department = _broken(GROUP_V2[1], "data.0.categoryType", "2")
    assert _error(GROUP_V2[0], _broken(department, "data.0.deptId", 7)) is None


@pytest.mark.parametrize("body", [None, [], "text", 1])
def test_a_body_that_is_not_an_object_is_refused(body: object) -> None:
    assert _error("event/batchAdd", body) == "the body must be an object"


@pytest.mark.parametrize(
    ("switch", "value", "example", "where", "sent"),
    [
        ("unknown_fields", "ignore", EVENT, "data.0.realName", "张三"),
        ("unknown_fields", "ignore", EVENT_V2, "data.0.identities.0.phone", "1"),
        ("unknown_fields", "ignore", INFO, "data.0.customFields.0.more", 1),
        ("unknown_fields", "ignore", TAG, "data.0.time", "never"),
        ("seconds", "ignore", EVENT, "data.0.time", 1605490615),
        ("empty_data", "ignore", EVENT, "data", []),
        ("event_key_missing", "ignore", EVENT, "data.0.eventKey", _ABSENT),
        ("identity_missing", "ignore", INFO, "data.0.identityId", _ABSENT),
        ("nested_eventargs", "ignore", EVENT, "data.0.eventargs.c_goods", ["a"]),
    ],
)
def test_a_question_that_no_document_answers_is_a_switch(
    switch: str, value: str, example: tuple[str, dict[str, Any]], where: str, sent: object
) -> None:
    path, body = example
    broken = _broken(body, where, sent)
    assert _error(path, broken) is not None
    assert _error(path, broken, Switches.model_validate({switch: value})) is None


def test_an_unknown_public_param_is_ignored_unless_switched() -> None:
    body = _broken(examples.DOCUMENT_001, "publicParams.importMode", 1)
    assert _error("event/batchAdd", body) is None
    strict = Switches(unknown_public_params="refuse")
    assert _error("event/batchAdd", body, strict) == "publicParams.importMode is not documented"


def test_the_identities_of_an_item_are_its_nonempty_identity_fields() -> None:
    event = ENDPOINTS["event/batchAdd"]
    assert identities_of(event, {"phone": "1", "openid": "", "thirdId": "3"}) == ["phone:1", "thirdId:3"]
    assert identities_of(ENDPOINTS["event/v2/batchAdd"], examples.DOCUMENT_004["data"][0]) == ["phone:18888888888"]

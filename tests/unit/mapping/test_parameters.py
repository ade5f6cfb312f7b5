"""publicParams: defaults, those of target and route, and those that depend on the record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from connector.mapping import parameters
from connector.settings.types import InterpolatedStr
from tests.unit.mapping.helpers import EVENT_V1, TAG, failure, mapper, record, route

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.tuzhan.endpoints import Endpoint

PERSON = {"phone": "13800000000"}


def tag(params: dict[str, Any], **target: Any) -> Any:  # noqa: ANN401 - fields of a target
    return mapper(route(event_key=None, public_params=params), endpoint=TAG, target=target)


def sent(mapped: Any, value: dict[str, object]) -> str:  # noqa: ANN401 - a mapper
    [item] = mapped.items(record({**PERSON, **value}))
    assert item.failure is None, item.failure
    return bytes(item.params).decode()


def test_the_target_overrides_defaults_and_the_route_overrides_the_target() -> None:
    mapped = tag({"optType": "delete"}, public_params={"identifyWay": 1, "matchingType": 2, "optType": "add"})
    assert sent(mapped, {}) == '{"isMatching":true,"matchingType":2,"identifyWay":1,"optType":"delete"}'


def test_null_removes_a_default() -> None:
    mapped = mapper(route(), target={"public_params": {"matchingType": None}})
    assert sent(mapped, {}) == '{"isMatching":true}'


def test_text_from_the_environment_is_converted_to_the_type_of_the_parameter() -> None:
    mapped = tag(
        {},
        public_params={
            "isMatching": InterpolatedStr("false"),
            "matchingType": InterpolatedStr("1"),
            "optType": InterpolatedStr("add"),
        },
    )
    assert sent(mapped, {}) == '{"isMatching":false,"matchingType":1,"optType":"add"}'


def test_the_parameters_of_a_route_may_depend_on_the_record() -> None:
    mapped = tag({"optType": {"from": "$.op", "map": {"ADD": "add", "DEL": "delete"}}})
    assert [json.loads(sent(mapped, {"op": op}))["optType"] for op in ("ADD", "DEL", "ADD")] == ["add", "delete", "add"]
    [one], [two] = (mapped.items(record({**PERSON, "op": "ADD"})) for _ in range(2))
    assert one.params is two.params


@pytest.mark.parametrize(
    ("params", "value", "reason", "field"),
    [
        ({"optType": "$.op"}, {}, "value_missing", "public_params.optType"),
        ({"optType": "$.op"}, {"op": "replace"}, "item_invalid", "public_params.optType"),
        ({"optType": "$.op"}, {"op": []}, "item_invalid", "public_params.optType"),
        ({"optType": "add", "matchingType": "$.m"}, {"m": 3}, "item_invalid", "public_params.matchingType"),
        ({"optType": "add", "matchingType": "$.m"}, {"m": "x"}, "item_invalid", "public_params.matchingType"),
        ({"optType": "add", "matchingType": "$.m"}, {"m": 2}, "value_missing", "public_params.identifyWay"),
        ({"optType": "add", "isMatching": "$.m"}, {"m": "?"}, "item_invalid", "public_params.isMatching"),
        ({"optType": {"from": "$.op", "default": "$dead_letter"}}, {}, "requested", "public_params.optType"),
    ],
)
def test_a_combination_that_the_endpoint_does_not_take_is_a_dead_letter(
    params: dict[str, Any], value: dict[str, object], reason: str, field: str
) -> None:
    told = failure(tag(params).items(record({**PERSON, **value})))
    assert (told.reason, told.field) == (reason, field)


def test_the_identity_type_follows_the_records_own_matching_type() -> None:
    mapped = mapper(route(public_params={"matchingType": "$.m", "identifyWay": 1}), endpoint=EVENT_V1)
    bodies = [json.loads(mapped.items(record({**PERSON, "m": m}))[0].body) for m in (1, "2", 2)]
    assert ["identityType" in each for each in bodies] == [True, False, False]


def test_true_and_one_are_different_combinations() -> None:
    mapped = tag({"optType": "add", "x": "$.x"}, allow_unknown=True)
    assert [json.loads(sent(mapped, {"x": x}))["x"] for x in (1, True, 1.0, [1], {"a": 1})] == [
        1,
        True,
        1,
        [1],
        {"a": 1},
    ]
    assert sent(mapped, {"x": True}).endswith('"x":true}')


def test_memory_does_not_grow_with_values_that_never_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = []
    original = parameters._encode  # noqa: SLF001 - the cache shows in nothing but how often this is called

    def counted(endpoint: Endpoint, values: Mapping[str, object]) -> parameters.EncodedParams:
        encoded.append(values)
        return original(endpoint, values)

    monkeypatch.setattr(parameters, "_encode", counted)
    monkeypatch.setattr(parameters, "_MAX_CACHED_COMBINATIONS", 3)
    mapped = tag({"optType": "add", "x": "$.x"}, allow_unknown=True)
    for x in (1, 2, 3, 3, 3, 4, 1):
        sent(mapped, {"x": x})
    assert len(encoded) == 2 * 5  # both ways

"""Events: uuid and time are filled in, wrong times and missing event keys are refused."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.mapping.events import event_uuids
from tests.unit.mapping.helpers import (
    EVENT,
    EVENT_V1,
    NOW_MS,
    TAG,
    body,
    compiled,
    failure,
    mapper,
    record,
    route,
)

PERSON = {"phone": "13800000000"}
DAY_MS = 86_400_000
PLACES = st.tuples(
    st.sampled_from(["c1", "c2"]),
    st.sampled_from(["r1", "r2"]),
    st.sampled_from(["a", "b", 'a",0,"']),
    st.integers(0, 3),
    st.integers(0, 2**48 - 1),
    st.none() | st.integers(0, 2**62),
)


def uuid_at(location: tuple[str, str, str, int, int, int | None]) -> str:
    cluster_id, route_name, topic, partition, offset, timestamp_ms = location
    at = record({}, topic=topic, partition=partition, offset=offset, timestamp_ms=timestamp_ms)
    return event_uuids(cluster_id, route_name)(at, 0)


@given(PLACES, PLACES)
def test_different_records_have_different_uuids(
    one: tuple[str, str, str, int, int, int | None], two: tuple[str, str, str, int, int, int | None]
) -> None:
    assert (uuid_at(one) == uuid_at(two)) == (one == two)


@given(st.lists(PLACES, min_size=2, max_size=6), st.integers(0, 2))
def test_a_uuid_does_not_depend_on_the_records_before(
    locations: list[tuple[str, str, str, int, int, int | None]], position: int
) -> None:
    shared = event_uuids("c", "r")
    for _, _, topic, partition, offset, timestamp_ms in locations:
        at = record({}, topic=topic, partition=partition, offset=offset, timestamp_ms=timestamp_ms)
        assert shared(at, position) == event_uuids("c", "r")(at, position)


@given(PLACES)
def test_a_uuid_has_36_characters(location: tuple[str, str, str, int, int, int | None]) -> None:
    text = uuid_at(location)
    assert len(text) == 36
    assert str(uuid.UUID(text)) == text
    assert uuid.UUID(text).version == 8
    assert uuid.UUID(text).variant == uuid.RFC_4122


def test_a_uuid_is_the_same_in_every_process() -> None:
    program = (
        "from connector.mapping.events import event_uuids\n"
        "from connector.core.record import Record\n"
        "print(event_uuids('c', 'r')(Record('t', 1, 2, 3, None, None, ()), 0), end='')"
    )
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert told == uuid_at(("c", "r", "t", 1, 2, 3)) == "00000003-dd49-8907-8de3-000000000002"


def test_uuid_and_time_are_filled_in_on_events_only() -> None:
    made = body(mapper(route()).items(record(PERSON)))
    assert made["time"] == NOW_MS
    assert made["uuid"] == event_uuids("cluster", "r")(record(), 0)
    tag = mapper(route(event_key=None), endpoint=TAG, target={"public_params": {"optType": "add"}})
    assert body(tag.items(record(PERSON))) == {"identityType": "phone", "phone": "13800000000"}


def test_a_mapped_uuid_or_time_wins_and_a_missing_one_is_filled_in() -> None:
    mapped = mapper(route(fields={"uuid": "$.id", "time": "$.at"}))
    made = body(mapped.items(record({**PERSON, "id": 4711, "at": NOW_MS - 5})))
    assert (made["uuid"], made["time"]) == ("4711", NOW_MS - 5)
    made = body(mapped.items(record({**PERSON, "id": None})))
    assert (made["uuid"], made["time"]) == (event_uuids("cluster", "r")(record(), 0), NOW_MS)


def test_without_any_timestamp_time_is_left_out() -> None:
    assert "time" not in body(mapper(route()).items(record(PERSON, timestamp_ms=None)))
    own = mapper(route(fields={"time": "$.at"}))
    assert body(own.items(record({**PERSON, "at": NOW_MS}, timestamp_ms=None)))["time"] == NOW_MS


@pytest.mark.parametrize("time", [0, NOW_MS // 1000, NOW_MS * 1000, NOW_MS + DAY_MS + 1, 946_684_799_999, -1])
def test_a_time_out_of_range_is_a_dead_letter(time: int) -> None:
    told = failure(mapper(route(fields={"time": "$.at"})).items(record({**PERSON, "at": time})))
    assert (told.reason, told.field) == ("bad_time", "time")


@pytest.mark.parametrize("time", [946_684_800_000, NOW_MS, NOW_MS + DAY_MS, float(NOW_MS)])
def test_a_time_in_range_is_sent_as_an_integer(time: float) -> None:
    made = body(mapper(route(fields={"time": "$.at"})).items(record({**PERSON, "at": time})))
    assert repr(made["time"]) == str(int(time))


@pytest.mark.parametrize("time", ["2020-11-16", "1605490615673", True, NOW_MS + 0.5, {}, []])
def test_a_time_that_is_not_an_integer_is_invalid(time: object) -> None:
    told = failure(mapper(route(fields={"time": "$.at"})).items(record({**PERSON, "at": time})))
    assert (told.reason, told.field) == ("item_invalid", "time")
    assert "as: timestamp" in told.detail


def test_a_uuid_that_is_too_long_for_the_older_endpoint_is_invalid() -> None:
    mapped = mapper(route(fields={"uuid": "$.id"}), endpoint=EVENT_V1)
    assert body(mapped.items(record({**PERSON, "id": "x" * 36})))["uuid"] == "x" * 36
    told = failure(mapped.items(record({**PERSON, "id": "x" * 37})))
    assert (told.reason, told.field, told.detail) == (
        "item_invalid",
        "uuid",
        "expected at most 36 characters",
    )
    newer = mapper(route(fields={"uuid": "$.id"}), endpoint=EVENT)
    assert body(newer.items(record({**PERSON, "id": "x" * 37})))["uuid"] == "x" * 37


@pytest.mark.parametrize(
    ("raw", "value", "expected"),
    [
        ("c_buy", {}, "c_buy"),
        ("$.key", {"key": "c_x"}, "c_x"),
        ("$.key", {"key": 7}, "7"),
        ({"from": "$.s", "map": {"PAID": "c_buy"}}, {"s": "PAID"}, "c_buy"),
        ({"from": "$.s", "map": {"PAID": "c_buy"}}, {"s": "NEW"}, None),
        ({"from": "$.s", "map": {"PAID": "c_buy"}, "otherwise": "c_other"}, {}, "c_other"),
        ("$.key", {}, None),
        ("$.key", {"key": " "}, None),
        ("$.key", {"key": ""}, None),
        ("$.key", {"key": {}}, None),
    ],
)
def test_an_event_has_a_key_or_is_a_dead_letter(raw: object, value: dict[str, object], expected: str | None) -> None:
    items = mapper(route(event_key=raw)).items(record({**PERSON, **value}))
    if expected is None:
        assert (failure(items).reason, failure(items).field) == ("event_key_unmapped", "event_key")
    else:
        assert body(items)["eventKey"] == expected


def test_an_event_key_may_be_skip_or_dead_letter() -> None:
    raw = {"from": "$.s", "map": {"PAID": "c_buy"}, "otherwise": "$skip"}
    assert not mapper(route(event_key=raw)).items(record(PERSON))
    told = failure(mapper(route(event_key={**raw, "otherwise": "$dead_letter"})).items(record(PERSON)))
    assert (told.reason, told.field) == ("requested", "event_key")


def test_integers_beyond_64_bits_are_sent_exactly() -> None:
    data = b'{"phone":"13800000000","n":123456789012345678901234567890,"t":"\xe4\xb8\xad"}'
    [item] = mapper(route(fields={"eventargs": {"c_n": "$.n", "c_t": "$.t"}})).items(record(data))
    assert b'"c_n":123456789012345678901234567890' in item.body
    assert json.loads(item.body)["eventargs"]["c_t"] == "中"


def test_one_mapping_serves_several_clusters() -> None:
    mapping, _ = compiled(route())
    assert mapping is not None
    [one], [two] = (mapping.mapper(cluster).items(record(PERSON)) for cluster in ("c1", "c2"))
    assert json.loads(one.body)["uuid"] != json.loads(two.body)["uuid"]
    assert list(mapping.mapper("c1").items(record(PERSON))) == [one]

"""From records to items: routes, failures, and that the mapper never raises."""

from __future__ import annotations

import gc
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.record import DEAD_LETTERS, Record
from connector.decode.decoding import Decoding
from connector.mapping import Mapper, compile_mapping
from connector.mapping.errors import ConversionError
from connector.settings.models import Route, Target
from connector.settings.problems import Problems
from tests.unit.mapping.helpers import EVENT, EVENT_V1, INFO, TAG, body, compiled, failure, mapper, record, route

PERSON = {"phone": "13800000000"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcdefgh") | st.text(), inner),
    max_leaves=15,
)
EVERYTHING = {
    "intid": {"template": "{$.a}-{$.b}"},
    "time": {"from": ["$.a", "$.b"], "as": "timestamp"},
    "uuid": {"from": "$.c", "as": "uuid"},
    "eventargs": {
        "a": "$.a.b.c",
        "b": {"from": "$.b", "as": ["string", "trim", "lower"]},
        "c": {"from": "$.c", "multiply": 0.01, "round": 2},
        "d": {"from": "$.d", "as": "joined"},
        "e": {"from": "$.e", "as": "json"},
        "f": "$.f.*.a",
        "g": {"from": "$.g", "map": {"1": "one"}, "otherwise": "$.h"},
        "h": "$",
        "i": {"from": "$.a", "extract": "(.+)b", "default": "$.c"},
        "j": {"from": "$.e", "as": ["timestamp", "date"], "on_error": "omit", "local": True, "unit": "ms"},
        "k": {"each": {"from": "$.f", "as": "list"}, "value": {"x": "$item.a", "n": "$index", "o": ["$.b", "$item"]}},
        "l": {"each": "$.d", "value": {"from": "$item", "as": "phone", "on_error": "omit"}},
    },
}


def two_routes() -> Mapper:
    targets = {
        "events": Target(endpoint=EVENT),
        "tags": Target(endpoint=TAG, public_params={"optType": "add"}),
    }
    routes = [
        route(name="first", topics=["orders", "^crm\\."], to="events", where={"$.event": True}),
        route(
            name="second",
            topics=["orders"],
            to="tags",
            event_key=None,
            fields={"tags": {"from": "$.tags", "as": "joined"}},
        ),
        route(name="third", topics=["^order"], to="events", event_key="c_third"),
    ]
    sound = [(index, Route.model_validate(each)) for index, each in enumerate(routes)]
    mapping = compile_mapping(targets, sound, Problems())
    assert mapping is not None
    assert mapping.topics == ("orders", "^crm\\.", "^order")
    assert mapping.targets_of("orders") == {"events", "tags"}
    assert mapping.targets_of("crm.x") == {"events"}
    assert mapping.targets_of("my.crm.x") == frozenset()
    assert [(route.name, route.ordering) for route in mapping.routes_of("orders")] == [
        ("first", "none"),
        ("second", "identity"),
        ("third", "none"),
    ]
    return mapping.mapper("cluster")


def test_one_record_may_feed_several_routes_in_their_order() -> None:
    mapped = two_routes()
    items = mapped.items(record({**PERSON, "event": True, "tags": ["a", "b"]}))
    assert [(item.route, item.target) for item in items] == [
        ("first", "events"),
        ("second", "tags"),
        ("third", "events"),
    ]
    assert json.loads(items[1].body)["tags"] == "a,b"
    assert items[1].params == b'{"isMatching":true,"matchingType":1,"optType":"add"}'
    assert [item.route for item in mapped.items(record(PERSON))] == ["second", "third"]
    assert [item.route for item in mapped.items(record({**PERSON, "event": True}, topic="crm.x"))] == ["first"]


def test_a_failure_of_one_route_leaves_the_others_alone() -> None:
    items = two_routes().items(record({**PERSON, "tags": ["a,b"]}))
    assert [(item.target, item.route) for item in items] == [(DEAD_LETTERS, "second"), ("events", "third")]
    assert items[0].failure is not None
    assert (items[0].failure.target, items[0].failure.reason) == ("tags", "conversion_failed")
    assert items[0].body == items[0].params == b""
    assert items[0].order_keys == ()
    assert items[0].record == record({**PERSON, "tags": ["a,b"]})


def test_a_record_that_no_route_wants_gives_no_item() -> None:
    mapped = mapper(route(where={"$.status": "PAID"}))
    assert not mapped.items(record({**PERSON, "status": "NEW"}))
    assert list(mapped.items(record(PERSON, topic="another"))) == []


def test_a_tombstone_gives_no_item_and_is_not_decoded() -> None:
    assert list(mapper(route()).items(record({}).replace(value=None))) == []


@pytest.mark.parametrize("value", [b"", b"{", b"\xff", '{"phone":"名"}'.encode("gbk"), b'{"a":NaN}', b"[" * 5000])
def test_invalid_json_is_one_dead_letter_without_a_route(value: bytes) -> None:
    [item] = two_routes().items(record(value))
    assert (item.target, item.route) == (DEAD_LETTERS, "")
    assert item.failure is not None
    assert item.failure.reason == "decode_failed"
    assert item.failure.detail
    assert item.failure.target == ""


def test_a_byte_order_mark_is_ignored() -> None:
    assert body(mapper(route()).items(record(b'\xef\xbb\xbf{"phone":"1"}')))["eventKey"] == "c_buy"


@pytest.mark.parametrize("projected", [True, False])
def test_an_unexpected_exception_is_a_dead_letter_that_names_its_type(
    monkeypatch: pytest.MonkeyPatch,
    projected: bool,  # noqa: FBT001
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret-4711")

    monkeypatch.setattr("connector.mapping.route.event_uuids", lambda *_: broken)
    mapping, _ = compiled(route())
    assert mapping is not None
    told = failure(mapping.mapper("cluster", projected=projected).items(record(PERSON)))
    assert (told.reason, told.target, told.detail) == ("item_invalid", "t", "the mapping raised ZeroDivisionError")


def test_an_item_that_cannot_be_written_as_json_is_invalid() -> None:
    sound = mapper(route(fields={"eventargs": {"literal": {"x": "\ud800"}}}))
    told = failure(sound.items(record(PERSON)))
    assert (told.reason, told.detail) == ("item_invalid", "the item can't be encoded as JSON (UnicodeEncodeError)")


def anything() -> Mapper:
    targets = {
        "v2": Target(endpoint=EVENT, ordering="identity"),
        "v1": Target(endpoint=EVENT_V1),
        "info": Target(endpoint=INFO, public_params={"importMode": 1}),
        "tag": Target(endpoint=TAG, allow_unknown=True),
    }
    lines = [
        {"type": "phone", "value": {"from": "$.a", "as": "phone"}},
        {"type": "openid", "value": "$.b"},
        {"type": "uid", "value": {"template": "{$key}"}},
    ]
    routes: list[dict[str, Any]] = [
        route(name="v2", to="v2", identity=lines, event_key={"from": "$.a", "default": "e"}, fields=EVERYTHING),
        route(
            name="v1",
            to="v1",
            identity=lines,
            event_key="$.a",
            fields=EVERYTHING,
            where={"$.a": {"gt": 0}, "not": {"$.b": {"matches": "x"}}},
        ),
        route(
            name="i",
            to="info",
            identity=lines,
            event_key=None,
            fields={"customFields": "$.f", "sex": "$.a", "tags": "$.d"},
        ),
        route(
            name="t",
            to="tag",
            identity=lines,
            event_key=None,
            fields={"odd": "$"},
            public_params={"optType": "$.a", "x": "$.b"},
        ),
        route(
            name="lines",
            to="v2",
            for_each={"from": "$.f", "as": "list"},
            where={"$item": {"exists": True}},
            identity=lines,
            event_key={"template": "{$index}"},
            fields={"eventargs": {"item": "$item", "inner": "$item.a.b"}},
        ),
    ]
    mapping = compile_mapping(targets, [(i, Route.model_validate(each)) for i, each in enumerate(routes)], Problems())
    assert mapping is not None
    return mapping.mapper("cluster")


ANYTHING = anything()


def check(at: Record) -> None:
    items = ANYTHING.items(at)
    assert len([item for item in items if item.route != "lines"]) <= 4
    for item in items:
        if item.failure is None:
            assert isinstance(json.loads(item.body), dict)
            assert isinstance(json.loads(item.params), dict)
        else:
            assert item.target == DEAD_LETTERS
            assert "raised" not in item.failure.detail


@given(st.dictionaries(st.sampled_from("abcdefgh"), JSON) | JSON, st.none() | st.binary(max_size=5))
@settings(max_examples=300)
def test_any_json_is_mapped_or_dead_lettered_and_nothing_is_raised(value: object, key: bytes | None) -> None:
    try:
        data = json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return  # a lone surrogate has no UTF-8
    check(record(data, key=key))


@given(st.binary())
def test_any_bytes_are_mapped_or_dead_lettered_and_nothing_is_raised(data: bytes) -> None:
    check(record(data, key=b"k"))


@given(JSON)
def test_the_same_record_gives_the_same_items(value: object) -> None:
    at = record(json.dumps(value).encode(), key=b"k")
    assert list(ANYTHING.items(at)) == list(anything().items(at))


def test_a_failure_does_not_keep_its_record_alive_by_a_traceback() -> None:
    mapped = mapper(route(fields={"intid": {"from": "$.x", "as": "phone"}}))
    for _ in range(3):
        failure(mapped.items(record({**PERSON, "x": "no"})))
    gc.collect()
    assert not [each for each in gc.get_objects() if isinstance(each, ConversionError)]


def test_an_unexpected_exception_of_the_decoding_is_a_dead_letter_that_names_its_type() -> None:
    def broken(_record: object) -> object:
        raise ZeroDivisionError("secret-4711")

    mapping, _ = compiled(route())
    assert mapping is not None
    mapped = Mapper(mapping, "cluster", lambda _topic: Decoding(broken))
    told = failure(mapped.items(record(PERSON)))
    assert (told.reason, told.detail) == ("decode_failed", "the decoding raised ZeroDivisionError")

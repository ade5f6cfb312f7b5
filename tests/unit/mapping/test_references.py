"""References: what they find, and which are refused."""

from __future__ import annotations

import pytest

from connector.core.record import UNREADABLE_HEADERS
from connector.settings.types import InterpolatedStr
from tests.unit.mapping.helpers import NOW_MS, body, failure, found, mapper, record, route, value_of

NESTED = {
    "a": {"b": 1, "c": {"d": [10, {"e": "deep"}]}},
    "items": [{"sku": "A", "tags": ["x", "y"]}, {"sku": None}, {"sku": "B", "tags": ["z"]}, 7],
    "odd key": {"x.y": 2, 'quo"te': 3},
    "text": '{"inner": {"n": [4, 5]}}',
    "list_text": "[6]",
    "names": {"0": "zero"},
    "中文": {"名": "五"},
    "$x": 8,
}


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("$.a.b", 1),
        ("$.a.c.d.0", 10),
        ("$.a.c.d.1.e", "deep"),
        ("$.a.c.d.9.e", None),
        ("$.a.c.d.1.e.f", None),
        ("$.a.b.c", None),
        ("$.a.b.c.d", None),
        ("$.missing", None),
        ("$.missing.x.y.z", None),
        ("$.items.*.sku", ["A", "B"]),
        ("$.items.*.tags.*", ["x", "y", "z"]),
        ("$.items.*.nothing", None),
        ("$.a.*", None),
        ("$.items.0.sku", "A"),
        ("$.items.0.sku.0", None),
        ("$.items.3.sku", None),
        ('$."odd key"."x.y"', 2),
        (r'$."odd key"."quo\"te"', 3),
        ("$.text.inner.n.1", 5),
        ("$.text.inner.n.*", [4, 5]),
        ("$.list_text.0", 6),
        ("$.names.0", "zero"),
        ("$.中文.名", "五"),
        ("$.$x", 8),
    ],
)
def test_a_path_finds_the_value(reference: str, expected: object) -> None:
    assert value_of(reference, NESTED) == expected


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("$key", "4711"),
        ("$headers.trace_id", "last"),
        ("$headers.dotted.name", "d"),
        ('$headers."odd name"', "o"),
        ("$headers.none", None),
        ("$headers.null", None),
        ("$headers.binary", None),
        ("$topic", "orders"),
        ("$partition", 3),
        ("$offset", 12),
        ("$timestamp", NOW_MS),
    ],
)
def test_key_headers_and_coordinates_of_a_record_can_be_referred_to(reference: str, expected: object) -> None:
    headers = (
        ("trace_id", b"first"),
        ("trace_id", b"last"),
        ("dotted.name", b"d"),
        ("odd name", b"o"),
        ("null", None),
        ("binary", b"\xff\x00"),
    )
    got = value_of(reference, {}, key=b"4711", headers=headers, partition=3, offset=12)
    assert got == expected


def test_a_key_that_is_not_text_counts_as_missing() -> None:
    assert value_of({"from": "$key", "default": "none"}, {}, key=b"\xff\xfe") == "none"
    assert value_of("$key", {}, key=None) is None


def test_the_whole_value_can_be_sent() -> None:
    assert value_of("$", {"a": 1}) == {"phone": "13800000000", "a": 1}


def test_two_dollars_are_a_literal_dollar_and_text_from_the_environment_is_never_a_reference() -> None:
    assert value_of("$$.a", {"a": 1}) == "$.a"
    assert value_of(InterpolatedStr("$.a"), {"a": 1}) == "$.a"
    assert value_of(InterpolatedStr("$$x"), {}) == "$$x"


def test_paths_into_values_that_are_not_objects_find_elements_by_number_or_nothing() -> None:
    by_key = mapper(
        route(identity=[{"type": "phone", "value": "$key"}], fields={"intid": "$.1.x.y", "eventargs": {"a": "$.0"}})
    )
    made = body(by_key.items(record([5, {"x": {"y": "deep"}}], key=b"1")))
    assert made["intid"] == "deep"
    assert made["eventargs"] == {"a": 5}
    for scalar in (b"7", b'"text"', b"null", b"true"):
        assert "intid" not in body(by_key.items(record(scalar, key=b"1")))


@pytest.mark.parametrize("reading", [{"where": {"$headers.kind": "order"}}, {"fields": {"intid": "$headers.kind"}}])
def test_a_mapping_that_reads_headers_fails_if_they_cant_be_read(
    reading: dict[str, object],
) -> None:
    unreadable = record({"phone": "13800000000"}, headers=UNREADABLE_HEADERS)
    failed = failure(mapper(route(**reading)).items(unreadable))
    assert (failed.reason, failed.field) == ("decode_failed", "$headers.kind")
    assert body(mapper(route()).items(unreadable))["eventKey"] == "c_buy"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("$.items[0].sku", "$.items.0"),
        ("$.odd key", "in quotes"),
        ("$.", "is not a reference"),
        ("$.a..b", "is not a reference"),
        ("$status", "did you mean '$.status'? Write '$$status' for the literal '$status'"),
        ("$headers", "$headers.name"),
        ("$Key", "did you mean '$.Key'"),
        ("$item.sku", "$item has no meaning here, but in a route with `for_each`, and inside `each`"),
        ("$index", "$index has no meaning here"),
        ("$index.x", "'$index.x' is not a reference"),
        ("$item[0]", "write an element of a list as $.items.0"),
        ("$item.a b", "put a name with blanks or dots in quotes"),
        ("$change.op", "$change has no meaning here: no topic of the route has an `envelope` under `decode`"),
        ("$skip", "only allowed as the value of `default` and `otherwise`"),
        ("$dead_letter", "only allowed as the value of `default` and `otherwise`"),
    ],
)
def test_a_malformed_reference_is_refused_with_a_remedy(reference: str, message: str) -> None:
    [(path, code, told)] = found(route(fields={"eventargs": {"c_x": reference}}))
    assert path == ("routes", 0, "fields", "eventargs", "c_x")
    assert code == "bad_reference"
    assert message in told

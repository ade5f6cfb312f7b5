"""Debezium's change events: with and without a schema, flattened or not, and what it writes besides."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connector.core.errors import DecodeError
from connector.core.record import UNREADABLE_HEADERS
from connector.decode.envelopes import Change
from connector.decode.envelopes.debezium import debezium as rows_of
from tests.unit.decode.changes import ES, TS, debezium, record, with_schema
from tests.unit.decode.test_canal import JSON

OLD = {"id": 1, "mobile": "13800000000", "level": 1, "joined": 1_605_519_415_000}
NEW = {**OLD, "level": 2}
UNAVAILABLE = "__debezium_unavailable_value"


def only(value: object, *headers: tuple[str, bytes]) -> tuple[Any, Change]:
    [row] = rows_of(value, record(b"", *headers))
    return row


EVENTS = [
    (debezium("c", None, NEW), (NEW, Change("insert", None, "member", ES))),
    (debezium("u", OLD, NEW), (NEW, Change("update", OLD, "member", ES))),
    (debezium("d", OLD, None), (OLD, Change("delete", OLD, "member", ES))),
    (debezium("r", None, NEW), (NEW, Change("snapshot", None, "member", ES))),
]


@pytest.mark.parametrize(("event", "expected"), EVENTS, ids=["insert", "update", "delete", "snapshot"])
def test_an_event_is_its_row_with_and_without_a_schema(event: dict[str, Any], expected: object) -> None:
    assert only(event) == expected
    assert only(with_schema(event)) == expected
    assert only({"schema": None, "payload": event}) == expected


def test_a_delete_of_which_nothing_is_known_is_an_empty_row() -> None:
    """REPLICA IDENTITY NOTHING, or MongoDB without pre-images: buried only if a route wants deletes."""
    assert only(debezium("d", None, None)) == ({}, Change("delete", None, "member", ES))


def test_an_update_without_the_row_is_an_empty_row() -> None:
    """MongoDB, if the document is gone when it is looked up."""
    assert only(debezium("u", None, None, updateDescription={"removedFields": ["a"]}))[0] == {}


def test_without_the_time_of_the_change_the_time_of_the_connector_counts() -> None:
    event = debezium("r", None, NEW)
    assert only({**event, "source": {**event["source"], "ts_ms": 0}})[1].ts == TS
    assert only({**event, "source": None})[1] == Change("snapshot", None, None, TS)


def test_the_rows_of_mongodb_are_json_text_and_its_tables_collections() -> None:
    document = {"_id": {"$oid": "5fb1d8b7"}, "mobile": "13800000000"}
    event = debezium("u", None, json.dumps(document), source={"collection": "member", "ts_ms": ES})
    assert only(event) == (document, Change("update", None, "member", ES))


def test_a_value_that_the_log_of_postgresql_lacks_is_the_one_before_or_missing() -> None:
    after = {**NEW, "note": UNAVAILABLE}
    assert only(debezium("u", {**OLD, "note": "long"}, after))[0] == {**NEW, "note": "long"}
    assert only(debezium("u", None, after))[0] == NEW
    assert only(debezium("u", {**OLD, "note": UNAVAILABLE}, after))[0] == NEW
    assert only({**after, "__op": "u"})[0] == {**NEW, "__op": "u"}
    assert after["note"] == UNAVAILABLE


@pytest.mark.parametrize(
    ("added", "op"),
    [
        ({"__op": "c", "__deleted": "false"}, "insert"),
        ({"__op": "u"}, "update"),
        ({"__op": "r"}, "snapshot"),
        ({"__op": "d", "__deleted": "true"}, "delete"),
        ({"__deleted": "true"}, "delete"),
        ({"__deleted": True}, "delete"),
    ],
)
def test_a_flattened_row_is_the_row_with_what_was_added(added: dict[str, Any], op: str) -> None:
    row = {**NEW, **added, "__table": "member", "__source_ts_ms": ES, "__ts_ms": TS}
    expected = (row, Change(op, row if op == "delete" else None, "member", ES))
    assert only(row) == expected
    assert only(with_schema(row)) == expected


def test_what_was_done_may_be_in_the_headers() -> None:
    headers = (("__op", b"u"), ("__table", b"member"), ("__ts_ms", str(TS).encode()))
    assert only(NEW, *headers) == (NEW, Change("update", None, "member", TS))
    assert only(NEW, ("__op", b'"c"'))[1].op == "insert"


@pytest.mark.parametrize(
    "value",
    [
        None,
        with_schema(None),
        {"op": "t", "source": debezium()["source"], "ts_ms": TS, "transaction": None},
        debezium("t"),
        {"op": "m", "source": debezium()["source"], "ts_ms": TS, "message": {"prefix": "p", "content": "Zm9v"}},
        {
            "source": debezium()["source"],
            "ts_ms": TS,
            "databaseName": "crm",
            "ddl": "ALTER TABLE x",
            "tableChanges": [],
        },
        with_schema({"source": {}, "databaseName": "crm", "schemaName": "dbo", "ddl": None, "tableChanges": []}),
        {"status": "BEGIN", "id": "f:1", "event_count": None, "data_collections": None, "ts_ms": TS},
        {"ts_ms": TS},
    ],
    ids=["tombstone", "null", "truncate", "truncate of a row", "message", "ddl", "ddl of SQL Server", "begin", "beat"],
)
def test_what_changes_no_row_has_no_row(value: object) -> None:
    assert list(rows_of(value, record())) == []


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, "expected a Debezium change event (op, before, after), got a number"),
        ([debezium()], "expected a Debezium change event (op, before, after), got a list"),
        (with_schema("x"), "expected a Debezium change event (op, before, after), got text"),
        (NEW, "or a flattened row with `__op`, got an object with neither: set add.fields=op of ExtractNewRecordState"),
        ({**NEW, "__deleted": "false"}, "set add.fields=op of ExtractNewRecordState"),
        ({**NEW, "__op": "?"}, "set add.fields=op of ExtractNewRecordState"),
        ({}, "got an object with neither"),
        (debezium("x", OLD, NEW), "the `op` of a Debezium change event is c, u, d, r, t or m, got another"),
        (debezium("c", None, None), "`after` of a Debezium change event with op c or r is the row, got null"),
        (debezium("c", None, "[1]"), "`after` of a Debezium change event is a row or null, got a list"),
        (debezium("c", None, "none"), "`after` of a Debezium change event is a row or null, got text"),
        (debezium("u", [1], NEW), "`before` of a Debezium change event is a row or null, got a list"),
    ],
)
def test_anything_else_is_an_error_with_a_remedy(value: object, message: str) -> None:
    with pytest.raises(DecodeError) as caught:
        rows_of(value, record())
    assert message in str(caught.value)
    assert "`envelope`" in str(caught.value)
    assert "13800000000" not in str(caught.value)


def test_headers_that_can_not_be_read_say_nothing() -> None:
    with pytest.raises(DecodeError, match=r"add\.fields=op"):
        rows_of(NEW, record().replace(headers=UNREADABLE_HEADERS))


ROW = st.dictionaries(st.text(max_size=3), st.none() | st.integers() | st.just(UNAVAILABLE), max_size=4)


@given(op=st.sampled_from("cudr"), before=st.none() | ROW, after=ROW)
def test_a_row_comes_out_as_it_is_and_nothing_is_changed(op: str, before: Any, after: Any) -> None:  # noqa: ANN401
    event = debezium(op, before, after)
    unchanged = copy.deepcopy(event)
    row, change = only(event)
    assert event == unchanged
    assert change.before is before
    expected = (before or {}) if op == "d" else after
    assert UNAVAILABLE not in row.values()
    assert {name: each for name, each in expected.items() if each != UNAVAILABLE}.items() <= row.items()
    assert row.keys() <= expected.keys()


EVENT = st.builds(debezium, st.sampled_from("cudrtx"), before=JSON, after=JSON)
NAMES = [
    *("op", "after", "before", "source", "ts_ms", "ddl", "status", "data_collections", "payload"),
    *("__op", "__deleted", "__table", "__ts_ms"),
]
OF_KNOWN_NAMES = st.dictionaries(st.sampled_from(NAMES), JSON | st.sampled_from(["c", "BEGIN", "true"]), max_size=4)
HEADERS = st.lists(st.tuples(st.sampled_from(["__op", "__ts_ms", "__table"]), st.none() | st.binary(max_size=5)))


@given(value=JSON | EVENT | OF_KNOWN_NAMES | st.builds(with_schema, JSON | OF_KNOWN_NAMES), headers=HEADERS)
@example(value={"op": [], "source": {}}, headers=[])
@example(value={"__op": {}}, headers=[])
@example(value={"a": 1}, headers=[("__op", b"c"), ("__ts_ms", b"1" * 5000)])
def test_whatever_comes_is_rows_or_an_error(value: object, headers: list[tuple[str, bytes]]) -> None:
    try:
        found = rows_of(value, record(b"", *headers))
    except DecodeError:
        return
    assert all(isinstance(row, dict) for row, _ in found)

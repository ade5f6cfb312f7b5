"""Debezium's change events, as Kafka Connect's converters write them.

    {"op": "u", "before": {…}, "after": {…}, "source": {"table": "member", "ts_ms": 1605490615000}, "ts_ms": …}

with a schema around it or not: `{"schema": …, "payload": {…}}`; or flattened by ExtractNewRecordState, which leaves the
row and what its options add to it: `{"id": 1, "level": 2, "__op": "u", "__deleted": "false"}`, or to the headers.
A flattened row that does not say what was done can't be told from a snapshot: it is an error.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from connector.core.errors import DecodeError
from connector.decode.envelopes.change import DELETE, INSERT, REMEDY, SNAPSHOT, UPDATE, Change, kind
from connector.decode.json import decode_text

if TYPE_CHECKING:
    from connector.core.record import Record
    from connector.decode.envelopes.change import Rows

DEBEZIUM_OPERATIONS: Final = {"c": INSERT, "u": UPDATE, "d": DELETE, "r": SNAPSHOT}
EVENTS_WITHOUT_ROWS: Final = ("t", "m")
"""A TRUNCATE, and a message that PostgreSQL's log carries."""
_WITH_SCHEMA: Final = {"schema", "payload"}
_HEARTBEAT: Final = {"ts_ms", "ts_us", "ts_ns"}
_WHOLE: Final = re.compile(r"\d{1,18}", re.ASCII)
UNAVAILABLE: Final = "__debezium_unavailable_value"
"""Stands for a large value of PostgreSQL that did not change, and which its log therefore lacks."""


def debezium(value: Any, record: Record) -> Rows:  # noqa: ANN401 - JSON is anything
    """Return the row of a change event. Raises DecodeError for anything else."""
    if isinstance(value, dict) and value.keys() == _WITH_SCHEMA:
        value = value["payload"]
    if value is None:
        return ()  # a tombstone
    if not isinstance(value, dict):
        raise DecodeError(f"expected a Debezium change event (op, before, after), got {kind(value)}: {REMEDY}")
    op = value.get("op")
    if isinstance(op, str) and ("after" in value or "before" in value) and "__op" not in value:
        return _event(op, value)
    if _is_no_change(value):
        return ()
    return _flattened(value, record)


def _is_no_change(value: dict[str, Any]) -> bool:
    """Return whether a value is Debezium's, but of DDL, of a transaction, a TRUNCATE or a heartbeat."""
    op = value.get("op")
    without_rows = isinstance(op, str) and op in EVENTS_WITHOUT_ROWS
    if "source" in value and ("ddl" in value or "tableChanges" in value or without_rows):
        return True
    transaction = value.get("status") in ("BEGIN", "END") and "data_collections" in value
    return transaction or (bool(value) and value.keys() <= _HEARTBEAT)


def _event(op: str, value: dict[str, Any]) -> Rows:
    if op in EVENTS_WITHOUT_ROWS:
        return ()
    if op not in DEBEZIUM_OPERATIONS:
        raise DecodeError(
            f"the `op` of a Debezium change event is {', '.join(DEBEZIUM_OPERATIONS)}, t or m, got another: {REMEDY}"
        )
    op = DEBEZIUM_OPERATIONS[op]
    before, after = _row(value, "before"), _row(value, "after")
    if after is None and op in (INSERT, SNAPSHOT):
        raise DecodeError(f"`after` of a Debezium change event with op c or r is the row, got null: {REMEDY}")
    source = value.get("source")
    source = source if isinstance(source, dict) else {}
    table = source.get("table") or source.get("collection")
    change = Change(op, before, table, source.get("ts_ms") or value.get("ts_ms"))
    row = before if op == DELETE else after
    return [(_without_unavailable(row or {}, before), change)]


def _row(value: dict[str, Any], name: str) -> dict[str, Any] | None:
    """Return a row; MongoDB's is JSON text."""
    row = value.get(name)
    found = decode_text(row) if isinstance(row, str) else row
    if found is not None and not isinstance(found, dict):
        raise DecodeError(f"`{name}` of a Debezium change event is a row or null, got {kind(found)}: {REMEDY}")
    if found is None and row is not None:
        raise DecodeError(f"`{name}` of a Debezium change event is a row or null, got text: {REMEDY}")
    return found


def _without_unavailable(row: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
    """Return a row in which a value that the log lacks is what it was before, or missing."""
    if UNAVAILABLE not in row.values():
        return row
    known = {name: each for name, each in (before or {}).items() if each != UNAVAILABLE}
    return {
        name: known.get(name) if each == UNAVAILABLE else each
        for name, each in row.items()
        if each != UNAVAILABLE or name in known
    }


def _flattened(row: dict[str, Any], record: Record) -> Rows:
    added = _added("op", row, record)
    op = DEBEZIUM_OPERATIONS.get(added) if isinstance(added, str) else None
    if op is None and row.get("__deleted") in ("true", True):
        op = DELETE
    if op is None:
        raise DecodeError(
            "expected a Debezium change event (op, before, after) or a flattened row with `__op`, got an object with"
            " neither: set add.fields=op of ExtractNewRecordState, or drop `envelope` of this topic under `decode`"
        )
    ts = _added("source_ts_ms", row, record) or _added("ts_ms", row, record)
    table = _added("table", row, record) or _added("source_table", row, record)
    row = _without_unavailable(row, None)
    return [(row, Change(op, row if op == DELETE else None, table, ts))]


def _added(name: str, row: dict[str, Any], record: Record) -> Any:  # noqa: ANN401 - JSON is anything
    """Return what `add.fields` or `add.headers` of ExtractNewRecordState has added."""
    name = f"__{name}"
    if row.get(name) is not None:
        return row[name]
    for header, data in reversed(record.headers):
        if header == name and data is not None:
            text = data.decode(errors="replace").strip('"')
            return int(text) if _WHOLE.fullmatch(text) else text
    return None

"""Canal's JSON (`canal.mq.flatMessage = true`), which TiCDC, Flink and the transmission services of clouds write too.

    {"type": "UPDATE", "table": "member", "es": 1605490615000, "isDdl": false,
     "data": [{"id": "1", "level": "2"}], "old": [{"level": "1"}]}

`data` has all rows that one statement changed, `old` the former values of the columns that did change. Canal leaves a
row of which none did out of `old`: then it can't be told whose values the others are. Most writers make text of all
values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from connector.core.errors import DecodeError
from connector.decode.envelopes.change import DELETE, INSERT, REMEDY, SNAPSHOT, UPDATE, Change, kind

if TYPE_CHECKING:
    from connector.core.record import Record
    from connector.decode.envelopes.change import Rows

CANAL_OPERATIONS: Final = {"INSERT": INSERT, "UPDATE": UPDATE, "DELETE": DELETE, "INIT": SNAPSHOT}
"""INIT: a full load, by the transmission service (DTS) of Tencent Cloud."""
WITHOUT_ROWS: Final = frozenset(
    {
        *("CREATE", "ALTER", "ERASE", "QUERY", "TRUNCATE", "RENAME", "CINDEX", "DINDEX"),
        *("GTID", "XACOMMIT", "XAROLLBACK", "MHEARTBEAT", "TIDB_WATERMARK"),
    }
)
"""Statements that change no row, and marks."""


def canal(value: Any, record: Record) -> Rows:  # noqa: ANN401 - JSON is anything
    """Return the rows of a Canal message. Raises DecodeError for anything else."""
    del record
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        what = "an object without the text `type`" if isinstance(value, dict) else kind(value)
        raise DecodeError(f"expected a Canal message (type, table, data), got {what}: {REMEDY}")
    if value.get("isDdl") is True or value["type"] in WITHOUT_ROWS:
        return ()
    op = CANAL_OPERATIONS.get(value["type"])
    if op is None:
        raise DecodeError(
            f"the `type` of a Canal message is {', '.join(CANAL_OPERATIONS)} or a statement's, got another: {REMEDY}"
        )
    rows = value.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DecodeError(f"`data` of a Canal message is a list of rows, got {_what_it_is(rows)}: {REMEDY}")
    table, ts = value.get("table"), value.get("es") or value.get("ts")
    befores = _befores(op, rows, value.get("old"))
    return [(row, Change(op, before, table, ts)) for row, before in zip(rows, befores, strict=True)]


def _befores(op: str, rows: list[dict[str, Any]], old: Any) -> list[dict[str, Any] | None]:  # noqa: ANN401 - JSON
    """Return the whole row before the change for each row."""
    if op == DELETE:
        return [*rows]
    if op != UPDATE or not isinstance(old, list) or len(old) != len(rows):
        return [None] * len(rows)
    return [{**row, **was} if isinstance(was, dict) else None for row, was in zip(rows, old, strict=True)]


def _what_it_is(rows: object) -> str:
    if not isinstance(rows, list):
        return kind(rows)
    return f"a list with {next(kind(row) for row in rows if not isinstance(row, dict))}"

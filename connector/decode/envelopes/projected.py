"""The envelopes of JSON in UTF-8, decoded as far as they are read: of a row what the mapping reads, no schema.

An opener gives the same rows as the envelope for what is usual. For anything else it raises an error of any kind; then
the record is decoded as a whole, and the envelope says what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from connector.decode.envelopes.canal import CANAL_OPERATIONS, WITHOUT_ROWS
from connector.decode.envelopes.change import DELETE, UPDATE, Change
from connector.decode.envelopes.debezium import DEBEZIUM_OPERATIONS, EVENTS_WITHOUT_ROWS, UNAVAILABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

Open = Callable[[bytes], Sequence[tuple[Any, Change]]]
"""Returns the rows of a record's value and their changes; none if the value is of no row."""

BuildOpen = Callable[[type[msgspec.Struct], bool], Open]
"""Takes the type of a row, all of whose fields have defaults, and whether the row before the change is read."""

_NULL: Final = msgspec.Raw(b"null")
_decode = msgspec.json.Decoder().decode


def _canal_message(row: Any) -> Any:  # noqa: ANN401 - types
    rows: Any = list[row] | None
    fields: list[tuple[str, Any, Any]] = [("data", rows, None), ("old", msgspec.Raw, _NULL)]
    fields += [(name, Any, None) for name in ("isDdl", "table", "es", "ts")]
    return msgspec.defstruct("CanalMessage", [("type", str), *fields], gc=False)


def _open_canal(row: type[msgspec.Struct], with_before: bool) -> Open:  # noqa: FBT001 - an argument of BuildOpen
    decode = msgspec.json.Decoder(_canal_message(msgspec.Raw if with_before else row)).decode
    decode_row = msgspec.json.Decoder(row).decode

    def open_message(value: bytes) -> Sequence[tuple[Any, Change]]:
        message = decode(value)
        if message.isDdl is True or message.type in WITHOUT_ROWS:
            return ()
        op, table, ts = CANAL_OPERATIONS[message.type], message.table, message.es or message.ts
        if not with_before:
            change = Change(op, None, table, ts)
            return [(each, change) for each in message.data]
        [found] = message.data  # several rows, and what they were, are left to the envelope
        return [(decode_row(found), Change(op, _before_of_canal(op, found, message.old), table, ts))]

    return open_message


def _before_of_canal(op: str, row: msgspec.Raw, old: msgspec.Raw) -> Any:  # noqa: ANN401 - JSON is anything
    if op == DELETE:
        return _decode(row)
    if op != UPDATE or old == _NULL:
        return None
    [was] = _decode(old)
    return {**_decode(row), **was}


class _Skipped(msgspec.Struct):
    """An object of which nothing is read."""


class _Source(msgspec.Struct, gc=False):
    table: Any = None
    collection: Any = None
    ts_ms: Any = None


_NO_SOURCE: Final = _Source()


class _Event(msgspec.Struct, gc=False):
    op: str
    before: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    after: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    source: _Source | None = None
    ts_ms: Any = None
    flattened: Any = msgspec.field(default=msgspec.UNSET, name="__op")


class _WithSchema(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    schema: _Skipped | None
    payload: _Event


def _open_debezium(row: type[msgspec.Struct], with_before: bool) -> Open:  # noqa: FBT001 - an argument of BuildOpen
    decode, decode_row = msgspec.json.Decoder(_Event).decode, msgspec.json.Decoder(row | None).decode
    decode_with_schema = msgspec.json.Decoder(_WithSchema).decode
    unavailable, empty = UNAVAILABLE.encode(), row()

    def open_event(value: bytes) -> Sequence[tuple[Any, Change]]:
        if unavailable in value:
            raise LookupError(UNAVAILABLE)
        event = decode_with_schema(value).payload if value.startswith(b'{"schema"') else decode(value)
        if event.flattened is not msgspec.UNSET or (event.before is msgspec.UNSET and event.after is msgspec.UNSET):
            raise LookupError("__op")
        if event.op in EVENTS_WITHOUT_ROWS:
            return ()
        op = DEBEZIUM_OPERATIONS[event.op]
        before, after = event.before or _NULL, event.after or _NULL
        found, other = decode_row(before if op == DELETE else after), after if op == DELETE else before
        if found is None and event.op in ("c", "r"):
            raise LookupError("after")
        if bytes(memoryview(other)[:1]) not in (b"{", b"n"):
            raise LookupError("before")
        source = event.source or _NO_SOURCE
        known = _decode(before) if with_before else None
        table, ts = source.table or source.collection, source.ts_ms or event.ts_ms
        return [(empty if found is None else found, Change(op, known, table, ts))]

    return open_event


OPENERS: Mapping[str, BuildOpen] = {"canal": _open_canal, "debezium": _open_debezium}
"""By the `envelope` of an entry of `decode`."""

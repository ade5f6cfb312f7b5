"""In what form the values of a topic are: charset, format and envelope, recognised by the bytes alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from connector.core.errors import DecodeError
from connector.core.record import Record
from connector.decode.charsets import CHARSETS
from connector.decode.envelopes import ENVELOPES
from connector.decode.json import decode_json
from connector.decode.schema_ids import PREFIX_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from connector.mapping.json_values import Json

_CANAL: Final = frozenset({"type", "table", "data"})
_MOST: Final = 0.5
"""The share of the records that must look so."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a mapping reads: a value, or a row of a change."""

    value: Json
    message: Json
    """The decoded value; with an envelope, what is around the row."""
    op: str = ""
    """insert, update, delete or snapshot, with an envelope."""


@dataclass(slots=True)
class Shapes:
    """What the values of some records are."""

    rows: list[Row] = field(default_factory=list)
    format: str = "json"
    charset: str = "utf-8"
    envelope: str = ""
    """canal, debezium, or none."""
    tombstones: int = 0
    binary: int = 0
    """Values in the format of a schema registry that are no JSON inside."""
    schema_ids: list[int] = field(default_factory=list)
    undecodable: int = 0
    why: str = ""
    """What is wrong with the first of these."""

    @property
    def entry(self) -> dict[str, str]:
        """The entry of `decode` for the topic; empty if it is JSON in UTF-8."""
        named = {"format": self.format, "charset": self.charset, "envelope": self.envelope}
        return {name: each for name, each in named.items() if each not in {"json", "utf-8", ""}}


def recognise(values: Iterable[bytes | None], decoded: Iterable[Json] = ()) -> Shapes:
    """Return what values are, as the most of them look; what looks otherwise is counted.

    `decoded` are values that are decoded already; None is a tombstone.
    """
    found = Shapes()
    read = _Reading(found)
    for value in values:
        read.add(value)
    given = list(decoded)
    found.tombstones += sum(value is None for value in given)
    read.decoded += [value for value in given if value is not None]
    read.conclude()
    return found


class _Reading:
    """Decodes values one by one, and counts the forms that they have."""

    def __init__(self, found: Shapes) -> None:
        self.decoded: list[Json] = []
        self._found = found
        self._in_registry_format = 0
        self._in_gb18030 = 0

    def add(self, value: bytes | None) -> None:
        """Take a value as it is in Kafka."""
        found = self._found
        if value is None:
            found.tombstones += 1
        elif value[:1] == b"\0" and len(value) > PREFIX_BYTES:
            self._add_of_registry(value)
        else:
            charset = _charset_of(value)
            try:
                self.decoded.append(decode_json(CHARSETS[charset](value)))
                self._in_gb18030 += charset != "utf-8"
            except DecodeError as error:
                found.undecodable += 1
                found.why = found.why or str(error)

    def _add_of_registry(self, value: bytes) -> None:
        found = self._found
        schema_id = int.from_bytes(value[1:PREFIX_BYTES], "big")
        if schema_id not in found.schema_ids:
            found.schema_ids.append(schema_id)
        inside = _inside(value[PREFIX_BYTES:])
        if inside is None:
            found.binary += 1
        else:
            self.decoded.append(inside)
            self._in_registry_format += 1

    def conclude(self) -> None:
        """Say what the most of them are."""
        found, most = self._found, len(self.decoded) * _MOST
        found.format = "json_schema" if self._in_registry_format > most else "json"
        found.charset = "gb18030" if self._in_gb18030 > most else "utf-8"
        found.envelope = _envelope_of(self.decoded)
        found.rows = _rows(self.decoded, found.envelope)


def _inside(data: bytes) -> dict[str, Json] | None:
    """Return the JSON object that follows the schema's id; None if something else does."""
    try:
        value = decode_json(data) if data[:1] == b"{" else None
    except DecodeError:
        return None
    return value if isinstance(value, dict) else None


def _charset_of(value: bytes) -> str:
    """Return gb18030 for what is JSON in it, but no text in UTF-8; else utf-8."""
    try:
        value.decode()
    except UnicodeDecodeError:
        try:
            decode_json(CHARSETS["gb18030"](value))
        except DecodeError:
            return "utf-8"
        return "gb18030"
    return "utf-8"


def _envelope_of(values: Sequence[Json]) -> str:
    looks = Counter(_look_of(value) for value in values)
    found = next((each for each in ENVELOPES if looks[each] > len(values) * _MOST), "")
    return found if found and _rows(values, found) else ""


def _look_of(value: Any) -> str:  # noqa: ANN401 - JSON is anything
    if not isinstance(value, dict):
        return ""
    if value.keys() >= _CANAL and isinstance(value["type"], str):
        return "canal" if isinstance(value["data"], list) or "isDdl" in value else ""
    payload = value["payload"] if value.keys() == {"schema", "payload"} else value
    if not isinstance(payload, dict):
        return ""
    is_event = payload.get("op") in ("c", "u", "d", "r") and payload.keys() >= {"before", "after"}
    return "debezium" if is_event or payload.get("__op") in ("c", "u", "d", "r") else ""


def _rows(values: Sequence[Json], envelope: str) -> list[Row]:
    if not envelope:
        return [Row(value, value) for value in values]
    rows: list[Row] = []
    record = Record("", 0, 0, 0, None, None, ())
    for value in values:
        try:
            rows += [Row(row, value, change.op) for row, change in ENVELOPES[envelope](value, record)]
        except DecodeError:
            continue
    return rows

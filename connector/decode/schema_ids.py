"""The wire format of a schema registry's serializers: which schema a record's value was written with.

The value begins with a zero byte and the schema's number (4 bytes, big-endian); or a header holds the schema's GUID and
the value is nothing but data (Confluent's `header_schema_id_serializer`, since 2025).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from connector.core.errors import DecodeError

if TYPE_CHECKING:
    from connector.core.record import Record

SchemaId = int | UUID
"""A number, or a GUID."""

HEADER: Final = "__value_schema_id"
PREFIX_BYTES: Final = 5
_NUMBER, _GUID = 0, 1
"""What the first byte says about those that follow it."""
_NUMBER_BYTES: Final = 5
_GUID_BYTES: Final = 17


def named(schema_id: SchemaId) -> str:
    """Return `id 7` or `GUID 89791762-…`."""
    return f"id {schema_id}" if isinstance(schema_id, int) else f"GUID {schema_id}"


def schema_id_of(record: Record) -> tuple[SchemaId, int]:
    """Return the id of the schema of a record that is no tombstone, and the position at which its data begin.

    Raises DecodeError if the record names none.
    """
    value = record.value
    assert value is not None  # noqa: S101 - the caller has looked
    for name, content in record.headers:
        if name == HEADER:
            return _of_header(content), 0
    if len(value) > PREFIX_BYTES and value[0] == _NUMBER:
        return int.from_bytes(value[1:PREFIX_BYTES], "big"), PREFIX_BYTES
    raise DecodeError(f"the value is not in the schema registry's format: {_what_is_wrong(value)}")


def _of_header(content: bytes | None) -> SchemaId:
    if content is not None and len(content) == _NUMBER_BYTES and content[0] == _NUMBER:
        return int.from_bytes(content[1:], "big")
    if content is not None and len(content) == _GUID_BYTES and content[0] == _GUID:
        return UUID(bytes=content[1:])
    raise DecodeError(f"the header {HEADER} holds neither the id nor the GUID of a schema")


def _what_is_wrong(value: bytes) -> str:
    if not value:
        return "it is empty"
    if value[0] == _NUMBER:
        return f"it has {len(value)} bytes, and a zero byte, the schema's id (4 bytes) and data were expected"
    hint = "; it looks like plain JSON (format: json)" if value.lstrip()[:1] in {b"{", b"["} else ""
    return f"it does not begin with the zero byte and the schema's id that its serializers write{hint}"

"""What is known of the schemas in a registry, and how records are read by it. Pure: what is missing is only named.

A schema never changes, so what was found stays for the life of the process. That the registry does not have an id
is forgotten after a while: a registry may lag behind the one that the producer uses. Only `forget_unknown` forgets, so
that what was learned for some records is still known when they are read, however long the rest took.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from connector.core.errors import DecodeError
from connector.decode.decoding import FORMATS, Format, entry_of
from connector.decode.schema_ids import PREFIX_BYTES, named, schema_id_of
from connector.settings.models import REGISTRY_FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from connector.core.record import Record
    from connector.decode.decoding import BuildFormat
    from connector.decode.schema_ids import SchemaId
    from connector.settings.models import Decode

ReadData = Callable[[bytes], Any]
"""Returns the value of a record's data: what stands behind the schema's id. Raises DecodeError."""

UNKNOWN_FOR_S: Final = 30.0
_KINDS: Final = {"avro": "AVRO", "json_schema": "JSON"}
"""The registry's name of the schemas of a format."""


@dataclass(frozen=True, slots=True)
class Schema:
    """One schema as it is used."""

    kind: str
    """The registry's name of its kind: AVRO, JSON, PROTOBUF."""
    read: ReadData | None
    """None if it can't be used."""
    problem: str = ""
    """Why it can't be used."""


class Schemas:
    """Lives as long as the process. `clock` is in monotonic seconds."""

    def __init__(self, decode: Mapping[str, Decode], clock: Callable[[], float] = time.monotonic) -> None:
        self._decode = decode
        self._clock = clock
        self._found: dict[SchemaId, Schema] = {}
        self._unknown: dict[SchemaId, float] = {}
        """When this is to be forgotten; in the order of these times."""
        self._prefixes: set[bytes] = set()
        """The first bytes of values whose schema is found: most records need one look at this set."""
        self.formats: Mapping[str, BuildFormat] = {**FORMATS, **{name: self._build(name) for name in REGISTRY_FORMATS}}
        """By the `format` of an entry of `decode`: what reads records by the schemas that are known here."""

    def reads(self, topic: str) -> bool:
        """Return whether records of a topic are read by their schema."""
        key = entry_of(topic, self._decode)
        return key is not None and self._decode[key].format in REGISTRY_FORMATS

    def ready(self, records: Sequence[Record]) -> int:
        """Return how many of the records, from the first on, can be read: the next one's schema must be fetched."""
        prefixes = self._prefixes
        for index, record in enumerate(records):
            if record.value is None or (record.value[:PREFIX_BYTES] in prefixes and not record.headers):
                continue
            if self._missing(record) is not None:
                return index
        return len(records)

    def missing(self, records: Iterable[Record]) -> Iterator[SchemaId]:
        """Yield the ids of the schemas that must be fetched before these records can be read, in their order."""
        return (schema_id for record in records if (schema_id := self._missing(record)) is not None)

    def _missing(self, record: Record) -> SchemaId | None:
        if record.value is None:
            return None
        try:
            schema_id, _ = schema_id_of(record)
        except DecodeError:
            return None  # reading it will say so
        return None if schema_id in self._found or schema_id in self._unknown else schema_id

    def add(self, schema_id: SchemaId, schema: Schema | None) -> None:
        """Store what the registry has answered; None: it has no such schema."""
        if schema is None:
            self._unknown.pop(schema_id, None)
            self._unknown[schema_id] = self._clock() + UNKNOWN_FOR_S
            return
        self._found[schema_id] = schema
        if isinstance(schema_id, int):
            self._prefixes.add(b"\0" + schema_id.to_bytes(4, "big"))

    def forget_unknown(self) -> None:
        """Forget which schemas the registry did not have UNKNOWN_FOR_S ago."""
        while self._unknown and next(iter(self._unknown.values())) <= self._clock():
            del self._unknown[next(iter(self._unknown))]

    def _build(self, name: str) -> BuildFormat:
        def read(record: Record) -> Any:  # noqa: ANN401 - any value of JSON
            read_data, data = self._opened(record, name)
            return read_data(data)

        def body(record: Record) -> bytes:
            return self._opened(record, name)[1]

        return lambda _decode: Format(read, body if name == "json_schema" else None)

    def _opened(self, record: Record, name: str) -> tuple[ReadData, bytes]:
        """Return what reads a record's data, and the data. Raises DecodeError."""
        assert record.value is not None  # noqa: S101 - the caller has looked
        schema_id, start = schema_id_of(record)
        schema = self._found.get(schema_id)
        if schema is None:
            raise DecodeError(f"the schema registry has no schema with {named(schema_id)}")
        if schema.kind != _KINDS[name]:
            raise DecodeError(f"the schema with {named(schema_id)} is {schema.kind}, the topic's format is {name}")
        if schema.read is None:
            raise DecodeError(f"the schema with {named(schema_id)} can't be used: {schema.problem}")
        return schema.read, record.value[start:]

"""Values of records as the commands show them: decoded as the config says, and written as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from connector.core.errors import DecodeError, RegistryError
from connector.decode.decoding import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.core.record import Record
    from connector.decode.registry import SchemaRegistry
    from connector.mapping import CompiledMapping


class Values:
    """Decodes values. `note` is told why a value is shown as it is; `registry` is None if no topic needs one."""

    def __init__(self, mapping: CompiledMapping, registry: SchemaRegistry | None, note: Callable[[str], None]) -> None:
        self._decoding_of = mapping.decodings(FORMATS if registry is None else registry.schemas.formats)
        self._registry = registry
        self._note = note

    def readable(self, record: Record) -> Record:
        """Return the record with its value as JSON; unchanged if it is plain JSON, or can't be decoded. Blocks."""
        decoding = self._decoding_of(record.topic)
        if record.value is None or decoding.plain:
            return record
        try:
            if self._registry is not None:
                self._registry.fetch_now(record)
            value = decoding.read(record)
        except (DecodeError, RegistryError) as error:
            self._note(f"the value is shown as it is: {error}")
            return record
        return record.replace(value=json.dumps(value, ensure_ascii=False).encode())

"""What the tap tells of records and items: masked in the connector's process, as `preview` masks it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from connector.core.record import UNREADABLE_HEADERS
from connector.decode import decode_json
from connector.observe.tapped import target_of
from connector.workbench.masking import Mask
from connector.workbench.tap.hashing import holds, value_hash

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.config.loading import Loaded
    from connector.core.record import Item, Record
    from connector.decode.decoding import BuildFormat
    from connector.observe.tapped import Tapped

LARGEST_BYTES: Final = 64 << 10
"""Of a value that is decoded: the event loop stands still meanwhile, for some milliseconds."""

Data = dict[str, Any]


class TapView:
    """What may be told, as one config says; `formats` decodes the records. Implements `tapped.View`."""

    def __init__(self, loaded: Loaded, formats: Mapping[str, BuildFormat]) -> None:
        config = loaded.config
        self.routes = [route.name for route in config.routes]
        self.targets = list(config.targets)
        self._endpoints = {name: target.endpoint for name, target in config.targets.items()}
        self._mask = Mask(config)
        self._mapping = loaded.mapping
        self._decoding_of = loaded.mapping.decodings(formats)

    def fed_by(self, topic: str) -> tuple[set[str], frozenset[str]]:
        """Return the names of the routes that read a topic, and of the targets that they feed."""
        return {route.name for route in self._mapping.routes_of(topic)}, self._mapping.targets_of(topic)

    def line(self, tapped: Tapped) -> bytes:
        """Return one line of JSON, masked."""
        data = _facts(tapped, self._mask)
        data["endpoint"] = self._endpoints.get(data["target"], "")
        try:
            masked = {**data, "record": self._record(tapped.record), **self._made(tapped.item)}
            return orjson.dumps(masked, option=orjson.OPT_APPEND_NEWLINE)
        except Exception as error:  # noqa: BLE001 - the flow must not end because of what can't be shown
            withheld = {**data, "record": _place(tapped.record), "withheld": type(error).__name__}
            return orjson.dumps(withheld, option=orjson.OPT_APPEND_NEWLINE)

    def holds(self, tapped: Tapped, wanted: str) -> bool | None:
        """Return whether record or item holds a value with this hash; None: the record is too large to be searched."""
        record, item = tapped.record, tapped.item
        try:
            if item is not None and item.body and holds(decode_json(item.body), wanted):
                return True
            if record.key is not None and value_hash(record.key.decode(errors="replace")).startswith(wanted):
                return True
            if record.value is None:
                return False
            return None if len(record.value) > LARGEST_BYTES else holds(self._decoded(record), wanted)
        except Exception:  # noqa: BLE001 - what can't be decoded holds no value
            return False

    def _decoded(self, record: Record) -> Any:  # noqa: ANN401 - JSON is anything
        return self._decoding_of(record.topic).read(record)

    def _record(self, record: Record) -> Data:
        headers = () if record.headers is UNREADABLE_HEADERS else record.headers
        return {
            **_place(record),
            "timestamp": record.timestamp_ms,
            "key": self._mask.bytes(record.key),
            "headers": [[self._mask.sentence(name), self._mask.bytes(data)] for name, data in headers],
            **self._value(record),
        }

    def _value(self, record: Record) -> Data:
        if record.value is None:
            return {"value": None, "decoded": True}
        if len(record.value) > LARGEST_BYTES:
            return {"value": None, "decoded": False, "omitted_bytes": len(record.value)}
        try:
            return {"value": self._mask.value(self._decoded(record)), "decoded": True}
        except Exception:  # noqa: BLE001 - a dead letter says what is wrong with it
            return {"value": self._mask.bytes(record.value), "decoded": False}

    def _made(self, item: Item | None) -> Data:
        if item is None or not item.body:
            return {"item": None, "public_params": None}
        if len(item.body) > LARGEST_BYTES:
            return {"item": None, "public_params": None, "omitted_item_bytes": len(item.body)}
        return {
            "item": self._mask.item(decode_json(item.body)),
            "public_params": self._mask.value(decode_json(item.params)),
        }


def _facts(tapped: Tapped, mask: Mask) -> Data:
    """Return what is no value of the record."""
    item = tapped.item
    failure = None if item is None else item.failure
    return {
        "type": "item",
        "at": datetime.fromtimestamp(tapped.at, UTC).isoformat(timespec="milliseconds"),
        "outcome": tapped.outcome,
        "route": "" if item is None else item.route,
        "target": "" if item is None else target_of(item),
        "endpoint": "",
        "reason": "" if failure is None else failure.reason,
        "field": "" if failure is None else failure.field,
        "detail": mask.sentence(tapped.detail if failure is None else failure.detail),
        "http_status": tapped.http_status if failure is None else failure.http_status,
        "import_batch": tapped.import_batch,
    }


def _place(record: Record) -> Data:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}

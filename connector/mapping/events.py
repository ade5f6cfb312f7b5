"""What every event has: the mapped `eventKey`, and `time` and `uuid`, which are filled in where they are not mapped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from connector.core.record import Record
from connector.mapping.codegen import Call, Value
from connector.mapping.elements import position_of
from connector.mapping.errors import MappingError
from connector.mapping.inspection import report_type
from connector.mapping.json_values import text_form
from connector.mapping.values import compile_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.mapping.json_values import Json
    from connector.mapping.location import Location
    from connector.settings.models import Route
    from connector.tuzhan.endpoints import Endpoint

EventUuid = Callable[[Record], str]

_YEAR_2000_MS = 946_684_800_000
_DAY_MS = 86_400_000
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
"""The 17th digit of a UUID: its two highest bits are 10."""


def compile_event_key(route: Route, endpoint: Endpoint, location: Location) -> Value | None:
    """Compile the event key of a route, or report what is wrong with it; None for endpoints that take no events."""
    if endpoint.kind == "audience":
        if route.event_key is not None:
            message = f"{endpoint.path} takes no events: drop `event_key`"
            location.add(message, "not_for_this_endpoint", at_key=True)
        return None
    if route.event_key is None:
        location.add(f"{endpoint.path} requires an event key", "missing_key")
        return None
    value = compile_value(route.event_key, location)
    report_type(route.event_key, "text", location)
    if value.constant and (isinstance(value.literal, (list, dict)) or not str(value.literal).strip()):
        location.add("expected text for the event key", "wrong_type")
    return value


def event_entries(fields: Mapping[str, Value], event_key: Value, event_uuid: EventUuid) -> dict[str, Value]:
    """Return the fields of an event, those that every event has first."""
    time, own_uuid = fields.get("time"), fields.get("uuid")
    computed = Value(lambda _value, record: event_uuid(record), inlined=Call(event_uuid, ("record",)))
    sent_at = Value(lambda _value, record: record.timestamp_ms, inlined="record.timestamp_ms")
    return {
        "time": sent_at if time is None else time.then(_checked_time, "record"),
        "uuid": computed
        if own_uuid is None
        else own_uuid.then(lambda own, record: own or event_uuid(record), "record"),
        "eventKey": event_key.then(_event_key),
        **{name: value for name, value in fields.items() if name not in ("time", "uuid")},
    }


def _checked_time(time: Json, record: Record) -> Json:
    """Return the mapped time; the Kafka timestamp if it is missing. A wrong unit is a dead letter."""
    sent = record.timestamp_ms
    if time is None:
        return sent
    if time < _YEAR_2000_MS:
        raise MappingError("bad_time", "time", "the time is before 2000: is its unit milliseconds?")
    if sent is not None and time > sent + _DAY_MS:
        detail = "the time is more than a day after the Kafka timestamp: is its unit milliseconds?"
        raise MappingError("bad_time", "time", detail)
    return time


def _event_key(key: Json) -> str:
    text = key if key.__class__ is str else text_form(key)
    if not text or text.isspace():
        raise MappingError("event_key_unmapped", "event_key", "the event key is missing")
    return text


def event_uuids(cluster_id: str, route: str) -> EventUuid:
    """Return a function that computes the uuid of a record's event: 36 characters, version 8 of RFC 9562.

    It is a hash of cluster id, topic, partition, offset, Kafka timestamp, route and index (of the item among those of
    one record and route). So a record that is sent twice carries the same uuid, in any process, and a topic
    that was deleted and created again carries other ones. A keyed hash is prepared once per partition and copied for
    each record: `uuid.uuid5` would take as long as decoding the record.
    """
    prepared: dict[tuple[str, int], hashlib.blake2b] = {}

    def event_uuid(record: Record) -> str:
        topic, partition, offset, timestamp_ms, _key, _value, _headers = record
        state = prepared.get((topic, partition))
        if state is None:
            name = json.dumps([cluster_id, topic, partition, route]).encode()
            key = hashlib.blake2b(name, digest_size=64).digest()
            state = prepared[topic, partition] = hashlib.blake2b(key=key, digest_size=16)
        state = state.copy()
        state.update(b"%d:%d:%d" % (offset, -1 if timestamp_ms is None else timestamp_ms, position_of(record)))
        digits = state.hexdigest()
        variant = _VARIANT[digits[16]]
        return f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    return event_uuid

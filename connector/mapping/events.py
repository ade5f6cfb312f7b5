"""What every event has: the mapped `eventKey`, and `time` and `uuid`, which are filled in where they are not mapped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from connector.core.record import Record
from connector.language.message import message
from connector.mapping.conversions.timestamps import USUAL_MS
from connector.mapping.elements import number_of
from connector.mapping.errors import MappingError
from connector.mapping.expressions import BARE_RECORD, NOT_BLANK, Call, Usual, Value
from connector.mapping.inspection import report_type
from connector.mapping.json_values import text_form
from connector.mapping.plan.event_keys import possible_keys
from connector.mapping.values import compile_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.mapping.json_values import Json
    from connector.mapping.location import Location
    from connector.settings.models import Route
    from connector.tuzhan.endpoints import Endpoint

PLACEHOLDER = "c_todo"
"""How an event key begins that `init` proposes, and that the user has not named yet."""

EventUuid = Callable[[Record, int], str]
"""Returns the uuid of one of a record's events, by the number of its part (`number_of`)."""

_YEAR_2000_MS = 946_684_800_000
_DAY_MS = 86_400_000
_UNUSED_BITS = 64 - 42
_LOW_48_BITS = (1 << 48) - 1
_MAX_KNOWN = 10_000
_MAX_POSITIONS = 100


def compile_event_key(route: Route, endpoint: Endpoint, location: Location) -> Value | None:
    """Compile the event key of a route, or report what is wrong with it; None for endpoints that take no events."""
    if endpoint.kind == "audience":
        if route.event_key is not None:
            told = message("{endpoint} takes no events: drop `event_key`", endpoint=endpoint.path)
            location.add(told, "not_for_this_endpoint", at_key=True)
        return None
    if route.event_key is None:
        location.add(message("{endpoint} requires an event key", endpoint=endpoint.path), "missing_key")
        return None
    value = compile_value(route.event_key, location.of_one_value())
    _report_placeholders(route.event_key, location)
    report_type(route.event_key, "text", location)
    if value.constant and (isinstance(value.literal, (list, dict)) or not str(value.literal).strip()):
        location.add(message("expected text for the event key"), "wrong_type")
    return value


def _report_placeholders(raw: Json, location: Location) -> None:
    """Report event keys that `init` wrote, and that are still to be named: the platform would take them for events."""
    if any(key.startswith(PLACEHOLDER) for key in possible_keys(raw).known):
        at = location.at("map") if isinstance(raw, dict) and "map" in raw else location
        told = message("{placeholder}… stands for an event that is still to be named", placeholder=PLACEHOLDER)
        at.add(told, "suspicious", at_key=True)


def event_entries(fields: Mapping[str, Value], event_key: Value, event_uuid: EventUuid) -> dict[str, Value]:
    """Return the fields of an event, those that every event has first."""
    time, own_uuid = fields.get("time"), fields.get("uuid")
    computed = Value(
        lambda _value, record: event_uuid(record, number_of(record)),
        inlined=Call(event_uuid, (BARE_RECORD, "number")),
    )
    sent_at = Value(lambda _value, record: record.timestamp_ms, inlined="record.timestamp_ms")
    return {
        "time": sent_at if time is None else time.then(_checked_time, "record", usual=_USUAL_TIME),
        "uuid": computed
        if own_uuid is None
        else own_uuid.then(
            lambda own, _value, record: own or event_uuid(record, number_of(record)),
            "value",
            "record",
            usual=Usual(str, "{0}"),
        ),
        "eventKey": _checked_key(event_key),
        **{name: value for name, value in fields.items() if name not in ("time", "uuid")},
    }


_USUAL_TIME = Usual(int, f"{USUAL_MS[0]} <= {{0}} and {{0}} <= (record.timestamp_ms or 0) + {_DAY_MS}")
"""Begins as the usual integer of `as: timestamp` does, so that both are told by the same look."""


def _checked_key(event_key: Value) -> Value:
    if event_key.constant and isinstance(event_key.literal, str) and event_key.literal.strip():
        return event_key
    return event_key.then(_event_key, usual=Usual(str, NOT_BLANK))


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

    The first group is the lower 32 bits of the Kafka timestamp, the last one the lower 48 bits of the offset. Between
    them are 42 bits of a hash of everything else: cluster id, topic, partition, route and the rest of the timestamp, to
    which the index of an item among those of one record and route is added. So a record that is sent twice carries the
    same uuid, in any process, and a topic that was deleted and created again carries other ones. To hash each record
    would take as long as decoding it.
    """
    known: dict[tuple[str, int, int], _Middles] = {}
    last: dict[int, tuple[str, int, str, _Middles]] = {}
    """By partition, what its last record had: its topic, the beginning of its stretch of 2^32 milliseconds, and what
    stands in the middle of its uuids. Records come partition by partition, of few topics."""

    def look_up(topic: str, partition: int, at_ms: int) -> tuple[str, int, str, _Middles]:
        high = at_ms >> 32
        key = topic, partition, high
        if key not in known:
            if len(known) >= _MAX_KNOWN:
                known.clear()
                last.clear()
            name = json.dumps([cluster_id, topic, partition, route, high]).encode()
            known[key] = _Middles(int.from_bytes(hashlib.blake2b(name, digest_size=8).digest()) >> _UNUSED_BITS)
        found = last[partition] = topic, high << 32, known[key][0], known[key]
        return found

    def event_uuid(record: Record, position: int) -> str:
        partition, at_ms = record.partition, record.timestamp_ms
        at_ms = -1 if at_ms is None else at_ms
        topic, begin, middle, middles = last.get(partition) or look_up(record.topic, partition, at_ms)
        if topic != record.topic:
            _, begin, middle, middles = look_up(record.topic, partition, at_ms)
        try:
            first = (at_ms - begin).to_bytes(4)
        except OverflowError:  # another stretch
            _, begin, middle, middles = look_up(record.topic, partition, at_ms)
            first = (at_ms - begin).to_bytes(4)
        if position:
            middle = middles[position]
        end = (record.offset & _LOW_48_BITS).to_bytes(6)
        return f"{first.hex()}{middle}{end.hex()}"  # `hex` takes a third of the time of a % format

    return event_uuid


class _Middles(dict[int, str]):
    """What stands between the first and the last group of a uuid, by position; computed when it is first asked for."""

    def __init__(self, origin: int) -> None:
        super().__init__()
        self._origin = origin

    def __missing__(self, position: int) -> str:
        origin = self._origin + position
        middle = f"-{origin >> 26 & 0xFFFF:04x}-8{origin >> 14 & 0xFFF:03x}-{0x8000 | origin & 0x3FFF:04x}-"
        if position < _MAX_POSITIONS:
            self[position] = middle
        return middle

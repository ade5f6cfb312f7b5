"""One route, compiled: from a decoded record to its item, or to the reason why there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connector.core.record import DEAD_LETTERS, Failure, Item, Record
from connector.mapping.codegen import BodyWriter, Call, completed
from connector.mapping.encode import encode
from connector.mapping.errors import MappingError, SkipItem
from connector.mapping.event_uuid import EventUuid, event_uuids
from connector.mapping.identity import IdentityRule, IdentityWriter, identifier
from connector.mapping.json_values import text_form
from connector.mapping.location import Json
from connector.mapping.parameters import EncodedParams
from connector.mapping.values import Value

if TYPE_CHECKING:
    from connector.mapping.conditions import Condition
    from connector.mapping.parameters import ParamsGetter
    from connector.settings.models import Ordering
    from connector.tuzhan.endpoints import Endpoint

_YEAR_2000_MS = 946_684_800_000
_DAY_MS = 86_400_000

MapRecord = Callable[[Json, Record], Item | None]
"""Makes a route's item of a decoded record; None: not wanted, or skipped. Never raises."""

_new_item = tuple.__new__
"""As Item(…), for a third less: the class's own __new__ is Python code that only passes its arguments on."""


@dataclass(frozen=True, slots=True)
class MappingCounters:
    """What the mapping counts, as it has no other way to tell."""

    skipped: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Items that the config says to skip (`$skip`), by route and target."""
    identity_invalid: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Identities that could not be converted, by route and type."""


@dataclass(frozen=True, slots=True, eq=False)
class CompiledRoute:
    """A route, checked and compiled; `bind` makes the function."""

    name: str
    target: str
    endpoint: Endpoint
    ordering: Ordering
    where: Condition | None
    params: ParamsGetter | EncodedParams
    identity: list[IdentityRule]
    skip_without_identity: bool
    event_key: Value | None
    fields: dict[str, Value]

    def bind(self, cluster_id: str, counters: MappingCounters) -> MapRecord:
        """The function that maps records of this Kafka cluster."""
        route, target, where, params = self.name, self.target, self.where, self.params
        fixed = params if isinstance(params, EncodedParams) else None
        identify, complete = self._identify(counters), self._completer(cluster_id)
        by_key, without_identity = self.ordering == "key", self._without_identity

        def map_record(value: Json, record: Record) -> Item | None:
            try:
                if where is not None and not where(value, record):
                    return None
                json_params, exact = fixed or params(value, record)  # type: ignore[operator] # one or the other
                head: dict[str, Json] = {}
                keys = identify(value, record, head, exact)
                if keys is None:
                    raise without_identity()  # noqa: TRY301 - this function is where both are caught
                body = complete(value, record, head)
                if by_key:
                    keys = _key_of(record)
                return _new_item(Item, (target, route, encode(body), json_params, keys, record, None))
            except SkipItem:
                counters.skipped[route, target] += 1
                return None
            except MappingError as error:
                failure = Failure(error.reason, target, error.field, error.detail)
            except Exception as error:  # noqa: BLE001 - one record must not stop the others; told by its type
                failure = Failure("item_invalid", target, "", f"the mapping raised {type(error).__name__}")
            return Item(DEAD_LETTERS, route, b"", b"", (), record, failure)

        return map_record

    def _without_identity(self) -> Exception:
        if self.skip_without_identity:
            return SkipItem()
        return MappingError("identity_missing", "identity", "no identity line found a value")

    def _identify(self, counters: MappingCounters) -> IdentityWriter:
        route = self.name

        def note(kind: str) -> None:
            counters.identity_invalid[route, kind] += 1

        return identifier(self.identity, self.endpoint, note, ordered=self.ordering == "identity")

    def _completer(self, cluster_id: str) -> BodyWriter:
        """What adds everything but the identities to an item, in the order of the documents' examples."""
        entries = self.fields
        if self.event_key is not None:
            entries = self._event_entries(cluster_id, self.event_key)
            entries |= {name: value for name, value in self.fields.items() if name not in entries}

        def otherwise(value: Json, record: Record, head: dict[str, Json]) -> dict[str, Json]:
            found = {name: entry.get(value, record) for name, entry in entries.items()}
            return head | {name: got for name, got in found.items() if got is not None}

        return completed([(name, entry.expression) for name, entry in entries.items()], otherwise)

    def _event_entries(self, cluster_id: str, event_key: Value) -> dict[str, Value]:
        """What every event has: mapped, or filled in where the route or the record has nothing for it."""
        time, own_uuid = self.fields.get("time"), self.fields.get("uuid")
        event_uuid = event_uuids(cluster_id, self.name)
        filled_in = Value(lambda _value, record: event_uuid(record), path=Call(event_uuid, ("record",)))
        kafkas = Value(lambda _value, record: record.timestamp_ms, path="record.timestamp_ms")
        return {
            "time": kafkas if time is None else time.then(_time, "record"),
            "uuid": filled_in if own_uuid is None else own_uuid.then(_own_or(event_uuid), "record"),
            "eventKey": event_key.then(_event_key),
        }


def _time(time: Json, record: Record) -> Json:
    """The mapped time, if the record has it, else Kafka's."""
    sent = record.timestamp_ms
    if time is None:
        return sent
    if time < _YEAR_2000_MS:
        raise MappingError("bad_time", "time", "before 2000: is its unit milliseconds?")
    if sent is not None and time > sent + _DAY_MS:
        raise MappingError("bad_time", "time", "more than a day after the Kafka timestamp: is its unit right?")
    return time


def _own_or(event_uuid: EventUuid) -> Callable[[Json, Record], Json]:
    return lambda own, record: own or event_uuid(record)


def _event_key(key: Json) -> str:
    text = key if key.__class__ is str else text_form(key)
    if not text or text.isspace():
        raise MappingError("event_key_unmapped", "event_key", "no event key was found for this record")
    return text


def _key_of(record: Record) -> tuple[str, ...]:
    return () if record.key is None else (f"{record.topic}\n{record.key.decode('latin-1')}",)

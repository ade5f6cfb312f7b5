"""One compiled route: from a decoded record to its item, or to the reason why there is none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connector.core.record import DEAD_LETTERS, Failure, Item, Record
from connector.mapping.codegen import BodyWriter, generate_body
from connector.mapping.elements import ElementRecord, position_of
from connector.mapping.errors import MappingError, SkipItem
from connector.mapping.events import event_entries, event_uuids
from connector.mapping.identity import identity_writer, without_identity
from connector.mapping.json_values import Json, encode
from connector.mapping.parameters import EncodedParams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.mapping.codegen import Value
    from connector.mapping.identity import IdentityRule, IdentityWriter
    from connector.mapping.operators import Condition
    from connector.mapping.parameters import ParamsGetter
    from connector.mapping.splitting import Split
    from connector.settings.models import Ordering
    from connector.tuzhan.endpoints import Endpoint

MapRecord = Callable[[Json, Record], list[Item]]
"""Returns a route's items for a decoded record; none if the record is not wanted or skipped. Never raises."""

_new_item = tuple.__new__
"""Does the same as Item(…) in two thirds of the time: the class's own __new__ is a Python function."""


@dataclass(frozen=True, slots=True)
class MappingCounters:
    """What the mapping counts because no item tells it."""

    skipped: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Items that the config skips (`$skip`), by route and target."""
    identity_invalid: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Identities that could not be converted, by route and type."""


@dataclass(frozen=True, slots=True, eq=False)
class CompiledRoute:
    """A route after the check; `bind` returns the function that maps records."""

    name: str
    topics: Sequence[str]
    """Names, or patterns that begin with ^."""
    target: str
    endpoint: Endpoint
    ordering: Ordering
    split: Split | None
    """None: a record gives one item."""
    where: Condition | None
    """On each item."""
    params: ParamsGetter | EncodedParams
    identity: list[IdentityRule]
    skip_without_identity: bool
    event_key: Value | None
    fields: dict[str, Value]

    def reads(self, topic: str) -> bool:
        """Return whether the route reads records of a topic."""
        return any(re.match(each, topic) is not None if each.startswith("^") else each == topic for each in self.topics)

    def bind(self, cluster_id: str, counters: MappingCounters) -> MapRecord:
        """Return the function that maps records of a Kafka cluster."""
        route, target, where, params = self.name, self.target, self.where, self.params
        fixed = params if isinstance(params, EncodedParams) else None
        identify, complete = self._identity_writer(counters), self._body_writer(cluster_id)
        by_key = self.ordering == "key"

        def map_item(value: Json, record: Record) -> list[Item]:
            try:
                if where is not None and not where(value, record):
                    return []
                json_params, exact = fixed or params(value, record)  # type: ignore[operator] # one or the other
                head: dict[str, Json] = {}
                keys = identify(value, record, head, exact)
                if keys is None:
                    raise self._without_identity(value, record)  # noqa: TRY301 - both are caught below
                body = complete(value, record, head)
                if by_key:
                    keys = _key_of(record)
                return [_new_item(Item, (target, route, encode(body), json_params, keys, record, None))]
            except Exception as error:  # noqa: BLE001 - one record must not stop the others; its type is reported
                return self._without_item(error, record, counters)

        return map_item if self.split is None else self._map_each(self.split, map_item, counters)

    def _map_each(self, split: Split, map_item: MapRecord, counters: MappingCounters) -> MapRecord:
        """Return the function that makes the items of a record one by one: one that fails leaves the others alone."""

        def map_record(value: Json, record: Record) -> list[Item]:
            try:
                parts = split(value, record)
            except Exception as error:  # noqa: BLE001 - as above
                return self._without_item(error, record, counters)
            return [item._replace(record=record) for part, of in parts for item in map_item(part, of)]

        return map_record

    def _without_item(self, error: Exception, record: Record, counters: MappingCounters) -> list[Item]:
        """Return what becomes of a record, or an element, that has no item: a dead letter, or nothing if skipped."""
        match error:
            case SkipItem():
                counters.skipped[self.name, self.target] += 1
                return []
            case MappingError():
                detail = error.detail
                if record.__class__ is ElementRecord:
                    detail = f"element {position_of(record)} of the list: {detail}"
                failure = Failure(error.reason, self.target, error.field, detail)
            case _:
                failure = Failure("item_invalid", self.target, "", f"the mapping raised {type(error).__name__}")
        return [Item(DEAD_LETTERS, self.name, b"", b"", (), record, failure)]

    def _without_identity(self, value: Json, record: Record) -> Exception:
        if self.skip_without_identity:
            return SkipItem()
        return MappingError("identity_missing", "identity", without_identity(self.identity, value, record))

    def _identity_writer(self, counters: MappingCounters) -> IdentityWriter:
        def count_invalid(kind: str) -> None:
            counters.identity_invalid[self.name, kind] += 1

        return identity_writer(self.identity, self.endpoint, count_invalid, ordered=self.ordering == "identity")

    def _body_writer(self, cluster_id: str) -> BodyWriter:
        """Return what appends everything except the identities, in the order of the documents' examples."""
        entries = self.fields
        if self.event_key is not None:
            entries = event_entries(self.fields, self.event_key, event_uuids(cluster_id, self.name))

        def otherwise(value: Json, record: Record, head: dict[str, Json]) -> dict[str, Json]:
            found = {name: entry.get(value, record) for name, entry in entries.items()}
            return head | {name: got for name, got in found.items() if got is not None}

        return generate_body([(name, entry.expression) for name, entry in entries.items()], otherwise)


def _key_of(record: Record) -> tuple[str, ...]:
    return () if record.key is None else (f"{record.topic}\n{record.key.decode('latin-1')}",)

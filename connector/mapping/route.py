"""One compiled route: from a decoded record to its item, or to the reason why there is none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from connector.core.record import DEAD_LETTERS, Failure, Item, Record
from connector.mapping.codegen import BodyWriter, generate_body
from connector.mapping.elements import ElementRecord
from connector.mapping.errors import MappingError, SkipItem
from connector.mapping.events import event_entries, event_uuids
from connector.mapping.identity import identity_writer, without_identity
from connector.mapping.json_values import Json, encode, not_encoded
from connector.mapping.parameters import EncodedParams

if TYPE_CHECKING:
    from connector.mapping.expressions import Value
    from connector.mapping.identity import IdentityRule
    from connector.mapping.lookup import Path
    from connector.mapping.parameters import ParamsGetter
    from connector.mapping.splitting import Split
    from connector.settings.models import Ordering
    from connector.tuzhan.endpoints import Endpoint

ENCODING = "(encoding)"
"""Stands for the field where an item is encoded."""

MapRecord = Callable[[Json, Record], list[Item]]
"""Returns a route's items for a decoded record; none if the record is not wanted or skipped. Never raises."""

MapTopic = Callable[[Record], Sequence[Item]]
"""Returns the items of a record. Never raises."""


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
    where: Value | None
    """On each item: true or false."""
    params: ParamsGetter | EncodedParams
    identity: list[IdentityRule]
    skip_without_identity: bool
    event_key: Value | None
    fields: dict[str, Value]
    element: Path | None
    """Where the elements of `for_each` are, if it names a list of the record."""
    varying: frozenset[str]
    """What depends on the element of `for_each`: names of fields, and identity, public_params and event_key."""
    paths: frozenset[Path]
    """What the route reads of decoded records."""
    reads_before: bool
    """Whether it reads `$change.before`."""

    def reads(self, topic: str) -> bool:
        """Return whether the route reads records of a topic."""
        return any(re.match(each, topic) is not None if each.startswith("^") else each == topic for each in self.topics)

    def bind(self, cluster_id: str, counters: MappingCounters) -> BoundRoute:
        """Return the route, ready to map records of a Kafka cluster."""
        return BoundRoute(self, cluster_id, counters)


class BoundRoute:
    """A route that maps records of one Kafka cluster."""

    def __init__(self, route: CompiledRoute, cluster_id: str, counters: MappingCounters) -> None:
        self.route = route
        self._counters = counters
        self.fixed = route.params if isinstance(route.params, EncodedParams) else None
        """The publicParams, if they are the same for every record."""
        self.entries = dict(route.fields)
        """Everything in an item except the identities, in the order of the documents' examples."""
        if route.event_key is not None:
            self.entries = event_entries(route.fields, route.event_key, event_uuids(cluster_id, route.name))
        ordered = route.ordering == "identity"
        self.identify = identity_writer(route.identity, route.endpoint, self.count_invalid, ordered=ordered)
        self.key_of = _key_of
        self._complete: BodyWriter = generate_body(
            [(name, entry.expression) for name, entry in self.entries.items()], self._complete_anything
        )
        self._where = None if route.where is None else route.where.get

    def map(self, value: Json, record: Record) -> list[Item]:
        """Return the items for a decoded record; none if it is not wanted or skipped. Never raises."""
        if self.route.split is None:
            return self._map_item(value, record)
        return self.split_by(value, record, self._map_item)

    def _map_item(self, value: Json, record: Record) -> list[Item]:
        route, where, params = self.route, self._where, self.route.params
        try:
            if where is not None and not where(value, record):
                return []
            json_params, exact = self.fixed or params(value, record)  # type: ignore[operator] # one or the other
            head: dict[str, Json] = {}
            keys = self.identify(value, record, head, exact)
            if keys is None:
                raise self.without_identity(value, record)  # noqa: TRY301 - both are caught below
            body = self._complete(value, record, head)
            if route.ordering == "key":
                keys = _key_of(record)
            return [Item(route.target, route.name, encode(body), json_params, keys, record)]
        except Exception as error:  # noqa: BLE001 - one record must not stop the others; its type is reported
            return self.without_item(
                error, record, position=record.position if isinstance(record, ElementRecord) else None
            )

    def split_by(self, value: Json, record: Record, map_item: MapRecord) -> list[Item]:
        """Return the items of a record, made one by one: one that fails leaves the others alone."""
        assert self.route.split is not None  # noqa: S101 - the caller has looked
        try:
            parts = self.route.split(value, record)
        except Exception as error:  # noqa: BLE001 - as above
            return self.without_item(error, record)
        return [
            item.replace(record=record, element=of.position if isinstance(of, ElementRecord) else None)
            for part, of in parts
            for item in map_item(part, of)
        ]

    def without_item(
        self, error: Exception, record: Record, field: str = "", position: int | None = None
    ) -> list[Item]:
        """Return what becomes of a record that has no item: a dead letter, or nothing if skipped.

        `field` is what was being computed, if that is known; an error that names its field knows better. `position` is
        that of the element which has no item.
        """
        name, target = self.route.name, self.route.target
        if field == ENCODING:
            error, field = not_encoded(error), ""
        match error:
            case SkipItem():
                self._counters.skipped[name, target] += 1
                return []
            case MappingError():
                detail = error.detail if position is None else f"element {position} of the list: {error.detail}"
                failure = Failure(error.reason, target, error.field, str(detail))  # what is stored is English
            case _:
                failure = Failure("item_invalid", target, field, f"the mapping raised {type(error).__name__}")
        return [Item(DEAD_LETTERS, name, b"", b"", (), record, failure, position)]

    def without_identity(self, value: Json, record: Record) -> Exception:
        """Return what to raise for a record without an identity."""
        if self.route.skip_without_identity:
            return SkipItem()
        return MappingError("identity_missing", "identity", without_identity(self.route.identity, value, record))

    def count_invalid(self, kind: str) -> None:
        """Count an identity that could not be converted."""
        self._counters.identity_invalid[self.route.name, kind] += 1

    def _complete_anything(self, value: Json, record: Record, head: dict[str, Json]) -> dict[str, Json]:
        found = {name: entry.get(value, record) for name, entry in self.entries.items()}
        return head | {name: got for name, got in found.items() if got is not None}


def _key_of(record: Record) -> tuple[str, ...]:
    return () if record.key is None else (f"{record.topic}\n{record.key.decode('latin-1')}",)


def of_row(item: Item, record: Record, row: int) -> Item:
    """Return an item of a row of a change that has several, which says so."""
    failure = item.failure
    if failure is not None:
        failure = replace(failure, detail=f"row {row} of the change: {failure.detail}")
    return item.replace(record=record, row=row, failure=failure)

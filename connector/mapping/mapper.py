"""The compiled mapping, and the mapper that applies it to records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.errors import DecodeError
from connector.core.record import DEAD_LETTERS, Failure, Item, Record
from connector.decode import decode_json
from connector.mapping.route import CompiledRoute, MappingCounters, MapRecord

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

_MAX_CACHED_TOPICS = 10_000


class CompiledMapping:
    """The compiled routes of a config. Immutable, but for what they count."""

    def __init__(self, routes: Sequence[CompiledRoute], omitted: Counter[tuple[str, str]]) -> None:
        self._routes = tuple(routes)
        self.omitted = omitted
        """Values that `on_error: omit` left out, by route and field; only increases."""
        self.topics: tuple[str, ...] = tuple(dict.fromkeys(topic for route in routes for topic in route.topics))
        """What to subscribe to: names and ^patterns, as in the file, without repetitions."""

    def targets_of(self, topic: str) -> frozenset[str]:
        """Return the targets that records of a topic may feed (the dead letters are not among them)."""
        return frozenset(route.target for route in self.routes_of(topic))

    def routes_of(self, topic: str) -> tuple[CompiledRoute, ...]:
        """Return the routes that read a topic, in the order of the file."""
        return tuple(route for route in self._routes if route.reads(topic))

    def mapper(self, cluster_id: str) -> Mapper:
        """Return a mapper for records of a Kafka cluster; the id becomes part of the events' uuids."""
        return Mapper(self, cluster_id)


class Mapper:
    """Maps records, one at a time: the hot path. No I/O; the same record always gives the same items."""

    def __init__(self, mapping: CompiledMapping, cluster_id: str) -> None:
        self._mapping = mapping
        self._cluster_id = cluster_id
        self._counters = MappingCounters()
        self._bound: dict[CompiledRoute, MapRecord] = {}
        self._by_topic: dict[str, tuple[MapRecord, ...]] = {}

    @property
    def skipped(self) -> Counter[tuple[str, str]]:
        """Items that the config skips (`$skip`), by route and target; only increases."""
        return self._counters.skipped

    @property
    def identity_invalid(self) -> Counter[tuple[str, str]]:
        """Identities that could not be converted, by route and type; only increases."""
        return self._counters.identity_invalid

    @property
    def omitted(self) -> Counter[tuple[str, str]]:
        """Values that could not be converted and were left out, by route and field; only increases."""
        return self._mapping.omitted

    def items(self, record: Record) -> Sequence[Item]:
        """Return the items of a record in the order of the routes; none if it is skipped, as every tombstone is.

        A failed mapping is an item too, addressed to the dead letters. Never raises.
        """
        routes = self._by_topic.get(record.topic)
        if routes is None:
            routes = self._routes_of(record.topic)
        if record.value is None or not routes:
            return ()
        try:
            value = decode_json(record.value)
        except DecodeError as error:
            failure = Failure("decode_failed", detail=str(error))
            return (Item(DEAD_LETTERS, "", b"", b"", (), record, failure),)
        if len(routes) == 1:
            return routes[0](value, record)
        return [item for map_record in routes for item in map_record(value, record)]

    def items_of_route(self, record: Record, route: CompiledRoute) -> Sequence[Item]:
        """Return what `items` returns of one route alone: for a record of which only that route failed before."""
        if record.value is None:
            return ()
        try:
            return self._bind(route)(decode_json(record.value), record)
        except DecodeError as error:
            failure = Failure("decode_failed", detail=str(error))
            return (Item(DEAD_LETTERS, route.name, b"", b"", (), record, failure),)

    def _routes_of(self, topic: str) -> tuple[MapRecord, ...]:
        if len(self._by_topic) >= _MAX_CACHED_TOPICS:
            self._by_topic.clear()
        routes = tuple(self._bind(route) for route in self._mapping.routes_of(topic))
        self._by_topic[topic] = routes
        return routes

    def _bind(self, route: CompiledRoute) -> MapRecord:
        bound = self._bound.get(route)
        if bound is None:
            bound = self._bound[route] = route.bind(self._cluster_id, self._counters)
        return bound

"""The compiled mapping, and the mapper that applies it to records."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.core.errors import DecodeError
from connector.core.record import DEAD_LETTERS, Failure, Item, Record
from connector.decode import decode_json
from connector.mapping.route import CompiledRoute, MappingCounters, MapRecord

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from connector.settings.models import Ordering

_REMEMBERED_TOPICS = 10_000


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A route and the topics that it reads: names, or patterns that begin with ^."""

    topics: Sequence[str]
    route: CompiledRoute

    def reads(self, topic: str) -> bool:
        """Whether records of this topic are for the route."""
        return any(re.match(each, topic) is not None if each.startswith("^") else each == topic for each in self.topics)


class CompiledMapping:
    """Everything of the config that says which records become what. Immutable."""

    def __init__(self, routes: Sequence[Subscribed]) -> None:
        self._routes = tuple(routes)
        self.topics: tuple[str, ...] = tuple(dict.fromkeys(topic for each in routes for topic in each.topics))
        """What to subscribe to: names and ^patterns, as in the file, each once."""

    def targets_of(self, topic: str) -> frozenset[str]:
        """The targets that records of this topic may feed (the dead letters not counted)."""
        return frozenset(each.route.target for each in self.routes_of(topic))

    def routes_of(self, topic: str) -> tuple[Subscribed, ...]:
        """The routes that read this topic, in the order of the file."""
        return tuple(each for each in self._routes if each.reads(topic))

    def ordering_of(self, target: str) -> Ordering:
        """What this target's items must not overtake; `none` for one that no route feeds."""
        return next((each.route.ordering for each in self._routes if each.route.target == target), "none")

    def mapper(self, cluster_id: str) -> Mapper:
        """A mapper for records of the Kafka cluster of that id, which goes into the uuids of events."""
        return Mapper(self, cluster_id)


class Mapper:
    """Maps records, one at a time: the hot path. No I/O, and the same items for the same record always."""

    def __init__(self, mapping: CompiledMapping, cluster_id: str) -> None:
        self._mapping = mapping
        self._cluster_id = cluster_id
        self._counters = MappingCounters()
        self._bound: dict[CompiledRoute, MapRecord] = {}
        self._by_topic: dict[str, tuple[MapRecord, ...]] = {}

    @property
    def skipped(self) -> Counter[tuple[str, str]]:
        """Items skipped because the config says `$skip`, by route and target; only grows."""
        return self._counters.skipped

    @property
    def identity_invalid(self) -> Counter[tuple[str, str]]:
        """Identities that could not be converted, by route and type; only grows."""
        return self._counters.identity_invalid

    def items(self, record: Record) -> Sequence[Item]:
        """What a record becomes, in the order of the routes; nothing: it is skipped (so is every tombstone).

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
            item = routes[0](value, record)
            return [] if item is None else [item]
        return [item for map_record in routes if (item := map_record(value, record)) is not None]

    def _routes_of(self, topic: str) -> tuple[MapRecord, ...]:
        if len(self._by_topic) >= _REMEMBERED_TOPICS:
            self._by_topic.clear()
        routes = tuple(self._bind(each.route) for each in self._mapping.routes_of(topic))
        self._by_topic[topic] = routes
        return routes

    def _bind(self, route: CompiledRoute) -> MapRecord:
        bound = self._bound.get(route)
        if bound is None:
            bound = self._bound[route] = route.bind(self._cluster_id, self._counters)
        return bound

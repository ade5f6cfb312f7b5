"""The compiled mapping, and the mapper that applies it to records."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from connector.core.errors import DecodeError
from connector.core.record import DEAD_LETTERS, Failure, Item, Record
from connector.decode.decoding import FORMATS, Decoding, decodings
from connector.mapping.elements import at_row
from connector.mapping.generated import change_source, load, topic_source
from connector.mapping.route import BoundRoute, CompiledRoute, MappingCounters, MapTopic, of_row

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping, Sequence

    from connector.decode.decoding import BuildFormat
    from connector.decode.envelopes import Envelope
    from connector.mapping.generated.source import TopicSource
    from connector.mapping.json_values import Json
    from connector.mapping.route import MapRecord
    from connector.settings.models import Decode

_MAX_CACHED_TOPICS = 10_000


class CompiledMapping:
    """The compiled routes of a config. Immutable, but for what they count."""

    def __init__(
        self, routes: Sequence[CompiledRoute], omitted: Counter[tuple[str, str]], decode: Mapping[str, Decode]
    ) -> None:
        self.routes = tuple(routes)
        self._decode = decode
        self.omitted = omitted
        """Values that `on_error: omit` left out, by route and field; only increases."""
        self.topics: tuple[str, ...] = tuple(dict.fromkeys(topic for route in routes for topic in route.topics))
        """What to subscribe to: names and ^patterns, as in the file, without repetitions."""

    def targets_of(self, topic: str) -> frozenset[str]:
        """Return the targets that records of a topic may feed (the dead letters are not among them)."""
        return frozenset(route.target for route in self.routes_of(topic))

    def routes_of(self, topic: str) -> tuple[CompiledRoute, ...]:
        """Return the routes that read a topic, in the order of the file."""
        return tuple(route for route in self.routes if route.reads(topic))

    def decodings(self, formats: Mapping[str, BuildFormat] = FORMATS) -> Callable[[str], Decoding]:
        """Return what finds the decoding of a topic."""
        return decodings(self._decode, formats)

    def mapper(
        self, cluster_id: str, *, projected: bool = True, formats: Mapping[str, BuildFormat] = FORMATS
    ) -> Mapper:
        """Return a mapper for records of a Kafka cluster; the id becomes part of the events' uuids.

        Without `projected`, all records go the general way, which gives the same items and takes longer. `formats`
        has each format that the config uses.
        """
        return Mapper(self, cluster_id, self.decodings(formats), projected=projected)


class Mapper:
    """Maps records, one at a time: the hot path. No I/O; the same record always gives the same items."""

    def __init__(
        self,
        mapping: CompiledMapping,
        cluster_id: str,
        decoding_of: Callable[[str], Decoding],
        *,
        projected: bool = True,
    ) -> None:
        self._mapping = mapping
        self._decoding_of = decoding_of
        self._projected = projected
        self._cluster_id = cluster_id
        self._counters = MappingCounters()
        self._bound: dict[CompiledRoute, BoundRoute] = {}
        self._by_topic: dict[str, MapTopic] = {}
        self._by_routes: dict[tuple[Decoding, tuple[BoundRoute, ...]], MapTopic] = {}
        """Many topics that a pattern matches have the same routes, and share what is generated for them."""

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

    def count_on(self, earlier: Mapper) -> None:
        """Begin all counts where those of another mapper have ended, which must not be used any more."""
        for mine, its in (
            (self.skipped, earlier.skipped),
            (self.identity_invalid, earlier.identity_invalid),
            (self.omitted, earlier.omitted),
        ):
            mine.update(its)

    def items(self, record: Record) -> Sequence[Item]:
        """Return the items of a record in the order of the routes; none if it is skipped, as every tombstone is.

        A failed mapping is an item too, addressed to the dead letters. Never raises.
        """
        map_topic = self._by_topic.get(record.topic)
        return map_topic(record) if map_topic is not None else self._prepare(record.topic)(record)

    def of_topic(self, topic: str) -> MapTopic:
        """Return the function that maps the records of a topic as `items` does."""
        return self._by_topic.get(topic) or self._prepare(topic)

    def source(self, topic: str) -> str:
        """Return the generated source that maps the records of a topic; empty if they go the general way."""
        decoding, routes = self._decoding_of(topic), self._routes_of(topic)
        source = self._source(decoding, routes, _generally(routes, decoding)) if routes else None
        return "" if source is None else "\n".join(source.lines).lstrip("\n") + "\n"

    def items_of_value(self, value: Json, record: Record) -> Sequence[Item]:
        """Return the items of a value that is decoded already, by the general way; `record` says where it came from."""
        try:
            maps = [route.map for route in self._routes_of(record.topic)]
            return _items(maps, value, record, self._envelope_of(record))
        except Exception as error:  # noqa: BLE001 - one record must not stop the others
            return _undecodable(record, "", error)

    def items_of_route(self, record: Record, route: CompiledRoute) -> Sequence[Item]:
        """Return what `items` returns of one route alone: for a record of which only that route failed before."""
        if record.value is None:
            return ()
        try:
            value = self._decoding_of(record.topic).read(record)
            return _items([self._bind(route).map], value, record, self._envelope_of(record))
        except Exception as error:  # noqa: BLE001 - one record must not stop the others
            return _undecodable(record, route.name, error)

    def _envelope_of(self, record: Record) -> Envelope | None:
        return self._decoding_of(record.topic).envelope

    def _prepare(self, topic: str) -> MapTopic:
        if len(self._by_topic) >= _MAX_CACHED_TOPICS:
            self._by_topic.clear()
        decoding, routes = self._decoding_of(topic), self._routes_of(topic)
        map_topic = self._by_routes.get((decoding, routes))
        if map_topic is None:
            map_topic = self._by_routes[decoding, routes] = self._map_topic(decoding, routes)
        self._by_topic[topic] = map_topic
        return map_topic

    def _map_topic(self, decoding: Decoding, routes: Sequence[BoundRoute]) -> MapTopic:
        if not routes:
            return lambda _record: ()
        general = _generally(routes, decoding)
        source = self._source(decoding, routes, general) if self._projected else None
        return general if source is None else load(source)

    def _source(self, decoding: Decoding, routes: Sequence[BoundRoute], general: MapTopic) -> TopicSource | None:
        if decoding.build_open is not None:
            return change_source(routes, general, decoding.build_open, decoding.body)
        if not decoding.is_json or decoding.envelope is not None:
            return None
        refused = _generally(routes, replace(decoding, read=decoding.read_refused))
        return topic_source(routes, general, refused, decoding.body)

    def _routes_of(self, topic: str) -> tuple[BoundRoute, ...]:
        return tuple(self._bind(route) for route in self._mapping.routes_of(topic))

    def _bind(self, route: CompiledRoute) -> BoundRoute:
        bound = self._bound.get(route)
        if bound is None:
            bound = self._bound[route] = route.bind(self._cluster_id, self._counters)
        return bound


def _generally(routes: Sequence[BoundRoute], decoding: Decoding) -> MapTopic:
    """Return the general way of a topic: the record is decoded as a whole."""
    maps, read, envelope = [route.map for route in routes], decoding.read, decoding.envelope

    def map_topic(record: Record) -> Sequence[Item]:
        if record.value is None:
            return ()
        try:
            return _items(maps, read(record), record, envelope)
        except Exception as error:  # noqa: BLE001 - one record must not stop the others
            return _undecodable(record, "", error)

    return map_topic


def _items(maps: Sequence[MapRecord], value: Json, record: Record, envelope: Envelope | None) -> list[Item]:
    """Return the items of a decoded value, route by route, row by row. Raises DecodeError."""
    if envelope is None:
        return [item for map_record in maps for item in map_record(value, record)]
    rows = envelope(value, record)
    parts = [(row, at_row(record, change, number)) for number, (row, change) in enumerate(rows)]
    made = ((part, item) for map_row in maps for row, part in parts for item in map_row(row, part))
    if len(parts) == 1:
        return [item.replace(record=record) for _, item in made]
    return [of_row(item, record, part.row) for part, item in made]


def _undecodable(record: Record, route: str, error: Exception) -> Sequence[Item]:
    detail = str(error) if isinstance(error, DecodeError) else f"the decoding raised {type(error).__name__}"
    return (Item(DEAD_LETTERS, route, b"", b"", (), record, Failure("decode_failed", detail=detail)),)

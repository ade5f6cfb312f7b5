"""What must become of each record, computed without the connector's own books, and compared with what the sinks saw."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.core.record import DEAD_LETTERS, Item, TopicPartition
from tests.support.builders import TOPIC, item, unmappable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from connector.core.ledger import Lease
    from connector.core.progress import Progress
    from connector.core.record import Record
    from tests.support.fake_source import FakeSource
    from tests.support.storm_sink import StormSink

EVENTS, TAGS = "events", "tags"


class PlanMapper:
    """Reads a record's value as its plan: one letter per item (e: event, t: tag, d: dead letter).

    Example: `b"et"` becomes an event and a tag; `b""` is skipped.
    """

    def of_topic(self, _: str) -> Callable[[Record], Sequence[Item]]:
        return self.items

    def items(self, record: Record) -> Sequence[Item]:
        return [self._item(record, letter, place) for place, letter in enumerate((record.value or b"").decode())]

    def _item(self, record: Record, letter: str, place: int) -> Item:
        if letter == "d":
            return unmappable(record)
        body = b"%d/%d/%d" % (record.partition, record.offset, place)
        if letter == "e":
            return item(record, target=EVENTS, body=body)
        params = b"add" if record.offset % 3 else b"delete"
        return item(record, target=TAGS, keys=[_key(record.partition, record.offset)], params=params, body=body)


def _key(partition: int, offset: int) -> str:
    return f"customer-{partition}-{offset % 4}"


@dataclass(frozen=True)
class Stored:
    """An item at its end: in a target, or in the dead letters."""

    partition: TopicPartition
    offset: int
    target: str
    body: bytes


class Oracle:
    """Knows the plans of all records and what the sinks have settled."""

    def __init__(self, sinks: Mapping[str, StormSink], source: FakeSource, mapper: PlanMapper) -> None:
        self._sinks = sinks
        self._source = source
        self._mapper = mapper

    def stored(self) -> Counter[Stored]:
        """Return the items that have reached their end, and how often each did."""
        found: Counter[Stored] = Counter()
        for name, sink in self._sinks.items():
            for one in sink.settled:
                if not self._is_refused(name, one):
                    source = one.record
                    found[Stored(TopicPartition(TOPIC, source.partition), source.offset, name, one.body)] += 1
        return found

    def expected(self, source: Record) -> set[Stored]:
        """Return where the items of a record must end."""
        partition = TopicPartition(TOPIC, source.partition)
        expected = set()
        for one in self._mapper.items(source):
            target = DEAD_LETTERS if self._is_refused(one.target, one) else one.target
            expected.add(Stored(partition, source.offset, target, one.body))
        return expected

    def _is_refused(self, target: str, item: Item) -> bool:
        """Whether an item that a target has settled goes on to the dead letters."""
        return target != DEAD_LETTERS and item.record.offset in self._sinks[target].trouble.poison

    def check_commit(self, lease: Lease, progress: Progress) -> None:
        """Assert that a commit covers no record with an item that has not reached its end."""
        stored = self.stored()
        for source in self._source.logs[lease.partition].records:
            if source.offset < progress.offset or any(source.offset in one for one in progress.ahead):
                assert self.expected(source) <= stored.keys(), f"{progress} committed: {source.offset} has not ended"

    def check_nothing_is_lost(self) -> None:
        """Assert that every item of every record has reached its end."""
        stored = self.stored()
        for log in self._source.logs.values():
            for source in log.records:
                assert self.expected(source) <= stored.keys(), f"{source.offset} was lost"

    def check_order(self) -> None:
        """Assert that items with a common key first ended in the order of their log; repeats do not count."""
        firsts = list(dict.fromkeys(one.body for one in self._sinks[TAGS].settled))
        last: dict[str, tuple[int, int]] = {}
        for body in firsts:
            partition, offset, place = map(int, body.split(b"/"))
            key = _key(partition, offset)
            assert last.get(key, (-1, -1)) < (offset, place), f"{body!r} was overtaken"
            last[key] = (offset, place)

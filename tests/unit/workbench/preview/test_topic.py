"""Which records of a topic are previewed, with a reader that stands in for Kafka's."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from connector.core.record import Record
from connector.kafka.topic_reader import Range, TopicReader
from connector.runtime.progress import Progress, Shown
from connector.workbench.preview import topic
from connector.workbench.preview.topic import read_topic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from connector.decode.registry import SchemaRegistry

SILENT = Progress(Shown.NOTHING)


class FakeReader:
    """Has the records with these offsets, by partition; the offset is the timestamp too."""

    topic = "t"
    cluster_id = "the cluster"
    read = wanted = 0

    def __init__(self, *partitions: Sequence[int], end: int = 0, size: int = 1) -> None:
        self._partitions = partitions
        self._size = size
        self.ranges = {
            number: Range(min(offsets, default=0), max(end, max(offsets, default=-1) + 1))
            for number, offsets in enumerate(partitions)
        }
        self.starts: list[Mapping[int, int]] = []

    def starts_at(self, timestamp_ms: int | None) -> dict[int, int]:
        assert timestamp_ms is None
        return {number: one.first for number, one in self.ranges.items()}

    def records(self, starts: Mapping[int, int]) -> Iterator[Record]:
        self.starts.append(starts)
        found = [(offset, number) for number, offsets in enumerate(self._partitions) for offset in offsets]
        for offset, number in sorted(found):
            if offset >= starts[number]:
                yield Record("t", number, offset, offset, None, b"x" * self._size, ())


def read(reader: FakeReader, count: int, *, oldest: bool = False) -> tuple[list[tuple[int, int]], str, Sequence[str]]:
    found = read_topic(cast("TopicReader", reader), count, SILENT, oldest=oldest, registry=None)
    assert found.cluster_id == "the cluster"
    places = [(each.record.partition, each.record.offset) for each in found.givens]
    return places, found.description, found.notes


def test_the_newest_records_of_all_partitions_by_time() -> None:
    reader = FakeReader(range(0, 100, 2), range(1, 50, 2), [])
    assert read(reader, 3) == ([(0, 94), (0, 96), (0, 98)], "the newest 3 records of t", [])
    assert reader.starts == [{0: 96, 1: 47, 2: 0}, {0: 75, 1: 26, 2: 0}]  # as many offsets again, where gaps are


def test_the_oldest_records_of_all_partitions_by_time() -> None:
    reader = FakeReader(range(10, 100, 2), range(11, 50, 2))
    assert read(reader, 3, oldest=True) == ([(0, 10), (1, 11), (0, 12)], "the oldest 3 records of t", [])


def test_more_offsets_are_read_where_most_hold_no_record() -> None:
    reader = FakeReader([0, 5, 9000], end=100_000)
    assert read(reader, 2)[0] == [(0, 5), (0, 9000)]
    assert len(reader.starts) > 3


@pytest.mark.parametrize("oldest", [True, False])
def test_a_topic_with_fewer_records_is_read_whole(oldest: bool) -> None:  # noqa: FBT001
    assert read(FakeReader(range(4)), 50, oldest=oldest)[:2] == ([(0, n) for n in range(4)], "all 4 records of t")


@pytest.mark.parametrize("oldest", [True, False])
def test_an_empty_topic_is_said_to_be_empty(oldest: bool) -> None:  # noqa: FBT001
    places, _, notes = read(FakeReader([], []), 50, oldest=oldest)
    assert places == []
    assert notes == ["t is empty: there is no record to preview"]


def test_no_more_is_kept_in_memory_than_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic, "_MOST_BYTES", 100)
    newest, description, notes = read(FakeReader(range(50), size=30), 50)
    assert newest == [(0, 47), (0, 48), (0, 49)]
    assert description == "the newest 3 records of t"
    assert len(notes) == 1
    oldest, description, notes = read(FakeReader(range(50), size=30), 50, oldest=True)
    assert oldest == [(0, 0), (0, 1), (0, 2), (0, 3)]
    assert (description, len(notes)) == ("the oldest 4 records of t", 1)


def test_the_schemas_of_the_records_that_are_kept_are_fetched() -> None:
    class FakeRegistry:
        fetched: list[int] = []  # noqa: RUF012

        def fetch_now(self, record: Record) -> None:
            self.fetched.append(record.offset)

    registry = FakeRegistry()
    reader = cast("TopicReader", FakeReader(range(9)))
    read_topic(reader, 2, SILENT, oldest=False, registry=cast("SchemaRegistry", registry))
    assert registry.fetched == [7, 8]

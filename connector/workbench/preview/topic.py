"""The newest or the oldest records of a topic, read without joining the group and without committing."""

from __future__ import annotations

from collections import Counter, deque
from itertools import islice
from typing import TYPE_CHECKING, Final

from connector.core.wording import counted
from connector.language.message import message
from connector.runtime.progress import records as counted_records
from connector.workbench.preview.given import Given, Read

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from connector.core.record import Record
    from connector.decode.registry import SchemaRegistry
    from connector.kafka.topic_reader import TopicReader
    from connector.runtime.progress import Progress

_WIDEN: Final = 8
"""Offsets are not records: of a compacted topic, or one with transactions, more offsets are needed."""
_MOST_BYTES: Final = 256 << 20


def read_topic(
    reader: TopicReader, count: int, progress: Progress, *, oldest: bool, registry: SchemaRegistry | None
) -> Read:
    """Return `count` records of the reader's topic, or as many as it has.

    `registry` is asked for the schemas of these records; None if no topic needs one. Blocks.

    Raises:
        CommandError: no broker answers, or it refuses.
        RegistryError: the registry does not answer.

    """
    with progress.step(
        message("reading"), counted_records, lambda: (reader.read, _to_read(reader, count, oldest=oldest))
    ):
        records, is_cut = _oldest(reader, count) if oldest else _newest(reader, count)
    if registry is not None:
        for record in progress.over(records, message("schemas")):
            registry.fetch_now(record)
    which = "all" if len(records) < count and not is_cut else "the oldest" if oldest else "the newest"
    notes = [] if records else [f"{reader.topic} is empty: there is no record to preview"]
    notes += [f"no more than {_MOST_BYTES >> 20} MiB are kept"] * is_cut
    return Read(
        [Given(record) for record in records],
        f"{which} {counted(len(records), 'record')} of {reader.topic}",
        notes,
        reader.cluster_id,
    )


def _to_read(reader: TopicReader, count: int, *, oldest: bool) -> int:
    return min(reader.wanted, count) if oldest else reader.wanted


def _oldest(reader: TopicReader, count: int) -> tuple[Sequence[Record], bool]:
    """Return the records, and whether they are fewer because they are too large."""
    found: list[Record] = []
    held = 0
    for record in islice(reader.records(reader.starts_at(None)), count):
        found.append(record)
        held += _size(record)
        if held >= _MOST_BYTES:
            return found, len(found) < count
    return found, False


def _newest(reader: TopicReader, count: int) -> tuple[Sequence[Record], bool]:
    """Return the newest by time: so of each partition `count` are read, or all that it has."""
    windows = dict.fromkeys(reader.ranges, count)
    while True:
        starts = {key: max(one.first, one.end - windows[key]) for key, one in reader.ranges.items()}
        read: Counter[int] = Counter()
        found, is_cut = _last(reader.records(starts), count, read)
        short = [key for key, start in starts.items() if read[key] < count and start > reader.ranges[key].first]
        if is_cut or not short:
            return found, is_cut
        for key in short:
            windows[key] *= _WIDEN


def _last(records: Iterable[Record], count: int, read: Counter[int]) -> tuple[Sequence[Record], bool]:
    """Return the last records, and whether they are fewer because they are too large; count all by partition."""
    found: deque[Record] = deque()
    held, is_cut = 0, False
    for record in records:
        read[record.partition] += 1
        found.append(record)
        held += _size(record)
        while len(found) > count or (held > _MOST_BYTES and len(found) > 1):
            is_cut |= len(found) <= count
            held -= _size(found.popleft())
    return found, is_cut


def _size(record: Record) -> int:
    return len(record.value or b"") + len(record.key or b"")

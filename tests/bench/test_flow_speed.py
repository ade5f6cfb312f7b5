"""The flow around the mapping: records of a lease through pipeline and target to a sink that answers at once.

Timed in CPU time of one process, with the listeners that the connector has; what the trivial mapper takes is measured
apart and subtracted. The hand-written loop of `hand_written.py` has no flow to compare with: see `test_speed.py`.
"""

from __future__ import annotations

import asyncio
import io
import statistics
import time
from collections import deque
from itertools import chain, repeat
from random import Random
from typing import TYPE_CHECKING

import pytest

from connector.core.batching import BatchLimits
from connector.core.ledger import Lease, TopicCounts
from connector.core.pacing import Pacer
from connector.core.record import Item, Outcome, Record, TopicPartition
from connector.core.retry import Backoff
from connector.core.sink import Subject, Verdict, VerdictKind
from connector.flow.pipeline import Pipeline
from connector.flow.target import Target, TargetDependencies, TargetSettings
from connector.observe.health import Health
from connector.observe.log import configure
from connector.observe.metrics import Metrics
from connector.runtime.process import tune_garbage_collector
from connector.runtime.tasks import Tasks
from tests.bench.workload import order

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from connector.core.events import Event

TOPIC, TARGET = "shop.orders", "purchases"
PARTITIONS, CHUNK, RECORDS = 6, 1000, 60_000
RUNS = 7
DELIVERED = Verdict(VerdictKind.DELIVERED, "ok", 200, "200", subject=Subject.ITEMS)
SETTINGS = TargetSettings(
    name=TARGET,
    endpoint="event/v2/batchAdd",
    limits=BatchLimits(500, 4 << 20, 0.2),
    max_in_flight=8,
    max_queued=20_000,
    max_queued_bytes=64 << 20,
    ordered=False,
    outcome=Outcome.DELIVERED,
    backoff=Backoff(0.25, 30.0),
)
BODY = order(1, 1_760_000_000_000)[:330]


class TrivialMapper:
    """Makes one item of each record, or none, or two."""

    def __init__(self, counts: Sequence[int] = (1,), keys: Callable[[Record], tuple[str, ...]] = lambda _: ()) -> None:
        self._counts = counts
        self._keys = keys

    def items(self, record: Record) -> Sequence[Item]:
        count = self._counts[record.offset % len(self._counts)]
        return [Item(TARGET, "orders", BODY, b"{}", self._keys(record), record) for _ in range(count)]


class EagerSink:
    """Answers at once."""

    is_ready = True

    async def ready(self) -> None:
        """Return at once."""

    async def send(self, items: Sequence[Item]) -> Verdict:
        """Accept the items, after other tasks had their turn."""
        await asyncio.sleep(0)
        b",".join([item.body for item in items])
        return DELIVERED

    def item_sizes(self, items: Sequence[Item]) -> list[int]:
        return [len(item.body) + 1 for item in items]

    def request_overhead(self, params: bytes) -> int:
        return len(params) + 30


class MemorySource:
    """Yields chunks that were made before; ends once all records are settled."""

    def __init__(self) -> None:
        self.counts = TopicCounts()
        self.leases = [Lease(TopicPartition(TOPIC, number), 0, self.counts) for number in range(PARTITIONS)]
        chunks = range(RECORDS // CHUNK)
        self.chunks = [(self.leases[number % PARTITIONS], _records(number)) for number in chunks]

    async def __aiter__(self) -> AsyncIterator[tuple[Lease, Sequence[Record]]]:
        for chunk in self.chunks:
            await asyncio.sleep(0)
            yield chunk
        while any(lease.unsettled for lease in self.leases):  # noqa: ASYNC110 - an event would be one more thing to measure
            await asyncio.sleep(0.001)

    def pause(self, leases: Iterable[Lease]) -> None:
        """Chunks were fetched before."""

    def resume(self, leases: Iterable[Lease]) -> None:
        """The same."""

    def commit(self, leases: Iterable[Lease]) -> None:
        """Read the progress, as the bridge does."""
        for lease in leases:
            lease.progress()


def _records(chunk: int) -> list[Record]:
    number, first = chunk % PARTITIONS, chunk // PARTITIONS * CHUNK
    value = order(chunk, 1_760_000_000_000)
    return [Record(TOPIC, number, offset, 1_760_000_000_000, b"k", value, ()) for offset in range(first, first + CHUNK)]


async def flow_seconds(source: MemorySource, mapper: TrivialMapper, settings: TargetSettings) -> float:
    """Let all records flow, and return the CPU seconds."""
    listeners = (Health(), Metrics(), configure("json", "info", io.BytesIO()))

    def emit(event: Event) -> None:
        for listener in listeners:
            listener.on(event)

    tasks, pipeline = Tasks(), Pipeline(lambda _: [TARGET])
    deps = TargetDependencies(
        emit=emit,
        dead_letter=pipeline.dead_letter,
        on_progress=pipeline.on_progress,
        spawn=tasks.spawn,
        pacer=Pacer(None),
        random=Random(1),  # noqa: S311 - jitter
    )
    names = (TARGET, "dead-letters")
    pipeline.attach({name: Target(settings, EagerSink(), deps) for name in names})
    tasks.spawn_service(pipeline.commit_periodically(0.2), name="commits")
    tune_garbage_collector()
    began = time.process_time()
    await pipeline.run(source, mapper)
    taken = time.process_time() - began
    await tasks.cancel()
    return taken


def microseconds(mapper: TrivialMapper, settings: TargetSettings = SETTINGS) -> float:
    """Return the flow's microseconds per record, without the mapper's."""
    source = MemorySource()
    whole = asyncio.run(flow_seconds(source, mapper, settings))
    records = list(chain.from_iterable(records for _, records in source.chunks))
    assert source.counts.consumed == RECORDS
    began = time.process_time()
    deque(map(mapper.items, records), maxlen=10 * SETTINGS.limits.max_records)  # kept for a while, as by the flow
    return (whole - (time.process_time() - began)) / RECORDS * 1e6


@pytest.mark.bench
@pytest.mark.parametrize(
    ("name", "mapper"),
    [
        ("one item", TrivialMapper()),
        ("half skipped", TrivialMapper((0, 1))),
        ("two items", TrivialMapper((2,))),
    ],
)
def test_the_flow_without_the_mapping(capsys: pytest.CaptureFixture[str], name: str, mapper: TrivialMapper) -> None:
    taken = statistics.median(map(microseconds, repeat(mapper, RUNS)))
    with capsys.disabled():
        print(f"\nflow, {name} per record: {taken:.2f} µs per record")  # noqa: T201 - the result of the benchmark

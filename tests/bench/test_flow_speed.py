"""The flow around the mapping: records of a lease through pipeline and target to a sink that answers at once.

Timed in CPU time of one process, with the listeners that the connector has; what the trivial mapper takes is measured
apart and subtracted. The figure that is kept is a ratio to `orjson.loads` of the same records, which other load on the
machine slows down alike. History, for one item: 2.6 µs with a call of ledger, queue and batch for each record.
"""

from __future__ import annotations

import asyncio
import io
import statistics
import time
from collections import deque
from dataclasses import dataclass, replace
from itertools import chain
from random import Random
from typing import TYPE_CHECKING

import orjson
import pytest

from connector.core.batching import BatchLimits
from connector.core.ledger import Lease, TopicCounts
from connector.core.pacing import Pacer
from connector.core.record import Item, Outcome, Record, TopicPartition
from connector.core.retry import Backoff
from connector.core.sink import Subject, Verdict, VerdictKind
from connector.flow.pipeline import Pipeline
from connector.flow.plan import Plan
from connector.flow.target import Target, TargetDependencies, TargetSettings
from connector.observe.health import Health
from connector.observe.log import configure
from connector.observe.metrics import Metrics
from connector.runtime.process import tune_garbage_collector
from connector.runtime.tasks import Tasks
from tests.bench.figures import Figure
from tests.bench.workload import order

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from connector.core.events import Event
    from connector.flow.plan import Mapper
    from connector.observe.tap import EventListener
    from tests.bench.figures import Figures

TOPIC, TARGET = "shop.orders", "purchases"
RECORDS = 60_000
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
NOW_MS = 1_760_000_000_000
BODY = order(1, NOW_MS)[:330]


class TrivialMapper:
    """Makes one item of each record, or none, or two."""

    def __init__(self, counts: Sequence[int] = (1,), keys: Callable[[Record], tuple[str, ...]] = lambda _: ()) -> None:
        self._counts = counts
        self._keys = keys

    def of_topic(self, _: str) -> Callable[[Record], Sequence[Item]]:
        return self.items

    def items(self, record: Record) -> Sequence[Item]:
        count = self._counts[record.offset % len(self._counts)]
        return [Item(TARGET, "orders", BODY, b"{}", self._keys(record), record) for _ in range(count)]


def _customer(record: Record) -> tuple[str, ...]:
    """Return the identity of one of 5,000 customers."""
    return (f"phone:138{record.offset * 7919 % 5000:08d}",)


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
    """Yields chunks that were made before; ends once all records are settled.

    Each has `stretch` records of one partition; the next one is of the next partition.
    """

    def __init__(self, partitions: int, stretch: int, records: int = RECORDS) -> None:
        self.counts = TopicCounts()
        self.leases = [Lease(TopicPartition(TOPIC, number), 0, self.counts) for number in range(partitions)]
        chunks = range(records // stretch)
        self.chunks = [(self.leases[number % partitions], _records(number, partitions, stretch)) for number in chunks]

    async def __aiter__(self) -> AsyncIterator[tuple[Lease, Sequence[Record]]]:
        for number, chunk in enumerate(self.chunks):
            if number % len(self.leases) == 0:
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


def _records(chunk: int, partitions: int, stretch: int) -> list[Record]:
    number, first = chunk % partitions, chunk // partitions * stretch
    value = order(chunk, NOW_MS)
    return [Record(TOPIC, number, offset, NOW_MS, b"k", value, ()) for offset in range(first, first + stretch)]


async def flow_seconds(
    source: MemorySource,
    mapper: Mapper,
    settings: TargetSettings,
    prepare: Callable[[list[EventListener], Pipeline], None] = lambda *_: None,
) -> float:
    """Let all records flow, and return the CPU seconds; `prepare` is given the listeners and the pipeline before."""
    listeners: list[EventListener] = [Health(), Metrics(), configure("json", "info", io.BytesIO())]

    def emit(event: Event) -> None:
        for listener in listeners:
            listener.on(event)

    tasks, pipeline = Tasks(), Pipeline()
    deps = TargetDependencies(
        emit=emit,
        dead_letter=pipeline.dead_letter,
        on_progress=pipeline.on_progress,
        spawn=tasks.spawn,
        pacer=Pacer(None),
        random=Random(1),  # noqa: S311 - jitter
    )
    names = (TARGET, "dead-letters")
    plan = Plan(mapper, lambda _: [TARGET], {name: Target(settings, EagerSink(), deps) for name in names})
    tasks.spawn_service(pipeline.commit_periodically(0.2), name="commits")
    prepare(listeners, pipeline)
    tune_garbage_collector()
    began = time.process_time()
    await pipeline.run(source, plan)
    taken = time.process_time() - began
    await tasks.cancel()
    return taken


def microseconds(case: Case) -> tuple[float, float]:
    """Return the microseconds per record of the flow, without the mapper's, and of `orjson.loads`."""
    source, mapper = MemorySource(case.partitions, case.stretch), case.mapper
    whole = asyncio.run(flow_seconds(source, mapper, case.settings))
    records = list(chain.from_iterable(records for _, records in source.chunks))
    assert source.counts.consumed == RECORDS
    began = time.process_time()
    deque(map(mapper.items, records), maxlen=10 * SETTINGS.limits.max_records)  # kept for a while, as by the flow
    mapped = time.process_time()
    deque(map(orjson.loads, [record.value or b"" for record in records]), maxlen=1)
    loaded = time.process_time()
    return (whole - (mapped - began)) / RECORDS * 1e6, (loaded - mapped) / RECORDS * 1e6


@dataclass(frozen=True)
class Case:
    """What becomes of the records, and how long the flow may take for one, in times of `orjson.loads` of it."""

    name: str
    mapper: TrivialMapper
    goal: float
    settings: TargetSettings = SETTINGS
    partitions: int = 6
    stretch: int = 1000


CASES = [
    Case("one item", TrivialMapper(), 1.5),
    Case("half skipped", TrivialMapper((0, 1)), 1.1),
    Case("two items", TrivialMapper((2,)), 4.2),
    Case("one item, ordered", TrivialMapper(keys=_customer), 6.0, replace(SETTINGS, ordered=True)),
    Case("400 partitions, one by one", TrivialMapper(), 16.0, partitions=400, stretch=1),
]


@pytest.mark.bench
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_flow_without_the_mapping(capsys: pytest.CaptureFixture[str], case: Case, bench_figures: Figures) -> None:
    runs = [microseconds(case) for _ in range(RUNS)]
    flow, load = (statistics.median(side) for side in zip(*runs, strict=True))
    ratio = statistics.median(flow / load for flow, load in runs)
    with capsys.disabled():
        print(  # noqa: T201 - the result of the benchmark
            f"\nflow, {case.name:26} {flow:5.2f} µs per record, orjson.loads {load:.2f} µs, ratio {ratio:.2f} "
            f"(goal {case.goal})"
        )
    bench_figures.add(Figure(f"flow by orjson.loads, {case.name}", ratio, noise=0.2, goal=case.goal))
    assert ratio <= case.goal

"""The whole flow on fakes: two targets and the dead letters on stormy sinks, a source in memory, and an oracle."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from connector.core.batching import BatchLimits
from connector.core.pacing import Pacer
from connector.core.record import DEAD_LETTERS, Item, Outcome, TopicPartition
from connector.flow.pipeline import Pipeline
from connector.flow.plan import Plan
from connector.flow.target import Target, TargetDependencies, TargetSettings
from connector.runtime.tasks import Tasks
from tests.support.builders import TOPIC, record, seeded
from tests.support.fake_source import FakeSource
from tests.support.flow_oracle import EVENTS, TAGS, Oracle, PlanMapper
from tests.support.storm_sink import StormSink, Trouble
from tests.support.target_harness import SETTINGS, assert_empty

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from connector.core.ledger import Lease
    from connector.core.record import Record

PARTITIONS = tuple(TopicPartition(TOPIC, number) for number in range(3))
_TARGET = replace(SETTINGS, limits=BatchLimits(6, 1_000, 0.2), max_queued=40, refused_in_a_row=10_000)
"""It may have nothing but poison, which must end in the dead letters all the same."""
TARGETS: dict[str, TargetSettings] = {
    EVENTS: replace(_TARGET, name=EVENTS, max_in_flight=2),
    TAGS: replace(_TARGET, name=TAGS, max_in_flight=3, ordered=True),
    DEAD_LETTERS: replace(SETTINGS, name=DEAD_LETTERS, outcome=Outcome.DEAD_LETTERED, max_queued=40, last_resort=True),
}


class BoundedMapper(PlanMapper):
    """Asserts that no target is full when a record is mapped: so a bound is exceeded by one record's items at most."""

    def __init__(self, targets: Mapping[str, Target]) -> None:
        self._targets = targets
        self.most_items = 0

    def items(self, record: Record) -> Sequence[Item]:
        full = [name for name, target in self._targets.items() if target.full]
        assert not full, f"offset {record.offset} was mapped while {full} was full"
        items = super().items(record)
        self.most_items = max(self.most_items, len(items))
        return items


class FlowHarness:
    """Everything, built and running; the sinks, the source and the oracle check the rules on the way.

    Made on the event loop.
    """

    def __init__(
        self,
        trouble: Trouble,
        settings: dict[str, TargetSettings] = TARGETS,
        *,
        partitions: Sequence[TopicPartition] = PARTITIONS,
        commit_every_s: float = 1.0,
    ) -> None:
        self.random = seeded(trouble.seed)
        self.tasks = Tasks()
        self.sinks = {name: StormSink(trouble, self.random) for name in settings}
        self.sinks[DEAD_LETTERS].trouble = replace(trouble, poison=frozenset())
        self.pipeline = Pipeline()
        self.targets = {name: Target(one, self.sinks[name], self._dependencies()) for name, one in settings.items()}
        self.source = FakeSource(partitions, self.pipeline.close, self.random)
        self.mapper = BoundedMapper(self.targets)
        self.oracle = Oracle(self.sinks, self.source, PlanMapper())
        self.source.before_commit = self.oracle.check_commit
        self.most_queued = 0
        self.longest_backlog = 0
        """In records, of all leases together."""
        for name, sink in self.sinks.items():
            sink.target = self.targets[name]
            sink.must_not_send = self._lease_has_ended
        self.plan = Plan(self.mapper, lambda _: [EVENTS, TAGS], self.targets)
        self.running = self.tasks.spawn(self.pipeline.run(self.source, self.plan), name="flow")
        self.fetching = self.tasks.spawn(self.source.fetch(), name="fetch")
        self.tasks.spawn_service(self.pipeline.commit_periodically(commit_every_s), name="commits")
        self.tasks.spawn_service(self._keep_checking(), name="checks")

    def _dependencies(self) -> TargetDependencies:
        return TargetDependencies(
            emit=lambda _: None,
            dead_letter=self._dead_letter,
            on_progress=self._on_progress,
            spawn=self.tasks.spawn,
            pacer=Pacer(None),
            random=self.random,
        )

    def _dead_letter(self, item: Item, lease: Lease) -> None:
        assert not lease.ended, "something of an ended lease was dead-lettered"
        self.sinks[item.target].on_dead_letter(item)
        self.pipeline.dead_letter(item, lease)

    def _on_progress(self) -> None:
        self.check()
        self.pipeline.on_progress()

    def _lease_has_ended(self, item: Item) -> bool:
        return self.source.lease_of[id(item.record)][1].ended

    async def _keep_checking(self) -> None:
        while True:
            self.check()
            await asyncio.sleep(0.037)

    def check(self) -> None:
        """Assert the law of conservation and that only live leases are paused, at this moment."""
        in_flight = sum(lease.unsettled for lease in self.pipeline.leases)
        for counts in self.source.topic_counts.values():
            settled = counts.delivered + counts.skipped + counts.dead_lettered
            assert counts.consumed == settled + counts.released + in_flight
        for lease in self.pipeline.paused:
            assert not lease.ended
            assert lease in self.pipeline.leases
        self.longest_backlog = max(
            self.longest_backlog, sum(len(feed.backlog) for feed in self.pipeline.leases.values())
        )
        self.most_queued = max(self.most_queued, *(target.queued for target in self.targets.values()))

    # -- what a test does ---------------------------------------------------------------------------------------

    def produce(self, partition: TopicPartition, plans: Sequence[str], gap: int = 0) -> None:
        """Append one record per plan; `gap` offsets are left out before them."""
        log = self.source.logs[partition]
        log.end += gap
        for plan in plans:
            log.append(record(log.end, partition=partition.partition, value=plan.encode()))

    def calm(self) -> None:
        """Let nothing but poison fail from now on."""
        for sink in self.sinks.values():
            sink.trouble = replace(sink.trouble, share=0.0)

    async def until(self, reached: Callable[[], bool], within_s: float = 7200.0) -> None:
        """Wait until `reached()`. Raises TimeoutError, or what a background task raised."""
        async with asyncio.timeout(within_s):
            while not reached():
                await self.pass_time(0.5)

    async def pass_time(self, seconds: float) -> None:
        """Let virtual time pass. Raises what a background task raised."""
        await asyncio.sleep(seconds)
        if self.tasks.failure.done():
            self.tasks.failure.result()

    def finished(self) -> bool:
        """Whether all that was produced is committed."""
        return all(
            (log.committed or 0) >= log.records[-1].offset + 1 for log in self.source.logs.values() if log.records
        )

    async def finish(self) -> None:
        """Own all partitions, without trouble, until everything is committed; then stop and check the end state."""
        self.calm()
        for partition in self.source.logs:
            await self.source.assign(partition)
        await self.until(self.finished)
        await self.source.stop(15.0)
        await self.pass_time(60.0)
        assert self.running.done()
        assert self.fetching.done()
        self.check()
        self.oracle.check_nothing_is_lost()
        self.oracle.check_order()
        for target in self.targets.values():
            assert_empty(target)
        assert not self.pipeline.leases
        assert not self.pipeline.paused


CALM = Trouble(1, latency_s=0.1)
HANGING = Trouble(1, latency_s=10_000.0)


async def running_flow(trouble: Trouble, plans: list[str]) -> FlowHarness:
    """Return a flow that owns the first partition and has had one second to get under way."""
    flow = FlowHarness(trouble)
    flow.produce(PARTITIONS[0], plans)
    await flow.source.assign(PARTITIONS[0])
    await flow.pass_time(1.0)
    return flow

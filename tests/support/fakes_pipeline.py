"""The whole flow on fakes: two targets and the dead letters on stormy sinks, a source in memory, and an oracle.

The oracle knows nothing of the connector's books: it computes what must come of each record and looks at what the
sinks have stored.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from connector.core.batching import Limits
from connector.core.pacing import Pacer
from connector.core.record import DEAD_LETTERS, Item, Outcome, TopicPartition
from connector.flow.pipeline import Pipeline
from connector.flow.target import Surroundings, Target, TargetSettings
from connector.runtime.tasks import Tasks
from tests.support.fakes_flow import TOPIC, failed, item, record, seeded
from tests.support.fakes_source import FakeSource
from tests.support.fakes_target import SETTINGS, StormSink, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.core.ledger import Entry, Lease
    from connector.core.record import Record

PARTITIONS = tuple(TopicPartition(TOPIC, number) for number in range(3))
EVENTS, TAGS = "events", "tags"
TARGETS: dict[str, TargetSettings] = {
    EVENTS: replace(SETTINGS, name=EVENTS, limits=Limits(6, 1_000, 0.2), max_in_flight=2, max_queued=40),
    TAGS: replace(SETTINGS, name=TAGS, limits=Limits(6, 1_000, 0.2), max_in_flight=3, max_queued=40, ordered=True),
    DEAD_LETTERS: replace(SETTINGS, name=DEAD_LETTERS, outcome=Outcome.DEAD_LETTERED, max_queued=40),
}


class PlanMapper:
    """What becomes of a record is written in its value: one letter per item (e: event, t: tag, d: dead letter)."""

    def items(self, record: Record) -> Sequence[Item]:
        return [self._item(record, letter, place) for place, letter in enumerate((record.value or b"").decode())]

    def _item(self, record: Record, letter: str, place: int) -> Item:
        if letter == "d":
            return failed(record)
        body = b"%d/%d/%d" % (record.partition, record.offset, place)
        if letter == "e":
            return item(record, target=EVENTS, body=body)
        params = b"add" if record.offset % 3 else b"delete"
        keys = [f"who{record.offset % 4}-{record.partition}"]
        return item(record, target=TAGS, keys=keys, params=params, body=body)


@dataclass(frozen=True)
class Stored:
    """What an oracle remembers of an item that has reached an end."""

    partition: TopicPartition
    offset: int
    target: str
    body: bytes


class Flow:
    """Everything, built and running. Made on the event loop."""

    def __init__(
        self, trouble: Trouble, settings: dict[str, TargetSettings] = TARGETS, *, commit_every_s: float = 1.0
    ) -> None:
        self.random = seeded(trouble.seed)
        self.tasks = Tasks()
        self.sinks = {name: StormSink(trouble, self.random) for name in settings}
        self.sinks[DEAD_LETTERS].trouble = replace(trouble, poison=frozenset())
        self.targets: dict[str, Target] = {}
        self.pipeline = Pipeline(self.targets, lambda _: [EVENTS, TAGS])
        self.targets |= {name: Target(one, self.sinks[name], self._around()) for name, one in settings.items()}
        self.source = FakeSource(PARTITIONS, self.pipeline.close, self.random)
        self.source.allowed = self.check_commit
        self.mapper = PlanMapper()
        self.most_queued = 0
        for name, sink in self.sinks.items():
            sink.target = self.targets[name]
            sink.dead = self._dead
        self.running = self.tasks.spawn(self.pipeline.run(self.source, self.mapper), name="flow")
        self.fetching = self.tasks.spawn(self.source.fetch(), name="fetch")
        self.tasks.keep(self.pipeline.commit_often(commit_every_s), name="commits")
        self.tasks.keep(self._watch(), name="watch")

    def _around(self) -> Surroundings:
        return Surroundings(
            emit=lambda _: None,
            bury=self._bury,
            on_progress=self._on_progress,
            spawn=self.tasks.spawn,
            pacer=Pacer(None),
            random=self.random,
        )

    def _bury(self, item: Item, entry: Entry) -> None:
        assert not entry.lease.ended, "something of an ended lease was buried"
        self.pipeline.bury(item, entry)

    def _on_progress(self) -> None:
        self.check()
        self.pipeline.on_progress()

    def _dead(self, item: Item) -> bool:
        return self.source.lease_of[id(item.record)][1].ended

    async def _watch(self) -> None:
        while True:
            self.check()
            await asyncio.sleep(0.037)

    # -- the oracle ---------------------------------------------------------------------------------------------

    def stored(self) -> Counter[Stored]:
        """What has reached an end, how often."""
        found: Counter[Stored] = Counter()
        for name, sink in self.sinks.items():
            for one in sink.settled:
                if not self._goes_on(name, one):
                    source = one.record
                    found[Stored(TopicPartition(TOPIC, source.partition), source.offset, name, one.body)] += 1
        return found

    def _goes_on(self, name: str, item: Item) -> bool:
        """Whether what a sink has finished with goes on to the dead letters."""
        return name != DEAD_LETTERS and item.record.offset in self.sinks[name].trouble.poison

    def due(self, source: Record) -> set[Stored]:
        """Where the items of this record must end."""
        partition = TopicPartition(TOPIC, source.partition)
        due = set()
        for one in self.mapper.items(source):
            poisoned = one.target != DEAD_LETTERS and self._goes_on(one.target, one)
            due.add(Stored(partition, source.offset, DEAD_LETTERS if poisoned else one.target, one.body))
        return due

    def check_commit(self, lease: Lease, offset: int) -> None:
        """No commit covers a record of which an item has not reached its end."""
        stored = self.stored()
        for source in self.source.logs[lease.partition].records:
            if source.offset < offset:
                assert self.due(source) <= stored.keys(), f"{offset} committed, but {source.offset} has not ended"

    def check(self) -> None:
        """The law of conservation, and the bounds, at this very moment."""
        in_flight = sum(lease.unsettled for lease in self.pipeline.leases)
        for counts in self.source.topic_counts.values():
            settled = counts.delivered + counts.skipped + counts.dead_lettered
            assert counts.consumed == settled + counts.released + in_flight
        for lease in self.pipeline.paused:
            assert not lease.ended
            assert lease in self.pipeline.leases
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
        """Wait for it; a task that dies, or a wait too long, fails the test."""
        async with asyncio.timeout(within_s):
            while not reached():
                await self.pass_time(0.5)

    async def pass_time(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if self.tasks.failure.done():
            self.tasks.failure.result()

    def finished(self) -> bool:
        """Whether all that was produced is committed."""
        return all(
            (log.committed or 0) >= log.records[-1].offset + 1 for log in self.source.logs.values() if log.records
        )

    async def finish(self) -> None:
        """Own everything, in fair weather, until all is committed; then stop, and look at the end."""
        self.calm()
        for partition in PARTITIONS:
            await self.source.assign(partition)
        await self.until(self.finished)
        await self.source.stop(15.0)
        await self.pass_time(60.0)
        assert self.running.done()
        assert self.fetching.done()
        self.check()
        stored = self.stored()
        for log in self.source.logs.values():
            for source in log.records:
                assert self.due(source) <= stored.keys(), f"{source.offset} was lost"
        self._check_order()
        for target in self.targets.values():
            assert (target.queued, target.queued_bytes, target.gate.requests_in_flight) == (0, 0, 0)
            assert target._lanes is None or target._lanes.keys == 0
        assert not self.pipeline.leases
        assert not self.pipeline.paused

    def _check_order(self) -> None:
        """Nothing has overtaken: what shares a key has first ended in the order of the log, repeats or not."""
        firsts = list(dict.fromkeys(one.body for one in self.sinks[TAGS].settled))
        last: dict[str, tuple[int, int]] = {}
        for body in firsts:
            partition, offset, place = map(int, body.split(b"/"))
            key = f"{offset % 4}-{partition}"
            assert last.get(key, (-1, -1)) < (offset, place), f"{body!r} was overtaken"
            last[key] = (offset, place)

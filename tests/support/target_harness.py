"""One target on a sink of the test's choice, fed from one partition."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from connector.core.batching import BatchLimits
from connector.core.ledger import Lease, TopicCounts
from connector.core.pacing import Pacer
from connector.core.record import Outcome, TopicPartition
from connector.core.retry import Backoff
from connector.flow.target import Target, TargetDependencies, TargetSettings
from connector.runtime.tasks import Tasks
from tests.support.builders import TARGET, TOPIC, item, record, seeded
from tests.support.storm_sink import StormSink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.events import Event
    from connector.core.record import Item
    from connector.core.sink import Sink

SETTINGS = TargetSettings(
    name=TARGET,
    endpoint="event/batchAdd",
    limits=BatchLimits(max_records=10, max_bytes=1_000, max_wait_s=0.2),
    max_in_flight=3,
    max_queued=100,
    max_queued_bytes=100_000,
    ordered=False,
    outcome=Outcome.DELIVERED,
    backoff=Backoff(0.25, 30.0),
)


class TargetHarness:
    """One target, one lease, and a list in place of the dead-letter topic. Made on the event loop."""

    def __init__(self, sink: Sink, settings: TargetSettings = SETTINGS, *, rate: float | None = None) -> None:
        self.counts = TopicCounts()
        self.lease = Lease(TopicPartition(TOPIC, 0), 0, self.counts)
        self.dead_letters: list[Item] = []
        self.events: list[Event] = []
        self.progress = 0
        self.emptied = 0
        self.may_start = True
        self.tasks = Tasks()
        self.sink = sink
        self.target = Target(settings, sink, self._dependencies(rate))
        if isinstance(sink, StormSink):
            sink.target = self.target

    def _dependencies(self, rate: float | None) -> TargetDependencies:
        return TargetDependencies(
            emit=self.events.append,
            dead_letter=self._dead_letter,
            on_progress=self._on_progress,
            spawn=self.tasks.spawn,
            pacer=Pacer(rate),
            random=seeded(7),
            may_start=lambda: self.may_start,
            on_emptied=self._on_emptied,
        )

    def _dead_letter(self, item: Item, lease: Lease) -> None:
        self.dead_letters.append(item)
        if isinstance(self.sink, StormSink):
            self.sink.on_dead_letter(item)
        lease.settle(item.record.offset, Outcome.DEAD_LETTERED)

    def _on_progress(self) -> None:
        self.progress += 1

    def _on_emptied(self) -> None:
        self.emptied += 1

    def put(
        self,
        count: int = 1,
        *,
        keys: Sequence[str] = (),
        params: bytes = b"{}",
        body: bytes = b"",
        lease: Lease | None = None,
    ) -> list[Item]:
        """Put `count` items, each of a new record."""
        put = []
        for _ in range(count):
            owner = lease or self.lease
            offset = owner.next_offset
            owner.track(offset, asyncio.get_running_loop().time(), 1)
            made = item(record(offset, partition=owner.partition.partition), keys=keys, params=params, body=body)
            put.append(made)
            self.target.put(made, owner)
        return put

    async def tick(self, seconds: float = 0.1) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    async def done(self) -> None:
        """Wait until every item has ended. Raises what a background task raised."""
        while self.target.queued:
            await asyncio.sleep(1)
            if self.tasks.failure.done():
                self.tasks.failure.result()
        await asyncio.sleep(0)


def assert_empty(target: Target) -> None:
    """Assert that a target holds no item, no bytes, no request and no order key."""
    held = (target.queued, target.queued_bytes, target.sending.requests_in_flight, target.key_count)
    assert held == (0, 0, 0, 0)

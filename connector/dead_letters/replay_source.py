"""The letters of a replay as a source of the pipeline.

Theory of operation
1. What the pipeline gets as a record has the place of the *letter*, so that the ledger tracks letters, and the contents
   of the record that the letter is about. The items were mapped from the record at its original place.
2. Letters come in the order of time over all partitions. So one lease that must be paused pauses all of them.
3. Every call on Kafka is made by one thread, which reads, plans and commits by turns: `run` has it do something.
4. What is done is committed every `commit_interval`, and only then forgotten here.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from connector.core.ledger import Lease
from connector.core.letters import Subject
from connector.core.record import Record, TopicPartition

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Executor

    from connector.core.ledger import TopicCounts
    from connector.core.progress import Progress
    from connector.core.record import Item
    from connector.dead_letters.feed import LetterFeed
    from connector.dead_letters.planning import Plan
    from connector.dead_letters.replayed import Replayed
    from connector.kafka.replay_group import ReplayGroup

T = TypeVar("T")
_MOST_PLANS: Final = 200
_TURN_S: Final = 0.3
"""How long the thread reads before it can do something else."""


class ReplaySource:
    """Implements the `Source` and the `Mapper` of the pipeline. Used on the event loop, from its construction on."""

    def __init__(
        self, topic: str, replayed: Mapping[int, Replayed], group: ReplayGroup, thread: Executor, counts: TopicCounts
    ) -> None:
        """`thread` has one thread; `replayed` and `group` are used by it alone."""
        self.leases = {
            partition: Lease(TopicPartition(topic, partition), one.start, counts) for partition, one in replayed.items()
        }
        self._topic = topic
        self._replayed = replayed
        self._group = group
        self._thread = thread
        self._plans: dict[tuple[int, int], Plan] = {}
        """By the letter's place, until what became of it is committed."""
        self._paused: set[Lease] = set()
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._stopped = asyncio.Event()
        self._settled = asyncio.Event()
        """Set when what became of every letter is committed, or by `stop`."""
        self._feed: Iterator[Plan | None] = iter(())
        self._done: list[tuple[int, int]] = []
        """The places of letters that are done, which is not committed yet; used by the thread."""
        self._committed = {partition: one.progress for partition, one in replayed.items()}

    async def run(self, work: Callable[[], T]) -> T:
        """Have the thread do something, and wait for it."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def read(self, feed: LetterFeed, limit: int | None) -> None:
        """Set what is read; called once, before the pipeline runs."""
        self._feed = feed.plans(limit)

    def stop(self) -> None:
        """Read no more letters."""
        self._stopped.set()
        self._settled.set()
        self._may_read.set()

    # -- the source ---------------------------------------------------------------------------------------------

    async def __aiter__(self) -> AsyncIterator[tuple[Lease, Sequence[Record]]]:
        """Yield the letters that are not left, one by one. Raises CommandError.

        Ends once all that became of them is committed, or after `stop`.
        """
        ended = False
        while not ended:
            await self._may_read.wait()
            if self._stopped.is_set():
                return
            plans, ended = await self.run(self._take)
            for plan in plans:
                if self._stopped.is_set():
                    return
                letter = plan.letter
                partition, offset = letter.partition, letter.offset
                self._plans[partition, offset] = plan
                record = letter.record.replace(topic=self._topic, partition=partition, offset=offset)
                yield self.leases[partition], [record]
        if self._plans:
            self._settled.clear()
            await self._settled.wait()

    def pause(self, leases: Iterable[Lease]) -> None:
        """Read no letters until all of these are resumed."""
        self._paused.update(leases)
        self._set_may_read()

    def resume(self, leases: Iterable[Lease]) -> None:
        """Read on, unless others are paused."""
        self._paused.difference_update(leases)
        self._set_may_read()

    def commit(self, leases: Iterable[Lease]) -> None:
        """Do nothing: the replay calls `commit_now`."""

    # -- the mapper and the dead letters ------------------------------------------------------------------------

    def of_topic(self, topic: str) -> Callable[[Record], Sequence[Item]]:
        """Return what returns the items of a letter: all come from the dead-letter topic."""
        del topic
        return self.items

    def items(self, record: Record) -> Sequence[Item]:
        """Return what was planned for a letter."""
        return [item.replace(record=record) for item in self._plan_of(record).items]

    def subject_of(self, record: Record) -> Subject:
        """Return what the dead letter of a letter that fails again is about."""
        letter = self._plan_of(record).letter
        return Subject(letter.record, letter.attempt + 1)

    # -- commits ------------------------------------------------------------------------------------------------

    async def commit_now(self) -> None:
        """Commit what is done, and stay a member of the group. Raises CommandError."""
        progress = {partition: lease.progress() for partition, lease in self.leases.items()}
        for place in await self.run(lambda: self._commit(progress)):
            self._plans.pop(place, None)
        if not self._plans:
            self._settled.set()

    def _commit(self, progress: Mapping[int, Progress]) -> list[tuple[int, int]]:
        """Called by the thread; return the places of the letters that are done, once that is committed."""
        for partition, one in self._replayed.items():
            one.update(progress[partition], partial(self._on_done, partition))
        current = {partition: one.progress for partition, one in self._replayed.items()}
        changed = {partition: one for partition, one in current.items() if self._committed.get(partition) != one}
        self._group.commit(changed)
        self._committed = current
        done, self._done = self._done, []
        return done

    def _on_done(self, partition: int, offset: int) -> None:
        self._done.append((partition, offset))

    # -- inside -------------------------------------------------------------------------------------------------

    def _take(self) -> tuple[list[Plan], bool]:
        """Called by the thread: return the next letters to send, and whether they were the last."""
        plans: list[Plan] = []
        until = time.monotonic() + _TURN_S
        for plan in self._feed:
            if plan is not None and plan.left is None:
                plans.append(plan)
            if len(plans) == _MOST_PLANS or time.monotonic() > until:
                return plans, False
        return plans, True

    def _plan_of(self, record: Record) -> Plan:
        return self._plans[record.partition, record.offset]

    def _set_may_read(self) -> None:
        if self._paused and not self._stopped.is_set():
            self._may_read.clear()
        else:
            self._may_read.set()

"""The letters of a replay: which come, how they flow, and what is committed of them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, cast

import pytest

from connector.core.errors import CommandError
from connector.core.ledger import TopicCounts
from connector.core.progress import Progress
from connector.core.record import DEAD_LETTERS, Outcome
from connector.dead_letters.feed import LetterFeed
from connector.dead_letters.planning import Planner
from connector.dead_letters.replay_source import ReplaySource
from connector.dead_letters.replayed import Replayed
from connector.dead_letters.selection import Filters
from tests.unit.dead_letters.letters import RECORD, Topic, written
from tests.unit.mapping.helpers import compiled, record, route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from connector.core.ledger import Lease
    from connector.core.record import Record
    from connector.kafka.record_fetcher import RecordFetcher
    from connector.kafka.replay_group import ReplayGroup
    from connector.kafka.topic_reader import TopicReader


class Group:
    """Remembers in memory."""

    def __init__(self) -> None:
        self.commits: list[dict[int, Progress]] = []
        self.is_away = False

    def commit(self, progress: Mapping[int, Progress]) -> None:
        if self.is_away:
            raise CommandError("the broker is away")
        if progress:
            self.commits.append(dict(progress))


def original(offset: int) -> Record:
    return record({"phone": "13800000000"}, offset=offset)


def letters(count: int) -> Topic:
    return Topic(*(written(n, record=original(100 + n), route="r", attempt=2) for n in range(count)))


class Harness:
    """A source over a topic in memory; the test is the pipeline."""

    def __init__(
        self,
        topic: Topic,
        thread: ThreadPoolExecutor,
        *,
        filters: Filters | None = None,
        committed: Progress | None = None,
        limit: int | None = None,
    ) -> None:
        mapping, _ = compiled(route())
        assert mapping is not None
        planner = Planner(mapping, mapping.mapper("cluster"), cast("RecordFetcher", topic))
        replayed = {0: Replayed(topic.ranges[0].first, topic.ranges[0].end, committed)}
        self.group = Group()
        self.counts = TopicCounts()
        self.feed = LetterFeed(cast("TopicReader", topic), planner, filters or Filters(), replayed)
        self.source = ReplaySource("letters", replayed, cast("ReplayGroup", self.group), thread, self.counts)
        self.source.read(self.feed, limit)
        self._chunks: AsyncIterator[tuple[Lease, Sequence[Record]]] = aiter(self.source)

    async def next(self) -> Record:
        """Return the next letter, tracked as the pipeline does."""
        lease, [one] = await anext(self._chunks)
        lease.track(one.offset, 0.0, len(self.source.items(one)))
        return one

    async def ended(self) -> bool:
        """Return whether no letter comes any more."""
        return await anext(self._chunks, None) is None

    def settle(self, *offsets: int, outcome: Outcome = Outcome.DELIVERED) -> None:
        for offset in offsets:
            self.source.leases[0].settle(offset, outcome)


def test_a_letter_has_its_own_place_and_the_contents_of_its_record() -> None:
    async def main(thread: ThreadPoolExecutor) -> None:
        harness = Harness(letters(1), thread)
        one = await harness.next()
        assert (one.topic, one.partition, one.offset, one.value) == ("letters", 0, 0, original(100).value)
        [item] = harness.source.items(one)
        assert (item.record, item.target) == (one, "t")
        assert harness.source.subject_of(one) == (original(100), 3)

    with ThreadPoolExecutor(1) as thread:
        asyncio.run(main(thread))


def test_what_is_done_is_committed_and_the_source_ends_after_that() -> None:
    async def main(thread: ThreadPoolExecutor) -> None:
        harness = Harness(letters(3), thread)
        for _ in range(3):
            await harness.next()
        end = asyncio.ensure_future(harness.ended())
        await harness.source.commit_now()
        assert harness.group.commits == []
        harness.settle(2)
        await harness.source.commit_now()
        harness.settle(0, 1, outcome=Outcome.DEAD_LETTERED)
        await asyncio.sleep(0)
        assert not end.done()
        await harness.source.commit_now()
        assert await end
        assert harness.group.commits == [{0: Progress(0, (range(2, 3),))}, {0: Progress(3)}]

    with ThreadPoolExecutor(1) as thread:
        asyncio.run(main(thread))


def test_what_could_not_be_committed_is_committed_later_and_the_source_ends_then() -> None:
    async def main(thread: ThreadPoolExecutor) -> None:
        harness = Harness(letters(2), thread)
        for _ in range(2):
            await harness.next()
        end = asyncio.ensure_future(harness.ended())
        harness.settle(0, 1)
        harness.group.is_away = True
        with pytest.raises(CommandError):
            await harness.source.commit_now()
        await asyncio.wait([end], timeout=0.05)
        assert not end.done()
        harness.group.is_away = False
        await harness.source.commit_now()
        assert await asyncio.wait_for(end, 5)
        assert harness.group.commits == [{0: Progress(2)}]

    with ThreadPoolExecutor(1) as thread:
        asyncio.run(main(thread))


def test_what_was_replayed_before_does_not_come_again_and_is_counted() -> None:
    async def main(thread: ThreadPoolExecutor) -> None:
        harness = Harness(letters(5), thread, committed=Progress(1, (range(2, 4),)))
        assert [(await harness.next()).offset for _ in range(2)] == [1, 4]
        assert (harness.feed.tally.replayed_before, harness.feed.tally.unread) == (2, 1)

    with ThreadPoolExecutor(1) as thread:
        asyncio.run(main(thread))


def test_what_lies_before_the_first_offset_that_is_read_was_replayed_before() -> None:
    async def main(thread: ThreadPoolExecutor) -> None:
        harness = Harness(letters(5), thread, committed=Progress(5))
        assert await harness.ended()
        tally = harness.feed.tally
        assert (tally.selected, tally.looked_at, tally.replayed_before, tally.unread) == (0, 0, 0, 5)

    with ThreadPoolExecutor(1) as thread:
        asyncio.run(main(thread))


def test_letters_that_no_filter_lets_pass_were_looked_at() -> None:
    async def main(thread: ThreadPoolExecutor) -> None:
        harness = Harness(letters(5), thread, filters=Filters(routes=["x"]))
        assert await harness.ended()
        assert (harness.feed.tally.looked_at, harness.feed.tally.unread) == (5, 0)

    with ThreadPoolExecutor(1) as thread:
        asyncio.run(main(thread))


def test_a_limit_and_filters_leave_the_rest_for_a_later_replay() -> None:
    async def main(thread: ThreadPoolExecutor) -> None:
        other = written(1, record=original(101), route="other")
        topic = Topic(written(0, record=original(100), route="r"), other, *letters(5).all[2:])
        harness = Harness(topic, thread, filters=Filters(routes=["r"]), limit=2)
        assert [(await harness.next()).offset for _ in range(2)] == [0, 2]
        harness.settle(0, 2)
        await harness.source.commit_now()
        assert await harness.ended()
        assert harness.group.commits == [{0: Progress(1, (range(2, 3),))}]

    with ThreadPoolExecutor(1) as thread:
        asyncio.run(main(thread))


def test_what_is_no_letter_or_of_no_route_is_left_and_told() -> None:
    async def main(thread: ThreadPoolExecutor) -> None:
        foreign = RECORD.replace(topic="letters", partition=0, offset=0, headers=())
        topic = Topic(foreign, written(1, record=original(1), route="gone"), written(2, record=original(2), route="r"))
        harness = Harness(topic, thread)
        assert (await harness.next()).offset == 2
        harness.settle(2)
        await harness.source.commit_now()
        assert await harness.ended()
        assert (harness.feed.tally.foreign, harness.feed.tally.left.total()) == (1, 1)
        assert harness.group.commits == [{0: Progress(1, (range(2, 3),))}]

    with ThreadPoolExecutor(1) as thread:
        asyncio.run(main(thread))


def test_while_a_lease_is_paused_no_letter_is_read() -> None:
    async def main(thread: ThreadPoolExecutor) -> None:
        harness = Harness(letters(500), thread)
        await harness.next()
        leases = list(harness.source.leases.values())
        harness.source.pause(leases)
        read = 1
        reading = asyncio.ensure_future(harness.next())
        while (await asyncio.wait([reading], timeout=0.05))[0]:
            read += 1
            reading = asyncio.ensure_future(harness.next())
        assert read == 200  # what was read at once
        harness.source.resume(leases)
        await reading

    with ThreadPoolExecutor(1) as thread:
        asyncio.run(main(thread))


def test_a_stop_ends_the_source_even_while_it_is_paused_or_waits_for_the_last_letters() -> None:
    async def main(thread: ThreadPoolExecutor) -> None:
        for paused in (True, False):
            harness = Harness(letters(1), thread)
            await harness.next()
            if paused:
                harness.source.pause(list(harness.source.leases.values()))
            end = asyncio.ensure_future(harness.ended())
            await asyncio.wait([end], timeout=0.05)
            harness.source.stop()
            assert await end

    with ThreadPoolExecutor(1) as thread:
        asyncio.run(main(thread))


def test_a_letter_that_fails_again_is_an_item_for_the_dead_letters() -> None:
    async def main(thread: ThreadPoolExecutor) -> None:
        harness = Harness(Topic(written(0, record=record({}), route="r")), thread)
        [item] = harness.source.items(await harness.next())
        assert (item.target, item.record.offset) == (DEAD_LETTERS, 0)

    with ThreadPoolExecutor(1) as thread:
        asyncio.run(main(thread))

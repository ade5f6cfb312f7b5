"""Commits never move back within a lease and are repeated until confirmed. On a fake consumer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition

from connector.core.commit_metadata import MAX_CHARS, CommitMetadata, FirstSight, decode
from connector.core.ledger import Lease, TopicCounts
from connector.core.progress import Progress
from connector.core.record import TopicPartition
from connector.kafka.bridge import Bridge, CommitRequest
from connector.kafka.commits import Commits
from connector.kafka.deadlines import LAST_COMMIT_S
from connector.kafka.start_offsets import StartOffset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.events import CommitAnswered

PARTITION = TopicPartition("orders", 0)
SIGHT = FirstSight(1_764_167_000_000, 6)
TOO_LARGE = KafkaError(KafkaError.OFFSET_METADATA_TOO_LARGE)


class _FakeConsumer:
    """Keeps what it was asked to commit; its position is `position_at`. Refuses a map longer than `longest`."""

    def __init__(self) -> None:
        self.calls: list[list[KafkaTopicPartition]] = []
        self.position_at = 0
        self.refusals = 0
        """How many commits are refused because of a rebalance, before `standing` is what was committed."""
        self.standing = KafkaTopicPartition(*PARTITION, -1001)
        self.answers_after_s = 0.0
        """How long it takes to read what is committed."""
        self.hangs = False
        self.failing = False
        self.longest = MAX_CHARS

    @property
    def requested(self) -> list[int]:
        return [one.offset for call in self.calls for one in call]

    @property
    def maps(self) -> list[Progress]:
        """What was committed, with the map that stands in the metadata."""
        calls = [one for call in self.calls for one in call]
        return [Progress(one.offset, decode(one.metadata, one.offset).ahead) for one in calls]

    def position(self, partitions: Sequence[KafkaTopicPartition]) -> list[KafkaTopicPartition]:
        return [KafkaTopicPartition(one.topic, one.partition, self.position_at) for one in partitions]

    def commit(self, offsets: Sequence[KafkaTopicPartition], *, asynchronous: bool) -> None:
        if self.failing:
            raise KafkaException(KafkaError(KafkaError._STATE))
        assert asynchronous, "it would have no time limit"
        self.calls.append(list(offsets))
        if self.refusals:
            self.refusals -= 1
        elif max(len(one.metadata or "") for one in offsets) <= self.longest:
            self.standing = offsets[0]

    def committed(self, partitions: Sequence[KafkaTopicPartition], timeout: float) -> list[KafkaTopicPartition]:
        assert timeout <= LAST_COMMIT_S
        assert [(one.topic, one.partition) for one in partitions] == [PARTITION]
        time.sleep(self.answers_after_s)
        if self.hangs:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return [self.standing]


class _FakeBridge:
    """Keeps what was confirmed and the answers."""

    def __init__(self) -> None:
        self.answers: list[tuple[Mapping[Lease, int], str]] = []
        self.beats = 0

    def heartbeat(self) -> None:
        self.beats += 1

    def on_committed_from_thread(self, offsets: Mapping[Lease, int], event: CommitAnswered) -> None:
        self.answers.append((offsets, event.result))


def start_of(partition: TopicPartition, committed: Progress | None) -> StartOffset:
    if committed is None:
        return StartOffset(partition, 0, None, first_sight=SIGHT)
    return StartOffset(partition, committed.offset, committed.offset, committed.ahead, SIGHT)


class CommitsHarness:
    """Commits on a fake consumer, with one tracked lease."""

    def __init__(self, committed: int | None = None) -> None:
        self.consumer, self.bridge = _FakeConsumer(), _FakeBridge()
        self.lease = Lease(PARTITION, committed or 0, TopicCounts())
        self.commits = Commits(cast("Bridge", self.bridge))
        self.track(None if committed is None else Progress(committed))

    def track(self, committed: Progress | None) -> None:
        self.commits.track(self.lease, start_of(PARTITION, committed))

    def commit_async(self, watermark: int, *ahead: range, received: int, idle: bool = False) -> None:
        request = CommitRequest(self.lease, Progress(watermark, ahead), received if idle else None)
        self.commits.commit_async(cast("Consumer", self.consumer), [request], {PARTITION: received})

    def commit_sync(self, watermark: int, *ahead: range) -> None:
        self.commits.commit_sync(cast("Consumer", self.consumer), {self.lease: Progress(watermark, ahead)})

    def reply(self, error: KafkaError | None = None) -> None:
        """The broker's answer to the last commit."""
        self.commits.on_commit(error, self.consumer.calls[-1])


def test_a_watermark_that_has_not_moved_is_not_committed_again() -> None:
    harness = CommitsHarness(committed=10)
    for watermark in (10, 11, 11):
        harness.commit_async(watermark, received=12)
        if harness.consumer.calls:
            harness.reply()
    assert harness.consumer.requested == [11]


def test_when_idle_the_position_is_committed_past_markers_and_gaps() -> None:
    harness = CommitsHarness()
    harness.consumer.position_at = 15
    harness.commit_async(12, received=12, idle=True)
    assert harness.consumer.requested == [15]


def test_a_commit_never_moves_back_when_records_come_after_the_position_was_committed() -> None:
    """A transaction's marker stands at 12; then 13 is received and in flight: the watermark is still 12."""
    harness = CommitsHarness()
    harness.consumer.position_at = 13
    harness.commit_async(12, received=12, idle=True)
    harness.reply()
    harness.commit_async(12, received=14)
    harness.commit_sync(12)
    assert harness.consumer.requested == [13]


def test_a_refused_commit_is_repeated() -> None:
    harness = CommitsHarness()
    harness.commit_async(5, received=6)
    harness.reply(KafkaError(KafkaError.ILLEGAL_GENERATION))
    harness.commit_async(5, received=6)
    assert harness.consumer.requested == [5, 5]
    assert harness.bridge.answers == [({}, "refused")]


def test_a_commit_that_the_client_refuses_is_repeated() -> None:
    harness = CommitsHarness()
    harness.consumer.failing = True
    with pytest.raises(KafkaException):
        harness.commit_async(5, received=6)
    harness.consumer.failing = False
    harness.commit_async(5, received=6)
    assert harness.consumer.requested == [5]


def test_a_confirmed_commit_is_reported_for_its_lease_and_not_repeated_at_the_end() -> None:
    harness = CommitsHarness()
    harness.commit_async(5, received=6)
    harness.reply()
    harness.commit_sync(5)
    assert harness.consumer.requested == [5]
    assert harness.bridge.answers == [({harness.lease: 5}, "ok")]


def test_a_late_reply_for_an_untracked_lease_confirms_nothing() -> None:
    harness = CommitsHarness()
    harness.commit_async(5, received=6)
    harness.commits.untrack(harness.lease)
    harness.reply()
    assert harness.bridge.answers == [({}, "ok")]


def test_a_late_reply_for_the_partitions_previous_lease_does_not_count_for_the_current_one() -> None:
    """The topic was re-created: the old offset must not prevent the commits of the new lease."""
    harness = CommitsHarness()
    harness.commit_async(1000, received=1000)
    harness.commits.untrack(harness.lease)
    harness.lease = Lease(PARTITION, 0, TopicCounts())
    harness.track(None)
    harness.reply()
    harness.commit_async(5, received=6)
    assert harness.consumer.requested == [1000, 5]
    assert harness.bridge.answers == [({}, "ok")]


def test_the_last_commit_is_made_although_the_same_offset_is_still_unconfirmed() -> None:
    """The asynchronous commit may still fail: only a confirmed offset counts."""
    harness = CommitsHarness()
    harness.commit_async(5, received=6)
    harness.commit_sync(5)
    assert harness.consumer.requested == [5, 5]


def test_the_last_commit_is_repeated_while_the_group_is_between_two_generations() -> None:
    harness = CommitsHarness()
    harness.consumer.refusals = 2
    harness.commit_sync(5)
    assert harness.consumer.requested == [5, 5, 5]
    assert harness.bridge.answers == [({harness.lease: 5}, "ok")]


def test_the_last_commit_is_repeated_even_if_its_first_answer_took_longer_than_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While a member rejoins, the broker reads nothing else from its connection; then the generation is a new one."""
    monkeypatch.setattr("connector.kafka.commits.REFUSED_TIMEOUT_S", 0.1)
    harness = CommitsHarness()
    harness.consumer.answers_after_s = 0.2
    harness.consumer.refusals = 1
    harness.commit_sync(5)
    assert harness.bridge.answers == [({harness.lease: 5}, "ok")]


def test_the_last_commit_is_not_repeated_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.kafka.commits.REFUSED_TIMEOUT_S", 0.3)
    harness = CommitsHarness()
    harness.consumer.refusals = 1_000_000
    harness.commit_sync(5)
    assert harness.bridge.answers == [({}, "refused")]


def test_the_last_commit_waits_for_a_coordinator_that_hangs_within_a_limit_and_beats(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("connector.kafka.commits.LAST_COMMIT_S", 0.35)
    harness = CommitsHarness()
    harness.consumer.hangs = True
    harness.commit_sync(5)
    assert harness.consumer.requested == [5]
    assert harness.bridge.answers == [({}, "failed")]
    assert harness.bridge.beats > 1


def test_the_answer_to_the_last_commit_is_reported_once() -> None:
    """It comes by `on_commit` as well, after the waiting."""
    harness = CommitsHarness()
    harness.commit_sync(5)
    harness.reply()
    assert harness.bridge.answers == [({harness.lease: 5}, "ok")]


def test_the_last_commit_never_raises() -> None:
    harness = CommitsHarness()
    harness.consumer.failing = True
    harness.commit_sync(5)
    assert harness.bridge.answers == [({}, "failed")]


# -- what is settled ahead --------------------------------------------------------------------------------------


def test_what_is_settled_ahead_and_when_the_group_saw_the_topic_travel_with_the_offset() -> None:
    harness = CommitsHarness()
    harness.commit_async(5, range(7, 9), received=9)
    [[commit]] = harness.consumer.calls
    assert (commit.offset, decode(commit.metadata, 5)) == (5, CommitMetadata(SIGHT, (range(7, 9),)))


def test_a_changed_map_is_committed_although_the_offset_has_not_moved() -> None:
    harness = CommitsHarness(committed=5)
    for ahead in ((), (range(7, 9),), (range(7, 9),), (range(7, 12),)):
        harness.commit_async(5, *ahead, received=12)
        if harness.consumer.calls:
            harness.reply()
    assert harness.consumer.maps == [Progress(5, (range(7, 9),)), Progress(5, (range(7, 12),))]


def test_a_lease_that_begins_with_the_map_of_its_commit_commits_nothing() -> None:
    harness = CommitsHarness()
    harness.track(Progress(5, (range(7, 9),)))
    harness.commit_async(5, range(7, 9), received=5)
    assert harness.consumer.calls == []


def test_an_idle_lease_keeps_what_is_settled_behind_its_position() -> None:
    """It began with a map, and has not received what stands in it yet."""
    harness = CommitsHarness()
    harness.consumer.position_at = 15
    harness.commit_async(12, range(14, 20), range(30, 40), received=12, idle=True)
    assert harness.consumer.maps == [Progress(20, (range(30, 40),))]


def test_the_last_commit_carries_a_map() -> None:
    harness = CommitsHarness(committed=5)
    harness.commit_sync(5, range(7, 9))
    assert harness.consumer.maps == [Progress(5, (range(7, 9),))]


def test_what_the_broker_has_confirmed_is_its_own_answer_map_included() -> None:
    harness = CommitsHarness()
    harness.commit_async(5, range(7, 9), received=9)
    harness.reply()
    assert harness.commits.confirmed(harness.lease) == 5
    harness.commit_sync(5, range(7, 9))
    harness.commit_sync(5, range(7, 10))
    assert len(harness.consumer.calls) == 2, "the first of the two is known to be committed"


def test_nothing_else_is_committed_while_an_answer_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client keeps every commit for minutes while there is no broker."""
    harness = CommitsHarness()
    for watermark in (5, 6, 7):
        harness.commit_async(watermark, received=9)
    assert harness.consumer.requested == [5]
    harness.reply()
    harness.commit_async(7, received=9)
    assert harness.consumer.requested == [5, 7]
    monkeypatch.setattr("connector.kafka.commits.ANSWER_TIMEOUT_S", 0.0)
    harness.commit_async(8, received=9)
    assert harness.consumer.requested == [5, 7, 8]


def test_the_late_answer_of_an_earlier_map_is_not_taken_for_the_one_of_the_last() -> None:
    harness = CommitsHarness()
    harness.commit_async(5, range(7, 9), received=9)
    first = harness.consumer.calls[-1]
    harness.commits.on_commit(None, first)
    harness.commit_async(5, range(7, 12), received=12)
    harness.commits.on_commit(None, first)
    harness.commit_sync(5, range(7, 12))
    assert len(harness.consumer.calls) == 3, "the second is not known to be committed"


def test_a_start_is_committed_with_the_moment_at_which_the_group_first_saw_the_topic() -> None:
    harness = CommitsHarness()
    consumer = cast("Consumer", harness.consumer)
    starts = [StartOffset(TopicPartition("orders", number), 70 + number, None, first_sight=SIGHT) for number in (1, 2)]
    harness.commits.commit_starts(consumer, starts)
    harness.commits.commit_starts(consumer, starts)
    assert harness.consumer.requested == [71, 72], "once: the answer is missing"
    assert {decode(one.metadata, one.offset) for one in harness.consumer.calls[0]} == {CommitMetadata(SIGHT)}
    harness.reply()
    assert harness.bridge.answers == [({}, "ok")]


def test_a_lease_that_goes_on_where_this_process_was_commits_that() -> None:
    harness = CommitsHarness()
    ahead = (range(22, 25),)
    harness.commits.track(harness.lease, StartOffset(PARTITION, 20, 10, ahead, SIGHT, remembered=True))
    harness.commit_async(20, *ahead, received=20)
    assert harness.consumer.maps == [Progress(20, ahead)]


# -- refused for its size ---------------------------------------------------------------------------------------


MANY = tuple(range(at, at + 1) for at in range(101, 40_000, 2))


def _longest(call: Sequence[KafkaTopicPartition]) -> int:
    return max(len(one.metadata or "") for one in call)


def test_a_commit_that_is_refused_for_its_size_is_repeated_without_a_map_and_later_ones_are_half_as_long() -> None:
    harness = CommitsHarness()
    harness.commit_async(5, *MANY, received=40_000)
    harness.reply(TOO_LARGE)
    for watermark in (5, 6):
        harness.commit_async(watermark, *MANY, received=40_000)
        harness.reply()
    assert harness.consumer.requested == [5, 5, 6]
    full, bare, half = map(_longest, harness.consumer.calls)
    assert (full > MAX_CHARS - 10, bare < 80) == (True, True)
    assert MAX_CHARS // 2 - 10 < half <= MAX_CHARS // 2
    assert [result for _, result in harness.bridge.answers] == ["failed", "ok", "ok"]


def test_the_last_commit_is_repeated_without_a_map_in_the_end_if_it_is_refused_for_its_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("connector.kafka.commits.REFUSED_TIMEOUT_S", 0.0)
    harness = CommitsHarness()
    harness.consumer.longest = 1_000
    harness.commit_sync(5, *MANY)
    assert harness.consumer.requested == [5, 5]
    assert harness.bridge.answers == [({harness.lease: 5}, "ok")]
    harness.commit_sync(6, *MANY)
    assert _longest(harness.consumer.calls[2]) > 1_000, "the next one is tried with a map"


def test_a_broker_that_takes_no_metadata_at_all_still_gets_every_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.kafka.commits.REFUSED_TIMEOUT_S", 0.0)
    harness = CommitsHarness()
    harness.consumer.longest = 100
    for watermark in (1, 2, 3, 4, 5, 6, 50, 60, 70, 80):
        harness.commit_sync(watermark, *MANY)
        assert harness.commits.confirmed(harness.lease) == watermark


def test_the_maps_of_one_request_share_what_it_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.kafka.commit_texts.MAX_REQUEST_CHARS", 20_000)
    monkeypatch.setattr("connector.kafka.commits.MAX_REQUEST_PARTITIONS", 20)
    harness = CommitsHarness()
    requests = []
    for number in range(40):
        lease = Lease(TopicPartition("orders", number), 0, TopicCounts())
        harness.commits.track(lease, start_of(lease.partition, None))
        requests.append(CommitRequest(lease, Progress(5, MANY[:: 1 + number % 3]), None))
    received = {request.lease.partition: 40_000 for request in requests}
    harness.commits.commit_async(cast("Consumer", harness.consumer), requests, received)
    assert [len(call) for call in harness.consumer.calls] == [20, 20]
    for call in harness.consumer.calls:
        sizes = [len(one.metadata or "") for one in call]
        assert 19_800 < sum(sizes) <= 20_000
        assert max(sizes) - min(sizes) < 10

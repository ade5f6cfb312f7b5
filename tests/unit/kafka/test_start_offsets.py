"""Where consuming starts: by the group's commits and their metadata, for members that come at any time."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException

from connector.core.commit_metadata import UNKNOWN_SIGHT, FirstSight, encode
from connector.core.progress import Progress
from connector.core.record import TopicPartition
from connector.kafka.start_offsets import StartOffset, StartOffsets
from tests.unit.kafka.assignment_harness import FakeConsumer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from confluent_kafka import TopicPartition as KafkaTopicPartition

    from connector.kafka.start_offsets import Starts

GONE, HERE, OTHER, ADDED = (
    TopicPartition("gone", 0),
    TopicPartition("here", 0),
    TopicPartition("here", 1),
    TopicPartition("here", 3),
)
NOW_MS = 5_000
SIGHT = FirstSight(40, 3)
"""The group first saw topic `here` at 40 ms, with three partitions. The record at offset 40 is of that time."""


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.kafka.start_offsets.time.time", lambda: NOW_MS / 1000)


def _resolve(
    fake: FakeConsumer,
    *partitions: TopicPartition,
    start_from: str | datetime = "latest",
    by: StartOffsets | None = None,
) -> Starts:
    return (by or StartOffsets(start_from)).resolve(cast("Consumer", fake), partitions)


def _fake(**committed: str) -> FakeConsumer:
    """Topic `here` has 70 records from 10 on, and four partitions; `p1="40:text"` is committed for partition 1."""
    fake = FakeConsumer()
    fake.missing_topics, fake.earliest, fake.end = {"gone"}, 10, 70
    for name, value in committed.items():
        offset, _, metadata = value.partition(":")
        _commit(fake, TopicPartition("here", int(name[1:])), int(offset), metadata)
    return fake


def _commit(fake: FakeConsumer, partition: TopicPartition, offset: int, metadata: str) -> None:
    fake.committed_at[partition], fake.metadata[partition] = offset, metadata


def _ours(offset: int, *ahead: range, sight: FirstSight = SIGHT) -> str:
    return f"{offset}:{encode(Progress(offset, ahead), sight)}"


# -- partitions with a committed offset -------------------------------------------------------------------------


def test_a_partition_starts_at_its_commit_and_passes_over_what_that_calls_settled() -> None:
    starts = _resolve(_fake(p0=_ours(20, range(25, 30))), HERE)
    assert starts.found == [StartOffset(HERE, 20, 20, (range(25, 30),), SIGHT)]
    assert starts.found[0].confirmed == Progress(20, (range(25, 30),))


@pytest.mark.parametrize(
    "metadata",
    ["", "of another tool", "tuzhan2 of a later version", encode(Progress(21, (range(25, 30),)), SIGHT) + "0"],
)
def test_the_metadata_of_others_is_ignored(metadata: str) -> None:
    assert _resolve(_fake(p0=f"20:{metadata}"), HERE).found == [StartOffset(HERE, 20, 20)]


def test_the_map_of_another_offset_is_ignored() -> None:
    """A tool has moved the offset and left the metadata as it was."""
    text = encode(Progress(20, (range(25, 30),)), SIGHT)
    assert _resolve(_fake(p0=f"15:{text}"), HERE).found == [StartOffset(HERE, 15, 15, first_sight=SIGHT)]


def test_a_map_beyond_the_end_of_the_partition_is_cut_there() -> None:
    """The topic was re-created, or its log was cut off: what is produced from now on must not be passed over."""
    found = _resolve(_fake(p0=_ours(20, range(25, 30), range(60, 10**15))), HERE).found
    assert found == [StartOffset(HERE, 20, 20, (range(25, 30), range(60, 70)), SIGHT, remembered=True)]
    assert found[0].confirmed == Progress(20)


def test_a_committed_offset_counts_although_its_topic_was_deleted() -> None:
    fake = _fake()
    _commit(fake, GONE, 5, "")
    assert _resolve(fake, GONE).found == [StartOffset(GONE, 5, 5)]


def test_an_offset_that_an_operator_has_set_takes_the_moment_of_its_siblings() -> None:
    assert _resolve(_fake(p0="20:", p1=_ours(50)), HERE).found == [StartOffset(HERE, 20, 20, first_sight=SIGHT)]


class _RefusingConsumer(FakeConsumer):
    """The group's offset of some partitions can't be read: a transaction that commits it is open, for example."""

    unstable: frozenset[TopicPartition] = frozenset()

    def committed(self, partitions: Sequence[KafkaTopicPartition], timeout: float) -> list[KafkaTopicPartition]:
        answers = super().committed(partitions, timeout)
        error = KafkaError(KafkaError.UNSTABLE_OFFSET_COMMIT)
        unstable = [one for one in answers if (one.topic, one.partition) in self.unstable]
        refusals = [SimpleNamespace(topic=one.topic, partition=one.partition, error=error) for one in unstable]
        return [one for one in answers if one not in unstable] + cast("list[KafkaTopicPartition]", refusals)


def _refusing(*unstable: TopicPartition) -> _RefusingConsumer:
    fake = _RefusingConsumer()
    fake.earliest, fake.end, fake.committed_at, fake.unstable = 10, 70, {}, frozenset(unstable)
    return fake


def test_a_partition_whose_offset_cannot_be_read_holds_up_no_other() -> None:
    fake = _refusing(OTHER)
    for partition in (HERE, OTHER):
        _commit(fake, partition, 20, _ours(20).partition(":")[2])
    starts = _resolve(fake, HERE, OTHER)
    assert starts.found == [StartOffset(HERE, 20, 20, first_sight=SIGHT)]
    assert {one: error.code() for one, error in starts.unanswered.items()} == {OTHER: KafkaError.UNSTABLE_OFFSET_COMMIT}


def test_a_partition_without_an_offset_waits_while_it_is_not_known_whether_the_group_has_seen_its_topic() -> None:
    """The offset that can't be read may hold the moment. Partitions that have their own offset start."""
    fake = _refusing(OTHER)
    _commit(fake, ADDED, 20, _ours(20).partition(":")[2])
    starts = _resolve(fake, HERE, ADDED)
    assert [start.partition for start in starts.found] == [ADDED]
    assert (list(starts.unanswered), starts.to_commit) == ([HERE], [])


def test_if_no_offset_can_be_read_that_is_the_groups_error() -> None:
    with pytest.raises(KafkaException):
        _resolve(_refusing(HERE, OTHER), HERE, OTHER)


class _SilentConsumer(FakeConsumer):
    """A consumer whose brokers have stopped answering once the group's offsets were read."""

    questions = 0

    def list_topics(self, topic: str = "", timeout: float = 0.0) -> SimpleNamespace:
        del topic, timeout
        self.questions += 1
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))


def test_brokers_that_do_not_answer_are_waited_for_once_and_not_for_each_partition() -> None:
    """Each question takes ten seconds, in which the thread shows no sign of life."""
    fake = _SilentConsumer()
    starts = _resolve(fake, HERE, OTHER, GONE)
    assert (fake.questions, set(starts.unanswered)) == (1, {HERE, OTHER, GONE})


# -- topics that the group sees for the first time --------------------------------------------------------------


TIME = datetime.fromtimestamp(0.030, UTC)
LATER = datetime.fromtimestamp(0.090, UTC)


@pytest.mark.parametrize(("start_from", "offset"), [("earliest", 10), ("latest", 70), (TIME, 30), (LATER, 70)], ids=str)
def test_a_topic_that_the_group_sees_for_the_first_time_starts_as_configured_once_that_is_committed(
    start_from: str | datetime, offset: int
) -> None:
    starts = _resolve(_fake(), HERE, start_from=start_from)
    assert starts.found == []
    assert starts.to_commit == [StartOffset(HERE, offset, None, first_sight=FirstSight(NOW_MS, 4))]


def test_what_was_committed_as_a_start_is_one() -> None:
    fake = _fake()
    [start] = _resolve(fake, HERE).to_commit
    _commit(fake, HERE, start.offset, encode(Progress(start.offset), start.first_sight))
    fake.end = 99
    assert _resolve(fake, HERE).found == [StartOffset(HERE, 70, 70, first_sight=FirstSight(NOW_MS, 4))]


def test_a_topic_that_does_not_exist_is_unanswered_and_holds_up_no_other() -> None:
    starts = _resolve(_fake(), GONE, HERE)
    assert [start.partition for start in starts.to_commit] == [HERE]
    assert [(one, error.code()) for one, error in starts.unanswered.items()] == [
        (GONE, KafkaError.UNKNOWN_TOPIC_OR_PART)
    ]


# -- topics that it has seen before -----------------------------------------------------------------------------


@pytest.mark.parametrize(("start_from", "offset"), [("earliest", 10), ("latest", 40), (TIME, 30), (LATER, 70)], ids=str)
def test_a_partition_that_lost_its_owner_before_it_was_committed_starts_as_at_the_groups_first_moment(
    start_from: str | datetime, offset: int
) -> None:
    starts = _resolve(_fake(p1=_ours(50)), HERE, start_from=start_from)
    assert starts.to_commit == [StartOffset(HERE, offset, None, first_sight=SIGHT)]


def test_of_two_members_that_saw_the_topic_first_the_earlier_one_counts() -> None:
    fake = _fake(p1=_ours(50, sight=FirstSight(60, 3)), p2=_ours(55, sight=FirstSight(35, 2)))
    [start] = _resolve(fake, HERE).to_commit
    assert (start.offset, start.first_sight) == (35, FirstSight(35, 2))


def test_a_partition_that_was_added_later_starts_at_its_beginning() -> None:
    starts = _resolve(_fake(p1=_ours(50)), ADDED)
    assert starts.to_commit == [StartOffset(ADDED, 10, None, first_sight=SIGHT)]


@pytest.mark.parametrize("commit", ["50:", "50:of another tool", _ours(50, sight=UNKNOWN_SIGHT)])
def test_a_partition_of_a_known_topic_starts_at_its_beginning_if_nobody_knows_since_when(commit: str) -> None:
    """Its offsets are of an older version, or were set by an operator."""
    starts = _resolve(_fake(p1=commit), HERE)
    assert starts.to_commit == [StartOffset(HERE, 10, None)]


# -- members that come at the same time -------------------------------------------------------------------------


class _RacingConsumer(FakeConsumer):
    """Calls `meanwhile` after the first look at the group's commits, and `after_ends` after that at the end offsets."""

    def __init__(self) -> None:
        super().__init__()
        self.earliest, self.end = 10, 70
        self.meanwhile: Callable[[], None] = lambda: None
        self.after_ends: Callable[[], None] = lambda: None

    def committed(self, *arguments: object, **named: object) -> list[object]:  # type: ignore[override]
        found = super().committed(*arguments, **named)  # type: ignore[arg-type]
        call, self.meanwhile = self.meanwhile, lambda: None
        call()
        return cast("list[object]", found)

    def get_watermark_offsets(self, *arguments: object, **named: object) -> tuple[int, int]:
        found = super().get_watermark_offsets(*arguments, **named)  # type: ignore[arg-type]
        call, self.after_ends = self.after_ends, lambda: None
        call()
        return found


def test_a_slow_member_finds_what_another_has_committed_while_it_was_looking() -> None:
    """The other one is ready from then on: records may have been produced since, and must not be passed over."""
    fake = _RacingConsumer()

    def another_commits_and_a_record_comes() -> None:
        _commit(fake, OTHER, 70, encode(Progress(70), FirstSight(65, 4)))
        fake.end = 90

    fake.meanwhile = another_commits_and_a_record_comes
    assert [one.offset for one in _resolve(fake, HERE).to_commit] == [65]


def test_a_slow_member_that_finds_no_commit_starts_where_the_partition_ended_before_it_looked() -> None:
    fake = _RacingConsumer()

    def a_record_comes() -> None:
        fake.end = 90

    fake.after_ends = a_record_comes
    assert [one.offset for one in _resolve(fake, HERE).to_commit] == [70]


def test_a_start_that_another_member_has_committed_for_this_very_partition_counts() -> None:
    fake = _RacingConsumer()
    fake.after_ends = lambda: _commit(fake, HERE, 66, encode(Progress(66), SIGHT))
    starts = _resolve(fake, HERE)
    assert (starts.found, starts.to_commit) == ([StartOffset(HERE, 66, 66, first_sight=SIGHT)], [])


# -- what this process has done before --------------------------------------------------------------------------


def _remembering(progress: Progress, committed: int) -> StartOffsets:
    starts = StartOffsets("latest")
    starts.memory.remember(HERE, progress, committed, SIGHT)
    return starts


def test_a_partition_that_comes_back_goes_on_where_this_process_was() -> None:
    last = Progress(40, (range(50, 60),))
    [start] = _resolve(_fake(p0=_ours(20)), HERE, by=_remembering(last, 20)).found
    assert start == StartOffset(HERE, 40, 20, last.ahead, SIGHT, remembered=True)
    assert start.confirmed == Progress(20)


@pytest.mark.parametrize("commit", ["20:", "30:", _ours(15)], ids=["reset", "reset above", "moved back"])
def test_an_offset_that_an_operator_has_set_is_obeyed(commit: str) -> None:
    by = _remembering(Progress(40), 20)
    [start] = _resolve(_fake(p0=commit), HERE, by=by).found
    assert (start.offset, start.remembered) == (int(commit.split(":", maxsplit=1)[0]), False)
    assert not by.memory.knows(HERE)


@pytest.mark.parametrize("sight", [UNKNOWN_SIGHT, FirstSight(50, 3)], ids=["truncated", "created anew"])
def test_what_is_remembered_of_other_records_does_not_count(sight: FirstSight) -> None:
    """Another member had the partition when its offsets began to mean other records, and has got further since."""
    [start] = _resolve(_fake(p0=_ours(30, sight=sight)), HERE, by=_remembering(Progress(40), 20)).found
    assert start == StartOffset(HERE, 30, 30, first_sight=sight)


def test_a_partition_whose_commit_was_deleted_starts_as_a_new_one() -> None:
    """Kafka deletes the commits of a topic that is deleted: what comes under its name is new."""
    by = _remembering(Progress(40), 20)
    assert _resolve(_fake(), HERE, by=by).to_commit[0].offset == 70
    assert not by.memory.knows(HERE)

"""Where consuming starts. The connector decides it itself, so that no partition silently skips records.

The rules
1. A partition with a committed offset starts there, and passes over what the commit's map calls settled. If this
   process had the partition before and the offset was not moved since, it goes on where it was
   (`core/remembered.py`).
2. `start_from` counts for the partitions that a topic has when the group first sees it. The moment, and how many
   partitions there were, stand in the metadata of every commit (`core/commit_metadata.py`).
3. A partition without a committed offset, in a topic that the group has seen, is one of those, and starts as
   `start_from` said at that moment; or it was added later, or the moment is unknown: then it starts at its beginning.
4. A start is committed before anything of its partition is consumed, and before the member is ready: such a partition
   starts once the committed offset can be read.
5. A topic that was deleted after its partitions were assigned starts at 0 (`assignment.py` waits for a while): a topic
   created later under that name is new.

So from the moment at which the first member is ready, no record is passed over, whichever member joins, dies or is
slow:

    A and B, of a new group, read the end offsets of their partitions, then the group's commits: there are none.
    A commits its starts, is ready, and is killed.       B got A's partitions: it finds the moment in A's commits, and
                                                         starts at the first record from that moment on.
    A is killed before it has committed.                 B finds nothing of A: no member was ready, and B
                                                         resolves its starts by itself.
    B was slow, and commits its own starts after A.      They are older than the moment at which it found no commit,
                                                         so older than A's being ready.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition

from connector.core.commit_metadata import UNKNOWN_SIGHT, CommitMetadata, FirstSight, decode
from connector.core.progress import Progress
from connector.core.record import TopicPartition
from connector.core.remembered import RememberedProgress
from connector.kafka.errors import cause_of
from connector.kafka.leader_offsets import LeaderOffsets
from connector.kafka.properties import REQUEST_TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class StartOffset:
    """Where one partition starts."""

    partition: TopicPartition
    offset: int
    committed: int | None
    """The group's offset; None if it has none."""
    ahead: tuple[range, ...] = ()
    """What is settled above the offset."""
    first_sight: FirstSight = UNKNOWN_SIGHT
    remembered: bool = False
    """Whether it goes on where this process was, which need not be committed."""

    @property
    def confirmed(self) -> Progress | None:
        """What is known to be committed."""
        if self.committed is None:
            return None
        return Progress(self.committed, () if self.remembered else self.ahead)


@dataclass(frozen=True, slots=True)
class Starts:
    """Where partitions start, as far as brokers have answered."""

    found: list[StartOffset] = field(default_factory=list)
    to_commit: list[StartOffset] = field(default_factory=list)
    """Starts that must be committed first."""
    unanswered: dict[TopicPartition, KafkaError] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Committed:
    """What the group has committed for one partition."""

    offset: int
    metadata: CommitMetadata


_Answers = tuple[dict[TopicPartition, _Committed], dict[TopicPartition, KafkaError]]


class StartOffsets:
    """Finds out where partitions start. Used by the consumer's thread only.

    `memory` holds what this process knows to be settled of partitions that it has lost.
    """

    def __init__(self, start_from: str | datetime) -> None:
        self.memory = RememberedProgress()
        self._start_from = start_from

    def resolve(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> Starts:
        """Return where each partition starts, by rules 1 to 4. Blocks.

        A partition whose topic does not exist, or is too new for this broker to know, or whose leader does not answer,
        or whose committed offset can't be read, is unanswered: it holds up no other. Raises KafkaException if none of
        the group's offsets can be read.
        """
        return _Pass(consumer, self._start_from, self.memory).resolve(partitions)


class _Pass:
    """One look at the group's commits and at the partitions."""

    def __init__(self, consumer: Consumer, start_from: str | datetime, memory: RememberedProgress) -> None:
        self._consumer = consumer
        self._start_from = start_from
        self._memory = memory
        self._offsets = LeaderOffsets(consumer)
        self._now_ms = int(time.time() * 1000)
        self._spans: dict[TopicPartition, tuple[int, int]] = {}
        """First and end offsets of partitions without a commit, read before it was known that they have none."""
        self._starts = Starts()

    def resolve(self, partitions: Sequence[TopicPartition]) -> Starts:
        committed, unanswered = _committed(self._consumer, partitions)
        self._starts.unanswered.update(unanswered)
        answered = [one for one in partitions if one not in unanswered]
        for partition in answered:
            if partition not in committed:
                self._read_span(partition)
        siblings, unanswered = self._siblings({one.topic for one in answered if not _is_ours(committed.get(one))})
        unknown_sights = {one.topic: error for one, error in unanswered.items()}
        for partition in answered:
            own = committed.get(partition)
            if not _is_ours(own) and partition.topic in unknown_sights:
                self._starts.unanswered[partition] = unknown_sights[partition.topic]
            else:
                self._resolve(partition, own or siblings.get(partition), siblings)
        return self._starts

    def _resolve(
        self, partition: TopicPartition, own: _Committed | None, siblings: Mapping[TopicPartition, _Committed]
    ) -> None:
        try:
            if own is not None:
                self._starts.found.append(self._go_on(partition, own, siblings))
            elif partition not in self._starts.unanswered:
                self._starts.to_commit.append(self._begin(partition, siblings))
        except KafkaException as error:
            self._starts.unanswered[partition] = cause_of(error)

    def _read_span(self, partition: TopicPartition) -> None:
        try:
            self._spans[partition] = self._offsets.span(partition)
        except KafkaException as error:
            self._starts.unanswered[partition] = cause_of(error)

    def _siblings(self, topics: Iterable[str]) -> _Answers:
        """Return what the group has committed for any partition of these topics."""
        partitions: list[TopicPartition] = []
        for topic in topics:
            try:
                partitions += [TopicPartition(topic, number) for number in self._offsets.partitions(topic)]
            except KafkaException:
                continue  # it is deleted, or too new
        return _committed(self._consumer, partitions)

    def _go_on(
        self, partition: TopicPartition, committed: _Committed, siblings: Mapping[TopicPartition, _Committed]
    ) -> StartOffset:
        """Rule 1."""
        first_sight = committed.metadata.first_sight
        if first_sight is None:  # an operator has set the offset, or an older version has
            self._memory.forget(partition)
            return StartOffset(
                partition, committed.offset, committed.offset, first_sight=_first_sight(partition.topic, siblings)
            )
        progress = Progress(committed.offset, committed.metadata.ahead)
        if not progress.ahead and not self._memory.knows(partition):
            return StartOffset(partition, committed.offset, committed.offset, first_sight=first_sight)
        _, end = self._offsets.span(partition)
        known = self._memory.recall(partition, progress.below(end), first_sight, end)
        remembered = known != progress
        return StartOffset(partition, known.offset, committed.offset, known.ahead, first_sight, remembered)

    def _begin(self, partition: TopicPartition, siblings: Mapping[TopicPartition, _Committed]) -> StartOffset:
        """Rules 2 and 3."""
        self._memory.forget(partition)
        first, end = self._spans[partition]
        seen_before = any(one.topic == partition.topic for one in siblings)
        if seen_before:
            first_sight = _first_sight(partition.topic, siblings)
        else:
            first_sight = FirstSight(self._now_ms, len(self._offsets.partitions(partition.topic)))
        if self._start_from == "earliest" or partition.partition >= first_sight.partitions:
            offset = first
        elif not isinstance(self._start_from, str):
            offset = self._offsets.at_time(partition, int(self._start_from.timestamp() * 1000), otherwise=end)
        else:
            offset = self._offsets.at_time(partition, first_sight.moment_ms, otherwise=end) if seen_before else end
        return StartOffset(partition, offset, None, first_sight=first_sight)


def _is_ours(committed: _Committed | None) -> bool:
    return committed is not None and committed.metadata.first_sight is not None


def _first_sight(topic: str, committed: Mapping[TopicPartition, _Committed]) -> FirstSight:
    """Return when the group first saw a topic, as its commits say: the earliest of several, as members may race."""
    found = [
        one.metadata.first_sight
        for partition, one in committed.items()
        if partition.topic == topic and one.metadata.first_sight
    ]
    return min((one for one in found if one != UNKNOWN_SIGHT), default=UNKNOWN_SIGHT)


def _committed(consumer: Consumer, partitions: Iterable[TopicPartition]) -> _Answers:
    """Return what the group has committed, without the partitions that have no offset, and the errors of others.

    Raises KafkaException if there is no answer, or not for a single partition.
    """
    asked = [KafkaTopicPartition(*partition) for partition in partitions]
    answers = consumer.committed(asked, timeout=REQUEST_TIMEOUT_S) if asked else []
    found: dict[TopicPartition, _Committed] = {}
    refused: dict[TopicPartition, KafkaError] = {}
    for one in answers:
        partition = TopicPartition(one.topic, one.partition)
        if one.error is not None:
            refused[partition] = one.error
        elif one.offset >= 0:
            found[partition] = _Committed(one.offset, decode(one.metadata, one.offset))
    if refused and len(refused) == len(asked):
        raise KafkaException(next(iter(refused.values())))
    return found, refused

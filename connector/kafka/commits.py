"""Offset commits: explicit, repeated until the broker has confirmed them, and never for a lease that has ended.

1. What is committed is a lease's progress as one value: the watermark, and in the commit's metadata what is settled
   above it (`core/commit_metadata.py`). The watermark never moves back within a lease.
2. It is committed whenever it differs from what was requested last, so also when only the map has changed: a batch that
   takes long stands in front then, and the map is all that a crash leaves of the batches behind it. That is one commit
   per `commit_interval` at most, as while the watermark moves, and none while nothing is settled.
3. One regular commit is on its way at a time. While a broker does not answer, the client would keep each for minutes.
4. A commit that is refused for its size is repeated once without maps; see `commit_texts.py`.
"""

from __future__ import annotations

import math
import time
from collections import deque
from typing import TYPE_CHECKING, Final, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition

from connector.core.commit_metadata import decode
from connector.core.events import CommitAnswered
from connector.core.progress import Progress, progress_of
from connector.core.record import TopicPartition
from connector.kafka.commit_fence import RETRY_DELAY_S, await_committed
from connector.kafka.commit_texts import CommitTexts
from connector.kafka.deadlines import LAST_COMMIT_S
from connector.kafka.errors import COMMIT_REFUSED, COMMIT_TOO_LARGE, cause_of
from connector.kafka.tracked_lease import TrackedLease

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from connector.core.commit_metadata import FirstSight
    from connector.core.ledger import Lease
    from connector.kafka.bridge import Bridge, CommitRequest
    from connector.kafka.commit_texts import OffsetCommit
    from connector.kafka.start_offsets import StartOffset

T = TypeVar("T")

REFUSED_TIMEOUT_S: Final = 2.0
"""How long the last commit of leases is repeated, from its first answer on, if the group has begun a new generation."""

MAX_REQUEST_PARTITIONS: Final = 1_000
ANSWER_TIMEOUT_S: Final = 30.0
"""After this time a commit without an answer holds up no other."""


class Commits:
    """What was requested and what was confirmed, per tracked lease. Used by the consumer's thread only.

    Within a lease the committed offset never moves back, although the watermark may lie below it:

        0 to 11 settled, a transaction marker at 12   idle: the position, 13, is committed
        nothing received                              the watermark is 12: nothing is committed
        13 received and settled                       the watermark, 14, is committed
    """

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._tracked: dict[TopicPartition, TrackedLease] = {}
        self._texts = CommitTexts()
        self._on_its_way = 0
        self._requested_at = 0.0
        self._sent = self._answered = 0
        """How many requests were sent and answered. Answers come in the order of the requests."""
        self._sent_at: deque[float] = deque()
        """When each unanswered request was sent, in monotonic seconds."""
        self._questions: set[int] = set()
        """The numbers of requests by `commit_again`: a regular commit does not wait for their answers."""
        self._reported: set[int] = set()
        """The numbers of requests whose answers `commit_sync` waits for, and reports itself."""
        self.on_answer: Callable[[int, KafkaError | None], None] = lambda _request, _refusal: None
        """Called with the number of each request that is answered, and with the first error of the answer."""
        self.on_accepted: Callable[[float], None] = lambda _sent_at: None
        """Called before that, if the broker has accepted the request, or a part of it, with when it was sent."""

    def track(self, lease: Lease, start: StartOffset) -> None:
        """Start to track a lease, which begins at `start`."""
        began_with = progress_of(start.offset, start.ahead)
        confirmed = start.confirmed
        self._tracked[lease.partition] = TrackedLease(lease, start.first_sight, confirmed, confirmed, began_with)

    def untrack(self, lease: Lease) -> None:
        """Stop tracking a lease, but for `commit_sync`; late commit replies for it are ignored."""
        tracked = self._tracked.get(lease.partition)
        if tracked is not None and tracked.lease is lease:
            tracked.active = False

    def confirmed(self, lease: Lease) -> int | None:
        """Return the offset that the broker has confirmed for a lease, which may have ended."""
        tracked = self._tracked[lease.partition]
        return tracked.confirmed.offset if tracked.lease is lease and tracked.confirmed is not None else None

    def first_sight(self, lease: Lease) -> FirstSight:
        """Return the first sight that the commits of a lease, which may have ended, carry."""
        return self._tracked[lease.partition].first_sight

    def on_new_client(self) -> None:
        """Called when another client takes the place of the one that was asked: no more answers come of that one."""
        self._on_its_way = self._sent = self._answered = 0
        self._sent_at.clear()
        self._questions.clear()
        self._reported.clear()

    # -- without waiting ----------------------------------------------------------------------------------------

    def commit_async(
        self, consumer: Consumer, requests: Sequence[CommitRequest], received: Mapping[TopicPartition, int]
    ) -> None:
        """Commit what has changed, without waiting. Raises KafkaException if librdkafka refuses the call.

        `received` is the offset after the last record handed over. A lease is idle if nothing is in flight and
        nothing was handed over since the request was made; then its position counts, which is past markers and gaps.
        """
        if self._awaits_answer():
            return
        reached = _positions(consumer, requests, received)
        changed: list[tuple[TrackedLease, Progress]] = []
        for request in requests:
            partition = request.lease.partition
            tracked = self._tracked[partition]
            progress = request.progress.advanced_to(max(reached.get(partition, 0), tracked.goes_on_at))
            if progress != tracked.requested and progress.offset >= tracked.highest:
                changed.append((tracked, progress))
        for part in _parts(changed):
            self._send_regular(consumer, [(one.lease.partition, progress, one.first_sight) for one, progress in part])
            for tracked, progress in part:
                tracked.requested = tracked.sent = progress
        if changed:
            self._texts.without_maps = False

    def commit_starts(self, consumer: Consumer, starts: Sequence[StartOffset]) -> None:
        """Commit where partitions start, without waiting. Raises KafkaException if librdkafka refuses the call.

        They have no lease yet: they begin once the group's offsets can be read, so this commit's answer is not needed.
        """
        if self._awaits_answer():
            return
        for part in _parts(starts):
            self._send_regular(consumer, [(one.partition, Progress(one.offset), one.first_sight) for one in part])

    def _awaits_answer(self) -> bool:
        if self._on_its_way and time.monotonic() < self._requested_at + ANSWER_TIMEOUT_S:
            return True
        self._on_its_way = 0
        return False

    def _send(self, consumer: Consumer, commits: Sequence[OffsetCommit]) -> list[KafkaTopicPartition]:
        offsets = self._texts.offsets_of(commits)
        consumer.commit(offsets=offsets, asynchronous=True)
        self._sent += 1
        self._sent_at.append(time.monotonic())
        return offsets

    def _send_regular(self, consumer: Consumer, commits: Sequence[OffsetCommit]) -> list[KafkaTopicPartition]:
        offsets = self._send(consumer, commits)
        self._on_its_way += 1
        self._requested_at = time.monotonic()
        return offsets

    def commit_again(self, consumer: Consumer, lease: Lease) -> int:
        """Commit once more what was committed last for a tracked lease; return the number of the request.

        Raises KafkaException if librdkafka refuses the call.
        """
        tracked = self._tracked[lease.partition]
        progress = tracked.known
        self._send(consumer, [(lease.partition, progress, tracked.first_sight)])
        tracked.requested = tracked.sent = progress
        self._questions.add(self._sent)
        return self._sent

    def commit_gap(self, consumer: Consumer, lease: Lease, offset: int) -> None:
        """Commit, as `commit_sync`, that a tracked lease goes on at `offset`, and what is known to be settled above.

        If that fails, the next regular commit does it.
        """
        tracked = self._tracked[lease.partition]
        tracked.goes_on_at = offset
        self.commit_sync(consumer, {lease: tracked.known.advanced_to(offset)})

    def on_commit(self, error: KafkaError | None, partitions: list[KafkaTopicPartition]) -> None:
        """Called by librdkafka, between polls, with the broker's reply to `commit_async`."""
        self._answered += 1
        if self._answered in self._questions:
            self._questions.discard(self._answered)
        else:
            self._on_its_way = max(0, self._on_its_way - 1)
        sent_at = self._sent_at.popleft() if self._sent_at else -math.inf
        confirmed: dict[Lease, int] = {}
        refused = error
        for reply in partitions:
            refused = refused or reply.error
            tracked = self._tracked.get(TopicPartition(reply.topic, reply.partition))
            if tracked is None or not tracked.active:
                continue
            if error is not None or reply.error is not None:
                tracked.requested = None  # the next commit repeats it
            elif tracked.was_requested(reply.offset):
                tracked.confirmed = Progress(reply.offset, decode(reply.metadata, reply.offset).ahead)
                confirmed[tracked.lease] = reply.offset
        if refused is not None and refused.code() in COMMIT_TOO_LARGE:
            self._texts.on_refused_for_size()
        if self._answered in self._reported:
            self._reported.discard(self._answered)
        else:
            self._bridge.on_committed_from_thread(confirmed, _answer(refused))
        if error is None and any(reply.error is None for reply in partitions):
            self.on_accepted(sent_at)
        self.on_answer(self._answered, refused)

    # -- and with waiting, at the end of leases -----------------------------------------------------------------

    def commit_sync(self, consumer: Consumer, ended: Mapping[Lease, Progress]) -> None:
        """Commit and wait, for LAST_COMMIT_S at most, while the partitions are owned. Never raises KafkaException.

        A refusal is tried again for a while, because the group may be between two generations; then once more without
        maps, because their size may be the reason.
        """
        changed: list[tuple[TrackedLease, Progress]] = []
        for lease, last in ended.items():
            tracked = self._tracked[lease.partition]
            progress = last.advanced_to(tracked.highest)
            if tracked.lease is lease and progress != tracked.confirmed:
                tracked.sent = progress
                changed.append((tracked, progress))
        deadline = time.monotonic() + LAST_COMMIT_S
        for part in _parts(changed):
            refused = self._commit_by(
                consumer, [(one.lease.partition, progress, one.first_sight) for one, progress in part], deadline
            )
            confirmed = {}
            if refused is None:
                for tracked, progress in part:
                    tracked.requested = tracked.confirmed = progress
                    confirmed[tracked.lease] = progress.offset
            self._bridge.on_committed_from_thread(confirmed, _answer(refused))

    def _commit_by(self, consumer: Consumer, commits: Sequence[OffsetCommit], deadline: float) -> KafkaError | None:
        refused = self._request(consumer, commits, deadline)
        # The first answer may have waited, on the same connection, for as long as the group took to rejoin.
        give_up = min(deadline, time.monotonic() + REFUSED_TIMEOUT_S)
        while refused is not None and time.monotonic() < give_up:
            time.sleep(RETRY_DELAY_S)
            refused = self._request(consumer, commits, deadline)
        if refused is not None and time.monotonic() < deadline:
            self._texts.without_maps = True
            refused = self._request(consumer, commits, deadline)
        self._texts.without_maps = False
        return refused

    def _request(self, consumer: Consumer, commits: Sequence[OffsetCommit], deadline: float) -> KafkaError | None:
        """Commit, wait, and return why it was not accepted; `on_commit` does not report the answer again."""
        try:
            sent = self._send_regular(consumer, commits)
        except KafkaException as error:
            return cause_of(error)
        self._reported.add(self._sent)
        return await_committed(consumer, sent, deadline, self._bridge.heartbeat)


def _positions(
    consumer: Consumer, requests: Sequence[CommitRequest], received: Mapping[TopicPartition, int]
) -> dict[TopicPartition, int]:
    """Return, for each idle lease, the offset up to which there is nothing to settle."""
    idle = [one.lease.partition for one in requests if one.idle_at == received[one.lease.partition]]
    positions = consumer.position([KafkaTopicPartition(*partition) for partition in idle]) if idle else []
    found = {TopicPartition(one.topic, one.partition): one.offset for one in positions}
    return {partition: max(received[partition], found.get(partition, -1)) for partition in idle}


def _parts(commits: Sequence[T]) -> Iterator[Sequence[T]]:
    for begin in range(0, len(commits), MAX_REQUEST_PARTITIONS):
        yield commits[begin : begin + MAX_REQUEST_PARTITIONS]


def _answer(error: KafkaError | None) -> CommitAnswered:
    if error is None:
        return CommitAnswered("ok")
    return CommitAnswered("refused" if error.code() in COMMIT_REFUSED else "failed", error.str())

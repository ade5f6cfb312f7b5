"""Commits, as the consumer's thread makes them: explicit, repeated until the broker has confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as Position

from connector.core.events import CommitAnswered
from connector.core.record import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.ledger import Lease
    from connector.kafka.bridge import Bridge, Mark

_REFUSED_AROUND_A_REBALANCE: Final = {
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.STALE_MEMBER_EPOCH,
    KafkaError.FENCED_MEMBER_EPOCH,
    KafkaError._WAIT_COORD,  # noqa: SLF001 - librdkafka's local errors are named so
    KafkaError._ASSIGNMENT_LOST,  # noqa: SLF001 - the same
}


class Commits:
    """Used by the consumer's thread only. A lease that was forgotten is never committed again."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._leases: dict[TopicPartition, Lease] = {}
        self._asked: dict[TopicPartition, int] = {}
        """The last offset whose commit was asked for and not refused."""
        self._confirmed: dict[TopicPartition, int] = {}

    def begin(self, lease: Lease, committed: int | None) -> None:
        """Know a new lease; `committed` is what the group has for its partition."""
        self._leases[lease.partition] = lease
        for offsets in (self._asked, self._confirmed):
            offsets.pop(lease.partition, None)
            if committed is not None:
                offsets[lease.partition] = committed

    def forget(self, lease: Lease) -> None:
        """Let a lease go: answers that come late are nobody's."""
        self._leases.pop(lease.partition, None)

    def ask(self, consumer: Consumer, marks: Sequence[Mark], received: Mapping[TopicPartition, int]) -> None:
        """Commit those that have moved, without waiting.

        `received` is the offset after the last record handed over. Where nothing is in flight and nothing more was
        handed over, the position counts: what lies between is markers and gaps. Raises KafkaException.
        """
        idle = [Position(*m.lease.partition) for m in marks if m.idle_at == received[m.lease.partition]]
        positions = {(p.topic, p.partition): p.offset for p in (consumer.position(idle) if idle else ())}
        offsets = []
        for mark in marks:
            partition = mark.lease.partition
            offset = mark.watermark
            if mark.idle_at == received[partition]:
                offset = max(offset, mark.idle_at, positions[partition])
            if offset > self._reached(partition):
                offsets.append(Position(*partition, offset))
        if offsets:
            consumer.commit(offsets=offsets, asynchronous=True)
            self._asked.update((TopicPartition(one.topic, one.partition), one.offset) for one in offsets)

    def ask_and_wait(self, consumer: Consumer, watermarks: Mapping[Lease, int]) -> None:
        """Commit synchronously, while the partitions are still ours."""
        offsets = []
        for lease, watermark in watermarks.items():
            offset = max(watermark, self._reached(lease.partition))
            if offset != self._confirmed.get(lease.partition):
                offsets.append(Position(*lease.partition, offset))
        if not offsets:
            return
        refused: KafkaError | None = None
        try:
            for answer in consumer.commit(offsets=offsets, asynchronous=False) or []:
                refused = refused or answer.error
        except KafkaException as error:
            refused = error.args[0]
        self._bridge.committed_from_thread({}, _answer(refused))

    def _reached(self, partition: TopicPartition) -> int:
        """What may be the group's offset by now. A watermark may lie below it: a position was committed while idle."""
        return max(self._asked.get(partition, -1), self._confirmed.get(partition, -1))

    def on_answer(self, error: KafkaError | None, partitions: list[Position]) -> None:
        """Hear the broker's answer to `ask`. Called between polls."""
        done: dict[Lease, int] = {}
        refused = error
        for position in partitions:
            partition = TopicPartition(position.topic, position.partition)
            refused = refused or position.error
            if error is not None or position.error is not None:
                self._asked.pop(partition, None)  # the next commit repeats it
            elif partition in self._leases and self._confirmed.get(partition, -1) < position.offset <= self._asked.get(
                partition, -1
            ):  # else it is nobody's: the partition's last lease asked for it
                done[self._leases[partition]] = position.offset
                self._confirmed[partition] = position.offset
        self._bridge.committed_from_thread(done, _answer(refused))


def _answer(error: KafkaError | None) -> CommitAnswered:
    if error is None:
        return CommitAnswered("ok")
    refused = error.code() in _REFUSED_AROUND_A_REBALANCE
    return CommitAnswered("refused" if refused else "failed", error.str())

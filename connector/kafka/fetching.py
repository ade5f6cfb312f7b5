"""What librdkafka has assigned and from where it fetches; one by one, or all at once (eager strategies)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from connector.core.record import TopicPartition

PLACEHOLDER: Final = 0
"""The offset of a partition that is assigned and paused, until it is known where it starts."""


class Fetching:
    """The assigned partitions. Used by the consumer's thread only. Its methods raise KafkaException.

    A partition is assigned in the callback, as the protocols demand, but paused: it starts later, outside the callback.
    """

    def __init__(self, *, incremental: bool) -> None:
        self._incremental = incremental
        self._positions: dict[TopicPartition, int] = {}
        """Where each assigned partition was last told to start."""
        self._waiting: set[TopicPartition] = set()

    def add(self, consumer: Consumer, partitions: Iterable[TopicPartition]) -> None:
        """Assign partitions, maybe none, without fetching them. Called in the callback of an assignment."""
        added = list(partitions)
        self._positions.update(dict.fromkeys(added, PLACEHOLDER))
        self._waiting.update(added)
        positions = _at(dict.fromkeys(added, PLACEHOLDER))
        (consumer.incremental_assign if self._incremental else consumer.assign)(positions)
        if positions:
            consumer.pause(positions)

    def remove(self, consumer: Consumer, partitions: Iterable[TopicPartition]) -> None:
        """Give up those of the partitions that are assigned. Called in the callback of a revocation or a loss."""
        removed = [partition for partition in partitions if self._positions.pop(partition, None) is not None]
        self._waiting.difference_update(removed)
        if self._incremental:
            consumer.incremental_unassign(_at(dict.fromkeys(removed, PLACEHOLDER)))
        else:
            consumer.unassign()

    def start(
        self, consumer: Consumer, starts: Mapping[TopicPartition, int], received: Mapping[TopicPartition, int]
    ) -> None:
        """Fetch assigned partitions from these offsets on; `received` as in `restart`."""
        refused = {}
        for partition, offset in starts.items():
            try:
                consumer.seek(KafkaTopicPartition(*partition, offset))
            except KafkaException:  # it has no valid position: its placeholder was fetched before it was paused
                refused[partition] = offset
            self._positions[partition] = offset
            self._waiting.discard(partition)
        if refused:
            self.restart(consumer, refused, received)
        # librdkafka remembers a pause, even over a revocation and another assignment.
        consumer.resume(_at(starts))

    def restart(
        self, consumer: Consumer, starts: Mapping[TopicPartition, int], received: Mapping[TopicPartition, int]
    ) -> None:
        """Fetch assigned partitions that have no valid position from these offsets on: a seek would be refused.

        Where all are assigned at once, the others go on at `received`.
        """
        self._positions.update(
            {partition: offset for partition, offset in received.items() if partition in self._positions}
        )
        self._positions.update(starts)
        if self._incremental:
            consumer.incremental_unassign([KafkaTopicPartition(*partition) for partition in starts])
            consumer.incremental_assign(
                [KafkaTopicPartition(*partition, offset) for partition, offset in starts.items()]
            )
            return
        consumer.assign([KafkaTopicPartition(*partition, offset) for partition, offset in self._positions.items()])
        if self._waiting:
            consumer.pause(_at(dict.fromkeys(self._waiting, PLACEHOLDER)))


def _at(offsets: Mapping[TopicPartition, int]) -> list[KafkaTopicPartition]:
    return [KafkaTopicPartition(*partition, offset) for partition, offset in offsets.items()]

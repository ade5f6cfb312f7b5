"""Where a partition goes on whose next offset does not exist, and why it does not.

    the next offset                    the group's committed offset   cause         it goes on at
    below the first that exists        is still there                 deleted       the first: what lies between is lost
    anywhere                           is gone                        re-created    the first: nothing is lost
    above the end, or in the middle    is still there                 truncated     what is as old as the last record

A broker deletes the committed offsets of a topic together with the topic. After an unclean election the log ends
earlier than it was read: records that were appended since then stand at offsets that were read before. They are newer
than the last record that was read, so it goes on a little before the time of that one: some records come twice, but
none is passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition

from connector.kafka.leader_offsets import LEADER_TIMEOUT_S

if TYPE_CHECKING:
    from connector.core.record import TopicPartition
    from connector.kafka.leader_offsets import LeaderOffsets
    from connector.kafka.owned_partition import OwnedPartition

CLOCK_SKEW_MS: Final = 60_000
"""How far the clocks of producers may differ."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """Where a partition goes on, and why not where it was."""

    cause: Literal["deleted", "re-created", "truncated"]
    offset: int


def continuation_of(consumer: Consumer, owned: OwnedPartition, offsets: LeaderOffsets) -> Continuation:
    """Return where an owned partition goes on. Blocks; raises KafkaException if a broker does not answer."""
    partition, position = owned.lease.partition, owned.next_offset
    first, end = offsets.span(partition)
    if _is_gone(consumer, partition):
        return Continuation("re-created", first)
    if position < first:
        return Continuation("deleted", first)
    if owned.last_timestamp_ms is None:
        return Continuation("truncated", first)
    since = offsets.at_time(partition, owned.last_timestamp_ms - CLOCK_SKEW_MS, otherwise=end)
    return Continuation("truncated", max(first, min(since, position, end)))


def _is_gone(consumer: Consumer, partition: TopicPartition) -> bool:
    """Return whether the group's committed offset was deleted; it had one, since every start is committed."""
    [answer] = consumer.committed([KafkaTopicPartition(*partition)], timeout=LEADER_TIMEOUT_S)
    if answer.error is not None:
        raise KafkaException(answer.error)
    return answer.offset < 0

"""Where the owned partitions end, for their lag.

What librdkafka fetches tells it. It fetches nothing of a partition that is paused, because its target is down with a
full queue: while the lag matters most it would stand still. So the leaders of those are asked, all with one question.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

from confluent_kafka import OFFSET_END, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from confluent_kafka import Consumer

    from connector.core.ledger import Lease

ASK_EVERY_S: Final = 5.0
TIMEOUT_S: Final = 0.5
"""How long the question may block the consumer's thread."""
SHARE: Final = 0.05
"""The most that it may block of the thread's time."""


class EndOffsets:
    """Used by the consumer's thread only."""

    def __init__(self) -> None:
        self._ask_at = -math.inf
        self._asked: dict[Lease, int] = {}
        """The ends of the partitions that are paused, as their leaders said last."""

    def read(self, consumer: Consumer, leases: Iterable[Lease], paused: Collection[Lease]) -> dict[Lease, int]:
        """Return the ends that are known. Raises KafkaException if a partition is not known at all."""
        self._ask(consumer, paused)
        ends = {}
        for lease in leases:
            _, end = consumer.get_watermark_offsets(KafkaTopicPartition(*lease.partition), cached=True)
            end = max(end, self._asked.get(lease, end))
            if end >= 0:
                ends[lease] = end
        return ends

    def _ask(self, consumer: Consumer, paused: Collection[Lease]) -> None:
        self._asked = {lease: end for lease, end in self._asked.items() if lease in paused}
        began = time.monotonic()
        if not paused or began < self._ask_at:
            return
        by_partition = {(lease.partition.topic, lease.partition.partition): lease for lease in paused}
        wanted = [KafkaTopicPartition(*place, OFFSET_END) for place in by_partition]
        try:
            answers = consumer.offsets_for_times(wanted, timeout=TIMEOUT_S)
        except KafkaException:
            answers = []  # the cause is a reason of its own; it is asked again
        for answer in answers:
            if answer.error is None and answer.offset >= 0:
                self._asked[by_partition[answer.topic, answer.partition]] = answer.offset
        ended = time.monotonic()
        self._ask_at = ended + max(ASK_EVERY_S, (ended - began) / SHARE)

"""Whether the group has seen all topics: before, a member that was given no partition must not be ready.

With `start_from: latest`, what is produced after the first member is ready must not be passed over. A member that was
given no partitions (another one has them all) commits nothing. If it were ready, and the other one died before it had
committed where its partitions start, no later member could tell that the group had begun.
"""

from __future__ import annotations

import contextlib
import re
import time
from typing import TYPE_CHECKING, Final

from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERVAL_S: Final = 0.2
TIMEOUT_S: Final = 1.0
"""How long one question may block the consumer's thread."""


class SeenTopics:
    """Asks for the group's commits until there is one of each topic that exists. Used by the consumer's thread only.

    `topics` are names, and patterns that begin with `^`; `excluded_topic` is never consumed.
    """

    def __init__(self, topics: Sequence[str], excluded_topic: str) -> None:
        self._names = {topic for topic in topics if not topic.startswith("^")}
        self._patterns = [re.compile(topic) for topic in topics if topic.startswith("^")]
        self._excluded_topic = excluded_topic
        self._next_question = 0.0
        self.all_seen = False
        """Whether a member has committed something of each topic that there was at the last question."""

    def update(self, consumer: Consumer) -> None:
        """Ask, unless all were seen or it is too early. Blocks the thread for a quarter of its time at most."""
        began = time.monotonic()
        if self.all_seen or began < self._next_question:
            return
        with contextlib.suppress(KafkaException):  # the probe reports that brokers are silent
            self.all_seen = self._ask(consumer)
        ended = time.monotonic()
        self._next_question = ended + max(INTERVAL_S, 3 * (ended - began))

    def _ask(self, consumer: Consumer) -> bool:
        found = consumer.list_topics(timeout=TIMEOUT_S).topics
        topics = {name: one.partitions for name, one in found.items() if one.error is None and self.covers(name)}
        asked = [KafkaTopicPartition(name, number) for name, partitions in topics.items() for number in partitions]
        answers = consumer.committed(asked, timeout=TIMEOUT_S) if asked else []
        return {one.topic for one in answers if one.error is None and one.offset >= 0} >= topics.keys()

    def covers(self, topic: str) -> bool:
        """Return whether a topic is subscribed to."""
        if topic == self._excluded_topic:
            return False
        return topic in self._names or any(pattern.search(topic) for pattern in self._patterns)

"""Waiting for a commit with a time limit, which a synchronous commit does not have.

While a coordinator hangs, librdkafka repeats a commit for minutes, and a thread that waits for it does not beat. So the
commit is asynchronous, and the group's offsets are read behind it: both go over one connection, in order, and the
reading has a time limit. What is read tells whether the commit was accepted; why it was not, `on_commit` tells later.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition

from connector.kafka.errors import TIMED_OUT, cause_of, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BEAT_S: Final = 1.0
"""How long one reading may take: between two of them the thread beats."""
RETRY_DELAY_S: Final = 0.1


def await_committed(
    consumer: Consumer, sent: Sequence[KafkaTopicPartition], deadline: float, heartbeat: Callable[[], object]
) -> KafkaError | None:
    """Return None once the group's offsets are those that were sent, or else why they are not.

    `deadline` is in monotonic seconds; if it passes without an answer, that is the error _TIMED_OUT.
    """
    asked = [KafkaTopicPartition(one.topic, one.partition) for one in sent]
    while (left_s := deadline - time.monotonic()) > 0:
        heartbeat()
        try:
            answers = consumer.committed(asked, timeout=min(left_s, BEAT_S))
        except KafkaException as error:
            if reason_of(cause_of(error)) != "kafka_unreachable":
                return cause_of(error)
            time.sleep(min(left_s, RETRY_DELAY_S))  # it may be refused at once
            continue
        return _difference(sent, answers)
    return KafkaError(TIMED_OUT, "the coordinator of the group did not answer in time")


def _difference(sent: Sequence[KafkaTopicPartition], answers: Sequence[KafkaTopicPartition]) -> KafkaError | None:
    found = {(one.topic, one.partition): one for one in answers}
    for one in sent:
        answer = found[one.topic, one.partition]
        if answer.error is not None:
            return answer.error
        if (answer.offset, answer.metadata or "") != (one.offset, one.metadata or ""):
            return KafkaError(KafkaError.REBALANCE_IN_PROGRESS, "the commit was not accepted")
    return None

"""Where partitions end: as fetched; those that are paused are asked for, seldom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from confluent_kafka import OFFSET_END, Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as KafkaTopicPartition

from connector.core.ledger import Lease, TopicCounts
from connector.core.record import TopicPartition
from connector.kafka import end_offsets
from connector.kafka.end_offsets import ASK_EVERY_S, SHARE, TIMEOUT_S, EndOffsets

if TYPE_CHECKING:
    from collections.abc import Sequence

FLOWING, PAUSED, OTHER = (Lease(TopicPartition("orders", number), 0, TopicCounts()) for number in range(3))
FETCHED = {0: 50, 1: 10, 2: -1001}
"""The ends that librdkafka knows; it has fetched nothing of the last."""


class FakeConsumer:
    """Its leaders say 400 and 500 for partitions 1 and 2, unless they are silent."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.questions: list[list[int]] = []
        self.silent = False
        self.takes_s = 0.0

    def monotonic(self) -> float:
        return self.now

    def get_watermark_offsets(self, partition: KafkaTopicPartition, *, cached: bool) -> tuple[int, int]:
        assert cached, "it blocks otherwise"
        return 0, FETCHED[partition.partition]

    def offsets_for_times(self, wanted: Sequence[KafkaTopicPartition], timeout: float) -> list[KafkaTopicPartition]:
        assert timeout == TIMEOUT_S
        assert {one.offset for one in wanted} == {OFFSET_END}
        self.questions.append([one.partition for one in wanted])
        self.now += self.takes_s
        if self.silent:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return [KafkaTopicPartition(one.topic, one.partition, 300 + 100 * one.partition) for one in wanted]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeConsumer:
    fake = FakeConsumer()
    monkeypatch.setattr(end_offsets, "time", fake)
    return fake


def read(ends: EndOffsets, fake: FakeConsumer, *paused: Lease) -> dict[Any, int]:
    found = ends.read(cast("Consumer", fake), [FLOWING, PAUSED, OTHER], paused)
    return {lease.partition.partition: end for lease, end in found.items()}


def test_a_partition_that_is_paused_has_the_end_that_its_leader_says(fake: FakeConsumer) -> None:
    ends = EndOffsets()
    assert read(ends, fake) == {0: 50, 1: 10}
    assert fake.questions == []
    assert read(ends, fake, PAUSED) == {0: 50, 1: 400}
    assert read(ends, fake, PAUSED) == {0: 50, 1: 400}
    assert fake.questions == [[1]], "asked seldom, and remembered"
    assert read(ends, fake) == {0: 50, 1: 10}, "it is fetched again: that tells"


def test_all_are_asked_with_one_question_now_and_then(fake: FakeConsumer) -> None:
    ends = EndOffsets()
    for _ in range(100):
        assert read(ends, fake, PAUSED, OTHER) == {0: 50, 1: 400, 2: 500}
        fake.now += ASK_EVERY_S / 10
    assert fake.questions == [[1, 2]] * len(fake.questions)
    assert 9 <= len(fake.questions) <= 11


def test_leaders_that_do_not_answer_block_the_thread_for_a_small_share_of_its_time(fake: FakeConsumer) -> None:
    ends = EndOffsets()
    fake.silent, fake.takes_s = True, TIMEOUT_S
    began = fake.now
    for _ in range(1_000):
        assert read(ends, fake, PAUSED) == {0: 50, 1: 10}
        fake.now += 0.2
    assert TIMEOUT_S * len(fake.questions) <= (fake.now - began) * SHARE + TIMEOUT_S
    fake.silent = False
    fake.now += ASK_EVERY_S + TIMEOUT_S / SHARE
    assert read(ends, fake, PAUSED) == {0: 50, 1: 400}

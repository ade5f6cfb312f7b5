"""Which partitions librdkafka is told to pause and to resume, and when the thread waits instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from connector.core.ledger import Lease, TopicCounts
from connector.core.record import TopicPartition
from connector.kafka.pausing import PAUSE_GRACE_S, Pausing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confluent_kafka import Consumer
    from confluent_kafka import TopicPartition as KafkaTopicPartition

NOW = 1_000.0


class _FakeConsumer:
    """Keeps the calls: each with the numbers of its partitions."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, set[int]]] = []

    def pause(self, partitions: Sequence[KafkaTopicPartition]) -> None:
        self.calls.append(("pause", {one.partition for one in partitions}))

    def resume(self, partitions: Sequence[KafkaTopicPartition]) -> None:
        self.calls.append(("resume", {one.partition for one in partitions}))


class PausingHarness:
    """Three owned partitions."""

    def __init__(self) -> None:
        self.leases = [Lease(TopicPartition("orders", number), 0, TopicCounts()) for number in range(3)]
        self.pausing = Pausing()
        self._fake = _FakeConsumer()

    def apply(self, now: float = NOW) -> tuple[float, list[tuple[str, set[int]]]]:
        """Return for how long to wait, and the calls."""
        self._fake.calls = []
        return self.pausing.apply(cast("Consumer", self._fake), len(self.leases), now), self._fake.calls


def test_a_pause_is_applied_at_once_while_another_partition_is_to_be_fetched() -> None:
    harness = PausingHarness()
    harness.pausing.pause(harness.leases[:2], NOW)
    assert harness.apply() == (0.0, [("pause", {0, 1})])
    assert harness.apply() == (0.0, [])


def test_when_all_are_to_be_paused_fetching_waits_for_the_grace_first() -> None:
    harness = PausingHarness()
    harness.pausing.pause(harness.leases, NOW)
    wait_s, calls = harness.apply(NOW + 0.1)
    assert wait_s == pytest.approx(PAUSE_GRACE_S - 0.1)
    assert calls == []
    assert harness.apply(NOW + PAUSE_GRACE_S) == (0.0, [("pause", {0, 1, 2})])
    assert harness.apply(NOW + 60.0) == (0.0, [])


def test_the_grace_begins_when_the_last_partition_is_to_be_paused_and_is_not_prolonged() -> None:
    harness = PausingHarness()
    harness.pausing.pause(harness.leases[:2], NOW)
    harness.apply()
    harness.pausing.pause(harness.leases, NOW + 10.0)
    assert harness.apply(NOW + 10.0) == (PAUSE_GRACE_S, [])
    harness.pausing.pause(harness.leases, NOW + 10.9)
    assert harness.apply(NOW + 10.0 + PAUSE_GRACE_S) == (0.0, [("pause", {2})])


def test_what_is_resumed_within_the_grace_is_never_paused() -> None:
    harness = PausingHarness()
    harness.pausing.pause(harness.leases, NOW)
    harness.apply()
    harness.pausing.resume(harness.leases)
    assert harness.apply(NOW + 60.0) == (0.0, [])


def test_only_what_was_paused_is_resumed() -> None:
    harness = PausingHarness()
    harness.pausing.pause(harness.leases[:1], NOW)
    harness.apply()
    harness.pausing.pause(harness.leases[1:2], NOW)
    harness.pausing.resume(harness.leases)
    assert harness.apply() == (0.0, [("resume", {0})])


def test_one_partition_that_is_to_be_fetched_again_ends_the_grace_of_the_others() -> None:
    harness = PausingHarness()
    harness.pausing.pause(harness.leases, NOW)
    harness.apply()
    harness.pausing.resume(harness.leases[:1])
    assert harness.apply() == (0.0, [("pause", {1, 2})])


def test_a_lease_that_has_lost_its_partition_is_neither_paused_nor_resumed() -> None:
    harness = PausingHarness()
    harness.pausing.pause(harness.leases[:2], NOW)
    harness.apply()
    harness.pausing.forget(harness.leases[0])
    harness.pausing.resume(harness.leases)
    assert harness.apply() == (0.0, [("resume", {1})])


def test_a_partition_that_was_assigned_again_is_paused_again() -> None:
    """Because librdkafka fetches it from then on."""
    harness = PausingHarness()
    harness.pausing.pause(harness.leases[:2], NOW)
    harness.apply()
    harness.pausing.on_assigned(harness.leases[0])
    assert harness.apply() == (0.0, [("pause", {0})])

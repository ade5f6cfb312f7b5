"""Every record is delivered once, skipped or dead-lettered, and committed only then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kafka.cluster import order
from tests.kafka.harness import assert_conserved, lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from tests.kafka.cluster import Cluster
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka


def test_of_50000_records_none_is_lost_and_none_comes_twice(kafka: Cluster, harness: KafkaHarness) -> None:
    kafka.create_topic(harness.topic)
    kafka.produce_orders(harness.topic, range(50_000))
    connector = harness.start_connector()
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(50_000)) == (0, 0)
    assert harness.sandbox.count("repeated") == 0
    assert connector.records() == {
        "consumed": 50_000,
        "delivered": 50_000,
        "skipped": 0,
        "dead_lettered": 0,
        "released": 0,
        "in_flight": 0,
    }
    assert_conserved(connector)


def test_nothing_is_committed_while_the_platform_refuses_and_everything_once_it_accepts(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    kafka.create_topic(harness.topic)
    kafka.produce_orders(harness.topic, range(2_000))
    harness.sandbox.set_faults({"kind": "status", "status": 503})
    connector = harness.start_connector()
    until(lambda: harness.sandbox.fault_hits() >= 5, "requests to be refused")
    # Retries are at most 0.5 s apart and commits 0.2 s: several commits could have been made.
    before = harness.sandbox.fault_hits()
    until(lambda: harness.sandbox.fault_hits() >= before + 10, "more requests to be refused")
    assert harness.committed() == 0
    assert connector.records()["delivered"] == 0
    assert connector.records()["in_flight"] == 2_000
    assert_conserved(connector)
    harness.sandbox.clear_faults()
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(2_000)) == (0, 0)


def test_a_batch_that_fails_holds_the_watermark_though_later_ones_are_delivered(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    kafka.create_topic(harness.topic, partitions=1)
    kafka.produce_orders(harness.topic, range(5_000))
    # 429 blames no item; a 5xx that only this one gets would make it a dead letter.
    harness.sandbox.set_faults({"kind": "status", "status": 429, "match": {"eventargs.seq": 1_700}})
    harness.start_connector()
    harness.wait_stored(4_500)
    assert harness.committed() <= 1_700
    harness.sandbox.clear_faults()
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(5_000)) == (0, 0)


def test_every_record_is_counted_with_its_outcome(kafka: Cluster, harness: KafkaHarness) -> None:
    kafka.create_topic(harness.topic)
    kafka.produce_orders(harness.topic, range(300))
    for number in range(300, 320):
        kafka.produce(harness.topic, order(number, status="NEW"))
    for number in range(320, 330):
        kafka.produce(harness.topic, order(number, buyer={}))
    connector = harness.start_connector()
    harness.wait_committed()
    assert connector.records() == {
        "consumed": 330,
        "delivered": 300,
        "skipped": 20,
        "dead_lettered": 10,
        "released": 0,
        "in_flight": 0,
    }
    assert_conserved(connector)
    assert connector.metric("dead_letters_total", route="orders", reason="identity_missing") == 10
    assert lost_and_repeated(harness.sandbox.orders(), range(300)) == (0, 0)


def test_a_record_of_900_kilobytes_is_delivered(kafka: Cluster, harness: KafkaHarness) -> None:
    kafka.create_topic(harness.topic)
    kafka.produce_orders(harness.topic, range(10))
    kafka.produce(harness.topic, order(10, note="满" * 300_000))
    kafka.produce_orders(harness.topic, range(11, 20))
    harness.start_connector()
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(20)) == (0, 0)
    assert max(len(item["eventargs"].get("c_note", "")) for item in harness.sandbox.items()) == 300_000

"""Records that are odd, but can be read: they flow, whatever surrounds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kafka.cluster import order
from tests.kafka.harness import lost_and_repeated
from tests.kafka.raw_records import produce_raw

if TYPE_CHECKING:
    from tests.kafka.cluster import Cluster
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka


def test_a_record_with_a_header_whose_name_is_not_utf8_flows_and_is_reported(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    kafka.create_topic(harness.topic, partitions=1)
    kafka.produce_orders(harness.topic, range(10))
    produce_raw(kafka.address, harness.topic, order(10), [(b"good", b"1"), (b"caf\xe9", b"2")])
    kafka.produce_orders(harness.topic, range(11, 20))
    connector = harness.start_connector()
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(20)) == (0, 0)
    assert "the headers of a record can't be read" in connector.stderr

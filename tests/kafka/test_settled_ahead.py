"""After a crash only what was on the wire, or settled since the last commit, is sent again.

A batch that takes for ever stands in front, so that the committed offset can't move: what the batches behind it have
reached stands in the commit's metadata alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.kafka.harness import SHORT_SESSION, assert_conserved, lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from tests.kafka.broker import Broker
    from tests.kafka.cluster import Cluster
    from tests.kafka.commands import Fault
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka

RECORDS = 12_000
BATCH, IN_FLIGHT = 50, 16
STUCK: Fault = {"kind": "latency", "ms": 600_000, "match": {"eventargs.seq": 0}}
SLOW: Fault = {"kind": "latency", "ms": 100}


def _config(harness: KafkaHarness) -> dict[str, Any]:
    config = harness.config(**SHORT_SESSION)
    config["targets"]["purchases"] |= {
        "batch": {"max_records": BATCH, "max_wait": "50ms"},
        "max_in_flight": IN_FLIGHT,
    }
    config["platform"]["request_timeout"] = "10m"
    return config


def _killed_behind_a_stuck_batch(kafka: Cluster, harness: KafkaHarness) -> None:
    """Deliver a part of one partition behind a batch that hangs, commit, and kill the connector."""
    kafka.create_topic(harness.topic, partitions=1)
    kafka.produce_orders(harness.topic, range(RECORDS))
    harness.sandbox.set_faults(STUCK, SLOW)
    connector = harness.start_connector(_config(harness))
    until(lambda: len(kafka.settled(harness.group, harness.topic).get(0, ())) > 3_000, "a map of 3,000 offsets")
    connector.kill()
    assert harness.committed() == 0, "the batch in front is not settled"
    assert harness.sandbox.count("stored") < RECORDS, "everything was delivered before the kill"


def test_after_kill_9_what_was_settled_behind_a_slow_batch_is_not_sent_again(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    _killed_behind_a_stuck_batch(kafka, harness)
    settled = kafka.settled(harness.group, harness.topic)[0]
    harness.sandbox.clear_faults()
    second = harness.start_connector(_config(harness))
    harness.wait_committed()
    orders = harness.sandbox.orders()
    lost, repeated = lost_and_repeated(orders, range(RECORDS))
    print(f"settled at the last commit: {len(settled)}, repeated: {repeated}")  # noqa: T201 - the figure
    assert lost == 0
    assert [number for number in settled if orders[number] > 1] == [], "settled, committed, and sent again"
    # What was on the wire, and what came since the last commit: in 0.2 s, at 0.1 s per request, two rounds or so.
    assert repeated < len(settled) / 2
    assert second.metric("settled_ahead_skipped_total", topic=harness.topic) == len(settled)
    assert second.metric("records_consumed_total", topic=harness.topic) == RECORDS - len(settled)
    assert_conserved(second)


def test_offsets_that_an_operator_has_reset_are_obeyed_whatever_was_settled_ahead(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    _killed_behind_a_stuck_batch(kafka, harness)
    before = harness.sandbox.orders()
    until(lambda: kafka.members(harness.group) == 0, "the killed member to leave the group")
    kafka.reset_offsets(harness.group, harness.topic, {0: 100})
    harness.sandbox.clear_faults()
    second = harness.start_connector(_config(harness))
    harness.wait_committed()
    after = harness.sandbox.orders()
    again = [number for number in range(RECORDS) if number >= 100 and after[number] <= before[number]]
    assert again == [], "not sent again, although the offsets were set back"
    assert second.metric("settled_ahead_skipped_total", topic=harness.topic) == 0


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_planned_stop_behind_a_slow_batch_repeats_only_that_batch(
    kafka: Cluster, harness: KafkaHarness, protocol: str
) -> None:
    kafka.create_topic(harness.topic, partitions=1)
    kafka.produce_orders(harness.topic, range(2_000))
    harness.sandbox.set_faults(STUCK)
    config = _config(harness)
    config["kafka"]["properties"] = {"group.protocol": protocol}
    config["shutdown_timeout"] = "2s"
    first = harness.start_connector(config)
    harness.wait_stored(2_000 - BATCH)
    first.terminate()
    assert first.exit_code() == 0
    harness.sandbox.clear_faults()
    harness.start_connector(config)
    harness.wait_committed()
    lost, repeated = lost_and_repeated(harness.sandbox.orders(), range(2_000))
    assert lost == 0
    assert repeated <= BATCH, "the stuck one may have been stored when its connection was closed"


def test_when_the_broker_was_away_for_longer_than_the_session_only_what_was_on_the_wire_comes_twice(
    killable_broker: Broker, killable_harness: KafkaHarness
) -> None:
    """The process lives on, loses its partitions, and gets them again: it remembers what it has delivered."""
    harness, records = killable_harness, 30_000
    harness.kafka.create_topic(harness.topic)
    harness.kafka.produce_orders(harness.topic, range(records))
    harness.sandbox.set_faults({"kind": "latency", "ms": 400})
    connector = harness.start_connector(_config(harness))
    harness.wait_stored(1_000)
    killable_broker.kill()
    until(lambda: not connector.partitions(), "the partitions to be lost")
    delivered = harness.sandbox.count("stored")
    assert delivered < records, "everything was delivered before the partitions were lost"
    harness.sandbox.clear_faults()
    killable_broker.start()
    harness.kafka.produce_orders(harness.topic, range(records, records + 100))
    harness.wait_committed()
    lost, repeated = lost_and_repeated(harness.sandbox.orders(), range(records + 100))
    print(f"delivered when the partitions were lost: {delivered}, repeated: {repeated}")  # noqa: T201 - the figure
    assert lost == 0
    assert repeated <= IN_FLIGHT * BATCH
    assert connector.process.poll() is None, "the connector has ended"
    assert_conserved(connector)

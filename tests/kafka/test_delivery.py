"""Every record is delivered once, skipped or dead-lettered, and committed only then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kafka.cluster import order
from tests.kafka.harness import assert_conserved, lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from confluent_kafka import Message

    from tests.kafka.cluster import Cluster, Headers
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
    harness.sandbox.set_faults({"kind": "status", "status": 503, "match": {"eventargs.seq": 1_700}})
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


def test_a_dead_letter_has_the_key_value_and_headers_of_its_record_unchanged(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    kafka.create_topic(harness.topic)
    headers: Headers = [("trace", b"\x00\xff\xfe"), ("trace", b"again"), ("none", None), ("空", "值".encode())]
    value = order(1, buyer={"mobile": "not a phone"}, note="\u0000 创维洗衣机  ")
    kafka.produce(harness.topic, value, key=b"\xff\x00key", headers=headers, partition=2)
    harness.start_connector()
    harness.wait_committed()
    [letter] = kafka.read(f"{harness.group}.dead-letter")
    assert (letter.key(), letter.value()) == (b"\xff\x00key", value)
    assert [one for one in _all_headers(letter) if not one[0].startswith("dl-")] == headers
    added = _added_headers(letter)
    assert added["dl-version"] == "1"
    assert (added["dl-topic"], added["dl-partition"], added["dl-offset"]) == (harness.topic, "2", "0")
    assert (added["dl-group"], added["dl-route"]) == (harness.group, "orders")
    assert added["dl-reason"] == "identity_missing"
    assert harness.sandbox.count("items") == 0


def test_a_record_that_is_not_json_is_dead_lettered_and_the_next_one_is_delivered(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    kafka.create_topic(harness.topic, partitions=1)
    broken = [b'{"seq": 1', b"\xff\xfe{}", b"", b"[" * 100_000, b'{"seq": NaN}']
    for value in broken:
        kafka.produce(harness.topic, value)
    kafka.produce(harness.topic, order(7))
    harness.start_connector()
    harness.wait_committed()
    letters = kafka.read(f"{harness.group}.dead-letter")
    assert sorted(letter.value() or b"" for letter in letters) == sorted(broken)
    assert {_added_headers(letter)["dl-reason"] for letter in letters} == {"decode_failed"}
    assert harness.sandbox.orders() == {7: 1}


def test_a_refused_item_is_dead_lettered_and_the_rest_of_its_batch_is_delivered(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    kafka.create_topic(harness.topic)
    kafka.produce_orders(harness.topic, range(100))
    harness.sandbox.set_faults({"kind": "refuse", "code": "400", "match": {"eventargs.seq": 42}})
    harness.start_connector()
    harness.wait_committed()
    [letter] = kafka.read(f"{harness.group}.dead-letter")
    assert letter.value() == order(42)
    added = _added_headers(letter)
    assert (added["dl-reason"], added["dl-target"], added["dl-http-status"]) == ("refused", "purchases", "200")
    assert "400" in added["dl-reply"]
    assert lost_and_repeated(harness.sandbox.orders(), set(range(100)) - {42}) == (0, 0)


def test_a_record_of_900_kilobytes_is_delivered(kafka: Cluster, harness: KafkaHarness) -> None:
    kafka.create_topic(harness.topic)
    kafka.produce_orders(harness.topic, range(10))
    kafka.produce(harness.topic, order(10, note="满" * 300_000))
    kafka.produce_orders(harness.topic, range(11, 20))
    harness.start_connector()
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(20)) == (0, 0)
    assert max(len(item["eventargs"].get("c_note", "")) for item in harness.sandbox.items()) == 300_000


def test_the_dead_letter_topic_is_created_with_unlimited_retention(kafka: Cluster, harness: KafkaHarness) -> None:
    kafka.create_topic(harness.topic)
    kafka.produce(harness.topic, b"no json")
    config = harness.config()
    config["dead_letter"] = {"topic": f"{harness.topic}-letters"}
    harness.start_connector(config)
    harness.wait_committed()
    assert len(kafka.read(f"{harness.topic}-letters")) == 1
    assert kafka.topic_config(f"{harness.topic}-letters", "retention.ms") == "-1"


def test_a_value_too_large_for_the_dead_letter_topic_is_left_out_and_a_header_says_so(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    kafka.create_topic(harness.topic)
    kafka.create_topic(f"{harness.group}.dead-letter", 1, {"max.message.bytes": "20000"})
    kafka.produce(harness.topic, b"no json " * 10_000, key=b"the key")
    harness.start_connector()
    harness.wait_committed()
    [letter] = kafka.read(f"{harness.group}.dead-letter")
    assert (letter.key(), letter.value()) == (b"the key", None)
    added = _added_headers(letter)
    assert (added["dl-value-omitted"], added["dl-topic"], added["dl-offset"]) == ("1", harness.topic, "0")


def test_while_the_dead_letter_topic_refuses_writes_nothing_settles_and_readiness_reports_it(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    letters = kafka.create_topic(f"{harness.group}.dead-letter", 1, {"max.message.bytes": "10"})
    kafka.create_topic(harness.topic, partitions=1)
    kafka.produce_orders(harness.topic, range(3))
    kafka.produce(harness.topic, b"no json")
    connector = harness.start_connector()
    until(lambda: "dead_letter_unavailable" in connector.reasons(), "readiness to report it")
    assert connector.records()["in_flight"] >= 1
    assert connector.records()["dead_lettered"] == 0
    assert harness.committed() <= 3
    kafka.configure_topic(letters, "max.message.bytes", "100000")
    harness.wait_committed()
    assert [_added_headers(letter)["dl-offset"] for letter in kafka.read(letters)] == ["3"]
    until(lambda: "dead_letter_unavailable" not in connector.reasons(), "readiness to recover")
    assert_conserved(connector)


def _all_headers(letter: Message) -> Headers:
    headers = letter.headers()
    return headers if isinstance(headers, list) else []


def _added_headers(letter: Message) -> dict[str, str]:
    return {
        name: value.decode()
        for name, value in _all_headers(letter)
        if name.startswith("dl-") and isinstance(value, bytes)
    }

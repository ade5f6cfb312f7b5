"""Dead letters on a real broker: whole, never lost, never without a value that fits, never consumed."""

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


def test_of_2000_letters_whose_batches_are_too_large_each_keeps_its_value(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    """The producer's batch is refused, not the letter."""
    letters = kafka.create_topic(f"{harness.group}.dead-letter", 1, {"max.message.bytes": "20000"})
    kafka.create_topic(harness.topic)
    kafka.produce_all(harness.topic, [{"value": b"no json %04d " % n + b"v" * 1000} for n in range(2000)])
    harness.start_connector()
    harness.wait_committed()
    found = kafka.read(letters)
    assert sorted((letter.value() or b"")[:12] for letter in found) == [b"no json %04d" % n for n in range(2000)]
    assert not any("dl-value-omitted" in _added_headers(letter) for letter in found)


@pytest.mark.parametrize("part", ["key", "headers"])
def test_a_value_is_kept_when_the_key_or_the_headers_alone_are_too_large(
    kafka: Cluster, harness: KafkaHarness, part: str
) -> None:
    letters = kafka.create_topic(f"{harness.group}.dead-letter", 1, {"max.message.bytes": "2000"})
    kafka.create_topic(harness.topic)
    large = b"x" * 5000
    if part == "key":
        kafka.produce(harness.topic, b"no json", key=large, headers=[("trace", b"1")])
    else:
        kafka.produce(harness.topic, b"no json", key=b"k", headers=[("trace", large)])
    harness.start_connector()
    harness.wait_committed()
    [letter] = kafka.read(letters)
    names = {name for name, _ in _all_headers(letter)}
    assert letter.value() == b"no json"
    assert {name for name in names if name.endswith("-omitted")} == {f"dl-{part}-omitted"}
    assert (letter.key() == b"k", "trace" in names) == (part == "headers", part == "key")


def test_a_letter_fits_into_one_kib_however_large_its_record_and_the_reply_are(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    letters = kafka.create_topic(f"{harness.group}.dead-letter", 1, {"max.message.bytes": "1024"})
    kafka.create_topic(harness.topic)
    kafka.produce(harness.topic, b"no json" * 1000, key=b"k" * 5000, headers=[("trace", b"x" * 5000)])
    harness.start_connector()
    harness.wait_committed()
    [letter] = kafka.read(letters)
    added = _added_headers(letter)
    assert (letter.key(), letter.value(), added["dl-offset"]) == (None, None, "0")
    assert {name for name in added if name.endswith("-omitted")} == {
        "dl-value-omitted",
        "dl-headers-omitted",
        "dl-key-omitted",
    }


def test_an_existing_topic_that_deletes_letters_is_warned_of(kafka: Cluster, harness: KafkaHarness) -> None:
    kafka.create_topic(f"{harness.group}.dead-letter", 1, {"retention.ms": "3600000"})
    kafka.create_topic(harness.topic)
    kafka.produce(harness.topic, b"no json")
    connector = harness.start_connector()
    harness.wait_committed()
    assert "retention.ms=3600000: dead letters are deleted then; set retention.ms=-1" in connector.stderr


def test_a_compacted_topic_that_refuses_letters_is_named_as_the_cause(kafka: Cluster, harness: KafkaHarness) -> None:
    letters = kafka.create_topic(f"{harness.group}.dead-letter", 1, {"cleanup.policy": "compact"})
    kafka.create_topic(harness.topic)
    kafka.produce(harness.topic, b"no json")
    connector = harness.start_connector()
    until(lambda: "dead_letter_unavailable" in connector.reasons(), "readiness to report it")
    assert f"{letters} is compacted" in connector.stderr
    assert "set cleanup.policy=delete" in connector.stderr
    kafka.configure_topic(letters, "cleanup.policy", "delete")
    harness.wait_committed()
    assert len(kafka.read(letters)) == 1


def _all_headers(letter: Message) -> Headers:
    headers = letter.headers()
    return headers if isinstance(headers, list) else []


def _added_headers(letter: Message) -> dict[str, str]:
    return {
        name: value.decode()
        for name, value in _all_headers(letter)
        if name.startswith("dl-") and isinstance(value, bytes)
    }

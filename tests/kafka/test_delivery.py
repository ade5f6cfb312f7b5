"""What becomes of records: delivered once, skipped, or dead-lettered; and committed only then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kafka.cluster import order
from tests.kafka.stage import assert_conserved, lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from confluent_kafka import Message

    from tests.kafka.cluster import Cluster, Headers
    from tests.kafka.stage import Stage

pytestmark = pytest.mark.kafka


def test_of_50000_records_none_is_lost_and_none_comes_twice(kafka: Cluster, stage: Stage) -> None:
    kafka.create_topic(stage.topic)
    kafka.produce_orders(stage.topic, range(50_000))
    connector = stage.connector()
    stage.wait_committed()
    assert lost_and_repeated(stage.sandbox.seen(), range(50_000)) == (0, 0)
    assert stage.sandbox.count("repeated") == 0
    assert connector.records() == {
        "consumed": 50_000,
        "delivered": 50_000,
        "skipped": 0,
        "dead_lettered": 0,
        "released": 0,
        "in_flight": 0,
    }
    assert_conserved(connector)


def test_nothing_is_committed_while_the_platform_refuses_and_everything_once_it_takes(
    kafka: Cluster, stage: Stage
) -> None:
    kafka.create_topic(stage.topic)
    kafka.produce_orders(stage.topic, range(2_000))
    stage.sandbox.misbehave({"kind": "status", "status": 503})
    connector = stage.connector()
    until(lambda: stage.sandbox.hits() >= 5, "requests to be refused")
    # Refusals are at most half a second apart here and commits 0.2 s: commits had their chance.
    before = stage.sandbox.hits()
    until(lambda: stage.sandbox.hits() >= before + 10, "more requests to be refused")
    assert stage.committed() == 0
    assert connector.records()["delivered"] == 0
    assert connector.records()["in_flight"] == 2_000
    assert_conserved(connector)
    stage.sandbox.behave()
    stage.wait_committed()
    assert lost_and_repeated(stage.sandbox.seen(), range(2_000)) == (0, 0)


def test_a_batch_that_fails_holds_the_watermark_though_later_ones_are_delivered(kafka: Cluster, stage: Stage) -> None:
    kafka.create_topic(stage.topic, partitions=1)
    kafka.produce_orders(stage.topic, range(5_000))
    stage.sandbox.misbehave({"kind": "status", "status": 503, "match": {"eventargs.seq": 1_700}})
    stage.connector()
    stage.wait_stored(4_500)
    assert stage.committed() <= 1_700
    stage.sandbox.behave()
    stage.wait_committed()
    assert lost_and_repeated(stage.sandbox.seen(), range(5_000)) == (0, 0)


def test_every_record_is_accounted_for_whatever_becomes_of_it(kafka: Cluster, stage: Stage) -> None:
    kafka.create_topic(stage.topic)
    kafka.produce_orders(stage.topic, range(300))
    for number in range(300, 320):
        kafka.produce(stage.topic, order(number, status="NEW"))
    for number in range(320, 330):
        kafka.produce(stage.topic, order(number, buyer={}))
    connector = stage.connector()
    stage.wait_committed()
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
    assert lost_and_repeated(stage.sandbox.seen(), range(300)) == (0, 0)


def test_a_poisonous_record_is_a_dead_letter_with_key_value_and_headers_untouched(kafka: Cluster, stage: Stage) -> None:
    kafka.create_topic(stage.topic)
    headers: Headers = [("trace", b"\x00\xff\xfe"), ("trace", b"again"), ("none", None), ("空", "值".encode())]
    value = order(1, buyer={"mobile": "not a phone"}, note="\u0000 创维洗衣机  ")
    kafka.produce(stage.topic, value, key=b"\xff\x00key", headers=headers, partition=2)
    stage.connector()
    stage.wait_committed()
    [letter] = kafka.read(f"{stage.group}.dead-letter")
    assert (letter.key(), letter.value()) == (b"\xff\x00key", value)
    assert [one for one in _headers(letter) if not one[0].startswith("dl-")] == headers
    told = _told(letter)
    assert told["dl-version"] == "1"
    assert (told["dl-topic"], told["dl-partition"], told["dl-offset"]) == (stage.topic, "2", "0")
    assert (told["dl-group"], told["dl-route"]) == (stage.group, "orders")
    assert told["dl-reason"] == "identity_missing"
    assert stage.sandbox.count("items") == 0


def test_a_record_that_is_no_json_is_a_dead_letter_and_the_next_one_is_delivered(kafka: Cluster, stage: Stage) -> None:
    kafka.create_topic(stage.topic, partitions=1)
    broken = [b'{"seq": 1', b"\xff\xfe{}", b"", b"[" * 100_000, b'{"seq": NaN}']
    for value in broken:
        kafka.produce(stage.topic, value)
    kafka.produce(stage.topic, order(7))
    stage.connector()
    stage.wait_committed()
    letters = kafka.read(f"{stage.group}.dead-letter")
    assert sorted(letter.value() or b"" for letter in letters) == sorted(broken)
    assert {_told(letter)["dl-reason"] for letter in letters} == {"decode_failed"}
    assert stage.sandbox.seen() == {7: 1}


def test_what_the_platform_refuses_is_a_dead_letter_and_the_rest_of_its_batch_is_delivered(
    kafka: Cluster, stage: Stage
) -> None:
    kafka.create_topic(stage.topic)
    kafka.produce_orders(stage.topic, range(100))
    stage.sandbox.misbehave({"kind": "refuse", "code": "400", "match": {"eventargs.seq": 42}})
    stage.connector()
    stage.wait_committed()
    [letter] = kafka.read(f"{stage.group}.dead-letter")
    assert letter.value() == order(42)
    told = _told(letter)
    assert (told["dl-reason"], told["dl-target"], told["dl-http-status"]) == ("refused", "purchases", "200")
    assert "400" in told["dl-reply"]
    assert lost_and_repeated(stage.sandbox.seen(), set(range(100)) - {42}) == (0, 0)


def test_a_record_of_900_kilobytes_passes(kafka: Cluster, stage: Stage) -> None:
    kafka.create_topic(stage.topic)
    kafka.produce_orders(stage.topic, range(10))
    kafka.produce(stage.topic, order(10, note="满" * 300_000))
    kafka.produce_orders(stage.topic, range(11, 20))
    stage.connector()
    stage.wait_committed()
    assert lost_and_repeated(stage.sandbox.seen(), range(20)) == (0, 0)
    assert max(len(item["eventargs"].get("c_note", "")) for item in stage.sandbox.items()) == 300_000


def test_the_dead_letter_topic_is_created_to_keep_its_records_for_ever(kafka: Cluster, stage: Stage) -> None:
    kafka.create_topic(stage.topic)
    kafka.produce(stage.topic, b"no json")
    config = stage.config()
    config["dead_letter"] = {"topic": f"{stage.topic}-letters"}
    stage.connector(config)
    stage.wait_committed()
    assert len(kafka.read(f"{stage.topic}-letters")) == 1
    assert kafka.topic_config(f"{stage.topic}-letters", "retention.ms") == "-1"


def test_a_value_too_large_for_the_dead_letter_topic_is_left_out_and_said_so(kafka: Cluster, stage: Stage) -> None:
    kafka.create_topic(stage.topic)
    kafka.create_topic(f"{stage.group}.dead-letter", 1, {"max.message.bytes": "20000"})
    kafka.produce(stage.topic, b"no json " * 10_000, key=b"the key")
    stage.connector()
    stage.wait_committed()
    [letter] = kafka.read(f"{stage.group}.dead-letter")
    assert (letter.key(), letter.value()) == (b"the key", None)
    told = _told(letter)
    assert (told["dl-value-omitted"], told["dl-topic"], told["dl-offset"]) == ("1", stage.topic, "0")


def test_while_the_dead_letter_topic_takes_nothing_nothing_settles_and_readiness_says_so(
    kafka: Cluster, stage: Stage
) -> None:
    letters = kafka.create_topic(f"{stage.group}.dead-letter", 1, {"max.message.bytes": "10"})
    kafka.create_topic(stage.topic, partitions=1)
    kafka.produce_orders(stage.topic, range(3))
    kafka.produce(stage.topic, b"no json")
    connector = stage.connector()
    until(lambda: "dead_letter_unavailable" in connector.reasons(), "readiness to tell")
    assert connector.records()["in_flight"] >= 1
    assert connector.records()["dead_lettered"] == 0
    assert stage.committed() <= 3
    kafka.configure_topic(letters, "max.message.bytes", "100000")
    stage.wait_committed()
    assert [_told(letter)["dl-offset"] for letter in kafka.read(letters)] == ["3"]
    until(lambda: "dead_letter_unavailable" not in connector.reasons(), "readiness to come back")
    assert_conserved(connector)


def _headers(letter: Message) -> Headers:
    headers = letter.headers()
    return headers if isinstance(headers, list) else []


def _told(letter: Message) -> dict[str, str]:
    return {
        name: value.decode() for name, value in _headers(letter) if name.startswith("dl-") and isinstance(value, bytes)
    }

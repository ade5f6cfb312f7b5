"""Traces of the real process: records with trace headers, requests that are linked to them, a collector over OTLP."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.kafka.cluster import order
from tests.kafka.harness import assert_conserved
from tests.support.otlp_receiver import OtlpReceiver

if TYPE_CHECKING:
    from tests.kafka.cluster import Cluster
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka

TRACES = [("a" * 32, "1" * 16), ("b" * 32, "2" * 16)]
MOBILE = "13800000000"


def test_each_request_is_a_span_that_is_linked_to_the_traces_of_its_records(
    kafka: Cluster, harness: KafkaHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The spans are exported by the stop: the exporter's own interval is an hour."""
    kafka.create_topic(harness.topic, partitions=1)
    written = [f"00-{trace}-{span}-01".encode() for trace, span in TRACES]
    for number, parent in enumerate([*written, None, b"garbage", b"\xff\xfe"]):
        kafka.produce(harness.topic, order(number), headers=[("traceparent", parent)])
    kafka.produce(harness.topic, order(9, buyer={"mobile": "not a phone"}), headers=[("traceparent", written[0])])
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000")
    with OtlpReceiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        connector = harness.start_connector()
        harness.wait_stored(5)
        harness.wait_committed()
        assert_conserved(connector)
        assert receiver.spans == []
        connector.terminate()
        assert connector.exit_code() == 0
    requests = [one for one in receiver.spans if one.span.name == "POST event/v2/batchAdd"]
    letters = [one for one in receiver.spans if one.span.name == f"send {harness.group}.dead-letter"]
    assert {one.service for one in receiver.spans} == {"tuzhan-connector"}
    assert sorted(link for one in requests for link in one.links) == TRACES
    assert [one.links for one in letters] == [TRACES[:1]]
    assert sum(one.attributes["messaging.batch.message_count"] for one in requests) == 5
    assert {one.attributes["tuzhan.verdict"] for one in receiver.spans} == {"delivered"}
    assert MOBILE not in str([one.span for one in receiver.spans])


def test_a_collector_that_never_answers_delays_neither_the_flow_nor_the_stop(
    kafka: Cluster, harness: KafkaHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka.create_topic(harness.topic)
    kafka.produce_orders(harness.topic, range(300))
    config = harness.config()
    config["targets"]["purchases"]["batch"] = {"max_records": 1, "max_wait": "50ms"}
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    with OtlpReceiver(hangs=True) as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{receiver.url}/v1/traces")
        connector = harness.start_connector(config)
        harness.wait_stored(300)
        harness.wait_committed()
        assert receiver.requests > 0
        began = time.monotonic()
        connector.terminate()
        assert connector.exit_code() == 0
        assert time.monotonic() - began < 10  # it ends in 4 s at most, on a machine that does nothing else

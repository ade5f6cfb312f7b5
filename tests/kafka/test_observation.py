"""What a running connector tells of itself: true at every scrape, and enough to answer what became of a record."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Self

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.kafka.cluster import order
from tests.kafka.harness import SHORT_SESSION, assert_conserved, lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.kafka.cluster import Cluster
    from tests.kafka.commands import ConnectorProcess, Fault
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka

PREFIX = "tuzhan_connector_"


class Scraper:
    """Scrapes /metrics and /status of a process in a thread, without a pause, and checks each answer."""

    def __init__(self, connector: ConnectorProcess) -> None:
        self.scrapes = 0
        self.worst: list[str] = []
        """What was wrong, if anything was."""
        self._url = connector.admin_url
        self._last: dict[tuple[str, ...], float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with httpx.Client(base_url=self._url, timeout=30) as http:
            while not self._stop.is_set():
                try:
                    metrics, status = http.get("/metrics").text, http.get("/status").json()
                except httpx.TransportError:
                    self._stop.wait(0.05)  # it starts, or has ended
                    continue
                self.worst += [*self._wrong_metrics(metrics), *_wrong_status(status)]
                self.scrapes += 1

    def _wrong_metrics(self, text: str) -> Iterator[str]:
        sums: defaultdict[tuple[str, str], float] = defaultdict(float)
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                sums[sample.name.removeprefix(PREFIX), sample.labels.get("topic", "")] += sample.value
                if family.type == "counter":
                    key = (sample.name, *map(str, sorted(sample.labels.items())))
                    if sample.value < self._last.get(key, 0.0):
                        yield f"{key} fell to {sample.value}"
                    self._last[key] = sample.value
        for topic in {topic for name, topic in sums if name == "records_consumed_total"}:
            counts = [
                sums[f"records_{name}", topic]
                for name in ("consumed_total", "settled_total", "released_total", "in_flight")
            ]
            if counts[0] != sum(counts[1:]):
                yield f"{topic}: {counts}"
        if sums["ready", ""] != (sums["not_ready_reasons", ""] == 0):
            yield f"ready {sums['ready', '']}, reasons {sums['not_ready_reasons', '']}"
        if sums["items_total", ""] < sums["dead_letters_total", ""]:
            yield "fewer items than dead letters"


def _wrong_status(status: dict[str, Any]) -> Iterator[str]:
    counts = status["records"]
    outcomes = ("delivered", "skipped", "dead_lettered", "released", "in_flight")
    if counts["consumed"] != sum(counts[name] for name in outcomes):
        yield str(counts)
    if status["ready"] == bool(status["reasons"]):
        yield f"ready {status['ready']}: {status['reasons']}"
    not_up = {one["name"] for one in status["targets"] if one["state"] != "up"} - {"dead-letters"}
    reported = {one["target"] for one in status["reasons"] if one["code"] in {"target_down", "target_held"}}
    if not_up != reported:
        yield f"not up: {not_up}; reported: {reported}"
    codes = {one["code"] for one in status["reasons"]}
    expected = "draining" if "draining" in codes else "starting" if "starting" in codes else "running"
    if status["state"] != expected:
        yield f"{status['state']} with {codes}"


def test_at_every_scrape_under_load_the_counts_add_up_and_the_answers_agree(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    """While partitions move, requests fail, the platform goes down and letters are written."""
    kafka.create_topic(harness.topic, partitions=4)
    config = harness.config(**SHORT_SESSION)
    config["targets"]["purchases"]["batch"] |= {"max_records": 100}
    first = harness.start_connector(config).wait_ready()
    faults: list[Fault] = [
        {"kind": "status", "status": 503, "share": 0.2},
        {"kind": "refuse", "code": "400", "match": {"eventargs.seq": 42}},
        {"kind": "latency", "ms": 30},
    ]
    harness.sandbox.set_faults(*faults)
    second = harness.start_connector(config)
    with Scraper(first) as one, Scraper(second) as other:
        count = 0
        while count < 4_000 or not (second.is_ready() and second.records()["consumed"]):
            kafka.produce_orders(harness.topic, range(count, count + 500))
            kafka.produce(harness.topic, b"no json")
            kafka.produce(harness.topic, order(count, status="CREATED"))
            count += 500
            time.sleep(0.1)
        # Order 42 may be on its way in a request that has met its faults and waits: it stays refused.
        harness.sandbox.set_faults({"kind": "status", "status": 503}, faults[1])
        kafka.produce_orders(harness.topic, range(count, count + 2_000))
        until(lambda: "target_down" in first.reasons(), "the platform to be down")
        harness.sandbox.set_faults(*faults)
        second.terminate()
        assert second.exit_code() == 0
        harness.wait_committed()
    assert (one.worst[:5], other.worst[:5]) == ([], [])
    assert min(one.scrapes, other.scrapes) > 10
    assert lost_and_repeated(harness.sandbox.orders(), set(range(count + 2_000)) - {42})[0] == 0
    assert_conserved(first)


def test_a_healthy_start_and_stop_warn_of_nothing_and_the_log_says_what_became_of_each_offset(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    kafka.create_topic(harness.topic, partitions=3)
    config = harness.config()
    config["log"]["format"] = "json"
    connector = harness.start_connector(config).wait_ready()
    kafka.produce_orders(harness.topic, range(1_500))
    harness.wait_committed()
    connector.terminate()
    assert connector.exit_code() == 0
    lines = [json.loads(line) for line in connector.stderr.splitlines()]
    assert {line["level"] for line in lines} == {"info"}
    assert [line["event"] for line in lines if line["event"] in {"started", "ready", "stopped"}] == [
        *("started", "ready", "stopped")
    ]
    delivered = Counter(
        f"{partition}:{offset}"
        for line in lines
        if line["event"] == "request" and line["verdict"] == "delivered"
        for partition, ranges in line["offsets"].items()
        for offset in _offsets(ranges)
    )
    ends = kafka.end_offsets(harness.topic)
    assert delivered == Counter(
        f"{harness.topic}[{partition}]:{offset}" for partition, end in ends.items() for offset in range(end)
    )


def _offsets(ranges: str) -> Iterator[int]:
    for each in ranges.split(","):
        first, _, last = each.partition("-")
        yield from range(int(first), int(last or first) + 1)

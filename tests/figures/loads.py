"""Figures: bounds under a load that can't be sent, and full batches in spite of an order to keep."""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tests.bench import workload
from tests.bench.workload import SinkProcess, resident_mib
from tests.chaos.producing import produce_now
from tests.chaos.records import ORDERS, Kind, Produced
from tests.figures.scene import is_sound, scene, summary
from tests.kafka.broker import Broker
from tests.kafka.cluster import Cluster, fresh
from tests.kafka.commands import ConnectorProcess
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from tests.figures.interruptions import Figure
    from tests.figures.scene import Config

RSS_MIB = 300
PARTITIONS, WAITING = 400, 1_000_000
QUEUE = 20_000


def storm(minutes: float = 10) -> Figure:
    """400 partitions with a million records, and 429 for everything, for minutes; then all of it is delivered."""
    with Broker() as broker, TemporaryDirectory(prefix="figure-") as folder:
        kafka, sink = Cluster(broker.address), SinkProcess()
        topic = kafka.create_topic(partitions=PARTITIONS)
        now_ms = time.time_ns() // 1_000_000
        for numbers in workload.numbers(0, WAITING):
            kafka.produce_all(topic, [{"value": workload.order(number, now_ms)} for number in numbers])
        sink.behave(status=429)
        connector = ConnectorProcess(workload.config(kafka, topic, fresh("figure"), sink.base_url), Path(folder))
        connector.start()
        try:
            most = _watch(connector, minutes * 60)
            sink.behave(status=200)
            until(lambda: sink.stats()["distinct"] == WAITING, "everything to be delivered", timeout_s=600)
            after = resident_mib(connector.process.pid)
            repeated = sink.stats()["items"] - WAITING
        finally:
            connector.close()
            sink.close()
            kafka.close()
    result = {**most, "minutes": minutes, "rss_mib_after": round(after), "sent_twice": repeated}
    bounded = most["rss_mib"] <= RSS_MIB and after <= RSS_MIB and most["queued_items"] <= QUEUE
    return bounded and not repeated, result


def hot_identities() -> Figure:
    """`ordering: identity`, 3 of 5,000 identities have half of the records: in order, and batches stay full."""
    with scene(_by_identity) as one:
        one.platform.misbehave("replies", [{"kind": "latency", "ms": 100}], {})
        records = [Produced(n, ORDERS, Kind.GOOD, n // 2 % 3 if n % 2 else 3 + n % 4_997) for n in range(50_000)]
        produce_now(one.stage, records)
        one.produced += records
        one.stage.add_member()
        one.wait_committed()
        history, verdict = one.finish()
    sizes = [len(request.numbers) for request in history.requests if request.stored_at is not None]
    by_second: dict[int, int] = defaultdict(int)
    for request in history.requests:
        by_second[int(request.arrived)] += len(request.numbers)
    result: dict[str, Any] = {
        **summary(history, verdict, is_ordered=True),
        "requests": len(sizes),
        "full_percent": round(100 * sum(sizes) / (500 * len(sizes))),
        "records_per_second": max(by_second.values()),
    }
    return is_sound([result]) and result["full_percent"] >= 60, result


def _by_identity(config: Config) -> None:
    config["targets"][ORDERS] |= {
        "ordering": "identity",
        "batch": {"max_records": 500, "max_wait": "200ms"},
        "max_in_flight": 8,
        "queue": {"max_records": QUEUE},
    }


def _watch(connector: ConnectorProcess, seconds: float) -> dict[str, int]:
    """Return the most that was seen of each bounded quantity."""
    most: dict[str, int] = defaultdict(int)
    until(lambda: connector.reasons() != {"no answer"}, "the connector to answer")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        seen = {
            "rss_mib": resident_mib(connector.process.pid),
            "queued_items": connector.metric("queued_items", target="purchases"),
            "records_in_flight": connector.metric("records_in_flight"),
        }
        for name, value in seen.items():
            most[name] = max(most[name], round(value))
        time.sleep(2)
    return dict(most)

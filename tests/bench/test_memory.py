"""Memory usage while a million records wait and the platform answers 429."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.bench import workload
from tests.bench.workload import SinkProcess, resident_mib
from tests.kafka.cluster import fresh
from tests.kafka.commands import ConnectorProcess
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.kafka.cluster import Cluster

pytestmark = [pytest.mark.bench, pytest.mark.kafka, pytest.mark.timeout(600, func_only=True)]

WAITING = 1_000_000


@pytest.fixture
def sink() -> Iterator[SinkProcess]:
    sink = SinkProcess()
    yield sink
    sink.close()


def test_memory_stays_flat_while_a_million_records_wait(kafka: Cluster, sink: SinkProcess, tmp_path: Path) -> None:
    topic = kafka.create_topic()
    now_ms = time.time_ns() // 1_000_000
    for some in workload.numbers(0, WAITING):
        kafka.produce_all(topic, [{"value": workload.order(number, now_ms)} for number in some])
    sink.behave(status=429)
    connector = ConnectorProcess(workload.config(kafka, topic, fresh("bench"), sink.base_url), tmp_path)
    connector.start()
    try:
        until(lambda: sink.stats()["requests"] >= 50, "the storm to begin")
        until(lambda: connector.metric("partitions_paused") > 0, "partitions to be paused")
        early = _after_more(connector, sink, 50)
        late = _after_more(connector, sink, 300)
        sink.behave(status=200)
        until(lambda: sink.stats()["distinct"] == WAITING, "everything to be delivered", timeout_s=300)
        after = resident_mib(connector.process.pid)
        assert sink.stats()["items"] == WAITING
    finally:
        connector.close()
    print(  # noqa: T201 - the result of the benchmark
        f"\n{WAITING:,} records waiting behind 429: {early:.0f} MiB resident, {late:.0f} MiB 300 requests later, "
        f"{after:.0f} MiB when all were delivered"
    )
    assert late <= 1.1 * early
    assert after <= 2 * early


def _after_more(connector: ConnectorProcess, sink: SinkProcess, requests: int) -> float:
    before = sink.stats()["requests"]
    until(lambda: sink.stats()["requests"] >= before + requests, f"{requests} more requests", timeout_s=300)
    return resident_mib(connector.process.pid)

"""Memory usage while a million records of 400 partitions wait and the platform answers 429."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from tests.bench import workload
from tests.bench.figures import Figure
from tests.bench.workload import SinkProcess, resident_mib
from tests.kafka.cluster import fresh
from tests.kafka.commands import ConnectorProcess
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.bench.figures import Figures
    from tests.kafka.cluster import Cluster

pytestmark = [pytest.mark.bench, pytest.mark.kafka, pytest.mark.timeout(1800, func_only=True)]

WAITING = 1_000_000
PARTITIONS = 400
STORM_S = 60 * float(os.environ.get("MINUTES", "1"))
"""How long the storm lasts: `make bench MINUTES=10` for the figure in docs/performance.md."""
MOST_MIB = 300
MOST_QUEUED = 20_000
"""The default of `queue.max_records`."""


@pytest.fixture
def sink() -> Iterator[SinkProcess]:
    sink = SinkProcess()
    yield sink
    sink.close()


def test_memory_stays_bounded_while_a_million_records_of_400_partitions_wait(
    kafka: Cluster, sink: SinkProcess, tmp_path: Path, bench_figures: Figures
) -> None:
    topic = kafka.create_topic(partitions=PARTITIONS)
    now_ms = time.time_ns() // 1_000_000
    for some in workload.numbers(0, WAITING):
        kafka.produce_all(topic, [{"value": workload.order(number, now_ms)} for number in some])
    sink.behave(status=429)
    connector = ConnectorProcess(workload.config(kafka, topic, fresh("bench"), sink.base_url), tmp_path)
    connector.start()
    try:
        until(lambda: sink.stats()["requests"] >= 50, "the storm to begin")
        until(lambda: connector.metric("partitions_paused") == PARTITIONS, "partitions to be paused")
        early, most, queued = _watch_storm(connector)
        sink.behave(status=200)
        until(lambda: sink.stats()["distinct"] == WAITING, "everything to be delivered", timeout_s=600)
        after = resident_mib(connector.process.pid)
        assert sink.stats()["items"] == WAITING
    finally:
        connector.close()
    print(  # noqa: T201 - the result of the benchmark
        f"\n{WAITING:,} records of {PARTITIONS} partitions waiting behind 429: {early:.0f} MiB resident, at most "
        f"{most:.0f} MiB and {queued:,.0f} records queued in {STORM_S / 60:g} minutes, "
        f"{after:.0f} MiB when all were delivered"
    )
    bench_figures.add(Figure("memory behind 429, at most, MiB", most, goal=MOST_MIB))
    bench_figures.add(Figure("memory behind 429, when all are delivered, MiB", after, goal=MOST_MIB))
    assert queued == MOST_QUEUED
    assert most <= MOST_MIB
    assert after <= MOST_MIB


def _watch_storm(connector: ConnectorProcess) -> tuple[float, float, float]:
    """Return the resident memory at the beginning and at most, in MiB, and the records that were queued at most."""
    early = most = resident_mib(connector.process.pid)
    queued, until_s = 0.0, time.monotonic() + STORM_S
    while time.monotonic() < until_s:
        most = max(most, resident_mib(connector.process.pid))
        queued = max(queued, connector.metric("queued_items", target="purchases"))
        time.sleep(0.5)
    return early, most, queued

"""CPU-seconds per 100,000 records: the connector's whole process, and a hand-written loop in the same run."""

from __future__ import annotations

import json
import statistics
import time
from typing import TYPE_CHECKING

import pytest

from tests.bench import workload
from tests.bench.workload import SinkProcess, Usage, measure
from tests.kafka.cluster import fresh

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.kafka.cluster import Cluster

pytestmark = [pytest.mark.bench, pytest.mark.kafka, pytest.mark.timeout(900, func_only=True)]

SIZES = (100_000, 400_000)
RUNS = 5
GOAL = 1.5


@pytest.fixture
def sink() -> Iterator[SinkProcess]:
    sink = SinkProcess()
    yield sink
    sink.close()


def test_the_connector_takes_at_most_half_as_much_again_as_a_hand_written_loop(
    kafka: Cluster, sink: SinkProcess, tmp_path: Path
) -> None:
    ratios, cpu_s = {}, {}
    for size in SIZES:
        topic = kafka.create_topic()
        now_ms = time.time_ns() // 1_000_000
        for some in workload.numbers(0, size):
            kafka.produce_all(topic, [{"value": workload.order(number, now_ms)} for number in some])
        runs: dict[str, list[Usage]] = {"connector": [], "hand-written": []}
        for _ in range(RUNS if size == SIZES[0] else 3):
            runs["connector"].append(_connector(kafka, topic, sink, size, tmp_path))
            runs["hand-written"].append(_hand_written(kafka, topic, sink, size, tmp_path))
        cpu_s[size] = {name: statistics.median(u.cpu_s for u in usages) for name, usages in runs.items()}
        ratios[size] = _report(size, runs)
    _report_steady_state(cpu_s)
    assert ratios[SIZES[0]] <= GOAL
    assert ratios[SIZES[1]] <= GOAL


def _connector(kafka: Cluster, topic: str, sink: SinkProcess, size: int, folder: Path) -> Usage:
    file = folder / "bench.yaml"
    config = workload.config(kafka, topic, fresh("bench"), sink.base_url)
    file.write_text(json.dumps({**config, "admin": {"listen": "127.0.0.1:0"}}))
    return measure(["-m", "connector", "run", "-c", str(file)], sink, size, folder / "connector.log")


def _hand_written(kafka: Cluster, topic: str, sink: SinkProcess, size: int, folder: Path) -> Usage:
    arguments = ["-m", "tests.bench.hand_written", kafka.address, topic, fresh("bench"), sink.base_url]
    return measure(arguments, sink, size, folder / "hand_written.log")


def _report(size: int, runs: dict[str, list[Usage]]) -> float:
    print(f"\n{size:,} records of {workload.RECORD_BYTES} bytes")  # noqa: T201 - what was asked for
    for name, usages in runs.items():
        per_100k = [usage.cpu_s * 100_000 / size for usage in usages]
        rate = statistics.median(size / usage.seconds for usage in usages)
        peak = statistics.median(usage.peak_mib for usage in usages)
        each = " ".join(f"{cpu:.2f}" for cpu in per_100k)
        print(  # noqa: T201 - what was asked for
            f"  {name:12}  {statistics.median(per_100k):5.2f} CPU-s per 100,000 ({each}), "
            f"{rate:8,.0f} records/s with start, {peak:4.0f} MiB at most"
        )
    ours, theirs = (statistics.median(u.cpu_s for u in runs[name]) for name in ("connector", "hand-written"))
    print(f"  ratio of the medians: {ours / theirs:.2f} (goal: at most {GOAL})")  # noqa: T201 - the same
    return ours / theirs


def _report_steady_state(cpu_s: dict[int, dict[str, float]]) -> None:
    """Return the cost without start and stop, which cancel out in the difference of two sizes."""
    small, large = SIZES
    ours, theirs = (
        (cpu_s[large][name] - cpu_s[small][name]) * 100_000 / (large - small) for name in ("connector", "hand-written")
    )
    print(f"\nwithout start and stop: {ours:.2f} and {theirs:.2f} CPU-s, ratio {ours / theirs:.2f}")  # noqa: T201

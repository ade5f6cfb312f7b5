"""CPU time per record: the connector's whole process, and a hand-written loop in the same run; start-up told apart."""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.bench import workload
from tests.bench.corpus import CORPUS
from tests.bench.figures import Figure
from tests.bench.workload import SinkProcess, Usage, measure
from tests.kafka.cluster import fresh

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.bench.figures import Figures
    from tests.kafka.cluster import Cluster

pytestmark = [pytest.mark.bench, pytest.mark.kafka, pytest.mark.timeout(900, func_only=True)]

RUNS = 5


@dataclass(frozen=True)
class Case:
    """Records of one size, and what the connector may take for them, as a part of the hand-written loop's CPU time."""

    name: str
    count: int
    goal: float

    def value(self, number: int, now_ms: int) -> bytes:
        if self.name == "380 B":
            return workload.order(number, now_ms)
        [shape] = [one for one in CORPUS if one.name.startswith(self.name)]
        return shape.value(number)


CASES = [Case("380 B", 400_000, 1.0), Case("4.6 kB", 120_000, 0.7)]


@pytest.fixture
def sink() -> Iterator[SinkProcess]:
    sink = SinkProcess()
    yield sink
    sink.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_connector_compared_with_a_hand_written_loop(
    kafka: Cluster, sink: SinkProcess, tmp_path: Path, case: Case, bench_figures: Figures
) -> None:
    topic, now_ms = kafka.create_topic(), time.time_ns() // 1_000_000
    for some in workload.numbers(0, case.count, 20_000):
        kafka.produce_all(topic, [{"value": case.value(number, now_ms)} for number in some])
    ours: list[Usage] = []
    by_hand: list[Usage] = []
    for _ in range(RUNS):
        ours.append(_connector(kafka, topic, sink, case.count, tmp_path))
        by_hand.append(_hand_written(kafka, topic, sink, case.count, tmp_path))
    print(f"\n{case.count:,} records of {case.name}, medians of {RUNS} runs")  # noqa: T201 - what was asked for
    _print("connector", ours)
    _print("hand-written", by_hand)
    ratio = _median(ours, lambda one: one.steady_us) / _median(by_hand, lambda one: one.steady_us)
    print(f"  ratio {ratio:.2f} (goal: at most {case.goal})")  # noqa: T201 - the same
    bench_figures.add(Figure(f"whole process by hand, {case.name}", ratio, goal=case.goal))
    bench_figures.add(Figure(f"peak memory, {case.name}, MiB", _median(ours, lambda one: one.peak_mib)))
    assert ratio <= case.goal


def _connector(kafka: Cluster, topic: str, sink: SinkProcess, count: int, folder: Path) -> Usage:
    file = folder / "bench.yaml"
    config = workload.config(kafka, topic, fresh("bench"), sink.base_url)
    file.write_text(json.dumps({**config, "admin": {"listen": "127.0.0.1:0"}}))
    return measure(["-m", "connector", "run", "-c", str(file)], sink, count, folder / "connector.log")


def _hand_written(kafka: Cluster, topic: str, sink: SinkProcess, count: int, folder: Path) -> Usage:
    arguments = ["-m", "tests.bench.hand_written", kafka.address, topic, fresh("bench"), sink.base_url]
    return measure(arguments, sink, count, folder / "hand_written.log")


def _median(usages: list[Usage], value: Callable[[Usage], float]) -> float:
    return statistics.median(map(value, usages))


def _print(name: str, usages: list[Usage]) -> None:
    each = " ".join(f"{one.steady_us:.2f}" for one in usages)
    print(  # noqa: T201 - what was asked for
        f"  {name:12}  {_median(usages, lambda one: one.steady_us):5.2f} µs CPU per record ({each}), "
        f"{_median(usages, lambda one: one.start_and_stop_s):.2f} CPU-s to start and stop, "
        f"{_median(usages, lambda one: one.rate):8,.0f} records/s, {_median(usages, lambda one: one.peak_mib):4.0f} MiB"
    )

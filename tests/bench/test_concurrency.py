"""`max_in_flight: auto` against fixed numbers: throughput and queue, over real HTTP.

One target sends requests of one item to a platform in another process, which waits as the case says. In flight are the
requests that are served, and those that wait there.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Literal, NamedTuple

import pytest

from connector.core.batching import BatchLimits
from connector.core.ledger import Lease, TopicCounts
from connector.core.pacing import Pacer
from connector.core.record import TopicPartition
from connector.flow.target import Target, TargetDependencies
from connector.runtime.tasks import Tasks
from connector.tuzhan.client import PlatformClient
from connector.tuzhan.http_sink import HttpSink
from tests.bench.figures import Figure
from tests.bench.workload import SinkProcess
from tests.kafka.commands import EVENTS
from tests.support.builders import TOPIC, item, record
from tests.support.target_harness import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.tuzhan.token import TokenProvider
    from tests.bench.figures import Figures

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600, func_only=True)]

FIXED_S = 6.0
WARM = 0.4
"""The part of a run after which it is measured: `auto` has found its number."""
SAMPLE_S = 0.01
BODY = b'{"eventargs":{"seq":1}}'


@dataclass(frozen=True)
class Case:
    """A platform, and the numbers that are tried."""

    name: str
    delay_s: float
    fixed: tuple[int, ...]
    auto_s: float
    """How long `auto` is measured; it takes about 100 replies' time to find its number."""
    load: dict[str, int]


CASES = [
    Case("20 ms, 8 workers", 0.02, (4, 8, 12, 16), 25.0, {"workers": 8}),
    Case("200 ms, 40 workers", 0.2, (20, 40, 60), 80.0, {"workers": 40}),
    Case("50 ms, slows down under load", 0.05, (6, 12, 18, 24), 40.0, {"doubles_at": 12}),
]


class StaticToken:
    """There always is a token."""

    def token_for(self, _sink: object) -> str:
        return "t"

    def on_delivered(self, *_: object) -> None:
        """Nothing to note."""


class Run(NamedTuple):
    """What came of a number."""

    number: int | Literal["auto"]
    rate: float
    in_flight: float


@pytest.fixture
def sink() -> Iterator[SinkProcess]:
    sink = SinkProcess(blindly=True)
    yield sink
    sink.close()


async def measure(sink: SinkProcess, number: int | Literal["auto"], seconds: float) -> Run:
    """Send as fast as `number` allows, and return requests per second and requests in flight."""
    lease, tasks = Lease(TopicPartition(TOPIC, 0), 0, TopicCounts()), Tasks()
    settings = replace(SETTINGS, max_in_flight=number, limits=BatchLimits(1, 10_000, 0.2), endpoint=EVENTS)
    client = PlatformClient.build(sink.base_url, 10.0, 256)
    tokens: TokenProvider = StaticToken()  # type: ignore[assignment]
    deps = TargetDependencies(
        emit=lambda _: None,
        dead_letter=lambda *_: None,
        on_progress=lambda: None,
        spawn=tasks.spawn,
        pacer=Pacer(None),
        random=Random(1),  # noqa: S311 - jitter
    )
    target = Target(settings, HttpSink(EVENTS, client, tokens), deps)
    loop = asyncio.get_running_loop()
    began, samples, first = loop.time(), [0], (0.0, 0)
    while (elapsed := loop.time() - began) < seconds:
        for _ in range(max(0, 600 - target.queued)):
            lease.track(lease.next_offset, loop.time(), 1)
            target.put(item(record(lease.next_offset - 1), body=BODY), lease)
        if elapsed >= WARM * seconds:
            first = first if first[0] else (elapsed, lease.watermark)
            samples.append(target.sending.requests_in_flight)
        await asyncio.sleep(SAMPLE_S)
    rate = (lease.watermark - first[1]) / (loop.time() - began - first[0])
    await tasks.cancel()
    await client.aclose()
    return Run(number, rate, sum(samples) / len(samples))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_auto_against_fixed_numbers(
    sink: SinkProcess, case: Case, bench_figures: Figures, capsys: pytest.CaptureFixture[str]
) -> None:
    sink.behave(delay_s=case.delay_s, load=case.load)
    runs = [asyncio.run(measure(sink, number, FIXED_S)) for number in case.fixed]
    best = max(runs, key=lambda one: one.rate)
    enough = next(one for one in runs if one.rate >= 0.99 * best.rate)
    auto = asyncio.run(measure(sink, "auto", case.auto_s))
    with capsys.disabled():
        for one in (*runs, auto):
            print(f"\n{case.name}: {one.number!s:4} {one.rate:6.1f} requests/s, {one.in_flight:5.1f} in flight", end="")  # noqa: T201
    figures = (
        Figure(f"auto: throughput, {case.name}", auto.rate / best.rate, higher_is_better=True, goal=0.95),
        Figure(f"auto: in flight, {case.name}", auto.in_flight / enough.in_flight, noise=0.3, goal=2.0),
    )
    for figure in figures:
        bench_figures.add(figure)
    assert [figure for figure in figures if not figure.reached] == []

"""What the tap costs the flow: nothing without a listener, and with four, a bounded share.

CPU time of the flow without the mapping (`test_flow_speed`), in pairs with and without the tap, one after the other, so
that other load on the machine counts for both; the tap's share is of CPU time too, for the same reason. `nobody` means
that there was a listener, which has gone: the tap is not attached.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import TYPE_CHECKING, Final

import pytest

from connector.config.loading import load
from connector.core.record import Item
from connector.decode.decoding import FORMATS
from connector.observe.tap import MAX_LISTENERS, Tap
from connector.workbench.tap.view import TapView
from tests.bench.figures import Figure
from tests.bench.test_flow_speed import NOW_MS, SETTINGS, TARGET, MemorySource, flow_seconds
from tests.bench.workload import order
from tests.unit.config.files import ENVIRON, SOUND

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from connector.core.record import Record
    from connector.flow.pipeline import Pipeline
    from connector.observe.tap import EventListener
    from connector.observe.tap_feed import TapFeed
    from tests.bench.figures import Figures

PAIRS: Final = 5
RECORDS: Final = 200_000
BODY: Final = order(1, NOW_MS)


class OneItemMapper:
    """Makes an item of each record but the tenth; its body is JSON."""

    def of_topic(self, _: str) -> Callable[[Record], Sequence[Item]]:
        return lambda record: [Item(TARGET, "orders", BODY, b"{}", (), record)] if record.offset % 10 else []


async def read(feed: TapFeed) -> None:
    """Read all that a listener gets."""
    async for _ in feed.chunks():
        pass


@pytest.mark.bench
@pytest.mark.parametrize(
    ("name", "queries", "stays", "goal"),
    [
        ("nobody", [[("rate", "1000")]], False, 1.05),
        ("four readers of everything", [[("rate", "1000")]] * MAX_LISTENERS, True, 1.4),
        ("four that follow a value", [[("value_hash", "0" * 16)]] * MAX_LISTENERS, True, 1.4),
    ],
)
def test_the_tap_by_the_flow_without_it(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    bench_figures: Figures,
    name: str,
    queries: list[list[tuple[str, str]]],
    *,
    stays: bool,
    goal: float,
) -> None:
    file = tmp_path / "connector.yaml"
    file.write_text(SOUND, encoding="utf-8")
    view = TapView(load(file, ENVIRON), FORMATS)

    readers: list[asyncio.Task[None]] = []

    def attach(listeners: list[EventListener], pipeline: Pipeline) -> None:
        tap = Tap(lambda: view, listeners, pipeline, time.process_time)
        for feed in [tap.open(query) for query in queries]:
            if stays:
                readers.append(asyncio.create_task(read(feed)))
            else:
                tap.close(feed)

    def seconds(prepare: Callable[[list[EventListener], Pipeline], None]) -> float:
        return asyncio.run(flow_seconds(MemorySource(6, 1000, RECORDS), OneItemMapper(), SETTINGS, prepare))

    runs = [(seconds(attach), seconds(lambda *_: None)) for _ in range(PAIRS)]
    ratio = statistics.median(with_tap / without for with_tap, without in runs)
    with capsys.disabled():
        print(f"\ntap, {name:27} {ratio:.3f} × the flow without it (goal {goal})")  # noqa: T201 - the result
    bench_figures.add(Figure(f"flow with a tap by without, {name}", ratio, noise=0.1, goal=goal))
    assert ratio <= goal

"""Decoding, mapping and encoding by the mapping language, compared with a hand-written function for each shape.

Both are timed in turns within one process, in CPU time, so that other load on the machine affects both alike.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import orjson
import pytest

from connector.core.record import Record
from connector.mapping import Mapper, compile_mapping
from connector.settings.models import Decode, Route, Target
from connector.settings.problems import Problems
from tests.bench.corpus import CORPUS, NOW_MS, TOPIC, Shape, by_hand
from tests.bench.figures import Figure
from tests.kafka.commands import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench.figures import Figures

RECORDS = 400
TURNS = 25
NOISE = 1.1
"""By how much a ratio may exceed its goal on a machine that does other things as well."""


def records(shape: Shape) -> list[Record]:
    return [
        Record(TOPIC, number % 6, number, NOW_MS, b"%d" % number, shape.value(number), ()) for number in range(RECORDS)
    ]


def mapper(shape: Shape) -> Mapper:
    routes = [(index, Route.model_validate(each)) for index, each in enumerate(shape.routes)]
    problems = Problems()
    decode = {TOPIC: Decode(envelope=shape.envelope)}
    mapping = compile_mapping({"purchases": Target(endpoint=EVENTS)}, routes, problems, decode=decode)
    assert mapping is not None, problems.found
    return mapping.mapper("cluster")


def microseconds(work: Callable[[Record], object], waiting: list[Record]) -> float:
    began = time.process_time()
    for record in waiting:
        work(record)
    return (time.process_time() - began) / len(waiting) * 1e6


@pytest.mark.bench
@pytest.mark.parametrize("shape", CORPUS, ids=lambda shape: shape.name)
def test_the_mapping_language_compared_with_a_function_written_by_hand(
    capsys: pytest.CaptureFixture[str], shape: Shape, bench_figures: Figures
) -> None:
    items, other, waiting = mapper(shape).of_topic(TOPIC), by_hand(shape), records(shape)
    for record in waiting[:20]:
        assert [orjson.loads(item.body) for item in items(record)] == [orjson.loads(each) for each in other(record)]

    pairs = [(microseconds(items, waiting), microseconds(other, waiting)) for _ in range(TURNS)]
    ours, hand = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(each / by for each, by in pairs)
    size = statistics.median(len(record.value or b"") for record in waiting)
    with capsys.disabled():
        print(  # noqa: T201 - the result of the benchmark
            f"\n{shape.name:28} {size:6.0f} B: {ours:7.2f} µs, by hand {hand:7.2f} µs, ratio {ratio:.2f} "
            f"(goal {shape.goal})"
        )
    bench_figures.add(Figure(f"mapping by hand, {shape.name}", ratio, goal=shape.goal))
    assert ratio <= shape.goal * NOISE

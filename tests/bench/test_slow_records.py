"""A search for slow records: no content may make a record cost much more than others of its size.

The others are mostly long texts, which cost next to nothing to decode. A thousand objects where the mapping reads
something cost what it takes to decode them: such a record is measured by what msgspec takes to do that.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import msgspec
import orjson
import pytest

from connector.core.record import Record
from tests.bench.corpus import CORPUS, NOW_MS, TOPIC
from tests.bench.figures import Figure
from tests.bench.test_mapping_speed import mapper
from tests.bench.workload import order

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench.figures import Figures

RECORDS = 100_000
SEED = 8
AGAIN, TIMES = 100, 20
"""So many of the slowest of a size are measured again, and so often, each in turn with the one in the middle: other
work may have interfered with the first measurement, and the speed of a machine varies."""
HIGHEST_RATIO = 5


def odd_value(chance: random.Random) -> Any:  # noqa: ANN401 - JSON
    """Return a value that is rare in real records."""
    size = chance.choice([1, 5, 19, 20, 40, 200, 1000])
    makers: list[Callable[[], Any]] = [
        lambda: "9" * size,
        lambda: f"{chance.getrandbits(128):032x}" * (size // 20 + 1),
        lambda: " " * size,
        lambda: '\\"\n' * size,
        lambda: "中😀" * size,
        lambda: "+86 " + "-" * size + "13800000000",
        lambda: '{"a":' * min(size, 200) + "1" + "}" * min(size, 200),
        lambda: "[" * size,
        lambda: chance.getrandbits(63),
        lambda: chance.random() * 10 ** chance.randint(-300, 300),
        lambda: [chance.getrandbits(60) for _ in range(size)],
        lambda: ["2020-11-16 09:36:55"] * size,
        lambda: ["13800138000"] * size,
        lambda: {f"k{each}": each for each in range(size)},
        lambda: [{"title": "x" * 5}] * size,
        lambda: None,
        lambda: True,
    ]
    return chance.choice(makers)()


def odd_record(chance: random.Random, number: int) -> bytes:
    """Return an order with up to three odd places, which sometimes is not JSON."""
    value = orjson.loads(order(number, NOW_MS))
    for _ in range(chance.randint(1, 3)):
        name = chance.choice([*value, "extra"])
        place = value.get(name)
        if isinstance(place, dict) and chance.random() < 0.7:
            place[chance.choice([*place])] = odd_value(chance)
        else:
            value[name] = odd_value(chance)
    data: bytes = orjson.dumps(value)
    if chance.random() < 0.05:
        long_number = b"123456789012345678901234567890"
        data = chance.choice(
            [b"\xef\xbb\xbf" + data, data[:-1], data.replace(b'"seq":', b'"seq":' + long_number), data + b"x"]
        )
    return data


_decode = msgspec.json.Decoder().decode


def seconds(work: Callable[[Any], object], on: object, times: int) -> float:
    """Return the CPU time that work on something takes, at best."""
    taken = []
    for _ in range(times):
        began = time.process_time_ns()
        work(on)
        taken.append(time.process_time_ns() - began)
    return min(taken) / 1e9


def decoded(value: bytes) -> object:
    try:
        return _decode(value.removeprefix(b"\xef\xbb\xbf"))
    except msgspec.DecodeError:
        return None


@pytest.mark.bench
@pytest.mark.timeout(900)
def test_the_slowest_of_many_odd_records_costs_little_more_than_the_median_of_its_size(
    capsys: pytest.CaptureFixture[str], bench_figures: Figures
) -> None:
    chance = random.Random(SEED)  # noqa: S311 - the same records every time
    items = mapper(CORPUS[0]).items

    by_size: dict[int, list[tuple[float, int, Record]]] = defaultdict(list)
    for number in range(RECORDS):
        record = Record(TOPIC, 0, number, NOW_MS, None, odd_record(chance, number), ())
        by_size[len(record.value or b"").bit_length()].append((seconds(items, record, 2), number, record))
    worst, by_median, shown = 0.0, 0.0, b""
    for measured in by_size.values():
        if len(measured) < 2 * AGAIN:
            continue
        measured.sort()
        _, _, middle = measured[len(measured) // 2]
        for _, _, record in measured[-AGAIN:]:
            value = record.value or b""
            pairs = [(seconds(items, record, 1), seconds(items, middle, 1)) for _ in range(TIMES)]
            taken, median = map(min, zip(*pairs, strict=True))
            if taken / median > by_median:
                by_median, shown = taken / median, value
            worst = max(worst, taken / max(median, seconds(decoded, value, TIMES)))
    with capsys.disabled():
        print(  # noqa: T201 - the result
            f"\nthe slowest of {RECORDS:,} odd records: {worst:.1f} times the median of its size, or its decoding;"
            f" by the median alone {by_median:.1f}; {shown[:300]!r}"
        )
    bench_figures.add(Figure("slowest odd record", worst, noise=0.3, goal=HIGHEST_RATIO))
    assert worst <= HIGHEST_RATIO

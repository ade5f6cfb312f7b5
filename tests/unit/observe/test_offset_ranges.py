from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as some

from connector.core.record import TopicPartition
from connector.observe.log_lines import offset_ranges
from tests.unit.observe.examples import offsets_of, record


def test_consecutive_offsets_are_one_range_and_a_single_offset_one_number() -> None:
    assert offset_ranges(offsets_of([record(offset) for offset in [*range(100, 600), 601]])) == {
        "shop.orders[3]": "100-599,601"
    }


def test_partitions_are_separate_and_sorted_by_number() -> None:
    records = [record(5, partition=10), record(7, partition=2), record(6, partition=10), record(1, topic="crm.tags")]
    assert list(offset_ranges(offsets_of(records)).items()) == [
        ("crm.tags[3]", "1"),
        ("shop.orders[2]", "7"),
        ("shop.orders[10]", "5-6"),
    ]


def test_a_record_that_became_several_items_counts_once() -> None:
    assert offset_ranges(offsets_of([record(4), record(4), record(5), record(5)])) == {"shop.orders[3]": "4-5"}


def test_stretches_of_one_partition_are_joined_wherever_they_stand() -> None:
    other, partition = TopicPartition("crm.tags", 0), TopicPartition("shop.orders", 3)
    offsets = [(partition, [1, 2]), (other, [7]), (partition, range(3, 5))]
    assert offset_ranges(offsets) == {"crm.tags[0]": "7", "shop.orders[3]": "1-4"}


def test_no_records_give_no_ranges() -> None:
    assert offset_ranges([]) == {}


def test_a_gap_of_billions_of_offsets_costs_nothing() -> None:
    began = time.process_time()
    assert offset_ranges(offsets_of([record(1), record(50_000_000_000)])) == {"shop.orders[3]": "1,50000000000"}
    # Walking through the gap would take minutes.
    assert time.process_time() - began < 10


def read(spans: str) -> list[int]:
    offsets: list[int] = []
    for span in spans.split(","):
        first, _, last = span.partition("-")
        offsets.extend(range(int(first), int(last or first) + 1))
    return offsets


@given(some.lists(some.tuples(some.integers(0, 3), some.integers(0, 60)), min_size=1, max_size=100))
def test_ranges_read_back_give_exactly_the_offsets(places: list[tuple[int, int]]) -> None:
    found = offset_ranges(offsets_of([record(offset, partition) for partition, offset in places]))
    expected = {
        f"shop.orders[{number}]": sorted({offset for partition, offset in places if partition == number})
        for number in {partition for partition, _ in places}
    }
    assert {name: read(spans) for name, spans in found.items()} == expected
    assert all("," not in spans or len(spans.split(",")) <= len(expected[name]) for name, spans in found.items())


@given(some.integers(0, 10**12), some.integers(1, 500))
def test_whatever_is_contiguous_is_one_range_in_any_order(first: int, count: int) -> None:
    records = [record(offset) for offset in range(first, first + count)]
    expected = {"shop.orders[3]": str(first) if count == 1 else f"{first}-{first + count - 1}"}
    assert offset_ranges(offsets_of(records)) == offset_ranges(offsets_of(records[::-1])) == expected

"""Which tracked offsets are settled: against a set of offsets, with gaps of all lengths and any trimming."""

from __future__ import annotations

import sys
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.offset_window import MAX_FILLED, OPEN, SETTLED, OffsetWindow
from connector.core.time_marks import MAX_MARKS, TIME_RESOLUTION_S, TimeMarks

GAPS = st.sampled_from([0, 0, 0, 1, 2, MAX_FILLED, MAX_FILLED + 1, 50, 10**12])


def _ranges(offsets: list[int], unsettled: set[int]) -> list[range]:
    """The definition: from a settled offset up to the next unsettled one or the end, above the first unsettled one."""
    found: list[range] = []
    begin: int | None = None
    for offset in offsets:
        if offset in unsettled:
            found += [] if begin is None else [range(begin, offset)]
            begin = None
        elif begin is None and offset > min(unsettled, default=offset):
            begin = offset
    return found + ([] if begin is None else [range(begin, offsets[-1] + 1)])


def _check(window: OffsetWindow, offsets: list[int], unsettled: set[int]) -> None:
    end = offsets[-1] + 1
    assert window.end == end
    assert window.first_unsettled() == min(unsettled, default=end)
    assert window.settled_ranges(1000) == _ranges(offsets, unsettled)
    for near in (*offsets, *(one + 1 for one in offsets), offsets[0] - 1):
        assert window.is_open(near) == (near in unsettled)
        if near not in unsettled:
            with pytest.raises(KeyError):
                window.settle(near)


@settings(max_examples=400)
@given(
    data=st.data(),
    trim=st.sampled_from([1, 2, 5, 4096]),
    chunks=st.lists(st.lists(st.tuples(GAPS, st.lists(st.booleans(), min_size=1, max_size=4)), max_size=6), max_size=8),
)
def test_the_window_knows_what_a_set_of_offsets_knows(
    data: st.DataObject, trim: int, chunks: list[list[tuple[int, list[bool]]]]
) -> None:
    """Stretches of offsets are added, some settled at once, and settled in stretches, one by one, or in any order."""
    with patch("connector.core.offset_window._TRIM", trim):
        window, offsets, unsettled = OffsetWindow(3), [2], set[int]()
        for chunk in chunks:
            for gap, settled_at_once in chunk:
                first = offsets[-1] + 1 + gap
                window.add(first, b"".join(SETTLED if settled else OPEN for settled in settled_at_once))
                for offset, settled in enumerate(settled_at_once, first):
                    offsets.append(offset)
                    unsettled |= set() if settled else {offset}
            _check(window, offsets, unsettled)
            for offset in data.draw(st.permutations(sorted(unsettled)), label="order of settling")[:3]:
                _settle_from(window, offset, unsettled, data.draw(st.integers(1, 3), label="how many"))
                _check(window, offsets, unsettled)
            some = data.draw(st.permutations(sorted(unsettled)), label="settled together")[:4]
            window.settle_each(some)
            unsettled.difference_update(some)
            _check(window, offsets, unsettled)
        window.settle_each(sorted(unsettled))
        assert (len(window), window.first_unsettled()) == (0, window.end)


def _settle_from(window: OffsetWindow, offset: int, unsettled: set[int], count: int) -> None:
    wanted = set(range(offset, offset + count))
    if wanted <= unsettled:
        window.settle(offset, count)
        unsettled -= wanted
        return
    with pytest.raises(KeyError):
        window.settle(offset, count)


@pytest.mark.parametrize("offset", [2, 4, 6, 99])
def test_of_several_offsets_one_that_is_not_unsettled_is_an_error(offset: int) -> None:
    window = OffsetWindow(3)
    window.add(3, OPEN + SETTLED + OPEN)
    with pytest.raises(KeyError):
        window.settle_each([5, offset])


def _bytes_of(window: OffsetWindow) -> int:
    return sum(sys.getsizeof(getattr(window, name)) for name in OffsetWindow.__slots__)


def test_a_hundred_thousand_open_offsets_take_a_byte_each() -> None:
    window = OffsetWindow(0)
    for offset in range(100_000):
        window.add(offset)
    assert _bytes_of(window) < 120_000


def test_a_gap_costs_the_same_however_long_it_is() -> None:
    sizes = []
    for gap in (MAX_FILLED + 2, 10**9):
        window = OffsetWindow(0)
        for offset in range(0, 1_000 * gap, gap):
            window.add(offset)
        sizes.append(_bytes_of(window))
        for offset in range(1_000 * gap - gap, -1, -gap):
            window.settle(offset)
    assert abs(sizes[0] - sizes[1]) < 100, "an int of more digits"
    assert max(sizes) < 30_000


def test_settled_offsets_at_the_front_take_no_memory() -> None:
    window = OffsetWindow(0)
    window.add(0)
    for offset in range(1, 100_000):
        window.add(offset * 20)
        window.settle((offset - 1) * 20)
    assert _bytes_of(window) < 200_000


def test_no_more_ranges_are_returned_than_asked_for() -> None:
    window = OffsetWindow(0)
    for offset in range(10):
        window.add(offset, SETTLED if offset % 2 else OPEN)
    assert window.settled_ranges(2) == [range(1, 2), range(3, 4)]


def test_an_offset_has_the_time_of_the_mark_before_it() -> None:
    marks = TimeMarks()
    marks.note(10, 1.0, 10)
    assert marks.next_at == 1.0 + TIME_RESOLUTION_S
    marks.note(20, 2.0, 10)
    assert [marks.time_of(offset) for offset in (10, 19, 20, 99)] == [1.0, 1.0, 2.0, 2.0]


@pytest.mark.parametrize("hours", [0.01, 1, 1_000])
def test_while_a_record_is_stuck_its_time_is_exact_and_later_ones_are_known_well_in_few_marks(hours: float) -> None:
    marks, times = TimeMarks(), list[float]()
    step_s = max(0.05, hours * 3600 / 20_000)
    while len(times) < 20_000:
        times.append(1_000.0 + len(times) * step_s)
        if times[-1] >= marks.next_at:
            marks.note(len(times) - 1, times[-1], 0)
        assert len(marks._marks) <= MAX_MARKS  # noqa: SLF001 - how much is kept can't be seen from outside
    assert marks.time_of(0) == 1_000.0
    allowed_s = max(TIME_RESOLUTION_S, (times[-1] - times[0]) / 32) + step_s
    assert all(0 <= times[offset] - marks.time_of(offset) <= allowed_s for offset in range(20_000))


def test_once_nothing_is_stuck_times_are_known_to_the_resolution_again() -> None:
    marks = TimeMarks()
    last = 0
    for offset in range(30_000):
        if offset >= marks.next_at:
            marks.note(offset, float(offset), 0 if offset < 20_000 else offset)
            last = offset
    assert last > 29_000
    assert marks.next_at == last + TIME_RESOLUTION_S


def test_marks_before_the_first_offset_that_is_needed_are_dropped() -> None:
    marks = TimeMarks()
    for offset in range(1_000):
        marks.note(offset, float(offset), max(0, offset - 5))
    assert marks.time_of(0) == 994.0

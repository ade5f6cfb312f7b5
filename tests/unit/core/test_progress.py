"""Progress is a set of settled offsets in its normal form: everything below the offset, and the ranges above it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connector.core.progress import Progress, progress_of

RANGES = st.lists(st.builds(range, st.integers(0, 40), st.integers(0, 40)), max_size=6)
PROGRESS = st.builds(progress_of, st.integers(0, 30), RANGES)
END = 50


def _settled(progress: Progress) -> set[int]:
    return set(range(progress.offset)).union(*progress.ahead)


@given(offset=st.integers(0, 30), ahead=RANGES)
def test_its_normal_form_holds_the_same_offsets(offset: int, ahead: list[range]) -> None:
    progress = progress_of(offset, ahead)
    assert _settled(progress) == set(range(offset)).union(*ahead)
    edges = [progress.offset, *(edge for one in progress.ahead for edge in (one.start, one.stop))]
    assert edges == sorted(set(edges)), "ranges touch, overlap or are empty"


@given(one=PROGRESS, other=PROGRESS)
def test_a_union_holds_what_either_holds(one: Progress, other: Progress) -> None:
    assert _settled(one.united_with(other)) == _settled(one) | _settled(other)


@given(progress=PROGRESS, offset=st.integers(0, END))
def test_advancing_settles_everything_below_an_offset(progress: Progress, offset: int) -> None:
    assert _settled(progress.advanced_to(offset)) == _settled(progress) | set(range(offset))


@given(progress=PROGRESS, first=st.integers(0, END), end=st.integers(0, END))
def test_what_is_not_settled_between_two_offsets_is_counted(progress: Progress, first: int, end: int) -> None:
    assert progress.unsettled(first, end) == len(set(range(first, end)) - _settled(progress))


@given(progress=PROGRESS, end=st.integers(0, END))
def test_what_lies_behind_an_end_is_cut_off(progress: Progress, end: int) -> None:
    assert _settled(progress.below(end)) == {
        offset for offset in _settled(progress) if offset < max(end, progress.offset)
    }

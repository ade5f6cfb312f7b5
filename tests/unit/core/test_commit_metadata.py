"""What a commit carries comes back as it was written, cut at the far end, and nothing else is believed."""

from __future__ import annotations

import zlib
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.commit_metadata import (
    MAX_CHARS,
    UNKNOWN_SIGHT,
    CommitMetadata,
    FirstSight,
    decode,
    encode,
    fair_limit,
)
from connector.core.progress import Progress, progress_of

SIGHTS = st.builds(FirstSight, st.integers(0, 10**13), st.integers(0, 100_000))
LENGTHS = st.one_of(st.integers(1, 5), st.integers(1, 300), st.integers(1, 10**7))


@st.composite
def _progress(draw: st.DrawFn) -> Progress:
    offset = draw(st.sampled_from([0, 1, 12345, 2**62]))
    at, ahead = offset, []
    for unsettled, length in draw(st.lists(st.tuples(LENGTHS, LENGTHS), max_size=60)):
        ahead.append(range(at + unsettled, at + unsettled + length))
        at = ahead[-1].stop
    return Progress(offset, tuple(ahead))


@given(progress=_progress(), sight=SIGHTS)
def test_what_was_written_is_read_again(progress: Progress, sight: FirstSight) -> None:
    text = encode(progress, sight)
    assert len(text) <= MAX_CHARS
    assert text.isascii()
    assert decode(text, progress.offset) == CommitMetadata(sight, progress.ahead)


def _alternating(count: int) -> Progress:
    return Progress(0, tuple(range(at, at + 1) for at in range(1, 2 * count, 2)))


@given(progress=st.one_of(_progress(), st.builds(_alternating, st.integers(1, 2_000))), limit=st.integers(0, 400))
def test_what_does_not_fit_is_cut_off_at_the_far_end(progress: Progress, limit: int) -> None:
    text = encode(progress, FirstSight(1, 2), limit)
    assert len(text) <= max(limit, 60)
    read = decode(text, progress.offset)
    assert read.first_sight == FirstSight(1, 2)
    assert len(read.ahead) <= len(progress.ahead)
    if read.ahead:
        assert progress.below(read.ahead[-1].stop) == Progress(progress.offset, read.ahead)


def test_the_shorter_way_is_written() -> None:
    few_long = Progress(0, (range(1, 10_000), range(20_000, 30_000)))
    many_short = _alternating(200)
    assert len(encode(few_long, UNKNOWN_SIGHT)) < 60
    assert len(encode(many_short, UNKNOWN_SIGHT)) < 400 / 6 + 60


@pytest.mark.parametrize(
    ("progress", "at_least"),
    [
        (_alternating(12_000), 11_000),  # as a bitmap
        (progress_of(0, [range(at, at + 900) for at in range(1, 10**6, 1_000)]), 640_000),  # as run lengths
    ],
)
def test_of_a_map_that_is_too_long_the_way_that_holds_more_is_written(progress: Progress, at_least: int) -> None:
    text = encode(progress, UNKNOWN_SIGHT)
    assert MAX_CHARS - 10 < len(text) <= MAX_CHARS
    assert sum(map(len, decode(text, 0).ahead)) >= at_least


def test_a_map_counts_only_at_the_offset_that_it_was_committed_with() -> None:
    text = encode(Progress(10, (range(12, 15),)), FirstSight(5, 6))
    assert decode(text, 10).ahead == (range(12, 15),)
    assert decode(text, 11) == decode(text, 9) == CommitMetadata(FirstSight(5, 6))


@pytest.mark.parametrize("text", [None, "", "tuzhan1", "committed by kafka-streams", "\0" * 4_000, "tuzhan2 1 2 3 - 0"])
def test_metadata_of_others_is_ignored(text: str | None) -> None:
    assert decode(text, 10) == CommitMetadata()


@given(text=st.text(max_size=80), offset=st.integers(0, 2**63 - 1))
def test_reading_never_fails(text: str, offset: int) -> None:
    assert decode(text, offset) == CommitMetadata()


@given(progress=_progress(), place=st.integers(0, MAX_CHARS), character=st.characters(codec="ascii"))
def test_a_changed_character_makes_it_ignored(progress: Progress, place: int, character: str) -> None:
    text = encode(progress, FirstSight(7, 8))
    place %= len(text)
    if text[place] != character:
        assert decode(text[:place] + character + text[place + 1 :], progress.offset) == CommitMetadata()


def _signed(kind: str, settled: bytes) -> str:
    text = f"tuzhan1 1 2 10 {kind}{urlsafe_b64encode(settled).decode().rstrip('=')} "
    return f"{text}{zlib.crc32(text.encode()):08x}"


@given(kind=st.sampled_from("-rb"), settled=st.binary(max_size=200))
def test_whatever_stands_in_a_map_it_is_read_as_ranges_above_the_offset(kind: str, settled: bytes) -> None:
    ahead = decode(_signed(kind, settled), 10).ahead
    assert progress_of(10, ahead) == Progress(10, ahead)
    assert all(one.stop < 2**63 for one in ahead)


@pytest.mark.parametrize("settled", [b"\xff" * 2_800, b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f" * 300, b"\x00" * 2_800])
@pytest.mark.parametrize("kind", ["r", "b"])
def test_a_hostile_map_costs_hardly_anything(kind: str, settled: bytes) -> None:
    assert len(decode(_signed(kind, settled), 10).ahead) <= 12_000


@given(sizes=st.lists(st.integers(0, MAX_CHARS), max_size=30), total=st.integers(0, 60_000))
def test_all_texts_together_stay_below_a_total_and_short_ones_are_not_cut_for_long_ones(
    sizes: list[int], total: int
) -> None:
    limit = fair_limit(sizes, total)
    cut = [min(size, limit) for size in sizes]
    assert sum(cut) <= total
    if cut != sizes:
        assert sum(min(size, limit + 1) for size in sizes) > total, "more would have fitted"

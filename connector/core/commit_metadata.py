"""The text that a committed offset carries: what is settled above it, and when the group first saw the topic. Pure.

    tuzhan1 1764167000000 6 4711 rAAEC 1a2b3c4d
            │             │ │    │     └ CRC-32 of everything before
            │             │ │    └ how it is written (see below), and the settled offsets, in base64
            │             │ └ the committed offset: at any other one the map does not count
            │             └ how many partitions the topic had then
            └ when the group first saw the topic (ms since 1970); two zeros if that is unknown

Settled offsets are written as run lengths (`r`: by turns how many offsets are not settled and how many are, each less
one, as varints) or as a bitmap (`b`: a bit for each offset, the lowest first), whichever is shorter; `-` if there are
none. Both begin at the offset after the committed one, which is unsettled by definition. What does not fit is cut off
at the far end.

The reader expects anything: metadata of other tools, of other versions of this file, and broken ones are ignored, and
what it does is bounded by MAX_CHARS. An offset that is taken from one cluster or topic to another one (mirroring does
so) has another value there, so its map is ignored.
"""

from __future__ import annotations

import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connector.core.progress import Progress

MAX_CHARS: Final = 3_900
"""What is written for one partition, at most: a broker refuses 4,096 characters unless it is told otherwise."""
_FORMAT: Final = re.compile(
    r"tuzhan1 (?P<moment>\d{1,15}) (?P<partitions>\d{1,9}) (?P<offset>\d{1,19}) "
    r"(?P<kind>[-rb])(?P<settled>[\w-]*) (?P<crc>[0-9a-f]{8})",
    re.ASCII,
)
_CRC_CHARS: Final = 9
_MAX_OFFSET: Final = (1 << 63) - 1


class FirstSight(NamedTuple):
    """When the group first saw a topic, in ms since 1970, and how many partitions the topic had then."""

    moment_ms: int
    partitions: int


UNKNOWN_SIGHT: Final = FirstSight(0, 0)


@dataclass(frozen=True, slots=True)
class CommitMetadata:
    """What was read. Without a `first_sight` the text was none of ours, and without `ahead` there is no map."""

    first_sight: FirstSight | None = None
    ahead: tuple[range, ...] = ()


def encode(progress: Progress, first_sight: FirstSight, max_chars: int = MAX_CHARS) -> str:
    """Return the text for a commit of `progress.offset`, with as much of what is settled ahead as `max_chars` hold."""
    head = f"tuzhan1 {first_sight.moment_ms} {first_sight.partitions} {progress.offset} "
    room = (max_chars - len(head) - len("r") - _CRC_CHARS) * 6 // 8
    kind, settled = _shortest(progress, room) if progress.ahead and room > 0 else ("-", b"")
    text = f"{head}{kind}{urlsafe_b64encode(settled).decode().rstrip('=')} "
    return f"{text}{zlib.crc32(text.encode()):08x}"


def encode_all(commits: Sequence[tuple[Progress, FirstSight]], max_chars: int, total: int) -> list[str]:
    """Return a text for each, none longer than `max_chars`, and all together no longer than `total`.

    Short ones leave their share to long ones.
    """
    texts = [encode(progress, first_sight, max_chars) for progress, first_sight in commits]
    limit = fair_limit([len(text) for text in texts], total)
    return [
        text if len(text) <= limit else encode(progress, first_sight, limit)
        for text, (progress, first_sight) in zip(texts, commits, strict=True)
    ]


def decode(text: str | None, offset: int) -> CommitMetadata:
    """Return what the text of a commit of `offset` says, as far as it is ours. Never raises."""
    if not text or len(text) > MAX_CHARS:
        return CommitMetadata()
    found = _FORMAT.fullmatch(text)
    if found is None or int(found["crc"], 16) != zlib.crc32(text[: found.start("crc")].encode()):
        return CommitMetadata()
    first_sight = FirstSight(int(found["moment"]), int(found["partitions"]))
    if int(found["offset"]) != offset or len(found["settled"]) % 4 == 1:
        return CommitMetadata(first_sight)
    settled = urlsafe_b64decode(found["settled"] + "===")
    ahead = _read_runs(settled, offset) if found["kind"] == "r" else _read_bitmap(settled, offset)
    return CommitMetadata(first_sight, tuple(ahead))


def fair_limit(sizes: Sequence[int], total: int) -> int:
    """Return how many characters each text may have, so that texts of these sizes have at most `total` together."""
    left = total
    for number, size in enumerate(sorted(sizes)):
        share = left // (len(sizes) - number)
        if size > share:
            return share
        left -= size
    return MAX_CHARS


# -- the two ways to write it -----------------------------------------------------------------------------------


def _shortest(progress: Progress, room: int) -> tuple[str, bytes]:
    """Return the shorter of both within `room` bytes; if neither holds everything, the one that holds more."""
    runs, runs_hold = _runs(progress, room)
    window = min(progress.ahead[-1].stop - progress.offset - 1, room * 8)
    if runs_hold is None:
        if len(runs) * 8 <= window + 7:
            return "r", runs
        return "b", _bitmap(progress, window)[0]
    bitmap, bitmap_holds = _bitmap(progress, window)
    return ("r", runs) if runs_hold > bitmap_holds else ("b", bitmap)


def _runs(progress: Progress, room: int) -> tuple[bytes, int | None]:
    """Return the run lengths that fit into `room` bytes, and how many settled offsets they hold; None if all."""
    written, held, at = bytearray(), 0, progress.offset + 1
    for one in progress.ahead:
        unsettled, settled = one.start - at, len(one)
        if unsettled < 0x80 and settled <= 0x80:  # most are so short
            run = bytes((unsettled, settled - 1))
        else:
            run = _varint(unsettled) + _varint(settled - 1)
        if len(written) + len(run) > room:
            return bytes(written), held
        written += run
        held += settled
        at = one.stop + 1
    return bytes(written), None


def _bitmap(progress: Progress, window: int) -> tuple[bytes, int]:
    """Return a bit for each of the `window` offsets after the committed one, and how many of them are settled."""
    flags, first = bytearray(b"0") * window, progress.offset + 1
    for one in progress.ahead:
        begin = one.start - first
        if begin >= window:
            break
        end = min(one.stop - first, window)
        flags[begin:end] = b"1" * (end - begin)
    flags.reverse()
    return int(flags, 2).to_bytes((window + 7) // 8, "little"), flags.count(b"1")


def _varint(number: int) -> bytes:
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


def _read_runs(settled: bytes, offset: int) -> Iterator[range]:
    numbers = _read_varints(settled)
    at = offset + 1
    for unsettled, length in zip(numbers, numbers, strict=False):
        start = at + unsettled
        at = start + length + 2
        if at > _MAX_OFFSET:
            return
        yield range(start, at - 1)


def _read_varints(settled: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in settled:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number = shift = 0
        elif shift > 63:
            return


def _read_bitmap(settled: bytes, offset: int) -> Iterator[range]:
    flags = f"{int.from_bytes(settled, 'little'):b}"[::-1]
    for run in re.finditer("1+", flags):
        yield range(offset + 1 + run.start(), offset + 1 + run.end())

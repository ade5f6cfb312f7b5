"""Offsets of a request, written short: ``shop.orders[3]`` -> ``100-599,601``.

A batch takes records mostly as they came: whole stretches of one partition. So the work per record is left to C
(`groupby`, `map`, one comparison with a `range`), and only offsets with holes are sorted and walked through. Each
record counts once, however many items it became.
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.record import Record

_PARTITION = itemgetter(0, 1)
_OFFSET = itemgetter(2)


def ranges(records: Sequence[Record]) -> dict[str, str]:
    """Give the offsets of each partition as ascending ranges; partitions sorted by topic and number."""
    offsets: dict[tuple[str, int], list[int]] = {}
    for partition, stretch in groupby(records, _PARTITION):
        offsets.setdefault(partition, []).extend(map(_OFFSET, stretch))
    return {f"{topic}[{number}]": _spans(offsets[topic, number]) for topic, number in sorted(offsets)}


def _spans(offsets: list[int]) -> str:
    first, last = offsets[0], offsets[-1]
    if last - first == len(offsets) - 1 and offsets == list(range(first, last + 1)):
        return _span(first, last)
    ascending = sorted(set(offsets))
    spans: list[str] = []
    first = last = ascending[0]
    for offset in ascending[1:]:
        if offset != last + 1:
            spans.append(_span(first, last))
            first = offset
        last = offset
    return ",".join([*spans, _span(first, last)])


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"

"""What `dead-letters replay` says: what it would do, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from connector.core.ledger import TopicCounts
from connector.core.wording import counted
from connector.dead_letters.feed import Tally
from connector.dead_letters.selection import foreign_records, none_matches
from connector.observe.scrub import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connector.dead_letters.feed import Kind
    from connector.dead_letters.output import Output


_NAMES: Final = 2
"""The columns of the table that hold text."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a replay ended."""

    counts: TopicCounts
    stopped: bool
    """Whether it was told to stop before its end."""

    def complete(self, tally: Tally) -> bool:
        """Return whether everything that was meant to be sent is delivered, or skipped by the config."""
        lost = sum(count for left, count in tally.left_because.items() if not left.chosen)
        return not (self.stopped or self.counts.dead_lettered or self.counts.released or lost)


def print_plan(tally: Tally, output: Output) -> None:
    """Print what a replay does with the letters."""
    for line in _table(tally):
        output.print(line)
    for target, count in tally.targets.most_common():
        output.print(f"to {printable(target)}: {counted(count, 'item')}")
    for reason, count in tally.failures.most_common():
        output.print(f"would fail again, {reason}: {count:,}")
    _print_left(tally, output)


def print_result(tally: Tally, result: Result | None, output: Output) -> None:
    """Print what came of a replay; without a result, that it was a dry run."""
    if not tally.selected:
        accounted_for = tally.left.total() + tally.replayed_before
        unmatched = "" if accounted_for or not tally.looked_at else f": {none_matches(tally.looked_at)}"
        output.note(f"nothing to replay{unmatched}")
    elif result is None:
        output.note("a dry run: nothing was sent; --yes sends")
    else:
        counts = result.counts
        again = f"{counted(counts.dead_lettered, 'dead letter')} again"
        output.print(f"replayed: {counts.delivered:,} delivered, {counts.skipped:,} skipped, {again}")
        left = tally.selected - counts.delivered - counts.skipped - counts.dead_lettered
        if result.stopped:
            output.note(f"stopped, with {left:,} of those read not finished: replay again, which goes on there")


def as_json(tally: Tally, result: Result | None) -> str:
    """Return both as one JSON document; without a result, it is that of a dry run."""
    document: dict[str, Any] = {
        "dry_run": result is None,
        "letters": tally.selected + tally.left.total(),
        "would_send": tally.sent.total(),
        "would_skip": tally.skipped.total(),
        "would_fail": dict(tally.failures),
        "targets": dict(tally.targets),
        "left": {left.name.lower(): count for left, count in tally.left_because.items()},
        "replayed_before": tally.replayed_before,
        "unread": tally.unread,
        "by_route_and_reason": [_kind_json(kind, tally) for kind in tally.kinds],
    }
    if result is not None:
        counts = result.counts
        document |= {
            "delivered": counts.delivered,
            "skipped": counts.skipped,
            "dead_lettered": counts.dead_lettered,
            "stopped": result.stopped,
        }
    return orjson.dumps(document).decode()


def nothing_as_json(*, sent: bool) -> str:
    """Return the document of a replay that finds no topic."""
    return as_json(Tally(), Result(TopicCounts(), stopped=False) if sent else None)


def _table(tally: Tally) -> list[str]:
    if not tally.kinds:
        return []
    rows: list[tuple[str, ...]] = [("ROUTE", "REASON", "LETTERS", "SEND", "SKIP", "FAIL", "LEAVE")]
    for route, reason in tally.kinds:
        numbers = [one[route, reason] for one in (tally.sent, tally.skipped, tally.failing, tally.left)]
        counts = [f"{number:,}" for number in (sum(numbers), *numbers)]
        rows.append((printable(route) or "-", printable(reason), *counts))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_aligned(row, widths)) for row in rows]


def _aligned(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """Yield the names of a row aligned to the left, its numbers to the right."""
    for place, (text, width) in enumerate(zip(row, widths, strict=True)):
        yield text.ljust(width) if place < _NAMES else text.rjust(width)


def _kind_json(kind: Kind, tally: Tally) -> dict[str, Any]:
    route, reason = kind
    numbers = {"send": tally.sent, "skip": tally.skipped, "fail": tally.failing, "leave": tally.left}
    return {"route": route, "reason": reason, **{name: counter[kind] for name, counter in numbers.items()}}


def _print_left(tally: Tally, output: Output) -> None:
    for left, count in tally.left_because.items():
        output.note(f"left {count:,}: {left.value}")
    if before := tally.replayed_before + tally.unread:
        most = "up to " if tally.unread else ""
        output.note(f"passed over {most}{before:,} that were replayed before: --again sends them too")
    if tally.foreign:
        output.note(foreign_records(tally.foreign))

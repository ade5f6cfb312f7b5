"""What is printed of a round that failed: seed, schedule, what broke, and the history of a record that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.chaos.leases import leases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chaos.history import History
    from tests.chaos.producing import Placed
    from tests.chaos.round import Result

SHOWN_PER_RULE = 3
BEFORE_S = 5.0
"""Faults and leases are shown from this long before the record's own events until as long after them."""


def report(result: Result) -> str:
    """Return the whole report."""
    return "\n".join(_lines(result))


def _lines(result: Result) -> Iterator[str]:
    yield f"seed {result.seed}, protocol {result.protocol}: {result.figures}"
    for cause, count in result.verdict.repeats.causes.most_common():
        yield f"  {count:6} repeats: {cause}"
    breaches = result.verdict.breaches
    if not breaches:
        return
    yield "schedule:"
    yield from (f"  {action}" for action in result.schedule)
    for rule in dict.fromkeys(breach.rule for breach in breaches):
        found = [breach for breach in breaches if breach.rule == rule]
        yield f"BROKEN {rule}: {len(found)} times"
        texts = dict.fromkeys(breach.text for breach in found)
        # One record for each different way, a few of them.
        for text in list(texts)[:SHOWN_PER_RULE]:
            yield f"  {text}"
            placed = next(breach.placed for breach in found if breach.text == text)
            if placed is not None:
                yield from (f"    {line}" for line in record_history(result.history, placed))


def record_history(history: History, placed: Placed) -> list[str]:
    """Return all that is known of one record, in order of time."""
    own = [*_of_platform(history, placed), *_of_attempts(history, placed), *_of_kafka(history, placed)]
    first, last = min(own, default=(0, ""))[0] - BEFORE_S, max(own, default=(0, ""))[0] + BEFORE_S
    around = [event for event in _of_leases(history, placed) if first <= event[0] <= last]
    faults = [
        (fault.began, f"fault: {fault.track} {fault.kind} for {fault.ended - fault.began:.1f} s {fault.detail}")
        for fault in history.faults
        if fault.overlaps(first, last)
    ]
    topic, partition = placed.partition
    head = f"record {placed.record.number}, {placed.record.kind.value[0]}, {topic}[{partition}] offset {placed.offset}"
    return [head, *(f"{at:.3f} {text}" for at, text in sorted([*own, *around, *faults]))]


def _of_platform(history: History, placed: Placed) -> Iterator[tuple[float, str]]:
    names = {member.host: member.name for member in history.members}
    for request in history.requests:
        if placed.record.number not in request.numbers:
            continue
        name = names.get(request.host, request.host)
        yield request.arrived, f"platform: request of {name} with {len(request.numbers)} items"
        if request.stored_at is not None:
            yield request.stored_at, f"platform: stored, from {name}"
        if request.replied_at is not None:
            yield request.replied_at, f"platform: replied {request.status} to {name}"


def _of_attempts(history: History, placed: Placed) -> Iterator[tuple[float, str]]:
    for member in history.members:
        for attempt in member.log.attempts:
            if attempt.covers(placed.partition, placed.offset):
                took = attempt.ended - attempt.started
                text = f"{attempt.target} {attempt.verdict} after {took:.2f} s {attempt.detail}"
                yield attempt.ended, f"{member.name}: {text}"


def _of_leases(history: History, placed: Placed) -> Iterator[tuple[float, str]]:
    for member in history.members:
        for lease in leases(member, placed.partition):
            yield lease.start, f"{member.name}: lease begins"
            if lease.how != "open":
                yield lease.end, f"{member.name}: lease {lease.how}"
        for at, text in member.log.failed_commits:
            yield at, f"{member.name}: {text}"
        for frozen, thawed in member.freezes:
            yield frozen, f"{member.name}: frozen for {thawed - frozen:.1f} s"


def _of_kafka(history: History, placed: Placed) -> Iterator[tuple[float, str]]:
    seen = history.committed[placed.partition]
    for before, after in zip([None, *seen], [*seen, None], strict=True):
        if after is not None and after.offset > placed.offset and (before is None or before.offset <= placed.offset):
            yield after.answered, f"committed: {after.offset}"
    for letter in history.letters_at.get((placed.partition, placed.offset), ()):
        yield letter.at, f"dead-lettered: {letter.reason}"

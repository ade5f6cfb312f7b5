"""The verdict over a round: every rule that was broken. Pure functions of its history.

The rules
- done         after the last fault the group comes to the end of every topic, and every member is ready within 20 s;
               only a target of which all that is queued waits behind items that fail may be down for longer
- lost         each record is delivered, skipped or in the dead letters, as its content says, and nothing else
- order        of one identity, no record is delivered before one that was produced earlier (target `orders`)
- repeats      each repeat has a cause (`repeats.py`)
- committed    an offset is committed only once every record below it is accepted, skipped or dead-lettered
- conservation consumed = settled + released + in flight, at every scrape of every member
- readiness    with records waiting and the platform dead for 15 s, /readyz says so; /livez never fails
- processes    no member ends by itself; a stopped one ends with 0; nothing is logged at level error
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from connector.tuzhan.replies import NO_PERMISSION_REMEDY
from tests.chaos.records import ORDERS, Kind
from tests.chaos.repeats import Explained, explain_repeats
from tests.chaos.settled_ahead import settled_ahead

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chaos.connector_log import Partition
    from tests.chaos.history import History, MemberHistory
    from tests.chaos.producing import Placed
    from tests.chaos.watching import Committed, Scrape

NOT_READY_WITHIN_S = 15.0
READY_WITHIN_S = 20.0
SEARCH_S = 90.0
"""`refused_alone_for` and a few tries: where every queued item is ordered behind one that always fails, there is
nothing else to send that could tell, and its target is down until these are dead-lettered."""
CONTEST_S = 30.0
LATE_S = 1.5
"""Between two scrapes of a member on a busy machine."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that was broken, and the record that shows it, if one does."""

    rule: str
    text: str
    placed: Placed | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """All breaches of a round, and its repeats by cause."""

    breaches: list[Breach]
    repeats: Explained


def judge(history: History) -> Verdict:
    """Return the verdict over a round."""
    explained = explain_repeats(history)
    breaches = [
        *_done(history),
        *_lost(history),
        *_order(history),
        *(Breach("repeats", text, placed) for placed, text in explained.breaches),
        *_committed(history),
        *_conservation(history),
        *_readiness(history),
        *_processes(history),
    ]
    return Verdict(breaches, explained)


def _done(history: History) -> Iterator[Breach]:
    if not history.finished:
        yield Breach("done", "the group has not committed everything long after the last fault")
    for member in history.members:
        if member.end is not None:
            continue
        late = [one for one in member.seen.scrapes if one.asked > history.quiet_at + READY_WITHIN_S]
        unready = [one for one in late if not one.ready]
        if wrong := [one for one in unready if not _is_contest(one, history) and not _is_search(one, history)]:
            after = wrong[-1].asked - history.quiet_at
            told = "; ".join(map(": ".join, zip(wrong[-1].reasons, wrong[-1].remedies, strict=True)))
            yield Breach("done", f"{member.name} is not ready {after:.0f} s after the last fault: {told}")


def _is_search(scrape: Scrape, history: History) -> bool:
    """Whether a member may not be ready because items that always fail are tried still."""
    return set(scrape.reasons) == {"target_down"} and scrape.asked < history.quiet_at + SEARCH_S


def _is_contest(scrape: Scrape, history: History) -> bool:
    """Whether a member is not ready because of a contested token.

    That is remembered for minutes, on purpose, and tokens are fetched at most every CONTEST_S meanwhile. A target may
    be blamed for a token that another process has killed: it is held, and waits for the next token as well.
    """
    reasons = set(scrape.reasons)
    waits = scrape.asked < history.quiet_at + READY_WITHIN_S + CONTEST_S
    if reasons == {"target_held"} and all(remedy.startswith(NO_PERMISSION_REMEDY) for remedy in scrape.remedies):
        return waits and any(fault.kind == "new kills old" for fault in history.faults)
    return "token_contested" in reasons and (waits or reasons == {"token_contested"})


def _lost(history: History) -> Iterator[Breach]:
    for placed in history.placed:
        kind = placed.record.kind
        stored = len(history.stored.get(placed.record.number, ()))
        reasons = {letter.reason for letter in history.letters_at.get((placed.partition, placed.offset), ())}
        if kind is Kind.GOOD and not stored:
            where = f"dead-lettered as {', '.join(reasons)}" if reasons else "lost"
            yield Breach("lost", f"a good record was {where}", placed)
        elif kind is Kind.GOOD and reasons:
            yield Breach("lost", f"a record was delivered and dead-lettered as {', '.join(reasons)}", placed)
        elif kind is not Kind.GOOD and stored:
            yield Breach("lost", f"a record that is {kind.value[0]} was delivered", placed)
        elif kind.reason and reasons != {kind.reason}:
            found = ", ".join(reasons) or "not at all"
            yield Breach("lost", f"a record that is {kind.value[0]} was dead-lettered as {found}", placed)
        elif kind is Kind.SKIPPED and reasons:
            yield Breach("lost", f"a record to be skipped was dead-lettered as {', '.join(reasons)}", placed)


def _order(history: History) -> Iterator[Breach]:
    latest: dict[int, int] = defaultdict(lambda: -1)
    firsts = []
    for placed in history.placed:
        storings = history.stored.get(placed.record.number)
        if placed.record.topic == ORDERS and storings:
            request = storings[0].request
            firsts.append((storings[0].at, request.numbers.index(placed.record.number), placed))
    for at, _, placed in sorted(firsts, key=lambda first: first[:2]):
        number, identity = placed.record.number, placed.record.identity
        if number < latest[identity]:
            yield Breach("order", f"delivered at {at:.3f} after {latest[identity]} of the same identity", placed)
        latest[identity] = max(latest[identity], number)


def _committed(history: History) -> Iterator[Breach]:
    records: dict[Partition, list[Placed]] = defaultdict(list)
    for placed in sorted(history.placed, key=lambda placed: placed.offset):
        records[placed.partition].append(placed)
    for partition, seen in history.committed.items():
        for before, after in pairwise(seen):
            if after.offset < before.offset:
                yield Breach("committed", f"{partition} moved back from {before.offset} to {after.offset}")
        yield from _committed_too_early(history, records[partition], seen)


def _committed_too_early(history: History, records: list[Placed], seen: list[Committed]) -> Iterator[Breach]:
    settled = {placed.offset: history.settled_at(placed) for placed in records}
    below = iter(records)
    reached, latest_at, latest = 0, 0.0, None
    for one in sorted(seen, key=lambda one: one.offset):
        while reached < one.offset and (placed := next(below, None)) is not None:
            reached = placed.offset + 1
            if settled[placed.offset] > latest_at:
                latest_at, latest = settled[placed.offset], placed
        if latest_at > one.answered:
            yield Breach("committed", f"{one.offset} at {one.answered:.2f}, before this one was settled", latest)
        for offset in (offset for span in settled_ahead(one) for offset in span):
            if settled.get(offset, 0.0) > one.answered:
                yield Breach("committed", f"{offset} said to be settled ahead of {one.offset}, and is not")


def _conservation(history: History) -> Iterator[Breach]:
    for member in history.members:
        for law in member.seen.broken_laws:
            yield Breach("conservation", f"{member.name} at {law}")


def _readiness(history: History) -> Iterator[Breach]:
    for start, end in _dead_spans(history):
        for member in history.members:
            if text := _too_ready(member, start, end):
                yield Breach("readiness", text)
    for member in history.members:
        for scrape in member.seen.scrapes:
            if not scrape.alive and not member.was_frozen(scrape.asked - 5, scrape.answered):
                yield Breach("readiness", f"{member.name}: /livez failed at {scrape.asked:.2f}")


def _dead_spans(history: History) -> list[tuple[float, float]]:
    """Return when no request could succeed: outages, and the platform's process down or paused, merged."""
    dead = sorted(
        (fault.began, fault.ended)
        for fault in history.faults
        if fault.track == "platform" or (fault.track == "replies" and fault.kind == "outage")
    )
    merged: list[tuple[float, float]] = []
    for start, end in dead:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _too_ready(member: MemberHistory, start: float, end: float) -> str:
    """Return what is wrong if the member is ready though its records have waited for a dead platform too long."""
    waiting_since = None
    for scrape in member.seen.scrapes:
        if scrape.answered <= start or scrape.asked >= end:
            continue
        if not scrape.in_flight or member.was_frozen(scrape.asked - LATE_S, scrape.answered):
            waiting_since = None
            continue
        waiting_since = scrape.answered if waiting_since is None else waiting_since
        waited = scrape.asked - waiting_since
        if scrape.ready and waited > NOT_READY_WITHIN_S + LATE_S:
            waiting = f"{scrape.in_flight} records have waited {waited:.1f} s"
            return f"{member.name} is ready at {scrape.asked:.2f} though {waiting} for a dead platform"
    return ""


def _processes(history: History) -> Iterator[Breach]:
    for member in history.members:
        end = member.end
        if end is not None and end.how == "died":
            yield Breach("processes", f"{member.name} ended by itself with {end.code}")
        elif end is not None and end.how == "stopped" and end.code != 0 and member.seen.scrapes:
            # Python itself ends by the signal until the command has begun.
            yield Breach(
                "processes", f"{member.name} was stopped and ended with {end.code} after {end.ended - end.asked:.0f} s"
            )
        for line in member.log.errors[:3]:
            yield Breach("processes", f"{member.name} logged: {line[:500]}")

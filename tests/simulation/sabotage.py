"""Bugs made on purpose: does the simulation find them, and within how many schedules?

`python -m tests.simulation --sabotage` breaks the connector in one way after another. Each is a plausible slip of one
line that no type check finds.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from unittest import mock

from connector.core import batch, evidence, judge, ledger, membership_guard, offset_window, ordering, remembered
from connector.core.ledger import LeaseState
from connector.core.progress import Progress, progress_of
from connector.core.record import Outcome
from connector.core.sink import VerdictKind
from connector.flow import pipeline, target
from connector.kafka import commit_texts, owned_partition, pausing
from connector.tuzhan import http_sink
from tests.simulation.generate import make_plan
from tests.simulation.running import failure_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Original = Any
Sabotage = tuple[Any, str, "Callable[[Original], object]"]


def _wrap(broken: Callable[..., object]) -> Callable[[Original], object]:
    """Return what makes a broken method of an original one, which it gets as its first argument."""
    return lambda original: lambda *arguments, **named: broken(original, *arguments, **named)


def _ahead_off_by_one(encode: Original, texts: Any, *rest: object) -> object:
    shifted = [
        (Progress(one.offset, tuple(range(run.start - 1, run.stop - 1) for run in one.ahead)), sight)
        for one, sight in texts
    ]
    return encode(shifted, *rest)


def _progress_too_far(progress: Original, lease: Any) -> Progress:
    true: Progress = progress(lease)
    return true if lease.idle else progress_of(true.offset + 1, true.ahead)


def _one_more(settle: Original, window: Any, offset: int, count: int = 1) -> None:
    settle(window, offset, count)
    if window.is_open(offset + count):
        settle(window, offset + count)


def _settle_at_once(dead_letter: Original, flow: Any, item: Any, lease: Any) -> None:
    del dead_letter, flow
    lease.settle(item.record.offset, Outcome.DEAD_LETTERED)


def _busy_is_success(classify: Original, *arguments: object) -> object:
    verdict = classify(*arguments)
    return replace(verdict, kind=VerdictKind.DELIVERED) if verdict.http_status == 408 else verdict


def _skip_first(resolve: Original, *arguments: object) -> object:
    starts = resolve(*arguments)
    starts.found[:] = [replace(one, offset=one.offset + 1) for one in starts.found]
    return starts


def _admit_all(admit: Original, queues: Any, item: Any, batch_id: int) -> bool:
    admit(queues, item, batch_id)
    return True


def _stay_open(close: Original, lease: Any, on_drained: Callable[[], None]) -> None:
    close(lease, on_drained)
    if lease.unsettled:
        lease.state = LeaseState.OPEN


async def _no_drain(drain: Original, *arguments: object) -> None:
    del drain, arguments


SABOTAGES: dict[str, Sabotage] = {
    "a commit is one too far": (ledger.Lease, "progress", _wrap(_progress_too_far)),
    "the record behind a stretch that settles is settled too": (
        offset_window.OffsetWindow,
        "settle",
        _wrap(_one_more),
    ),
    "the map of settled offsets is off by one": (commit_texts, "encode_all", _wrap(_ahead_off_by_one)),
    "an abandoned item counts as settled": (
        ledger.Lease,
        "abandon",
        lambda _: lambda lease, offset: lease.settle(offset, Outcome.DELIVERED),
    ),
    "items of leases that ended are sent": (
        target.Target,
        "must_not_send",
        lambda _: lambda _target, _pending: False,
    ),
    "a closing lease tries again": (
        target.Target,
        "must_not_send",
        lambda _: lambda _target, pending: pending.lease.ended,
    ),
    "the search sends the second half first": (
        batch.Batch,
        "next_request",
        lambda _: property(
            lambda one: one.items[one.suspected // 2 : one.suspected] if one.suspected > 1 else one.items
        ),
    ),
    "what stands behind an item that waits alone overtakes it": (
        ordering.KeyQueues,
        "hold_back",
        lambda _: lambda _queues, _before, items: tuple(items),
    ),
    "an item need not wait for its identity": (
        ordering.KeyQueues,
        "admit",
        _wrap(_admit_all),
    ),
    "items overtake a target that retires": (
        target.Target,
        "succeed",
        lambda _: lambda _later, _earlier: None,
    ),
    "one refusal alone is evidence": (judge, "MIN_REFUSALS", lambda _: 1),
    "evidence needs no delivery": (evidence.Evidence, "is_blamed", lambda _: lambda _evidence, _delivered: True),
    "a dead letter counts before it is acknowledged": (pipeline.Pipeline, "dead_letter", _wrap(_settle_at_once)),
    "HTTP 408 is success": (http_sink, "classify", _wrap(_busy_is_success)),
    "leases end without waiting for the wire": (pipeline.Pipeline, "_drain", _wrap(_no_drain)),
    "what was settled before a loss is forgotten": (
        remembered.RememberedProgress,
        "remember",
        lambda _: lambda *_arguments: None,
    ),
    "a woken process goes on sending": (membership_guard.MembershipGuard, "may_start", lambda _: lambda _guard: True),
    "a member that its group does not confirm goes on sending": (
        membership_guard.MembershipGuard,
        "_is_open",
        lambda _: lambda guard, _now: guard._confirmed == guard.ticket,
    ),
    "records that come twice are taken twice": (
        owned_partition.OwnedPartition,
        "drop_duplicates",
        lambda _: lambda _owned, records: records,
    ),
    "a paused partition stays paused": (pausing.Pausing, "resume", lambda _: lambda _pausing, _leases: None),
    "a closing lease accepts records": (ledger.Lease, "close", _wrap(_stay_open)),
}


@contextlib.contextmanager
def sabotaged(name: str) -> Iterator[None]:
    """Break the connector while this lasts."""
    owner, attribute, broken = SABOTAGES[name]
    with mock.patch.object(owner, attribute, broken(getattr(owner, attribute))):
        yield


def first_failure(name: str, seeds: range) -> tuple[int, str] | None:
    """Return which schedule finds a sabotage, counted from 1, and what it says; None: none does."""
    for number, seed in enumerate(seeds, 1):
        with sabotaged(name):
            failure = failure_of(make_plan(seed))
        if failure and not failure_of(make_plan(seed)):
            return number, failure
    return None

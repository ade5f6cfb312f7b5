"""Targets on virtual time under every failure at once, while the sink asserts the rules of sending."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st

from connector.core.batching import BatchLimits
from connector.core.events import RequestDone
from connector.core.evidence import MIN_REFUSALS
from connector.core.sink import VerdictKind
from tests.support.builders import seeded
from tests.support.clock import run_virtual
from tests.support.storm_sink import StormSink, Trouble
from tests.support.target_harness import SETTINGS, TargetHarness, assert_empty

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.record import Item
    from connector.flow.target import TargetSettings

ORDERED = replace(SETTINGS, ordered=True)


class Put(NamedTuple):
    """An item to put, and how long to wait after it."""

    keys: tuple[str, ...]
    params: bytes
    size: int
    pause_s: float


def _settings(*, ordered: bool, slots: int | Literal["auto"], max_records: int, max_bytes: int) -> TargetSettings:
    return replace(SETTINGS, ordered=ordered, max_in_flight=slots, limits=BatchLimits(max_records, max_bytes, 0.2))


PUTS = st.builds(
    Put,
    keys=st.lists(st.sampled_from("abcdef"), max_size=3).map(tuple),
    params=st.sampled_from([b"add", b"delete"]),
    size=st.integers(1, 60),
    pause_s=st.floats(0, 0.5),
)
TROUBLES = st.builds(
    Trouble,
    seed=st.integers(0, 1 << 30),
    share=st.sampled_from([0.0, 0.3, 0.6, 0.9]),
    poison=st.frozensets(st.integers(0, 59), max_size=6),
    cap=st.sampled_from([40, 150, 10_000]),
)
TARGETS = st.builds(
    _settings,
    ordered=st.booleans(),
    slots=st.one_of(st.integers(1, 4), st.just("auto")),
    max_records=st.integers(1, 10),
    max_bytes=st.sampled_from([60, 300]),
)


async def _put_all(puts: list[Put], trouble: Trouble, how: TargetSettings) -> tuple[TargetHarness, StormSink]:
    sink = StormSink(trouble, seeded(trouble.seed))
    harness = TargetHarness(sink, how)
    for put in puts:
        harness.put(keys=put.keys, params=put.params, body=b"x" * put.size)
        await asyncio.sleep(put.pause_s)
    await harness.done()
    return harness, sink


@settings(max_examples=80)
@given(puts=st.lists(PUTS, max_size=60), trouble=TROUBLES, how=TARGETS)
@example(
    puts=[Put((), b"add", 1, 0.0)] * 2,
    trouble=Trouble(seed=1, share=0.9, poison=frozenset([1]), cap=40),
    how=_settings(ordered=False, slots=1, max_records=2, max_bytes=60),
)
def test_through_all_failures_every_item_ends_once_and_in_order(
    puts: list[Put], trouble: Trouble, how: TargetSettings
) -> None:
    harness, sink = run_virtual(_put_all(puts, trouble, how))
    reasons, expected = _reasons(harness), _expected_reasons(puts, trouble)
    assert reasons.keys() == expected.keys()
    # Where most replies are failures, an item that is always refused may have failed often enough before it is refused.
    failing = {"refused", "server_error"} if trouble.share else {"refused"}
    assert all(reasons[at] == reason or {reasons[at], reason} <= failing for at, reason in expected.items())
    assert sorted(one.record.offset for one in sink.settled) == list(range(len(puts)))
    assert (harness.lease.watermark, harness.lease.unsettled) == (len(puts), 0)
    dead_lettered = len(harness.dead_letters)
    assert (harness.counts.dead_lettered, harness.counts.delivered) == (dead_lettered, len(puts) - dead_lettered)
    assert_empty(harness.target)
    requests = [one for one in harness.events if isinstance(one, RequestDone)]
    assert [one.body_bytes for one in requests] == [_size(sink, one.items) for one in requests]
    if how.ordered:
        for key in "abcdef":
            ended = [one.record.offset for one in sink.settled if key in one.order_keys]
            assert ended == sorted(ended), f"{key} was overtaken"


def _size(sink: StormSink, items: Sequence[Item]) -> int:
    return sink.request_overhead(items[0].params) + sum(sink.item_sizes(items))


def _reasons(harness: TargetHarness) -> dict[int, str]:
    """Why each dead letter is one, by offset."""
    return {one.record.offset: one.failure.reason for one in harness.dead_letters if one.failure is not None}


def _expected_reasons(puts: list[Put], trouble: Trouble) -> dict[int, str]:
    """An item that is too large never gets so far that it could be refused."""
    reasons = dict.fromkeys(trouble.poison & set(range(len(puts))), "refused")
    return reasons | {offset: "too_large" for offset, put in enumerate(puts) if put.size > trouble.cap}


UNPROVEN = 15
"""The most tries of an item, if all others wait behind it, until it is dead-lettered after `refused_alone_for_s`."""


def _poisoned_batch(poison: frozenset[int]) -> tuple[TargetHarness, StormSink]:
    async def main() -> tuple[TargetHarness, StormSink]:
        sink = StormSink(Trouble(1, poison=poison), seeded(1))
        harness = TargetHarness(sink, replace(ORDERED, limits=BatchLimits(500, 100_000, 0.2)))
        harness.put(500, keys=["anna"])
        await harness.done()
        return harness, sink

    return run_virtual(main())


@settings(max_examples=15)
@given(poison=st.frozensets(st.integers(0, 499), min_size=1, max_size=12))
def test_of_a_refused_batch_of_500_exactly_the_poisonous_items_are_dead_lettered(poison: frozenset[int]) -> None:
    harness, sink = _poisoned_batch(poison)
    assert {one.record.offset for one in harness.dead_letters} == poison
    assert [one.record.offset for one in sink.settled] == list(range(500))
    assert len(sink.log) <= 1 + (9 + MIN_REFUSALS + 1 + UNPROVEN) * len(poison)


def test_the_dead_letter_of_a_refused_item_holds_the_reply_of_the_platform() -> None:
    harness, _ = _poisoned_batch(frozenset({7}))
    failure = harness.dead_letters[0].failure
    assert failure is not None
    assert (failure.reason, failure.target, failure.detail) == ("refused", "sink", "not acceptable")
    assert (failure.http_status, failure.reply) == (200, '{"code":"400"}')


def test_other_batches_keep_flowing_while_one_is_split() -> None:
    async def main() -> tuple[TargetHarness, StormSink]:
        sink = StormSink(Trouble(1, poison=frozenset(range(10))), seeded(1))
        harness = TargetHarness(sink)
        harness.put(10)
        await asyncio.sleep(3)
        harness.put(30)
        await harness.done()
        return harness, sink

    harness, sink = run_virtual(main())
    healthy = [one.ended for one in sink.log if one.verdict and one.verdict.kind is VerdictKind.DELIVERED]
    splitting = [one.ended for one in sink.log if one.verdict and one.verdict.kind is VerdictKind.REFUSED]
    assert max(healthy) < max(splitting)
    assert len(harness.dead_letters) == 10

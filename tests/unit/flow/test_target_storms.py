"""Targets on virtual time: storms of everything at once, while the sink watches the rules."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.batching import BatchLimits
from connector.core.sink import VerdictKind
from tests.support.builders import seeded
from tests.support.clock import run_virtual
from tests.support.storm_sink import StormSink, Trouble
from tests.support.target_harness import SETTINGS, TargetHarness, assert_empty

if TYPE_CHECKING:
    from connector.flow.target import TargetSettings

ORDERED = replace(SETTINGS, ordered=True)
KEYS = st.lists(st.sampled_from("abcdef"), max_size=3).map(tuple)
PUTS = st.lists(
    st.tuples(KEYS, st.sampled_from([b"add", b"delete"]), st.integers(1, 60), st.floats(0, 0.5)), max_size=60
)
TROUBLES = st.builds(
    Trouble,
    seed=st.integers(0, 1 << 30),
    share=st.sampled_from([0.0, 0.3, 0.7]),
    poison=st.frozensets(st.integers(0, 59), max_size=6),
    cap=st.sampled_from([40, 150, 10_000]),
)
TARGETS = st.builds(
    lambda ordered, places, records, size: replace(
        SETTINGS, ordered=ordered, max_in_flight=places, limits=BatchLimits(records, size, 0.2)
    ),
    st.booleans(),
    st.integers(1, 4),
    st.integers(1, 10),
    st.sampled_from([60, 300]),
)
Put = tuple[tuple[str, ...], bytes, int, float]


async def _storm(puts: list[Put], trouble: Trouble, how: TargetSettings) -> tuple[TargetHarness, StormSink]:
    sink = StormSink(trouble, seeded(trouble.seed))
    harness = TargetHarness(sink, how)
    for keys, params, size, wait_s in puts:
        harness.put(keys=keys, params=params, body=b"x" * size)
        await asyncio.sleep(wait_s)
    await harness.done()
    return harness, sink


@settings(max_examples=80, deadline=None)
@given(puts=PUTS, trouble=TROUBLES, how=TARGETS)
def test_through_any_storm_every_item_ends_once_and_in_order(
    puts: list[Put], trouble: Trouble, how: TargetSettings
) -> None:
    harness, sink = run_virtual(_storm(puts, trouble, how))
    too_large = {number for number, put in enumerate(puts) if put[2] > trouble.cap}
    poisonous = (trouble.poison & set(range(len(puts)))) - too_large
    reasons = {one.record.offset: one.failure.reason for one in harness.dead_letters if one.failure is not None}
    assert reasons == dict.fromkeys(too_large, "too_large") | dict.fromkeys(poisonous, "refused")
    assert sorted(one.record.offset for one in sink.settled) == list(range(len(puts)))
    assert all(entry.settled for entry in harness.entries)
    assert harness.counts.dead_lettered == len(harness.dead_letters)
    assert harness.counts.delivered == len(puts) - len(harness.dead_letters)
    assert_empty(harness.target)
    if how.ordered:
        for key in "abcdef":
            ended = [one.record.offset for one in sink.settled if key in one.order_keys]
            assert ended == sorted(ended), f"{key} was overtaken"


def _poisoned_batch(poison: frozenset[int]) -> tuple[TargetHarness, StormSink]:
    async def main() -> tuple[TargetHarness, StormSink]:
        sink = StormSink(Trouble(1, poison=poison), seeded(1))
        harness = TargetHarness(sink, replace(ORDERED, limits=BatchLimits(500, 100_000, 0.2)))
        harness.put(500, keys=["anna"])
        await harness.done()
        return harness, sink

    return run_virtual(main())


@settings(max_examples=15, deadline=None)
@given(poison=st.frozensets(st.integers(0, 499), min_size=1, max_size=12))
def test_of_a_refused_batch_of_500_exactly_the_poisonous_ones_are_buried(poison: frozenset[int]) -> None:
    harness, sink = _poisoned_batch(poison)
    assert {one.record.offset for one in harness.dead_letters} == poison
    assert [one.record.offset for one in sink.settled] == list(range(500))
    assert len(sink.log) <= 1 + 2 * 9 * len(poison)


def test_a_dead_letter_of_a_refusal_tells_what_the_platform_said() -> None:
    harness, _ = _poisoned_batch(frozenset({7}))
    failure = harness.dead_letters[0].failure
    assert failure is not None
    assert (failure.reason, failure.target, failure.detail) == ("refused", "sink", "not acceptable")
    assert (failure.http_status, failure.reply) == (200, '{"code":"400"}')


def test_others_keep_flowing_while_a_batch_is_being_split() -> None:
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

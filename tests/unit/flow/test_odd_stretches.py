"""Odd stretches of records, with the loop running in their middle: every rule of delivery holds all the same.

A stretch ends with a turn, a full target, a gap or what was settled before; leases are revoked and lost between any two
of them. The harness checks the rules on the way (bounds, conservation, commits), and at the end that nothing is lost,
came out of order or is still counted as queued.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from connector.flow import admission, turn
from tests.support.builders import seeded
from tests.support.clock import run_virtual
from tests.support.flow_harness import PARTITIONS, TARGETS, FlowHarness
from tests.support.flow_oracle import EVENTS, TAGS
from tests.support.storm_sink import Trouble

if TYPE_CHECKING:
    from random import Random

SHAPES = ["", "e", "e", "e", "t", "t", "tt", "et", "ete", "d", "ed", "tdt", "e" * 9]
"""What records become; see `PlanMapper`."""
RECORDS = 30
REVOCATIONS = 8


def _trouble(chance: Random) -> Trouble:
    poison = frozenset(chance.sample(range(RECORDS), chance.choice([0, 3])))
    return Trouble(chance.randrange(1000), chance.choice([0.0, 0.2]), poison, latency_s=chance.choice([0.01, 0.3]))


def _flow(chance: Random) -> FlowHarness:
    most, most_bytes = chance.choice([3, 9, 40]), chance.choice([1, 60, 100_000])
    bounded = {name: replace(TARGETS[name], max_queued=most, max_queued_bytes=most_bytes) for name in (EVENTS, TAGS)}
    flow = FlowHarness(_trouble(chance), TARGETS | bounded, commit_every_s=0.3)
    for partition in PARTITIONS:
        while len(flow.source.logs[partition].records) < RECORDS:
            plans = [chance.choice(SHAPES) for _ in range(chance.randint(1, 30))]
            flow.produce(partition, plans, chance.choice([0, 1, 9]))
    return flow


async def _revoke_now_and_then(flow: FlowHarness, chance: Random) -> None:
    """Revoke or lose partitions after a few turns, or a while, and have them come back."""
    for _ in range(REVOCATIONS):
        for partition in PARTITIONS:
            await flow.source.assign(partition)
        for _ in range(chance.choice([0, 2, 5, 20])):
            await asyncio.sleep(0)
        await flow.pass_time(chance.choice([0.0, 0.05, 0.3, 3.0]))
        for _ in range(chance.choice([0, 1, 2, 3])):
            await asyncio.sleep(0)
        some = chance.sample(PARTITIONS, chance.randint(1, len(PARTITIONS)))
        await flow.source.revoke(some, chance.choice([0.0, 0.5, 15.0]))


@pytest.mark.parametrize("seed", range(12))
def test_odd_stretches_lose_nothing_overtake_nothing_and_leave_nothing_behind(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = seeded(seed)
    monkeypatch.setattr(turn, "ITEMS_PER_TURN", chance.choice([1, 2, 5, 500]))
    monkeypatch.setattr(turn, "TURN_S", chance.choice([0.0, turn.TURN_S]))
    monkeypatch.setattr(admission, "SHORT", chance.choice([0, admission.SHORT]))

    async def main() -> None:
        flow = _flow(chance)
        await _revoke_now_and_then(flow, chance)
        await flow.finish()

    run_virtual(main())

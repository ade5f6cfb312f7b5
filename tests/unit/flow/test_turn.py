"""The loop runs between records that are slow to map: replies and heartbeats do not wait for hundreds of them."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from connector.flow.turn import RECORDS_PER_LOOK, TURN_S
from tests.support.clock import VirtualLoop, run_virtual
from tests.unit.flow.steered_flow import FanOutMapper, SteeredFlow, lease_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.record import Item, Record

RECORDS = 400


class SlowMapper(FanOutMapper):
    """Takes `seconds` for each record."""

    seconds = 0.0

    def items(self, record: Record) -> Sequence[Item]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.pass_blocked(self.seconds)
        return super().items(record)


def longest_stand_still(seconds: float, fan_out: int, partitions: int) -> float:
    """Return for how long the loop did nothing but pass on records that take `seconds` each to map."""

    async def main() -> float:
        flow, loop = SteeredFlow(100_000, 100_000_000, SlowMapper), asyncio.get_running_loop()
        assert isinstance(flow.mapper, SlowMapper)
        flow.mapper.seconds, flow.mapper.fan_out = seconds, fan_out
        times = [loop.time()]

        async def watch() -> None:
            while flow.mapper.mapped < RECORDS:
                await asyncio.sleep(0)
                times.append(loop.time())

        watching = asyncio.create_task(watch())
        leases = [lease_of(partition=number) for number in range(partitions)]
        await flow.receive(*[(lease, RECORDS // partitions) for lease in leases])
        await watching
        return max(after - before for before, after in pairwise(times))

    return run_virtual(main())


@pytest.mark.parametrize("partitions", [1, RECORDS], ids=["one partition", "a partition for each record"])
@pytest.mark.parametrize("fan_out", [0, 1], ids=["skipped", "one item"])
def test_records_that_are_slow_to_map_do_not_stop_the_loop_for_hundreds_of_them(fan_out: int, partitions: int) -> None:
    seconds = TURN_S / 4
    assert longest_stand_still(seconds, fan_out, partitions) < TURN_S + (RECORDS_PER_LOOK + 1) * seconds


def test_records_that_are_fast_to_map_pass_hundreds_at_a_time() -> None:
    assert longest_stand_still(TURN_S / 10_000, 1, 1) > 300 * TURN_S / 10_000

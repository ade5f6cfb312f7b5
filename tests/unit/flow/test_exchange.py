"""Plans that are exchanged while records flow."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from connector.core.record import DEAD_LETTERS, Failure
from tests.support.builders import item, record
from tests.support.clock import run_virtual
from tests.unit.flow.steered_flow import FED_BY, SteeredFlow, lease_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.core.ledger import Lease
    from connector.core.record import Item, Record
    from connector.flow.plan import Plan


class FailingMapper:
    """Makes a dead letter of every record."""

    def of_topic(self, _: str) -> Callable[[Record], Sequence[Item]]:
        return lambda one: [item(one, target=DEAD_LETTERS).replace(failure=Failure("identity_missing"))]


def reading(flow: SteeredFlow, *topics: str) -> Plan:
    """Return the flow's plan without the routes of other topics."""
    return replace(flow.plan, target_names_of=lambda topic: [FED_BY[topic]] if topic in topics else [])


def config_of(letters: Sequence[Item]) -> str:
    [letter] = letters
    assert letter.failure is not None
    return letter.failure.config


def test_a_record_that_cannot_be_mapped_names_the_config_that_could_not_map_it() -> None:
    async def main() -> list[str]:
        flow, lease = SteeredFlow(), lease_of()
        letters = flow.sinks[DEAD_LETTERS]
        await asyncio.sleep(0)
        for config in ("one", "two"):
            flow.pipeline.exchange(replace(flow.plan, mapper=FailingMapper(), config=config))
            await flow.receive((lease, 1))
        flow.pipeline.exchange(replace(flow.plan, config="three"))
        await letters.deliver()
        await letters.deliver()
        return [config_of(request) for request in letters.requests]

    assert run_virtual(main()) == ["one", "two"]


def test_an_item_that_is_refused_after_an_exchange_names_the_config_by_which_it_was_mapped() -> None:
    async def main() -> list[str]:
        flow, lease = SteeredFlow(), lease_of()
        letters = flow.sinks[DEAD_LETTERS]
        for config in ("replaced", "idle", "two", "three"):
            await flow.receive((lease, int(config != "idle")))
            flow.pipeline.exchange(replace(flow.plan, config=config))
        for offset in (2, 0, 1):
            flow.pipeline.dead_letter(item(record(offset)).replace(failure=Failure("refused")), lease)
            await letters.deliver()
        return [config_of(request) for request in letters.requests]

    assert run_virtual(main()) == ["two", "", "idle"], "the first record was mapped before any exchange"


def test_records_of_a_topic_that_the_plan_does_not_read_any_more_are_not_consumed_until_one_does() -> None:
    async def main() -> tuple[list[int], int, Lease]:
        flow, orders, members = SteeredFlow(max_queued=100), lease_of("orders"), lease_of("members")
        await flow.receive((orders, 2), (members, 1))
        flow.pipeline.exchange(reading(flow, "members"))
        assert flow.source.paused == {orders}
        await flow.receive((orders, 3), (members, 1))
        consumed = [orders.next_offset, members.next_offset]
        await flow.sinks["events"].deliver()
        await flow.sinks["events"].deliver()
        assert (orders.watermark, orders.unsettled) == (2, 0), "what it has mapped before ends"
        flow.pipeline.exchange(reading(flow, "orders", "members"))
        await asyncio.sleep(1.0)
        assert flow.source.paused == set()
        return consumed, flow.targets["events"].queued, orders

    consumed, queued, orders = run_virtual(main())
    assert consumed == [2, 2]
    assert (queued, orders.next_offset) == (3, 5), "nothing was passed over"


def test_a_topic_that_no_plan_has_read_is_skipped_as_ever() -> None:
    async def main() -> tuple[int, int]:
        flow, lease = SteeredFlow(), lease_of("others")
        flow.mapper.of_topic = lambda _: lambda _: []  # type: ignore[method-assign]
        await asyncio.sleep(0)
        for _ in range(2):
            flow.pipeline.exchange(reading(flow, "orders"))
            await flow.receive((lease, 2))
        return lease.watermark, len(flow.source.paused)

    assert run_virtual(main()) == (4, 0)


def test_what_an_earlier_plan_has_mapped_ends_in_its_targets() -> None:
    async def main() -> tuple[int, int, list[int], list[int]]:
        flow, other, lease = SteeredFlow(), SteeredFlow(), lease_of()
        await flow.receive((lease, 3))
        flow.pipeline.exchange(replace(flow.plan, targets={**other.targets, DEAD_LETTERS: flow.targets[DEAD_LETTERS]}))
        await flow.receive((lease, 2))
        retiring = len(flow.pipeline.retiring)
        for _ in range(3):
            await flow.sinks["events"].deliver()
        ended = len(flow.pipeline.retiring)
        earlier, later = flow.sinks["events"].stored, other.sinks["events"].requests
        return retiring, ended, [one.record.offset for one in earlier], [one.record.offset for [one] in later]

    assert run_virtual(main()) == (1, 0, [0, 1, 2], [3])


def test_leases_close_in_the_targets_of_earlier_plans_too() -> None:
    async def main() -> tuple[float, int]:
        flow, other, lease = SteeredFlow(), SteeredFlow(), lease_of()
        await flow.receive((lease, 3))
        flow.pipeline.exchange(replace(flow.plan, targets={**other.targets, DEAD_LETTERS: flow.targets[DEAD_LETTERS]}))
        now = asyncio.get_running_loop().time
        began = now()
        closing = asyncio.create_task(flow.pipeline.close([lease], began + 15.0))
        await asyncio.sleep(1.0)
        for _ in range(3):
            await flow.sinks["events"].deliver()
        progress = (await closing)[lease]
        return now() - began, progress.offset

    taken, offset = run_virtual(main())
    assert offset == 3
    assert taken < 10.0


def test_a_queue_that_may_hold_more_takes_more_at_once() -> None:
    async def main() -> list[int]:
        flow, lease = SteeredFlow(max_queued=4), lease_of()
        await flow.receive((lease, 10))
        target = flow.targets["events"]
        queued = [target.queued]
        for max_queued in (9, 30):
            target.reconfigure(replace(target.settings, max_queued=max_queued))
            flow.pipeline.exchange(flow.plan)
            await asyncio.sleep(1.0)
            queued.append(target.queued)
        return [*queued, len(flow.source.paused)]

    assert run_virtual(main()) == [4, 9, 10, 0]

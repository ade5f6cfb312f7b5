"""What a target may rely on, for every sink: the same tests for the fake and for HTTP to the sandbox."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from connector.core.sink import VerdictKind
from tests.contract.platforms import FAULTS, IMPLEMENTATIONS, PARAMS, Platform, batch, uuid_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from connector.core.sink import Verdict

implementations = pytest.mark.parametrize("implementation", sorted(IMPLEMENTATIONS))


def run(implementation: str, scenario: Callable[[Platform], Awaitable[None]]) -> None:
    async def main() -> None:
        async with IMPLEMENTATIONS[implementation]() as platform:
            await scenario(platform)

    asyncio.run(main())


async def send(platform: Platform, size: int = 1) -> tuple[Verdict, list[str]]:
    items = batch(size)
    await platform.sink.ready()
    return await platform.sink.send(items), [uuid_of(item) for item in items]


@implementations
def test_delivered_items_are_stored_once_and_in_order(implementation: str) -> None:
    async def scenario(platform: Platform) -> None:
        sent: list[str] = []
        for size in (1, 3, 500):
            verdict, uuids = await send(platform, size)
            assert verdict.kind is VerdictKind.DELIVERED
            sent += uuids
        assert platform.stored() == sent

    run(implementation, scenario)


@implementations
@pytest.mark.parametrize("kind", list(FAULTS))
def test_undelivered_items_are_not_stored_and_can_be_sent_again(implementation: str, kind: VerdictKind) -> None:
    async def scenario(platform: Platform) -> None:
        platform.script(kind)
        verdict, _ = await send(platform)
        assert verdict.kind is kind
        assert verdict.done == frozenset()
        assert platform.stored() == []
        verdict, uuids = await send(platform)
        assert verdict.kind is VerdictKind.DELIVERED
        assert platform.stored() == uuids

    run(implementation, scenario)


@implementations
def test_each_verdict_carries_what_its_target_needs(implementation: str) -> None:
    async def scenario(platform: Platform) -> None:
        platform.script(VerdictKind.AGAIN, VerdictKind.HELD, VerdictKind.REFUSED)
        again, held, refused = [(await send(platform))[0] for _ in range(3)]
        assert again.retry_after_s == 7
        assert held.remedy
        assert refused.reply
        assert again.detail
        assert held.detail
        assert refused.detail

    run(implementation, scenario)


@implementations
def test_a_refused_item_is_found_by_splitting(implementation: str) -> None:
    async def scenario(platform: Platform) -> None:
        items = batch(8)
        refused_uuid = uuid_of(items[5])
        platform.refuse(refused_uuid)
        await platform.sink.ready()
        work, dead_letters = [items], list[str]()
        while work:
            part = work.pop()
            verdict = await platform.sink.send(part)
            if verdict.kind is VerdictKind.REFUSED and len(part) == 1:
                dead_letters.append(uuid_of(part[0]))
            elif verdict.kind is VerdictKind.REFUSED:
                work += [part[len(part) // 2 :], part[: len(part) // 2]]
        assert dead_letters == [refused_uuid]
        assert platform.stored() == [uuid for uuid in map(uuid_of, items) if uuid != refused_uuid]

    run(implementation, scenario)


@implementations
def test_many_requests_at_once_are_all_delivered(implementation: str) -> None:
    async def scenario(platform: Platform) -> None:
        results = await asyncio.gather(*(send(platform, 50) for _ in range(8)))
        assert {verdict.kind for verdict, _ in results} == {VerdictKind.DELIVERED}
        assert sorted(platform.stored()) == sorted(uuid for _, uuids in results for uuid in uuids)

    run(implementation, scenario)


@implementations
def test_request_sizes_are_known_in_advance(implementation: str) -> None:
    async def scenario(platform: Platform) -> None:
        item = batch(1)[0]
        assert platform.sink.item_sizes([item]) == [len(item.body) + 1]
        assert platform.sink.request_overhead(PARAMS) >= len(PARAMS)

    run(implementation, scenario)

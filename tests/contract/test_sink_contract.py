"""What a target may rely on, whichever sink it was given: one suite for the fake and for HTTP to the sandbox."""

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


def on(implementation: str, scenario: Callable[[Platform], Awaitable[None]]) -> None:
    async def main() -> None:
        async with IMPLEMENTATIONS[implementation]() as platform:
            await scenario(platform)

    asyncio.run(main())


async def send(platform: Platform, size: int = 1) -> tuple[Verdict, list[str]]:
    items = batch(size)
    await platform.sink.ready()
    return await platform.sink.send(items), [uuid_of(item) for item in items]


@implementations
def test_what_is_delivered_was_stored_once_and_in_order(implementation: str) -> None:
    async def scenario(platform: Platform) -> None:
        sent: list[str] = []
        for size in (1, 3, 500):
            verdict, uuids = await send(platform, size)
            assert verdict.kind is VerdictKind.DELIVERED
            sent += uuids
        assert platform.stored() == sent

    on(implementation, scenario)


@implementations
@pytest.mark.parametrize("name", list(FAULTS))
def test_what_is_not_delivered_was_not_stored_and_can_be_sent_again(implementation: str, name: VerdictKind) -> None:
    async def scenario(platform: Platform) -> None:
        platform.script(name)
        verdict, _ = await send(platform)
        assert verdict.kind == name
        assert verdict.done == frozenset()
        assert platform.stored() == []
        verdict, uuids = await send(platform)
        assert verdict.kind is VerdictKind.DELIVERED
        assert platform.stored() == uuids

    on(implementation, scenario)


@implementations
def test_each_verdict_carries_what_its_reader_needs(implementation: str) -> None:
    async def scenario(platform: Platform) -> None:
        platform.script(VerdictKind.AGAIN, VerdictKind.HELD, VerdictKind.REFUSED)
        again, held, refused = [(await send(platform))[0] for _ in range(3)]
        assert again.retry_after_s == 7
        assert held.remedy
        assert refused.reply
        assert again.detail
        assert held.detail
        assert refused.detail

    on(implementation, scenario)


@implementations
def test_a_poisonous_item_is_found_by_splitting(implementation: str) -> None:
    async def scenario(platform: Platform) -> None:
        items = batch(8)
        poison = uuid_of(items[5])
        platform.refuse(poison)
        await platform.sink.ready()
        work, buried = [items], list[str]()
        while work:
            part = work.pop()
            verdict = await platform.sink.send(part)
            if verdict.kind is VerdictKind.REFUSED and len(part) == 1:
                buried.append(uuid_of(part[0]))
            elif verdict.kind is VerdictKind.REFUSED:
                work += [part[len(part) // 2 :], part[: len(part) // 2]]
        assert buried == [poison]
        assert platform.stored() == [uuid for uuid in map(uuid_of, items) if uuid != poison]

    on(implementation, scenario)


@implementations
def test_many_requests_at_once_are_all_delivered(implementation: str) -> None:
    async def scenario(platform: Platform) -> None:
        results = await asyncio.gather(*(send(platform, 50) for _ in range(8)))
        assert {verdict.kind for verdict, _ in results} == {VerdictKind.DELIVERED}
        assert sorted(platform.stored()) == sorted(uuid for _, uuids in results for uuid in uuids)

    on(implementation, scenario)


@implementations
def test_bytes_are_foretold(implementation: str) -> None:
    async def scenario(platform: Platform) -> None:
        item = batch(1)[0]
        assert platform.sink.item_size(item) == len(item.body) + 1
        assert platform.sink.request_overhead(PARAMS) >= len(PARAMS)

    on(implementation, scenario)

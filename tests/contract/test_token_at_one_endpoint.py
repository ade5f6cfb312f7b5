"""A token that is refused at one endpoint alone, over real HTTP: who is held, who is not, what is fetched."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from connector.core.sink import Subject, VerdictKind
from connector.sandbox.faults import CodeFault, Fault, StatusFault
from connector.tuzhan.http_sink import HttpSink
from tests.contract.platforms import RealPlatform, batch, real

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from connector.core.sink import Sink, Verdict

OTHER = "event/batchAdd"
FAULTS = [StatusFault(status=401, endpoint=OTHER), CodeFault(code="100200", endpoint=OTHER)]


async def verdicts(sink: Sink, count: int) -> AsyncIterator[Verdict]:
    for _ in range(count):
        await sink.ready()
        yield await sink.send(batch(1))
        await asyncio.sleep(0.005)


async def send(sink: Sink, count: int) -> list[VerdictKind]:
    return [verdict.kind async for verdict in verdicts(sink, count)]


def other_sink(platform: RealPlatform) -> HttpSink:
    return HttpSink(OTHER, platform.client, platform.tokens)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.kind)
def test_a_permanent_refusal_at_one_endpoint_holds_it_alone(fault: Fault) -> None:
    async def main() -> None:
        async with real() as platform:
            platform.sandbox.faults.replace([fault])
            held, good = await asyncio.gather(
                send(other_sink(platform), 100),
                send(platform.sink, 200),
            )
            assert good == [VerdictKind.DELIVERED] * 200
            assert held.count(VerdictKind.TOKEN) <= 2
            assert held[-90:] == [VerdictKind.HELD] * 90
            assert platform.sandbox.tokens.requests <= 2

    asyncio.run(main())


def test_a_permission_that_is_revoked_while_running_fetches_one_token() -> None:
    async def main() -> None:
        async with real() as platform:
            other = other_sink(platform)
            sending = asyncio.create_task(send(platform.sink, 300))
            await platform.sink.ready()
            platform.tokens.on_delivered(platform.tokens.current or "", other, asyncio.get_running_loop().time())
            await asyncio.sleep(1.1)  # two tokens are half a second apart
            platform.sandbox.faults.replace(FAULTS)
            held = await send(other, 50)
            assert held.count(VerdictKind.TOKEN) <= 2
            assert held[-40:] == [VerdictKind.HELD] * 40
            assert await sending == [VerdictKind.DELIVERED] * 300
            assert platform.sandbox.tokens.requests == 2

    asyncio.run(main())


def test_a_permission_that_is_granted_ends_it_with_the_next_probe() -> None:
    async def main() -> None:
        async with real() as platform:
            other = other_sink(platform)
            platform.sandbox.faults.replace(FAULTS)
            await send(platform.sink, 1)
            [verdict] = [verdict async for verdict in verdicts(other, 1)]
            assert (verdict.kind, verdict.subject) == (VerdictKind.HELD, Subject.TARGET)
            platform.sandbox.faults.replace([])
            # The items are of the other version: that they are refused shows that the token is not.
            assert await send(other, 1) == [VerdictKind.REFUSED]
            assert platform.sandbox.tokens.requests == 1

    asyncio.run(main())

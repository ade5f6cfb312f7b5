"""The loop's end of the bridge, without a thread."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from connector.core.errors import BackgroundTaskError
from connector.core.ledger import Lease, TopicCounts
from connector.core.record import TopicPartition
from connector.kafka.bridge import Bridge, Commit, Pause

if TYPE_CHECKING:
    from collections.abc import Sequence

PARTITION = TopicPartition("orders", 0)


async def close_leases(leases: Sequence[Lease], deadline_s: float) -> dict[Lease, int]:
    del deadline_s
    return {lease: lease.end() for lease in leases}


async def close_never(leases: Sequence[Lease], deadline_s: float) -> dict[Lease, int]:
    del leases, deadline_s
    await asyncio.Event().wait()
    return {}


def test_commit_commands_do_not_pile_up_while_the_thread_waits_for_a_broker() -> None:
    async def main() -> Bridge:
        bridge = Bridge(lambda _: None, close_leases, {})
        lease = Lease(PARTITION, 0, TopicCounts())
        for _ in range(100):
            bridge.commit([lease])
            bridge.pause([lease])
        return bridge

    commands = asyncio.run(main()).commands
    assert sum(isinstance(command, Commit) for command in commands) == 1
    assert sum(isinstance(command, Pause) for command in commands) == 100


def test_the_iteration_raises_what_ended_the_thread() -> None:
    async def main() -> None:
        bridge = Bridge(lambda _: None, close_leases, {})
        bridge.on_ended_from_thread(ValueError("died"))
        assert await bridge.connected() == ""
        async for _ in bridge:
            pass

    with pytest.raises(BackgroundTaskError) as raised:
        asyncio.run(main())
    assert isinstance(raised.value.cause, ValueError)


def test_closing_leases_returns_their_watermarks_to_the_thread() -> None:
    async def main() -> tuple[Lease, object]:
        bridge = Bridge(lambda _: None, close_leases, {})
        lease = bridge.new_lease_from_thread(PARTITION, 40, 40)
        return lease, await asyncio.to_thread(bridge.close_leases_from_thread, [lease], 1.0)

    lease, watermarks = asyncio.run(main())
    assert watermarks == {lease: 40}


def test_closing_leases_ends_without_watermarks_if_the_loop_does_not_answer_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("connector.kafka.bridge.CLOSE_GRACE_S", 0.05)

    async def main() -> object:
        bridge = Bridge(lambda _: None, close_never, {})
        lease = bridge.new_lease_from_thread(PARTITION, 40, 40)
        return await asyncio.to_thread(bridge.close_leases_from_thread, [lease], 0.05)

    assert asyncio.run(main()) == {}

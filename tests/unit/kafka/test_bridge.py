"""The loop's end of the bridge, without a thread."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from connector.core.errors import BackgroundTaskError
from connector.core.events import CommitAnswered
from connector.core.ledger import Lease, TopicCounts
from connector.core.progress import Progress
from connector.core.record import Record, TopicPartition
from connector.kafka.bridge import Bridge, Commit, Pause
from connector.kafka.chunks import MAX_QUEUED_CHUNKS

if TYPE_CHECKING:
    from collections.abc import Sequence

PARTITION = TopicPartition("orders", 0)


async def close_leases(leases: Sequence[Lease], deadline: float | None) -> dict[Lease, Progress]:
    del deadline
    return {lease: lease.end() for lease in leases}


async def close_never(leases: Sequence[Lease], deadline: float | None) -> dict[Lease, Progress]:
    del leases, deadline
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
        return lease, await asyncio.to_thread(bridge.close_leases_from_thread, [lease], time.monotonic() + 1.0)

    lease, watermarks = asyncio.run(main())
    assert watermarks == {lease: Progress(40)}


def test_closing_leases_ends_without_watermarks_if_the_loop_does_not_answer_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("connector.kafka.bridge.CLOSE_GRACE_S", 0.05)

    async def main() -> object:
        bridge = Bridge(lambda _: None, close_never, {})
        lease = bridge.new_lease_from_thread(PARTITION, 40, 40)
        return await asyncio.to_thread(bridge.close_leases_from_thread, [lease], time.monotonic() + 0.05)

    assert asyncio.run(main()) == {}


def test_what_closing_leases_raises_is_raised_in_the_thread_even_if_it_looks_like_waiting_too_long() -> None:
    beats: list[None] = []

    async def close_badly(leases: Sequence[Lease], deadline: float | None) -> dict[Lease, Progress]:
        del leases, deadline
        raise TimeoutError("of something else")

    async def main() -> None:
        bridge = Bridge(lambda _: None, close_badly, {})
        bridge.heartbeat = lambda: beats.append(None)
        lease = bridge.new_lease_from_thread(PARTITION, 40, 40)
        await asyncio.to_thread(bridge.close_leases_from_thread, [lease], time.monotonic() + 1.0)

    with pytest.raises(TimeoutError, match="of something else"):
        asyncio.run(main())
    assert not beats


def test_the_thread_beats_while_it_waits_for_leases_to_close(monkeypatch: pytest.MonkeyPatch) -> None:
    """A drain may take longer than a part of the process may be silent: `shutdown_timeout` has no limit."""
    monkeypatch.setattr("connector.kafka.bridge.WAIT_S", 0.01)
    beats: list[float] = []

    async def close_after_three_beats(leases: Sequence[Lease], deadline: float | None) -> dict[Lease, Progress]:
        while len(beats) < 3:  # noqa: ASYNC110 - the beats come from a thread
            await asyncio.sleep(0.001)
        return await close_leases(leases, deadline)

    async def main() -> object:
        bridge = Bridge(lambda _: None, close_after_three_beats, {})
        bridge.heartbeat = lambda: beats.append(time.monotonic())
        lease = bridge.new_lease_from_thread(PARTITION, 40, 40)
        return await asyncio.to_thread(bridge.close_leases_from_thread, [lease], time.monotonic() + 30.0)

    assert asyncio.run(main())


def test_a_chunk_waits_for_a_place_and_is_dropped_once_a_stop_was_requested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.kafka.bridge.WAIT_S", 0.01)

    async def main() -> list[int]:
        bridge = Bridge(lambda _: None, close_leases, {})
        lease = bridge.new_lease_from_thread(PARTITION, 0, None)

        def hand_over() -> None:
            for offset in range(MAX_QUEUED_CHUNKS + 1):
                record = Record(*PARTITION, offset, None, None, b"{}", ())
                bridge.put_chunk_from_thread([(lease, [record])], lambda: not bridge.stop_requested)
            bridge.on_ended_from_thread(None)

        thread = asyncio.ensure_future(asyncio.to_thread(hand_over))
        await asyncio.sleep(0.1)
        assert not thread.done()
        bridge.stop(1.0)
        await thread
        return [record.offset async for _, records in bridge for record in records]

    assert asyncio.run(main()) == list(range(MAX_QUEUED_CHUNKS))


def test_what_the_thread_learns_of_a_partition_is_stored_in_its_lease_on_the_loop() -> None:
    async def main() -> tuple[Lease, list[object]]:
        events: list[object] = []
        bridge = Bridge(events.append, close_leases, {})
        lease = bridge.new_lease_from_thread(PARTITION, 40, None)
        bridge.on_committed_from_thread({lease: 41}, CommitAnswered("ok"))
        bridge.on_end_offsets_from_thread({lease: 50})
        assert lease.committed is None
        await asyncio.sleep(0)
        return lease, events

    lease, events = asyncio.run(main())
    assert (lease.committed, lease.end_offset) == (41, 50)
    assert events == [CommitAnswered("ok")]


def test_a_thread_that_outlives_the_loop_is_not_disturbed() -> None:
    async def main() -> Bridge:
        return Bridge(lambda _: None, close_leases, {})

    bridge = asyncio.run(main())
    bridge.emit_from_thread(CommitAnswered("ok"))
    bridge.on_ended_from_thread(None)

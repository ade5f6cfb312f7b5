"""When a target sends: not while it must not start, not for a lease that has no time left. What the status shows."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from connector.core.events import ReasonCleared, ReasonRaised
from connector.core.ledger import Lease
from connector.core.record import TopicPartition
from connector.core.sink import TargetState, Verdict, VerdictKind
from connector.language.message import verbatim
from tests.support.builders import item, record
from tests.support.clock import run_virtual
from tests.support.fake_sink import FakeSink
from tests.support.target_harness import SETTINGS, TargetHarness
from tests.support.virtual_platform import FORBIDDEN, REFUSED, SERVER_ERROR, UNAVAILABLE, VirtualPlatform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.record import Item


def _now() -> float:
    return asyncio.get_running_loop().time()


# -- a process that was frozen ----------------------------------------------------------------------------------------


def test_nothing_is_started_until_the_process_may_start_requests_and_is_woken() -> None:
    async def main() -> list[int]:
        sink = FakeSink()
        harness = TargetHarness(sink)
        harness.may_start = False
        harness.put(25)
        await asyncio.sleep(100)
        sent = [len(sink.requests)]
        harness.may_start = True
        harness.target.wake()
        await harness.done()
        return [*sent, len(sink.requests)]

    assert run_virtual(main()) == [0, 3]


def test_a_retry_waits_too_and_a_reply_is_taken_while_nothing_may_start() -> None:
    async def main() -> tuple[int, int, int]:
        platform = VirtualPlatform(latency_s=1.0)
        platform.outage = UNAVAILABLE
        harness = TargetHarness(platform)
        harness.put(10)
        await asyncio.sleep(0.3)
        harness.may_start = False
        await asyncio.sleep(100)
        replies = len(platform.sent)
        harness.may_start = True
        platform.outage = None
        harness.target.wake()
        await harness.done()
        return replies, len(platform.sent), harness.counts.delivered

    assert run_virtual(main()) == (1, 2, 10)


# -- a lease that closes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("left_s", "sent"), [(5.9, 1), (6.1, 2)])
def test_nothing_is_sent_for_a_lease_whose_time_is_shorter_than_a_request_takes(left_s: float, sent: int) -> None:
    async def main() -> int:
        async def script(_: Sequence[Item]) -> Verdict:
            await asyncio.sleep(6.0)
            return Verdict(VerdictKind.DELIVERED)

        sink = FakeSink(script)
        harness = TargetHarness(sink)
        harness.put(10)
        await harness.done()
        harness.put(5)
        harness.lease.deadline = _now() + left_s
        harness.lease.close(lambda: None)
        harness.target.flush()
        await asyncio.sleep(100)
        assert harness.target.queued == 0
        return len(sink.requests)

    assert run_virtual(main()) == sent


@pytest.mark.parametrize("outage", [UNAVAILABLE, FORBIDDEN])
def test_items_of_a_closing_lease_are_abandoned_at_once_when_their_target_is_not_up(outage: Verdict) -> None:
    async def main() -> tuple[int, int]:
        platform = VirtualPlatform()
        harness = TargetHarness(platform, replace(SETTINGS, max_in_flight=1))
        platform.outage = outage
        other = Lease(TopicPartition("orders", 1), 0, harness.counts)
        harness.put(10, lease=other)
        await asyncio.sleep(10)
        assert harness.target.sending.state is not TargetState.UP
        harness.put(10)
        harness.lease.close(lambda: None)
        harness.target.flush()
        return harness.target.queued, harness.lease.unsettled

    assert run_virtual(main()) == (10, 10)


@pytest.mark.parametrize("retry_after_s", [30.0, 5.0])
def test_a_closing_lease_does_not_wait_for_a_try_that_a_later_retry_after_puts_off_too_long(
    retry_after_s: float,
) -> None:
    async def main() -> tuple[int, int]:
        async def script(_: Sequence[Item]) -> Verdict:
            await asyncio.sleep(1.0)
            return Verdict(VerdictKind.AGAIN, retry_after_s=retry_after_s)

        harness = TargetHarness(FakeSink(script), replace(SETTINGS, max_in_flight=1))
        harness.put(1, lease=Lease(TopicPartition("orders", 1), 0, harness.counts))
        await asyncio.sleep(0.5)
        harness.put(4)
        harness.lease.deadline = _now() + 20.0
        harness.lease.close(lambda: None)
        harness.target.flush()
        before = harness.lease.unsettled
        await asyncio.sleep(2.0)
        return before, harness.target.queued

    assert run_virtual(main()) == (4, 1 if retry_after_s > 20.0 else 5)


def test_a_target_of_which_nothing_waits_any_more_is_up_again() -> None:
    """There is nothing to probe with: the leases went to another member."""

    async def main() -> tuple[TargetState, list[object]]:
        platform = VirtualPlatform()
        platform.outage = FORBIDDEN
        harness = TargetHarness(platform)
        harness.put(10)
        await asyncio.sleep(10)
        harness.lease.end()
        harness.target.flush()
        await asyncio.sleep(10)
        events = [event for event in harness.events if isinstance(event, ReasonRaised | ReasonCleared)]
        return harness.target.sending.state, list(events)

    expected = [ReasonRaised("target_held", "sink", verbatim("grant it")), ReasonCleared("target_held", "sink")]
    assert run_virtual(main()) == (TargetState.UP, expected)


# -- order ------------------------------------------------------------------------------------------------------------


def test_what_shares_a_key_with_an_item_that_waits_alone_stays_behind_it_and_all_else_goes_on() -> None:
    keys = ["anna", "bert", "anna", "carl", "anna", "carl"]

    async def main() -> list[int]:
        platform = VirtualPlatform({0: REFUSED})
        harness = TargetHarness(platform, replace(SETTINGS, ordered=True))
        for key in keys:
            harness.put(keys=[key])
        await harness.done()
        return [one.record.offset for one in platform.stored]

    assert run_virtual(main()) == [1, 3, 5, 2, 4]


# -- the queue's bytes ------------------------------------------------------------------------------------------------


def test_the_value_of_a_record_counts_once_until_its_last_item_has_ended() -> None:
    async def main() -> list[int]:
        platform = VirtualPlatform(latency_s=1.0)
        harness = TargetHarness(platform)
        source = record(0, value=b"x" * 1_000)
        harness.lease.track(0, 0.0, 3)
        seen = []
        for params in (b"first", b"second", b"third"):
            harness.target.put(item(source, params=params, body=b"12345"), harness.lease)
            seen.append(harness.target.queued_bytes)
        await asyncio.sleep(0.3)
        while harness.target.queued:
            await asyncio.sleep(0.01)
            if harness.target.queued_bytes != seen[-1]:
                seen.append(harness.target.queued_bytes)
        return seen

    assert run_virtual(main()) == [1_005, 1_010, 1_015, 1_010, 1_005, 0]


# -- the status -------------------------------------------------------------------------------------------------------


def test_tries_the_next_try_and_suspects_can_be_read_off() -> None:
    async def main() -> list[tuple[int, bool, int]]:
        platform = VirtualPlatform({0: REFUSED})
        harness = TargetHarness(platform)
        sending = harness.target.sending
        seen = [(sending.attempts, sending.next_try_s is None, sending.suspects)]
        platform.outage = SERVER_ERROR
        harness.put()
        await asyncio.sleep(60)
        attempts, next_try_s = sending.attempts, sending.next_try_s
        assert next_try_s is not None
        assert 0 <= next_try_s <= 8
        assert attempts > 5
        seen.append((0, False, sending.suspects))
        platform.outage = None
        await asyncio.sleep(20)
        seen.append((0, False, sending.suspects))
        await harness.done()
        return [*seen, (sending.attempts, sending.next_try_s is None, sending.suspects)]

    seen = run_virtual(main())
    assert [suspects for _, _, suspects in seen] == [0, 0, 1, 0]
    assert (seen[0][:2], seen[-1][1]) == ((0, True), True)


@pytest.mark.parametrize("poisonous", [0, 2, 4])
def test_an_item_that_always_fails_holds_up_no_other_although_its_batch_is_all_there_is(poisonous: int) -> None:
    """The items are ordered, so none but the first may be sent before the others of its batch."""

    def reply(items: Sequence[Item]) -> Verdict:
        fails = any(one.record.offset == poisonous for one in items)
        return SERVER_ERROR if fails else Verdict(VerdictKind.DELIVERED)

    async def main() -> tuple[TargetHarness, FakeSink]:
        sink = FakeSink(reply)
        harness = TargetHarness(sink, replace(SETTINGS, ordered=True))
        for number in range(5):
            harness.put(keys=[f"phone={number}"])
        async with asyncio.timeout(3600):
            await harness.done()
        return harness, sink

    harness, sink = run_virtual(main())
    assert {one.record.offset for one in harness.dead_letters} == {poisonous}
    assert sorted(one.record.offset for one in sink.stored) == sorted({*range(5)} - {poisonous})

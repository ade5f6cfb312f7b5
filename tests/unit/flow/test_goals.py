"""The figures that delivery is chosen for, on virtual time; the same from outside: `tests/chaos`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from connector.core.batching import BatchLimits
from connector.core.events import ReasonCleared, ReasonRaised
from connector.core.sink import TargetState, Verdict
from connector.core.wording import counted
from tests.support.builders import seeded
from tests.support.clock import run_virtual
from tests.support.target_harness import SETTINGS, TargetHarness
from tests.support.virtual_platform import (
    FORBIDDEN,
    REFUSED,
    SERVER_ERROR,
    TIMEOUT,
    TOO_MANY,
    UNAVAILABLE,
    VirtualPlatform,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.core.record import Item

LARGE = replace(
    SETTINGS, limits=BatchLimits(500, 900 << 10, 0.2), max_in_flight=8, max_queued=20_000, max_queued_bytes=64 << 20
)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _reasons(harness: TargetHarness) -> dict[int, str]:
    """Why each dead letter is one, by offset."""
    return {one.record.offset: one.failure.reason for one in harness.dead_letters if one.failure is not None}


async def _until(reached: Callable[[], bool], within_s: float) -> float:
    """Wait until `reached()`; return how long that took."""
    began = _now()
    async with asyncio.timeout(within_s):
        while not reached():  # noqa: ASYNC110 - nothing tells of it but the state itself
            await asyncio.sleep(0.01)
    return _now() - began


# -- poison ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("verdict", "reason"), [(REFUSED, "refused"), (SERVER_ERROR, "server_error")])
def test_25_poisonous_of_20_000_are_found_with_fewer_than_350_requests_more(
    verdict: Verdict, reason: str, seed: int
) -> None:
    poison = dict.fromkeys(seeded(seed).sample(range(20_000), 25), verdict)

    async def main() -> tuple[dict[int, str], int, int]:
        platform = VirtualPlatform(poison, seed=seed)
        harness = TargetHarness(platform, LARGE)
        harness.put(20_000)
        await asyncio.wait_for(harness.done(), 60)
        return _reasons(harness), len(platform.sent), harness.counts.delivered

    reasons, requests, delivered = run_virtual(main())
    assert reasons == dict.fromkeys(poison, reason)
    assert delivered == 20_000 - 25
    assert requests < 20_000 / 500 + 350


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("seed", range(3))
def test_a_random_storm_of_503_dead_letters_only_what_is_always_refused(share: float, seed: int) -> None:
    poison = dict.fromkeys(seeded(seed).sample(range(20_000), 5), REFUSED)

    async def main() -> dict[int, str]:
        platform = VirtualPlatform(poison, seed=seed)
        platform.storm = share
        harness = TargetHarness(platform, LARGE)
        harness.put(20_000)
        await asyncio.wait_for(harness.done(), 7200)
        return _reasons(harness)

    assert run_virtual(main()) == dict.fromkeys(poison, "refused")


@pytest.mark.parametrize("seed", range(3))
def test_a_storm_of_503_with_items_that_always_get_500_dead_letters_no_other(seed: int) -> None:
    poison = dict.fromkeys(seeded(seed).sample(range(20_000), 5), SERVER_ERROR)

    async def main() -> set[int]:
        platform = VirtualPlatform(poison, seed=seed)
        platform.storm = 0.3
        harness = TargetHarness(platform, LARGE)
        harness.put(20_000)
        await _until(lambda: harness.target.queued <= len(poison), 600)
        while harness.target.queued:
            harness.put(500)  # what else is delivered is the evidence
            await asyncio.sleep(5)
        return set(_reasons(harness))

    assert run_virtual(main()) == set(poison)


# -- outages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outage", [REFUSED, SERVER_ERROR, UNAVAILABLE, TOO_MANY, FORBIDDEN, TIMEOUT])
@pytest.mark.parametrize("count", [500, 20_000])
def test_an_outage_of_one_hour_dead_letters_nothing(outage: Verdict, count: int) -> None:
    async def main() -> tuple[TargetHarness, float]:
        platform = VirtualPlatform()
        harness = TargetHarness(platform, LARGE)
        harness.put(1_000)
        await harness.done()
        platform.outage = outage
        harness.put(count)
        await asyncio.sleep(3600)
        assert harness.target.sending.state in {TargetState.DOWN, TargetState.HELD}
        platform.outage = None
        began = _now()
        await asyncio.wait_for(harness.done(), 120)
        return harness, _now() - began

    harness, took_s = run_virtual(main())
    assert harness.dead_letters == []
    assert harness.counts.delivered == 1_000 + count
    assert took_s < 30


@pytest.mark.parametrize("waiting", [1, 500, 20_000])
@pytest.mark.parametrize("outage", [UNAVAILABLE, TIMEOUT])
def test_a_platform_that_dies_is_down_within_15_s_and_up_within_20_s_of_its_return(
    outage: Verdict, waiting: int
) -> None:
    async def main() -> tuple[float, float, float, list[ReasonRaised | ReasonCleared]]:
        platform = VirtualPlatform()
        harness = TargetHarness(platform, LARGE)
        target = harness.target.sending
        platform.outage = outage
        harness.put(waiting)
        down_s = await _until(lambda: target.state is TargetState.DOWN, 60)
        await asyncio.sleep(600)
        platform.outage = None
        up_s = await _until(lambda: target.state is TargetState.UP, 60)
        rest_s = await _until(lambda: not harness.target.queued, 60)
        events = [event for event in harness.events if isinstance(event, ReasonRaised | ReasonCleared)]
        return down_s, up_s, rest_s, events

    down_s, up_s, rest_s, events = run_virtual(main())
    assert down_s < 15
    assert up_s < 20
    assert rest_s < 5, "the whole queue moves within seconds"
    assert events[-1] == ReasonCleared("target_down", "sink")
    assert all(isinstance(event, ReasonRaised) and event.code == "target_down" for event in events[:-1])
    remedy = events[0].remedy if isinstance(events[0], ReasonRaised) else ""
    assert outage.detail in remedy
    assert counted(waiting, "item waits", "items wait") in remedy


def test_a_slow_trickle_of_records_shows_a_hanging_platform_within_15_s() -> None:
    async def main() -> float:
        platform = VirtualPlatform()
        harness = TargetHarness(platform, LARGE)
        platform.outage = TIMEOUT
        began = _now()
        while harness.target.sending.state is TargetState.UP:
            harness.put()
            await asyncio.sleep(3)
        return _now() - began

    assert run_virtual(main()) < 15


def test_one_503_among_others_changes_nothing() -> None:
    async def main() -> list[object]:
        verdicts = [UNAVAILABLE]
        platform = VirtualPlatform()
        harness = TargetHarness(platform, LARGE)
        platform.outage = verdicts.pop()
        harness.put()
        await asyncio.sleep(0.25)
        platform.outage = None
        await harness.done()
        return [event for event in harness.events if isinstance(event, ReasonRaised)]

    assert run_virtual(main()) == []


def test_after_an_outage_no_more_requests_than_allowed_are_sent_at_once() -> None:
    async def main() -> int:
        platform = VirtualPlatform(latency_s=1.0)
        platform.outage = UNAVAILABLE
        harness = TargetHarness(platform, LARGE)
        harness.put(20_000)
        await asyncio.sleep(600)
        platform.outage = None
        most = 0
        while harness.target.queued:
            most = max(most, harness.target.sending.requests_in_flight)
            await asyncio.sleep(0.01)
        return most

    assert run_virtual(main()) == LARGE.max_in_flight


@pytest.mark.parametrize("ordered", [False, True])
def test_batches_that_all_have_an_item_with_500_keep_nothing_else_back(*, ordered: bool) -> None:
    """No batch is delivered as a whole, and nothing else is there to send."""
    poison = {20: SERVER_ERROR, 510: SERVER_ERROR, 999: SERVER_ERROR}

    async def main() -> int:
        harness = TargetHarness(VirtualPlatform(poison), replace(LARGE, ordered=ordered))
        for offset in range(1_000):
            harness.put(keys=[str(offset)])
        await asyncio.sleep(600)
        return harness.counts.delivered

    assert run_virtual(main()) == 1_000 - len(poison)


def test_a_platform_that_can_not_bear_full_batches_gets_smaller_ones() -> None:
    class Slow(VirtualPlatform):
        def _judge(self, items: Sequence[Item]) -> Verdict:
            return UNAVAILABLE if len(items) > 100 else super()._judge(items)

    async def main() -> TargetHarness:
        harness = TargetHarness(Slow(), LARGE)
        harness.put(2_000)
        await asyncio.wait_for(harness.done(), 3600)
        return harness

    harness = run_virtual(main())
    assert (harness.counts.delivered, harness.dead_letters) == (2_000, [])


# -- one batch that is held back --------------------------------------------------------------------------------------


def _seconds_for_20_000(verdict: Verdict | None) -> tuple[float, dict[int, str]]:
    """How long 20,000 items take, one of which gets this verdict; its own end is not waited for."""

    async def main() -> tuple[float, dict[int, str]]:
        platform = VirtualPlatform({0: verdict} if verdict is not None else {})
        harness = TargetHarness(platform, LARGE)
        harness.put(20_000)
        took_s = await _until(lambda: harness.target.queued <= (0 if verdict is None else 500), 60)
        while harness.target.queued:
            harness.put(500)
            await asyncio.sleep(5)
        return took_s, _reasons(harness)

    return run_virtual(main())


@pytest.mark.parametrize(
    ("verdict", "reason"), [(FORBIDDEN, "refused"), (REFUSED, "refused"), (SERVER_ERROR, "server_error")]
)
def test_one_bad_batch_leaves_the_rate_of_the_others_as_it_is(verdict: Verdict, reason: str) -> None:
    undisturbed, _ = _seconds_for_20_000(None)
    disturbed, reasons = _seconds_for_20_000(verdict)
    assert disturbed < undisturbed * 1.2 + 0.3
    assert reasons == {0: reason}


# -- order ------------------------------------------------------------------------------------------------------------


def test_three_hot_identities_of_5_000_stay_in_order_and_batches_fill() -> None:
    random = seeded(1)
    keys = [
        f"hot{random.randrange(3)}" if random.random() < 0.3 else f"{random.randrange(5_000)}" for _ in range(20_000)
    ]

    async def main() -> VirtualPlatform:
        platform = VirtualPlatform()
        harness = TargetHarness(platform, replace(LARGE, ordered=True))
        for offset, key in enumerate(keys):
            harness.put(keys=[key])
            if offset % 100 == 0:
                await asyncio.sleep(0.005)
        await harness.done()
        return platform

    platform = run_virtual(main())
    sent: dict[str, list[int]] = {}
    for request in sorted(platform.sent, key=lambda request: request.at):
        for offset in request.offsets:
            sent.setdefault(keys[offset], []).append(offset)
    assert all(offsets == sorted(offsets) for offsets in sent.values())
    assert len(platform.sent) < 20_000 / 500 / 0.6

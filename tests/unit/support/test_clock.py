"""The test clock itself."""

from __future__ import annotations

import asyncio
import itertools
import time

import pytest

from tests.support.clock import StuckError, run_virtual


def test_hours_pass_in_no_time_and_timers_fire_in_order() -> None:
    fired: list[tuple[str, float]] = []

    async def sleeper(name: str, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        fired.append((name, asyncio.get_running_loop().time()))

    async def main() -> None:
        await asyncio.gather(sleeper("late", 7200), sleeper("early", 0.25))

    began = time.process_time()
    run_virtual(main())
    assert [(name, round(at, 6)) for name, at in fired] == [("early", 1000.25), ("late", 8200.0)]
    assert time.process_time() - began < 60


def test_a_deadlock_is_an_error_and_not_a_hang() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(StuckError, match="no timer"):
        run_virtual(main())


def test_a_loop_that_never_ends_is_an_error_too() -> None:
    async def main() -> None:
        for _ in itertools.count():
            await asyncio.sleep(10)

    with pytest.raises(StuckError, match="100 s"):
        run_virtual(main(), limit_s=100)


def test_a_timeout_needs_no_real_time() -> None:
    async def main() -> None:
        async with asyncio.timeout(3600):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        run_virtual(main())


def test_tasks_that_are_left_are_cancelled() -> None:
    ended: list[str] = []

    async def background() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async def main() -> None:
        task = asyncio.create_task(background())
        await asyncio.sleep(0)
        assert not task.done()

    run_virtual(main())
    assert ended == ["cancelled"]

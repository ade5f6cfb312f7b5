from __future__ import annotations

import asyncio
import contextlib

import pytest

from connector.observe.paced import BURST_S, MOST_WAITING, SHARE, AbandonedError, BusyError, Paced
from tests.support.clock import run_virtual

PATIENCE_S = 0.3
"""Less than the half second that each answer of 50 ms waits for its share."""


class Slow:
    """An answer that takes 50 ms of the loop."""

    def __init__(self) -> None:
        self.clock = asyncio.get_running_loop().time
        self.extra_s = 0.0
        self.made_at: list[float] = []

    def now(self) -> float:
        return self.clock() + self.extra_s

    def answer(self) -> int:
        self.extra_s += 0.05
        self.made_at.append(self.now())
        return len(self.made_at)


def test_a_flood_of_answers_takes_no_more_than_its_share_of_the_time() -> None:
    async def scene() -> None:
        slow = Slow()
        paced = Paced(slow.now)

        async def ask_again_and_again() -> None:
            while True:
                await paced.make(slow.answer)

        asking = [asyncio.create_task(ask_again_and_again()) for _ in range(MOST_WAITING)]
        began = slow.now()
        await asyncio.sleep(100.0)
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        took = slow.extra_s
        assert SHARE * 90 <= took <= SHARE * (slow.now() - began) + BURST_S + 0.05

    run_virtual(scene())


def test_one_that_would_wait_behind_too_many_is_refused_and_a_cancelled_one_leaves_its_place() -> None:
    async def scene() -> None:
        slow = Slow()
        paced = Paced(slow.now)
        for _ in range(5):
            await paced.make(slow.answer)
        waiting = [asyncio.create_task(paced.make(slow.answer)) for _ in range(MOST_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await paced.make(slow.answer)
        waiting[3].cancel()
        await asyncio.sleep(0)
        assert await paced.make(slow.answer) == 5 + MOST_WAITING

    run_virtual(scene())


def test_a_client_that_asks_more_often_than_its_share_allows_and_gives_up_gets_answers_all_the_same() -> None:
    """As Prometheus does, with a scrape that takes long and a short interval."""

    async def scene() -> int:
        slow = Slow()
        paced = Paced(slow.now)
        answered = 0

        async def scrape() -> None:
            nonlocal answered
            asked_at = slow.clock()

            async def is_abandoned() -> bool:
                return slow.clock() - asked_at >= PATIENCE_S

            with contextlib.suppress(AbandonedError, BusyError):
                await paced.make(slow.answer, is_abandoned)
                answered += not await is_abandoned()

        async with asyncio.TaskGroup() as tasks:
            for _ in range(400):
                tasks.create_task(scrape())
                await asyncio.sleep(PATIENCE_S)
        return answered

    assert run_virtual(scene()) > 400 * PATIENCE_S * SHARE / 0.05 / 2


def test_a_failed_answer_leaves_its_place() -> None:
    async def scene() -> None:
        paced = Paced()
        for _ in range(2 * MOST_WAITING):
            with pytest.raises(ZeroDivisionError):
                await paced.make(lambda: 1 // 0)

    run_virtual(scene())

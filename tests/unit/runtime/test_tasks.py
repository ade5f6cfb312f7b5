"""Background tasks: whichever dies, the process hears of it, by name."""

from __future__ import annotations

import asyncio

import pytest

from connector.core.errors import BackgroundTaskError
from connector.runtime.tasks import Tasks
from tests.support.clock import run_virtual


async def _dies() -> None:
    await asyncio.sleep(1)
    raise LookupError("the cellar")


async def _ends() -> None:
    await asyncio.sleep(1)


async def _is_cancelled_inside() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def _for_ever() -> None:
    await asyncio.Event().wait()


def test_a_task_that_dies_is_named_and_its_error_is_kept() -> None:
    async def main() -> None:
        tasks = Tasks()
        tasks.spawn(_dies(), name="token renewal")
        with pytest.raises(BackgroundTaskError, match="'token renewal' died") as caught:
            await tasks.failure
        assert isinstance(caught.value.__cause__, LookupError)

    run_virtual(main())


def test_a_task_that_may_end_ends_well() -> None:
    async def main() -> None:
        tasks = Tasks()
        await tasks.spawn(_ends(), name="one batch")
        await asyncio.sleep(1)
        assert not tasks.failure.done()

    run_virtual(main())


def test_a_task_that_must_not_end_and_does_is_a_failure() -> None:
    async def main() -> None:
        tasks = Tasks()
        tasks.spawn_service(_ends(), name="commits")
        with pytest.raises(BackgroundTaskError, match="'commits' ended by itself"):
            await tasks.failure

    run_virtual(main())


@pytest.mark.parametrize("service", [True, False])
def test_a_task_that_dies_of_a_stray_cancellation_is_a_failure_too(service: bool) -> None:  # noqa: FBT001 - a parameter
    async def main() -> None:
        tasks = Tasks()
        (tasks.spawn_service if service else tasks.spawn)(_is_cancelled_inside(), name="stray")
        with pytest.raises(BackgroundTaskError, match="'stray' died"):
            async with asyncio.timeout(5):
                await tasks.failure

    run_virtual(main())


def test_the_first_that_dies_is_the_one_that_is_told() -> None:
    async def main() -> None:
        tasks = Tasks()
        tasks.spawn_service(_ends(), name="first")
        await asyncio.sleep(0.5)
        tasks.spawn(_dies(), name="second")
        await asyncio.sleep(5)
        with pytest.raises(BackgroundTaskError, match="first"):
            tasks.failure.result()

    run_virtual(main())


def test_being_told_to_end_is_no_failure_and_leaves_nothing_running() -> None:
    async def main() -> None:
        tasks = Tasks()
        tasks.spawn_service(_for_ever(), name="heartbeat")
        task = tasks.spawn(_for_ever(), name="one batch")
        await asyncio.sleep(1)
        await tasks.cancel()
        assert task.cancelled()
        assert not tasks.failure.done()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtual(main())

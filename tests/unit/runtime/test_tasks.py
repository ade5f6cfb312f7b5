"""Background tasks: the first that fails is reported, by name."""

from __future__ import annotations

import asyncio

import pytest

from connector.core.errors import BackgroundTaskError
from connector.runtime.tasks import Tasks
from tests.support.clock import run_virtual


async def _fails() -> None:
    await asyncio.sleep(1)
    raise LookupError("missing")


async def _ends() -> None:
    await asyncio.sleep(1)


async def _is_cancelled_inside() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def _runs_until_cancelled() -> None:
    await asyncio.Event().wait()


def test_a_task_that_fails_is_named_and_its_error_is_the_cause() -> None:
    async def main() -> None:
        tasks = Tasks()
        tasks.spawn(_fails(), name="token renewal")
        with pytest.raises(BackgroundTaskError, match="'token renewal' died") as caught:
            await tasks.failure
        assert isinstance(caught.value.__cause__, LookupError)

    run_virtual(main())


def test_a_spawned_task_may_end_normally() -> None:
    async def main() -> None:
        tasks = Tasks()
        await tasks.spawn(_ends(), name="one batch")
        await asyncio.sleep(1)
        assert not tasks.failure.done()

    run_virtual(main())


def test_a_service_that_ends_is_a_failure() -> None:
    async def main() -> None:
        tasks = Tasks()
        tasks.spawn_service(_ends(), name="commits")
        with pytest.raises(BackgroundTaskError, match="'commits' ended by itself"):
            await tasks.failure

    run_virtual(main())


@pytest.mark.parametrize("service", [True, False])
def test_a_task_cancelled_from_inside_is_a_failure(service: bool) -> None:  # noqa: FBT001 - a parameter
    async def main() -> None:
        tasks = Tasks()
        (tasks.spawn_service if service else tasks.spawn)(_is_cancelled_inside(), name="stray")
        with pytest.raises(BackgroundTaskError, match="'stray' died"):
            async with asyncio.timeout(5):
                await tasks.failure

    run_virtual(main())


def test_the_first_failure_is_the_one_that_is_reported() -> None:
    async def main() -> None:
        tasks = Tasks()
        tasks.spawn_service(_ends(), name="first")
        await asyncio.sleep(0.5)
        tasks.spawn(_fails(), name="second")
        await asyncio.sleep(5)
        with pytest.raises(BackgroundTaskError, match="first"):
            tasks.failure.result()

    run_virtual(main())


def test_cancelling_all_tasks_is_not_a_failure_and_leaves_none_running() -> None:
    async def main() -> None:
        tasks = Tasks()
        tasks.spawn_service(_runs_until_cancelled(), name="heartbeat")
        task = tasks.spawn(_runs_until_cancelled(), name="one batch")
        await asyncio.sleep(1)
        await tasks.cancel()
        assert task.cancelled()
        assert not tasks.failure.done()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtual(main())

"""Background tasks that are named and watched: one that dies ends the process with its name."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from connector.core.errors import BackgroundTaskError

if TYPE_CHECKING:
    from collections.abc import Coroutine


class Tasks:
    """Made on the event loop. `failure` is set with a BackgroundTaskError by the first task that dies."""

    def __init__(self) -> None:
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._running: set[asyncio.Task[object]] = set()
        self._ending = False

    def spawn(self, work: Coroutine[object, object, None], *, name: str) -> asyncio.Task[object]:
        """Start a task that may end well, such as the life of one batch."""
        task: asyncio.Task[object] = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._on_end)
        return task

    def keep(self, work: Coroutine[object, object, None], *, name: str) -> None:
        """Start a task that must not end: if it does, even well, that is a failure."""
        self.spawn(work, name=name).add_done_callback(self._on_unexpected_end)

    async def cancel(self) -> None:
        """End all of them."""
        self._ending = True
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _on_end(self, task: asyncio.Task[object]) -> None:
        self._running.discard(task)
        if task.cancelled():
            if not self._ending:  # by something inside: nobody else cancels these tasks
                self._fail(task, asyncio.CancelledError())
        elif (error := task.exception()) is not None:
            self._fail(task, error)

    def _on_unexpected_end(self, task: asyncio.Task[object]) -> None:
        if not task.cancelled():
            self._fail(task, task.exception())

    def _fail(self, task: asyncio.Task[object], error: BaseException | None) -> None:
        if not self.failure.done():
            failure = error if isinstance(error, BackgroundTaskError) else BackgroundTaskError(task.get_name(), error)
            failure.__cause__ = error if failure is not error else None
            self.failure.set_exception(failure)
            self.failure.exception()  # retrieved: whether somebody waits for it is not asyncio's business

"""Named, supervised background tasks: if one fails, the process ends and the error names the task."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from connector.core.errors import BackgroundTaskError

if TYPE_CHECKING:
    from collections.abc import Coroutine


class Tasks:
    """The background tasks of one event loop; must be created on it.

    The first task that fails sets a BackgroundTaskError on `failure`, which the owner awaits.
    """

    def __init__(self) -> None:
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._running: set[asyncio.Task[object]] = set()
        self._cancelling = False

    def spawn(self, work: Coroutine[object, object, None], *, name: str) -> asyncio.Task[object]:
        """Start a task that may end normally, such as the delivery of one batch."""
        task: asyncio.Task[object] = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._on_end)
        return task

    def spawn_service(self, work: Coroutine[object, object, None], *, name: str) -> None:
        """Start a task that runs as long as the process: any end of it is a failure."""
        self.spawn(work, name=name).add_done_callback(self._on_unexpected_end)

    async def cancel(self) -> None:
        """Cancel all tasks and wait until they have ended."""
        self._cancelling = True
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _on_end(self, task: asyncio.Task[object]) -> None:
        self._running.discard(task)
        if task.cancelled():
            if not self._cancelling:  # cancelled from inside: an exception that was not handled
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
            self.failure.exception()  # marks it as retrieved: asyncio must not warn if no one awaits it

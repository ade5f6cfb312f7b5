"""The simulated world: one virtual clock, and everything that runs on it, one step at a time.

Theory of operation
1. A *world* has a clock and a heap of events. Nothing takes time but waiting: when nothing can run, the clock jumps to
   the next event.
2. Each member of the group is a *process* of the world: an event loop of its own, and threads. So a process can be
   killed (none of its code ever runs again) or frozen (none runs until it wakes; then all that became due meanwhile
   does), as the operating system would do it.
3. A thread of a process is a real thread, but it runs only while the world waits for it: it has the baton until it
   blocks in one of the calls of `threads.py`. So at any moment one piece of code runs, and which one is next is drawn
   from the seed: the same seed gives the same run.
4. A *step* is one iteration of an event loop, or one leg of a thread from wake-up to block. After each one `after_step`
   is called: that is where the invariants are checked.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from asyncio import events
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context
    from random import Random

    from tests.simulation.threads import VirtualThread

START_S = 1_000.0
"""Where the clock starts: not at zero, so that a time used as a truth value is noticed."""


class InvariantError(AssertionError):
    """The connector broke one of its rules."""


class SimulationEndedError(BaseException):
    """Raised in a thread of a process that was killed, wherever it blocks. Not an Exception: nothing handles it."""


class Runnable(Protocol):
    """What a world runs: an event loop or a thread."""

    process: Process

    def run_step(self) -> bool:
        """Run until the next pause; return whether there is more to do at once."""


class World:
    """The clock, the events and the processes of one simulation."""

    current: World
    """The world whose step runs now: what code reaches that asks for the time or starts a thread."""

    def __init__(self, random: Random) -> None:
        self.now = START_S
        self.random = random
        self.running: Process | None = None
        """The process whose code runs now."""
        self.steps = 0
        self.after_step: Callable[[Process], None] = lambda _: None
        self.trace: Callable[[str], None] | None = None
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._sequence = 0
        self._runnable: list[Runnable] = []

    def at(self, when: float, call: Callable[..., None], *arguments: Any) -> None:
        """Call at a moment; moments in the past are now."""
        self._sequence += 1
        heapq.heappush(self._events, (max(when, self.now), self._sequence, call, arguments))

    def after(self, delay: float, call: Callable[..., None], *arguments: Any) -> None:
        """Call after `delay` seconds."""
        self.at(self.now + delay, call, *arguments)

    def note(self, text: str) -> None:
        """Add a line to the trace, if one is written."""
        if self.trace is not None:
            name = self.running.name if self.running is not None else "world"
            self.trace(f"{self.now - START_S:10.3f} {name:8} {text}")

    def make_runnable(self, runnable: Runnable) -> None:
        """Add what has something to do; each thing is added once."""
        self._runnable.append(runnable)

    def run_until(self, reached: Callable[[], bool], limit_s: float) -> bool:
        """Make steps until `reached()` is true after one; False if `limit_s` seconds pass before."""
        end = self.now + limit_s
        while not reached():
            if not self._step(end):
                return False
        return True

    def _step(self, end: float) -> bool:
        World.current = self
        if self._runnable and (awake := [one for one in self._runnable if not one.process.frozen]):
            self.steps += 1
            chosen = awake[0] if len(awake) == 1 else awake[int(self.random.random() * len(awake))]
            self._runnable.remove(chosen)
            process = self.running = chosen.process
            if process.alive and chosen.run_step():
                self._runnable.append(chosen)
            self.running = None
            self.after_step(process)
            return True
        if not self._events or self._events[0][0] > end:
            self.now = end
            return False
        self.now, _, call, arguments = heapq.heappop(self._events)
        call(*arguments)
        return True


class ProcessLoop(asyncio.AbstractEventLoop):
    """An event loop on a world's clock: callbacks, timers, tasks and futures, and nothing else."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self._world = process.world
        self._ready: deque[events.Handle] = deque()

    def run_step(self) -> bool:
        """Run the callbacks that are ready now: one iteration of a loop."""
        events._set_running_loop(self)
        try:
            for _ in range(len(self._ready)):
                if not self._ready:
                    break  # the process was killed meanwhile
                handle = self._ready.popleft()
                if not handle.cancelled():
                    handle._run()
        finally:
            events._set_running_loop(None)
        return bool(self._ready)

    def kill(self) -> None:
        """Run nothing any more."""
        self._ready.clear()

    # -- asyncio.AbstractEventLoop ------------------------------------------------------------------------------

    def time(self) -> float:
        return self._world.now

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> events.Handle:  # type: ignore[override]
        handle = events.Handle(callback, args, self, context)
        self._add(handle)
        return handle

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: Context | None = None) -> events.Handle:  # type: ignore[override]
        if self.is_closed():
            raise RuntimeError("Event loop is closed")
        return self.call_soon(callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Any,
        *args: Any,
        context: Context | None = None,
    ) -> events.TimerHandle:
        timer = events.TimerHandle(when, callback, args, self, context)
        self._world.at(when, self._add, timer)
        return timer

    def call_later(  # type: ignore[override]
        self,
        delay: float,
        callback: Any,
        *args: Any,
        context: Context | None = None,
    ) -> events.TimerHandle:
        return self.call_at(self._world.now + delay, callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Context | None = None) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name, context=context)
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        self.process.tasks.add(task)
        task.add_done_callback(self.process.tasks.discard)
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return self.process.alive

    def is_closed(self) -> bool:
        return not self.process.alive

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.process.failures.append(context.get("exception") or InvariantError(context["message"]))

    def _timer_handle_cancelled(self, handle: events.TimerHandle) -> None:
        """Do nothing: a cancelled timer is skipped when it is due."""

    def _add(self, handle: events.Handle) -> None:
        if handle.cancelled() or not self.process.alive:
            return
        if not self._ready:
            self._world.make_runnable(self)
        self._ready.append(handle)


class Process:
    """One operating system process: an event loop and threads that live, freeze and die together."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.alive = True
        self.frozen = False
        self.tasks: set[asyncio.Task[Any]] = set()
        self.threads: list[VirtualThread] = []
        self.closing_since: dict[object, float] = {}
        """The partitions that are being given up in a planned rebalance, and since when."""
        self.failures: list[BaseException] = []
        """Exceptions that nothing handled."""
        self.loop = ProcessLoop(self)  # type: ignore[abstract]

    def violate(self, text: str) -> None:
        """Note that a rule was broken, and raise; the connector may handle the exception, but not undo the note."""
        error = InvariantError(f"{self.name}: {text}")
        self.failures.append(error)
        raise error

    def kill(self) -> None:
        """End at once, wherever the code is (SIGKILL)."""
        self.alive = False
        self.loop.kill()
        for thread in self.threads:
            thread.kill()

    def dispose(self) -> None:
        """Close what the tasks have left open, once the simulation has ended: not at some moment of a later one."""
        events._set_running_loop(self.loop)
        for task in list(self.tasks):
            with contextlib.suppress(BaseException):
                task.get_coro().close()
        events._set_running_loop(None)

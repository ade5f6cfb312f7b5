"""Threads, locks and sleep on a world's clock: what the connector's modules get in place of `threading` and `time`.

A thread runs only while it has the baton, which it hands back whenever it blocks.
"""

from __future__ import annotations

import _thread
import asyncio
import contextlib
import sys
import threading
from concurrent import futures
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from tests.simulation.world import ProcessLoop, SimulationEndedError, World

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.simulation.world import Process

EPOCH_S = 1_700_000_000.0


class VirtualThread:
    """In place of `threading.Thread`."""

    here = threading.local()
    """`here.thread` is the virtual thread that runs."""

    def __init__(
        self,
        target: Callable[[], None],
        *,
        name: str = "",
        daemon: bool = True,  # noqa: ARG002 - as threading.Thread
    ) -> None:
        world = World.current
        assert world.running is not None
        self.process: Process = world.running
        self.ended = False
        self.on_poll = False
        """Whether it waits in a poll, which whatever is posted to it may end."""
        self._world = world
        self._target = target
        self._name = name
        self._sleep = 0
        """Counts the times that it blocked, so that a timer of an earlier one is told apart."""
        self._asleep = False
        self._timed_out = False
        self._go, self._back = _thread.allocate_lock(), _thread.allocate_lock()
        self._go.acquire()
        self._back.acquire()
        self._joining: list[VirtualThread] = []

    def start(self) -> None:
        self.process.threads.append(self)
        _thread.start_new_thread(self._run, ())
        self._world.make_runnable(self)

    def is_alive(self) -> bool:
        return not self.ended

    def join(self, timeout: float | None = None) -> None:
        if not self.ended:
            here = current_thread()
            self._joining.append(here)
            here.block(timeout)

    def run_step(self) -> bool:
        """Give the baton to the thread until it blocks or ends."""
        if not self.ended:
            self._go.release()
            self._back.acquire()
        return False

    def kill(self) -> None:
        """End it where it blocks."""
        if not self.ended:
            self.run_step()
        assert self.ended

    def block(self, timeout_s: float | None) -> bool:
        """Hand back the baton until `wake`; False if `timeout_s` seconds pass before."""
        if not self.process.alive:
            raise SimulationEndedError
        self._sleep += 1
        self._asleep, self._timed_out = True, False
        if timeout_s is not None:
            self._world.after(timeout_s, self._on_timeout, self._sleep)
        self._back.release()
        self._go.acquire()
        if not self.process.alive:
            raise SimulationEndedError
        return not self._timed_out

    def wake(self) -> None:
        """Let it go on, if it blocks."""
        if self._asleep:
            self._asleep = False
            self._world.make_runnable(self)

    def _on_timeout(self, sleep: int) -> None:
        if self._asleep and sleep == self._sleep:
            self._timed_out = True
            self.wake()

    def _run(self) -> None:
        VirtualThread.here.thread = self
        self._go.acquire()
        try:
            if self.process.alive:
                self._target()
        except SimulationEndedError:
            pass
        except BaseException as error:  # noqa: BLE001 - an exception that ends a thread is a finding
            self.process.failures.append(error)
        finally:
            self.ended = True
            for thread in self._joining:
                thread.wake()
            self._back.release()


def current_thread() -> VirtualThread:
    """Return the virtual thread that runs. Code of an event loop has none: it must not block."""
    thread: VirtualThread | None = getattr(VirtualThread.here, "thread", None)
    assert thread is not None, "the event loop was blocked"
    return thread


def sleep(seconds: float) -> None:
    """In place of `time.sleep`."""
    current_thread().block(max(0.0, seconds))


class VirtualEvent:
    """In place of `threading.Event`. Setting it also ends the polls of the process: they are short."""

    def __init__(self) -> None:
        self._set = False
        self._waiting: list[VirtualThread] = []

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True
        wake_all(self._waiting)
        if (process := World.current.running) is not None:
            for thread in process.threads:
                if thread.on_poll:
                    World.current.after(World.current.random.uniform(0.0, 0.05), thread.wake)

    def clear(self) -> None:
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        if not self._set:
            thread = current_thread()
            self._waiting.append(thread)
            thread.block(timeout)
            with contextlib.suppress(ValueError):
                self._waiting.remove(thread)
        return self._set


class VirtualSemaphore:
    """In place of `threading.Semaphore` and `threading.BoundedSemaphore`."""

    def __init__(self, value: int = 1) -> None:
        self._value = self._bound = value
        self._waiting: list[VirtualThread] = []

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:  # noqa: FBT001, FBT002 - as there
        deadline = None if timeout is None else World.current.now + timeout
        while not self._value:
            if not blocking or (deadline is not None and World.current.now >= deadline):
                return False
            thread = current_thread()
            self._waiting.append(thread)
            thread.block(None if deadline is None else deadline - World.current.now)
            with contextlib.suppress(ValueError):
                self._waiting.remove(thread)
        self._value -= 1
        return True

    def release(self) -> None:
        assert self._value < self._bound, "released too many times"
        self._value += 1
        wake_all(self._waiting)


class VirtualLock:
    """In place of `threading.Lock`: code that holds it never blocks here, so that it is never contended."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


class VirtualFuture:
    """In place of what `asyncio.run_coroutine_threadsafe` returns."""

    def __init__(self, work: Coroutine[Any, Any, object], loop: ProcessLoop) -> None:
        self._work = work
        self._loop = loop
        self._task: asyncio.Task[object] | None = None
        self._waiting: list[VirtualThread] = []
        loop.call_soon_threadsafe(self._start)

    def result(self, timeout: float | None = None) -> object:
        deadline = None if timeout is None else World.current.now + timeout
        while self._task is None or not self._task.done():
            if deadline is not None and World.current.now >= deadline:
                raise futures.TimeoutError
            thread = current_thread()
            self._waiting.append(thread)
            thread.block(None if deadline is None else deadline - World.current.now)
        return self._task.result()

    def cancel(self) -> bool:
        self._loop.call_soon_threadsafe(lambda: None if self._task is None else self._task.cancel())
        return True

    def done(self) -> bool:
        return self._task is not None and self._task.done()

    def _start(self) -> None:
        self._task = self._loop.create_task(self._work)
        self._task.add_done_callback(lambda _: wake_all(self._waiting))


def wake_all(threads: list[VirtualThread]) -> None:
    """Wake and forget all."""
    for thread in threads:
        thread.wake()
    threads.clear()


VIRTUAL_THREADING = SimpleNamespace(
    Thread=VirtualThread,
    Event=VirtualEvent,
    Semaphore=VirtualSemaphore,
    BoundedSemaphore=VirtualSemaphore,
    Lock=VirtualLock,
)
VIRTUAL_TIME = SimpleNamespace(
    monotonic=lambda: World.current.now,
    perf_counter=lambda: World.current.now,
    time=lambda: EPOCH_S + World.current.now,
    sleep=sleep,
)


def virtual_threads_and_time() -> list[tuple[Any, str, object]]:
    """Return what takes the place of threads and time in the connector's modules: module, name, replacement."""
    replaced: list[tuple[Any, str, object]] = [(asyncio, "run_coroutine_threadsafe", VirtualFuture)]
    for name, module in list(sys.modules.items()):
        if name.startswith(("connector.flow.", "connector.kafka.", "connector.tuzhan.", "connector.observe.")):
            replaced += [
                (module, word, virtual)
                for word, virtual in (("time", VIRTUAL_TIME), ("threading", VIRTUAL_THREADING))
                if hasattr(module, word)
            ]
    return replaced

"""Asks the worker: one question at a time, each for three seconds at most.

A regular expression of the page's config may run for years and can't be interrupted inside a process, nor does it let
the process's other threads run. So it is a process of its own, which is killed then, and started again for the next
question.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import TYPE_CHECKING, Final, Self

from connector.workbench.playground.worker import LENGTH

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from types import TracebackType

_START_S: Final = 60.0
"""A busy machine may take that long to load Python's modules."""
_MOST_WAITING: Final = 8
_COMMAND: Final = ("-P", "-m", "connector.workbench.playground.worker")
_KEPT: Final = ("PYTHON", "LD_LIBRARY_PATH")
"""How the variables begin that the worker gets: what it takes to run this Python, and no secret."""


class NoAnswerError(Exception):
    """There is no answer; `code` says why: `busy`, `too_slow` or `crashed`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Evaluator:
    """One worker, started when it is first needed and ended with the block."""

    def __init__(self, timeout_s: float = 3.0) -> None:
        self._timeout_s = timeout_s
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the worker."""
        await self._end()

    async def ask(self, question: bytes) -> bytes:
        """Return the worker's answer, both JSON: see `worker`.

        Raises:
            NoAnswerError: there is none; the next question may have one.

        """
        if self._waiting >= _MOST_WAITING:
            raise NoAnswerError("busy")
        self._waiting += 1
        try:
            async with self._turn:
                return await self._answer(question)
        finally:
            self._waiting -= 1

    async def _answer(self, question: bytes) -> bytes:
        try:
            process = await self._running()
            async with asyncio.timeout(self._timeout_s):
                return await _exchanged(process, question)
        except TimeoutError:
            await self._end()
            raise NoAnswerError("too_slow") from None
        except (OSError, asyncio.IncompleteReadError):
            await self._end()
            raise NoAnswerError("crashed") from None
        except asyncio.CancelledError:
            await self._end()  # its answer would be taken for the next one's
            raise

    async def _running(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            environ = {name: value for name, value in os.environ.items() if name.startswith(_KEPT)}
            pipe = asyncio.subprocess.PIPE
            command = (sys.executable, *_COMMAND)
            self._process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, env=environ)
            async with asyncio.timeout(_START_S):
                await _read(self._process)
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _exchanged(process: Process, question: bytes) -> bytes:
    assert process.stdin is not None  # noqa: S101 - a pipe
    process.stdin.write(LENGTH.pack(len(question)) + question)
    await process.stdin.drain()
    return await _read(process)


async def _read(process: Process) -> bytes:
    assert process.stdout is not None  # noqa: S101 - a pipe
    head = await process.stdout.readexactly(LENGTH.size)
    return await process.stdout.readexactly(*LENGTH.unpack(head))

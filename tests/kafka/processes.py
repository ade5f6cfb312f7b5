"""Child processes that never outlive the tests, not even if pytest is killed."""

from __future__ import annotations

import contextlib
import functools
import shutil
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# The kernel kills a leashed process when the *thread* that started it ends: so one that lives as long as the tests.
_starter = ThreadPoolExecutor(1, thread_name_prefix="starter")


def start(
    command: Sequence[str], output: BinaryIO, errors: BinaryIO, folder: Path | None = None
) -> subprocess.Popen[bytes]:
    """Start a process that does not outlive this one; callable on any thread."""
    leashed = [*leash(), *command]
    return _starter.submit(subprocess.Popen, leashed, stdout=output, stderr=errors, cwd=folder).result()


@functools.cache
def leash() -> tuple[str, ...]:
    """Return what to put before a command so that the kernel kills it when its parent dies; () if unavailable."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return ()
    known = subprocess.run([setpriv, "--help"], capture_output=True, text=True, check=False).stdout
    return (setpriv, "--pdeathsig", "KILL", "--") if "--pdeathsig" in known else ()


def free_ports(count: int) -> list[int]:
    """Return different ports of the loopback that are free right now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def end(process: subprocess.Popen[bytes], timeout_s: float = 30.0) -> int:
    """Terminate the process, kill it if it does not end in time, and return its exit code."""
    if process.poll() is None:
        process.terminate()
        try:
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()

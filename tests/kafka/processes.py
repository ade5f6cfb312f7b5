"""Child processes that never outlive the tests, not even if pytest is killed."""

from __future__ import annotations

import contextlib
import functools
import shutil
import socket
import subprocess


@functools.cache
def leash() -> tuple[str, ...]:
    """What to put before a command so that the kernel kills it when its parent dies; () if there is no such."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return ()
    known = subprocess.run([setpriv, "--help"], capture_output=True, text=True, check=False).stdout
    return (setpriv, "--pdeathsig", "KILL", "--") if "--pdeathsig" in known else ()


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on right now, each another."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def end(process: subprocess.Popen[bytes], patience_s: float = 30.0) -> int:
    """Ask the process to end, make it end if it does not, and return its exit code."""
    if process.poll() is None:
        process.terminate()
        try:
            return process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()

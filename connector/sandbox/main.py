"""Starting the sandbox: as a command, or for the length of a `with` block in a test or the demo."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from typing import TYPE_CHECKING

from connector.core.errors import StartError
from connector.runtime import web
from connector.sandbox.control import build
from connector.sandbox.platform import Sandbox
from connector.sandbox.wire import WireProtocol

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator


@contextlib.asynccontextmanager
async def running(sandbox: Sandbox, listen: str = "127.0.0.1:0") -> AsyncIterator[str]:
    """Serve `sandbox` while the block runs; gives its base URL, to which `/api/open` is to be added.

    Raises StartError if the port is taken.
    """
    async with _serving(sandbox, web.bind(listen)) as base_url:
        yield base_url


def serve(listen: str, app_id: str, app_secret: str) -> int:
    """Run the sandbox until SIGTERM or SIGINT; gives the process's exit code.

    The first line on stderr is `sandbox listening on <base URL>`.
    """
    try:
        sock = web.bind(listen)
    except StartError as error:
        _tell(str(error))
        return 1
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_until_signalled(Sandbox(app_id, app_secret), sock))
    return 0


async def _until_signalled(sandbox: Sandbox, sock: socket.socket) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    async with _serving(sandbox, sock) as base_url:
        _tell(f"sandbox listening on {base_url}")
        _tell(f"platform.base_url: {base_url}/api/open, app_id: {sandbox.app_id}")
        await stop.wait()


@contextlib.asynccontextmanager
async def _serving(sandbox: Sandbox, sock: socket.socket) -> AsyncIterator[str]:
    async with web.serving(build(sandbox), sock, WireProtocol) as base_url:
        try:
            yield base_url
        finally:
            sandbox.closing.set()


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()

"""Hours of failures, in short: no exchange outlives its timeout, and no connection and no task is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from connector.core.errors import TransportError
from connector.tuzhan.client import PlatformClient
from tests.support.wire import http_reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

OPEN_FILES = Path("/proc/self/fd")
CONNECTIONS = Path("/proc/self/net/tcp")
TIMEOUT_S = 0.1
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"
LARGE = b" " * (8 << 20)
"""More than the kernel buffers: a server that does not read it stalls the request."""


async def reply(connection: socket.socket, content: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(connection, content)


async def close(connection: socket.socket) -> None:
    connection.close()


async def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


async def hang(_: socket.socket) -> None:
    pass


FAILURES = [
    hang,
    reset,
    close,
    lambda connection: reply(connection, HALF),
    lambda connection: reply(connection, b"HTTP/1.1 200 \xc9\xcf\r\nContent-Length: 0\r\n\r\n"),
    lambda connection: reply(connection, b"SSH-2.0\r\n\r\n"),
    lambda connection: reply(connection, http_reply(b"{}", "503 Service Unavailable")),
    lambda connection: reply(connection, http_reply(b" " * (2 << 20))),
]


@contextlib.asynccontextmanager
async def server() -> AsyncIterator[tuple[str, list[socket.socket]]]:
    """Serve each connection with the next failure: read a request's head, fail, and read no more."""
    loop = asyncio.get_running_loop()
    listening = socket.create_server(("127.0.0.1", 0), backlog=100)
    listening.settimeout(0)
    failures: Iterator[Callable[[socket.socket], object]] = itertools.cycle(FAILURES)
    connections: list[socket.socket] = []

    async def serve(connection: socket.socket) -> None:
        with contextlib.suppress(ConnectionError):
            head = b""
            while b"\r\n\r\n" not in head and (part := await loop.sock_recv(connection, 65_536)):
                head += part
            await next(failures)(connection)  # type: ignore[misc]

    async def accept() -> None:
        async with asyncio.TaskGroup() as tasks:
            while True:
                connection, _ = await loop.sock_accept(listening)
                connections.append(connection)
                tasks.create_task(serve(connection))

    accepting = asyncio.create_task(accept())
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/api/open", connections
    finally:
        accepting.cancel()
        await asyncio.wait([accepting])
        for one in (listening, *connections):
            one.close()


def sockets_to(port: int) -> set[str]:
    """Return the sockets of this process that lead to a port, by the name that the kernel gives them.

    Others may come and go meanwhile: of threads that earlier tests have left to their time limits.
    """
    lines = [line.split() for line in CONNECTIONS.read_text().splitlines()[1:]]
    leading = {f"socket:[{line[9]}]" for line in lines if int(line[2].rpartition(":")[2], 16) == port}
    found = set()
    for entry in OPEN_FILES.iterdir():
        with contextlib.suppress(OSError):
            found.add(str(entry.readlink()))
    return found & leading


async def fail(client: PlatformClient, number: int) -> None:
    """Make one exchange; every seventh is cancelled, as at a stop."""
    exchange = (
        client.get_token("app", "secret") if number % 5 == 4 else client.post("x", LARGE[: 1 << number % 24], "t")
    )
    task = asyncio.create_task(exchange)
    if number % 7 == 6:
        await asyncio.sleep(TIMEOUT_S / 3)
        task.cancel()
    done, _ = await asyncio.wait([task], timeout=20)
    assert done, "it outlived its timeout"
    if not task.cancelled() and task.exception() is not None:
        assert isinstance(task.exception(), TransportError)


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="counts sockets as Linux shows them")
def test_failures_of_every_kind_leave_no_connection_and_no_task() -> None:
    async def main() -> None:
        async with server() as (url, served):
            tasks, port = asyncio.all_tasks(), int(url.rpartition(":")[2].partition("/")[0])
            client = PlatformClient.build(url, TIMEOUT_S, 8)
            for first in range(0, 240, 8):
                await asyncio.gather(*(fail(client, number) for number in range(first, first + 8)))
            assert sockets_to(port), "connections are kept while there is use for them"
            await client.aclose()
            for _ in range(200):
                if not sockets_to(port) and asyncio.all_tasks() == tasks:
                    break
                await asyncio.sleep(0.05)
            assert not sockets_to(port)
            assert asyncio.all_tasks() == tasks
            assert len(served) > 100, "failures, not connections that were refused"

    asyncio.run(main())

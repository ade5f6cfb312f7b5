"""A raw HTTP server for tests: it answers each request with given bytes, a connection reset, or nothing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


@dataclass(slots=True)
class ReceivedRequests:
    """What the server received: request heads and bodies, and the number of connections."""

    port: int = 0
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        """The base URL for a client."""
        return f"http://127.0.0.1:{self.port}/api/open"


def http_reply(body: bytes = b"", status: str = "200 OK", *headers: str) -> bytes:
    """Return the bytes of a reply with these header lines."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def reply_with(content: bytes, *, close: bool = False) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    """Return an answer that writes these bytes and then keeps or closes the connection."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        await writer.drain()
        if close:
            writer.close()

    return answer


async def reset(writer: asyncio.StreamWriter) -> None:
    """Answer with a TCP reset."""
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    await asyncio.sleep(0)


async def hang(writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    await writer.wait_closed()


@contextlib.asynccontextmanager
async def serve(
    *answers: Callable[[asyncio.StreamWriter], Awaitable[None]], read_body: bool = True, speaks_first: bool = False
) -> AsyncIterator[ReceivedRequests]:
    """Serve on a free loopback port. The n-th request gets the n-th answer, and all further ones the last.

    With `read_body=False` requests are answered before their body is read; with `speaks_first` the first answer is
    written as soon as a connection is open.
    """
    received = ReceivedRequests()
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.connections += 1
        if speaks_first:
            await answers[0](writer)
        with contextlib.suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                lengths = [line for line in head.lower().split("\r\n") if line.startswith("content-length:")]
                if lengths and read_body:
                    received.bodies.append(await reader.readexactly(int(lengths[0].partition(":")[2])))
                received.heads.append(head)
                await answers[min(len(received.heads), len(answers)) - 1](writer)
        writer.close()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        task = asyncio.create_task(connection(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    received.port = server.sockets[0].getsockname()[1]
    try:
        yield received
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)

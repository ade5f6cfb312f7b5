"""A server with limits, on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from connector.runtime.connection_guard import ConnectionLimits, GuardedProtocol, guarded_protocol, to_close
from connector.runtime.web import bind, running_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.types import Receive, Scope, Send

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs several addresses of the loopback")

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
OTHER_CLIENT = "127.0.0.2"
"""Linux lets every address of 127/8 be used."""
FREE = ConnectionLimits(rate=1e6, burst=1e6, request_within_s=60.0, read_within_s=60.0)


@dataclass
class Client:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def status(self) -> int:
        """Return the status of the next response, whose body must be read by its length. 0: the connection ended."""
        with contextlib.suppress(ConnectionError):
            line = await self.reader.readline()
            length = 0
            while (header := await self.reader.readline()).strip():
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            await self.reader.readexactly(length)
            return int(line.split()[1]) if line else 0
        return 0

    async def is_closed(self) -> bool:
        with contextlib.suppress(ConnectionError):
            return await self.reader.read(1) == b""
        return True


class Server:
    """Answers `/` at once, `/stream` without end."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self.requests = 0
        self._clients: list[Client] = []

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests += 1
        response: Response = PlainTextResponse("answer")
        if scope["path"] == "/stream":
            response = StreamingResponse(_endless())
        await response(scope, receive, send)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        sock = bind("127.0.0.1:0")
        self.port = sock.getsockname()[1]
        async with running_server(self.app, sock, guarded_protocol(self._limits)):
            try:
                yield self
            finally:
                for client in self._clients:
                    client.writer.close()

    async def client(self, address: str = "127.0.0.1", receive_buffer: int = 0) -> Client:
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.bind((address, 0))
        sock.setblocking(False)  # noqa: FBT003 - its only parameter
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        client = Client(*await asyncio.open_connection(sock=sock))
        self._clients.append(client)
        return client


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield b"x" * 65536
        await asyncio.sleep(0)


async def _keep_sending(client: Client) -> None:
    for _ in range(200):
        await client.send(b"x")
        await asyncio.sleep(0.01)


def served(limits: ConnectionLimits, scene: Callable[[Server], Awaitable[None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(20), Server(limits).running() as server:
            await scene(server)

    asyncio.run(run())


def test_a_connection_whose_request_does_not_arrive_is_closed_however_it_drips() -> None:
    async def scene(server: Server) -> None:
        silent, dripping, body, done = [await server.client() for _ in range(4)]
        await done.send(GET)
        assert await done.status() == 200
        await body.send(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n")
        assert await body.status() == 200

        async def drip(client: Client, data: bytes) -> None:
            with contextlib.suppress(ConnectionError):
                for byte in data * 1000:
                    await client.send(bytes([byte]))
                    await asyncio.sleep(0.01)

        drips = [asyncio.create_task(drip(dripping, b"GET / HTTP/1.1\r\nX: ")), asyncio.create_task(drip(body, b"x"))]
        for client in (silent, dripping, body, done):
            assert await client.is_closed()
        for task in drips:
            task.cancel()
        assert server.requests == 2

    served(replace(FREE, request_within_s=0.2), scene)


def test_a_client_that_does_not_read_is_closed() -> None:
    async def scene(server: Server) -> None:
        frozen = await server.client(receive_buffer=4096)
        await frozen.send(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        frozen.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(0.5)
        with pytest.raises(ConnectionError):
            await _keep_sending(frozen)

    served(replace(FREE, read_within_s=0.1), scene)


def test_one_who_holds_all_connections_does_not_keep_others_out() -> None:
    async def scene(server: Server) -> None:
        early = await server.client(OTHER_CLIENT)
        for _ in range(50):
            await server.client()
        late = await server.client(OTHER_CLIENT)
        for client in (early, late):
            await client.send(GET)
            assert await client.status() == 200

    served(replace(FREE, max_connections=8), scene)


def test_a_response_on_its_way_is_not_cut_off_for_a_new_connection() -> None:
    async def scene(server: Server) -> None:
        streams = [await server.client() for _ in range(4)]

        async def read(client: Client) -> None:
            while await client.reader.read(1 << 16):
                pass

        for client in streams:
            await client.send(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        reading = [asyncio.create_task(read(client)) for client in streams]
        await asyncio.sleep(0.1)
        assert await (await server.client()).is_closed()
        assert not any(task.done() for task in reading)
        for task in reading:
            task.cancel()

    served(replace(FREE, max_connections=4), scene)


def test_a_flood_of_one_client_is_slowed_down_and_others_are_not() -> None:
    async def scene(server: Server) -> None:
        flooding, other = await server.client(), await server.client(OTHER_CLIENT)
        await flooding.send(GET * 300)
        for _ in range(10):
            await other.send(GET)
            assert await other.status() == 200
        await asyncio.sleep(0.3)
        assert 10 < server.requests < 200

    served(replace(FREE, rate=100.0, burst=20.0), scene)


def test_what_would_have_to_wait_for_too_long_is_closed() -> None:
    async def scene(server: Server) -> None:
        clients = [await server.client() for _ in range(6)]
        for client in clients:
            await client.send(GET)
        answered = [await client.status() for client in clients]
        assert answered[0] == 200
        assert 0 in answered

    served(replace(FREE, rate=5.0, burst=1.0, longest_delay_s=0.3), scene)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 40_000 + b"\r\n\r\n",
        b"GET /" + b"y" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        GET + b"\x00\x01 garbage\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\r\n" * 40_000,
    ],
    ids=lambda garbage: garbage[:24].decode(errors="replace").strip(),
)
def test_garbage_ends_its_own_connection_only(garbage: bytes) -> None:
    async def scene(server: Server) -> None:
        client, other = await server.client(), await server.client()
        with contextlib.suppress(ConnectionError):
            await client.send(garbage)
            client.writer.write_eof()
            await client.reader.read()
        await other.send(GET)
        assert await other.status() == 200

    served(replace(FREE, request_within_s=0.5), scene)


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 200,
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20_000 + b"\r\n",
    ],
    ids=["many headers", "a long one"],
)
@pytest.mark.parametrize("pieces", [1, 3])
def test_a_head_that_takes_long_to_parse_is_refused_however_it_arrives(head: bytes, pieces: int) -> None:
    async def scene(server: Server) -> None:
        client = await server.client()
        sent = GET + head + b"\r\n"
        for first in range(0, len(sent), -(-len(sent) // pieces)):
            await client.send(sent[first : first - (-len(sent) // pieces)])
            await asyncio.sleep(0.02)
        assert [await client.status(), await client.status()] == [200, 400]
        assert server.requests == 1

    served(FREE, scene)


def test_a_head_of_a_browser_behind_proxies_is_taken() -> None:
    async def scene(server: Server) -> None:
        client = await server.client()
        await client.send(GET[:-2] + (b"X-Some-Header: " + b"y" * 150 + b"\r\n") * 90 + b"\r\n" + GET)
        assert [await client.status(), await client.status()] == [200, 200]

    served(FREE, scene)


def test_nothing_is_kept_of_clients_that_are_gone() -> None:
    protocol = guarded_protocol(FREE)

    async def scene() -> None:
        server = Server(FREE)
        sock = bind("127.0.0.1:0")
        server.port = sock.getsockname()[1]
        async with running_server(server.app, sock, protocol):
            for number in range(2, 12):
                client = await server.client(f"127.0.0.{number}")
                await client.send(GET)
                assert await client.status() == 200
                client.writer.close()
                await client.writer.wait_closed()
            await asyncio.sleep(0.05)
            assert protocol.budgets == {}

    asyncio.run(scene())


class Connection(GuardedProtocol):
    """What `to_close` looks at."""

    def __init__(self, peer: str, waiting: float | None = None, stalled: float | None = None) -> None:
        self.peer, self.waiting_since, self.stalled_since = peer, waiting, stalled


def test_the_client_with_the_most_loses_the_connection_that_has_waited_longest() -> None:
    busy = Connection("a")
    stalled = Connection("a", stalled=1.0)
    early, late, other = Connection("a", 5.0), Connection("a", 6.0), Connection("b", 2.0)
    assert to_close([busy, stalled, late, early, other]) is early
    assert to_close([busy, stalled, other, Connection("b", 3.0)]) is other
    assert to_close([busy, stalled]) is stalled
    assert to_close([busy]) is None

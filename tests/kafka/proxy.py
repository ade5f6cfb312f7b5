"""A proxy in front of a broker that cuts its clients off from their group coordinator, and from nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Final, Self

_GROUP_REQUESTS: Final = {8, 9, 11, 12, 13, 14, 68}
"""API keys: OffsetCommit, OffsetFetch, JoinGroup, Heartbeat, LeaveGroup, SyncGroup, ConsumerGroupHeartbeat."""


class GroupProxy:
    """Forwards connections from `address` to a broker, which must advertise that address to these clients.

    librdkafka has a connection for the requests of the group alone: `silence` makes it, and each that takes its place,
    hang without being closed, until `restore`.
    """

    def __init__(self, port: int, broker_address: str) -> None:
        self.address = f"127.0.0.1:{port}"
        self._port = port
        self._broker = broker_address.split(":")
        self._silent = False
        self._connections: set[_Connection] = set()
        self._loop: asyncio.AbstractEventLoop
        self._listens, self._ends = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._main(),), name="group proxy", daemon=True)

    def silence(self) -> None:
        """Answer no request of a group any more."""
        self._loop.call_soon_threadsafe(self._silence)

    def restore(self) -> None:
        """Close the connections that hang, and forward everything again."""
        self._loop.call_soon_threadsafe(self._restore)

    def __enter__(self) -> Self:
        self._thread.start()
        self._listens.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ends.set)
        self._thread.join()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._listens.set()
        await self._ends.wait()
        server.close()
        for connection in self._connections:
            connection.close()

    def _silence(self) -> None:
        self._silent = True
        for connection in self._connections:
            connection.hangs = connection.of_group

    def _restore(self) -> None:
        self._silent = False
        for connection in self._connections:
            if connection.hangs:
                connection.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        broker_reader, broker_writer = await asyncio.open_connection(*self._broker)
        connection = _Connection(writer, broker_writer)
        self._connections.add(connection)
        requests = asyncio.ensure_future(self._forward_requests(connection, reader, broker_writer))
        try:
            while data := await broker_reader.read(1 << 16):
                if not connection.hangs:
                    writer.write(data)
                    await writer.drain()
        except OSError:
            pass
        finally:
            requests.cancel()
            connection.close()
            self._connections.discard(connection)

    async def _forward_requests(
        self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                size = await reader.readexactly(4)
                request = await reader.readexactly(int.from_bytes(size))
                if int.from_bytes(request[:2]) in _GROUP_REQUESTS:
                    connection.of_group = True
                    connection.hangs = connection.hangs or self._silent
                if not connection.hangs:
                    writer.write(size + request)
                    await writer.drain()
        connection.close()


class _Connection:
    """A client's connection and the one to the broker that belongs to it."""

    def __init__(self, *writers: asyncio.StreamWriter) -> None:
        self.of_group = False
        """Whether it has carried a request of the group."""
        self.hangs = False
        self._writers = writers

    def close(self) -> None:
        """Close both."""
        for writer in self._writers:
            writer.close()

"""A platform that only counts items: `python -m tests.kafka.counting_platform PORT [blindly]`.

It uses little CPU time, so that a benchmark measures the sender. Orders are distinguished by `eventargs.seq`; not with
`blindly`: then they are counted without being decoded, for benchmarks in which senders need all processors.
`GET /_counting/stats` returns the counts; `PUT /_counting/behaviour` takes `{"status": 200, "delay_s": 0}`, for all
endpoints or, with `"endpoint": "/event/batchAdd"`, for those whose path ends so. With `"workers": 8` no more requests
are served at a time, the others wait; with `"doubles_at": 12` the delay grows with the square of the requests
in flight, and has doubled at 12.
"""

from __future__ import annotations

import asyncio
import re
import sys
from dataclasses import dataclass, field

import orjson

_HEAD = re.compile(rb"(\w+) (\S+) HTTP/1\.1\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_SUCCESS = b'{"code":"200","errorCode":"SUCCESS","msg":"ok"}'
_TOKEN = b'{"code":"200","data":{"expire":7200,"orgAccessToken":"t","orgRefreshToken":"r"},"errorCode":"0"}'


@dataclass(slots=True)
class Behaviour:
    """How requests are answered."""

    status: int = 200
    delay_s: float = 0.0
    workers: int = 1_000_000
    doubles_at: float = float("inf")
    in_flight: int = 0
    free: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self.free = asyncio.Semaphore(self.workers)

    async def wait(self) -> None:
        """Wait as long as the reply takes."""
        if not self.delay_s:
            return
        self.in_flight += 1
        delay_s = self.delay_s * (1 + (self.in_flight / self.doubles_at) ** 2)
        async with self.free:
            await asyncio.sleep(delay_s)
        self.in_flight -= 1


@dataclass(slots=True)
class CountingPlatform:
    """The counts, and the behaviour by the end of the path."""

    blindly: bool = False
    behaviour: dict[bytes, Behaviour] = field(default_factory=dict)
    requests: int = 0
    items: int = 0
    """Items in requests that were answered with 200."""
    seen: bytearray = field(default_factory=lambda: bytearray(4_000_000))
    """How often each order was received, by its number."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, one request after the other."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
                status, answer = await self._answer(head, body)
                writer.write(b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\n" % status)
                writer.write(b"content-length: %d\r\n\r\n" % len(answer) + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, head: bytes, body: bytes) -> tuple[int, bytes]:
        line = _HEAD.match(head)
        path = line[2] if line else b""
        if path == b"/_counting/stats":
            return 200, orjson.dumps(self._stats())
        if path == b"/_counting/behaviour":
            wanted = orjson.loads(body)
            end: str = wanted.pop("endpoint")
            self.behaviour[end.encode()] = Behaviour(**wanted)
            return 200, b"{}"
        if b"getOrgAccessToken" in path:
            return 200, _TOKEN
        self.requests += 1
        for behaviour in [found for end, found in self.behaviour.items() if path.endswith(end)]:
            await behaviour.wait()
            if behaviour.status != 200:
                return behaviour.status, b"{}"
        if self.blindly:
            self.items += body.count(b'"seq":')
            return 200, _SUCCESS
        for item in orjson.loads(body)["data"]:
            self.items += 1
            number = item["eventargs"]["seq"]
            self.seen[number] = min(self.seen[number] + 1, 255)
        return 200, _SUCCESS

    def _stats(self) -> dict[str, int]:
        distinct = 0 if self.blindly else len(self.seen) - self.seen.count(0)
        return {"requests": self.requests, "items": self.items, "distinct": distinct}


async def _main(port: int, *, blindly: bool) -> None:
    server = await asyncio.start_server(CountingPlatform(blindly).serve, "127.0.0.1", port, limit=4 << 20)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), blindly="blindly" in sys.argv[2:]))

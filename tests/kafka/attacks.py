"""Clients that mean no good to an HTTP port: connections by the thousand, slow ones, floods, garbage."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONNECTIONS = 1000
SLOW = 30
FLOODS = 4
PATHS = ("/", "/status", "/metrics", "/readyz", "/livez", "/tap?sample=x", "/nothing")
_WORDS = (
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    b"GET /tap?" + b"route=x&" * 500 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"HEAD /tap HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20_000,
    b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 2500 + b"\r\n",
)


class Attack:
    """Goes on in threads of its own until the block ends; `rounds` says how often each kind was done."""

    def __init__(self, host: str, port: int, seed: int) -> None:
        self._address = (host, port)
        self._random = random.Random(seed)  # noqa: S311 - garbage
        self._over = threading.Event()
        self.rounds = dict.fromkeys(("idle", "dripping", "not reading", "flood", "garbage"), 0)
        kinds: list[tuple[str, Callable[[], None]]] = [
            ("idle", self._hold_open),
            ("dripping", self._drip),
            ("not reading", self._do_not_read),
            ("garbage", self._send_garbage),
            *[("flood", self._flood)] * FLOODS,
        ]
        self._threads = [threading.Thread(target=self._repeat, args=kind) for kind in kinds]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, name: str, work: Callable[[], None]) -> None:
        while not self._over.is_set():
            with contextlib.suppress(OSError):  # refused, reset, timed out: as it should be
                work()
            self.rounds[name] += 1

    @contextlib.contextmanager
    def _connections(self, count: int) -> Iterator[list[socket.socket]]:
        with contextlib.ExitStack() as stack:
            opened = []
            for _ in range(count):
                if self._over.is_set():
                    break
                with contextlib.suppress(OSError):
                    opened.append(stack.enter_context(socket.create_connection(self._address, timeout=1)))
            yield opened

    def _hold_open(self) -> None:
        with self._connections(CONNECTIONS):
            self._over.wait(1)

    def _drip(self) -> None:
        with self._connections(SLOW) as connections:
            for byte in b"GET /status HTTP/1.1\r\nHost: x\r\nX-Slow: yes":
                for one in connections:
                    with contextlib.suppress(OSError):
                        one.send(bytes([byte]))
                if self._over.wait(0.05):
                    return

    def _do_not_read(self) -> None:
        with self._connections(SLOW) as connections:
            for number, one in enumerate(connections):
                path = ("/metrics", "/tap?rate=1000", "/live")[number % 3]
                with contextlib.suppress(OSError):
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                    one.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 50)
            self._over.wait(2)

    def _flood(self) -> None:
        with socket.create_connection(self._address, timeout=1) as one:
            for path in PATHS * 10:
                one.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                one.recv(1 << 16)
                if self._over.is_set():
                    return

    def _send_garbage(self) -> None:
        data = bytearray(b"".join(self._random.choices(_WORDS, k=3)))
        for _ in range(self._random.randrange(20)):
            data[self._random.randrange(len(data))] = self._random.randrange(256)
        with socket.create_connection(self._address, timeout=1) as one:
            one.sendall(data)
            one.settimeout(0.05)
            one.recv(1 << 16)


class Probes:
    """Asks for /livez as a kubelet does, from an address of its own, until the block ends."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._probe)
        self.answers: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _probe(self) -> None:
        while not self._over.wait(0.2):
            began = time.monotonic()
            try:
                with socket.create_connection(self._address, timeout=10, source_address=("127.0.0.2", 0)) as one:
                    one.sendall(b"GET /livez HTTP/1.1\r\nHost: 10.0.0.7:8080\r\nConnection: close\r\n\r\n")
                    self.answers.append(one.recv(1 << 16).partition(b"\r\n")[0].decode())
            except OSError as error:
                self.answers.append(f"{error!r} after {time.monotonic() - began:.1f} s")

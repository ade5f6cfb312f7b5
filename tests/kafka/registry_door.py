"""The way to a schema registry, which a test closes, opens and spoils: requests are counted on the way."""

from __future__ import annotations

import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

import httpx

from tests.kafka.processes import free_ports

if TYPE_CHECKING:
    from tests.kafka.registry import Registry


class RegistryDoor:
    """Forwards GET requests from `url` to a registry, as long as it is open. Built open."""

    def __init__(self, registry: Registry) -> None:
        [self._port] = free_ports(1)
        self.url = f"http://127.0.0.1:{self._port}"
        self.requests: Counter[str] = Counter()
        """By path, while the door is open."""
        self.status = 0
        """If set, every request is answered with this HTTP status and no registry is asked."""
        self.guids: dict[str, int] = {}
        """Schemas that are found by GUID too, as a newer registry does it."""
        self._target = registry.url
        self._server: ThreadingHTTPServer | None = None
        self._http = httpx.Client(timeout=30)

    def open(self) -> None:
        """Listen."""
        self._server = _Server(("127.0.0.1", self._port), _Handler)
        self._server.door = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="registry door", daemon=True).start()

    def close(self) -> None:
        """Listen no more: connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._http.close()

    def answer(self, path: str) -> tuple[int, bytes]:
        """Return status and body for a request."""
        self.requests[path.partition("?")[0]] += 1
        if self.status:
            return self.status, b'{"error_code": %d, "message": "as the test says"}' % self.status
        guid = path.partition("/schemas/guids/")[2]
        if guid in self.guids:
            path = f"/schemas/ids/{self.guids[guid]}"
        answer = self._http.get(self._target + path)
        return answer.status_code, answer.content


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    door: RegistryDoor


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        status, body = self.server.door.answer(self.path)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class names it
        """Write nothing."""

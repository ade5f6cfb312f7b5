"""An HTTP server as one task of an event loop that also does other work, for the admin port and the sandbox.

uvicorn by default takes the signal handlers and binds the port itself. Here the port is bound first, so that a port in
use is an error before anything starts, and the server is stopped by cancelling its task.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import uvicorn

from connector.core.addresses import HostPort, parse_host_port
from connector.core.errors import StartError
from connector.runtime.connection_guard import MAX_HEAD_BYTES, ConnectionLimits, guarded_protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from starlette.types import ASGIApp

_BACKLOG = 128
"""Connections that wait to be taken; so many are taken at once, at most, before the loop does something else."""
_GRACEFUL_SHUTDOWN_S = 1


def parse_listen(listen: str) -> HostPort:
    """Parse the address to listen on, `host:port` or `[v6]:port`. Raise StartError with the remedy if it is neither."""
    address = parse_host_port(listen)
    if address is None:
        raise StartError(
            f"cannot listen on '{listen}': write host:port, such as 127.0.0.1:8080 (this machine only) "
            "or 0.0.0.0:8080 (every interface)"
        )
    return address


def bind(listen: str) -> socket.socket:
    """Bind and listen on `host:port` (port 0: any free port). Raise StartError if that fails.

    Listening at once excludes a second process: with SO_REUSEADDR two sockets may be bound to one port as long as
    neither listens.
    """
    host, port = parse_listen(listen)
    sock: socket.socket | None = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, kind, protocol)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(_BACKLOG)
    except (OSError, UnicodeError) as error:  # UnicodeError: the host can't be encoded for DNS
        if sock is not None:
            sock.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise StartError(
            f"cannot listen on {listen}: {reason}; stop the process that uses it, or choose another address"
        ) from error
    sock.settimeout(0)
    return sock


def base_url(sock: socket.socket) -> str:
    """Return the base URL of a bound socket, without a trailing slash."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """uvicorn's server without its signal handlers, and with an event for the end of its start-up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.started_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.started_up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve_forever(app: ASGIApp, sock: socket.socket, on_stop: Callable[[], None] = lambda: None) -> None:
    """Serve `app` on `sock` until cancelled, then finish open requests for at most one second and close the socket.

    Its clients are kept within bounds (`connection_guard.py`). `on_stop` is called before open requests are finished:
    then responses must end that would not by themselves.
    """
    async with running_server(app, sock, guarded_protocol(ConnectionLimits())) as task:
        try:
            await asyncio.shield(task)
        finally:
            on_stop()


@contextlib.asynccontextmanager
async def running_server(
    app: ASGIApp, sock: socket.socket, protocol: type[asyncio.Protocol] | None = None
) -> AsyncIterator[asyncio.Task[None]]:
    """Serve `app` on `sock` while the block runs, which begins once requests are answered; yield the server's task.

    `protocol` is uvicorn's HTTP protocol class: one that has limits, or that sends broken responses.
    """
    server = _Server(
        uvicorn.Config(
            app,
            http=protocol or "auto",
            interface="asgi3",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=_BACKLOG,
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
            timeout_graceful_shutdown=_GRACEFUL_SHUTDOWN_S,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[sock]), name=f"http server {base_url(sock)}")
    task.add_done_callback(lambda _: server.started_up.set())
    try:
        await server.started_up.wait()
        yield task
    finally:
        server.should_exit = True
        await asyncio.wait([task])
        sock.close()
    task.result()

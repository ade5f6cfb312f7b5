"""The HTTP client for the platform: each request ends in one complete reply or one TransportError.

- httpx is the interface and aiohttp the network side, through httpx-aiohttp's transport: httpx's own is many times
  slower with many requests in flight. The transport is used without `httpx.AsyncClient`, which logs every URL: the URL
  of the token endpoint holds the secret. For the same reason the text of a library's error is never repeated: messages
  are written from its type, and a TransportError has no cause: that could hold the URL, or the token in a header.
- The transport (0.2.0) maps some errors wrongly: a refused connection is a connect timeout, an invalid status line is
  aiohttp's own error. So the errors of both libraries are caught here.
- A connection whose peer takes no more bytes is ended by the kernel after the timeout (TCP_USER_TIMEOUT, where there is
  one): aiohttp closes a connection after a failed exchange, but asyncio keeps it open until all of the body is written.
- The timeout is for the whole exchange, from connecting to the last byte of the reply. Redirects are not followed,
  cookies are not kept, and a reply has at most `MAX_RESPONSE_BYTES`.
- A connection is closed after `KEEPALIVE_S` without use, before servers and load balancers usually close it. If the
  server closes a connection just when it is used again, the request fails and is retried like any other.
- `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are read once at start and mean the same as for curl, but a request to
  loopback never goes through a proxy. `SSL_CERT_FILE` and `SSL_CERT_DIR` name other certificate authorities.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import urllib.request
import warnings
from functools import partial
from typing import TYPE_CHECKING, Self

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from connector import __version__
from connector.core.addresses import is_loopback
from connector.core.errors import TransportError
from connector.core.trace_headers import TRACE_HEADERS
from connector.core.wording import system_says
from connector.language.message import message
from connector.tuzhan.replies import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.language.message import Message

MAX_RESPONSE_BYTES = 1 << 20
KEEPALIVE_S = 15.0
TOKEN_PATH = "app/getOrgAccessToken"  # noqa: S105 - a path (page 986242), not a password

_LONGEST_USER_TIMEOUT_MS = (1 << 31) - 1
_EXCHANGE_ERRORS = (httpx.HTTPError, aiohttp.ClientError, OSError, EOFError, ValueError)
"""What an exchange may raise; ValueError: the transport (0.2.0) fails on a reason phrase that is not ASCII."""


class PlatformClient:
    """One client for all targets and for the token.

    Lifetime: built on the event loop before the targets; `aclose` once the last lease has ended.
    """

    def __init__(self, base_url: str, timeout_s: float, transport: httpx.AsyncBaseTransport) -> None:
        self._base_url = base_url.rstrip("/")
        self._timeout_s = timeout_s
        self._transport = transport
        self._peer = httpx.URL(base_url).netloc.decode("ascii").rpartition("@")[2]
        self._urls: dict[str, httpx.URL] = {}
        self._headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": f"tuzhan-connector/{__version__}",
        }

    @classmethod
    def build(cls, base_url: str, timeout_s: float, max_in_flight: int) -> Self:
        """Build a client for at most `max_in_flight` requests at once, besides that for a token."""
        # aiohttp warns about bodies of more than 1 MiB, because copying them blocks the loop: for about a millisecond.
        warnings.filterwarnings("ignore", "Sending a large body directly", ResourceWarning)
        trust = system_trust()
        connector = aiohttp.TCPConnector(
            limit=max_in_flight + 1,
            keepalive_timeout=KEEPALIVE_S,
            ssl=trust,
            socket_factory=partial(_open_socket, timeout_s),
        )
        session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        proxy = proxy_for(base_url, urllib.request.getproxies())
        return cls(base_url, timeout_s, AiohttpTransport(verify=trust, client=session, proxy=proxy))

    async def post(self, path: str, body: bytes, token: str) -> Reply:
        """Post `body` (JSON) to the endpoint at `path` with `token` in the header X-Token (document 000).

        Awaits nothing before the request is on its way. Raise TransportError if no complete reply arrives.
        """
        url = self._urls.get(path)
        if url is None:
            url = self._urls[path] = httpx.URL(f"{self._base_url}/{path}")
        headers = {**self._headers, "X-Token": token}
        trace_headers = TRACE_HEADERS.get()
        if trace_headers is not None:
            headers.update(trace_headers)
        request = httpx.Request("POST", url, headers=headers, content=body)
        return await self._exchange(request)

    async def get_token(self, app_id: str, app_secret: str) -> Reply:
        """Request a token; the parameters are spelt as on page 986242. Raise TransportError as `post` does."""
        url = httpx.URL(
            f"{self._base_url}/{TOKEN_PATH}",
            params={"instanceAppid": app_id, "instanceSecrect": app_secret},
        )
        return await self._exchange(httpx.Request("GET", url, headers=self._headers))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def _exchange(self, request: httpx.Request) -> Reply:
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._transport.handle_async_request(request)
                try:
                    body = await _read(response)
                finally:
                    await response.aclose()
        except _EXCHANGE_ERRORS as error:
            failure = describe_error(error, self._peer, self._timeout_s)
        else:
            headers = response.headers
            return Reply(response.status_code, body, headers.get("Retry-After"), headers.get("Date"))
        # Here it has no context either, which some loggers show.
        raise TransportError(failure)


def system_trust() -> ssl.SSLContext:
    """Return whom the client trusts: the usual certificate authorities, or those of SSL_CERT_FILE or SSL_CERT_DIR."""
    return httpx.create_ssl_context()


def _open_socket(timeout_s: float, address: aiohttp.AddrInfoType) -> socket.socket:
    """Return a socket for `address` that the kernel ends if written bytes are not taken within `timeout_s`."""
    family, kind, protocol, _, _ = address
    opened = socket.socket(family, kind, protocol)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        with contextlib.suppress(OSError):  # some kernels know the name only
            timeout_ms = min(max(1, int(timeout_s * 1000)), _LONGEST_USER_TIMEOUT_MS)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, timeout_ms)
    return opened


async def _read(response: httpx.Response) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_bytes():
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_RESPONSE_BYTES:
            raise TransportError(message("the reply is longer than {most} MiB", most=MAX_RESPONSE_BYTES >> 20))
    return b"".join(chunks)


def proxy_for(url: str, proxies: Mapping[str, str]) -> httpx.Proxy | None:
    """Return the proxy for `url`, out of the result of `urllib.request.getproxies`; None: connect directly."""
    parsed = httpx.URL(url)
    proxy = proxies.get(parsed.scheme)
    if not proxy or is_loopback(parsed.host) or urllib.request.proxy_bypass(parsed.host, dict(proxies)):
        return None
    return httpx.Proxy(proxy if "://" in proxy else f"http://{proxy}")


def _root_cause(error: BaseException) -> BaseException:
    """Return the error of aiohttp or the system that the transport's or aiohttp's generic error wraps."""
    while error.__cause__ is not None and (
        isinstance(error, httpx.TransportError) or type(error) is aiohttp.ClientOSError
    ):
        error = error.__cause__
    return error


def describe_error(error: BaseException, peer: str, timeout_s: float) -> Message:
    """Return a message for a failed exchange with `peer`. It holds no URL and no text of the error."""
    error = _root_cause(error)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = getattr(error.certificate_error, "verify_message", message("it does not belong to this host"))
        return message("the TLS certificate of {peer} is not trusted: {reason}", peer=peer, reason=reason)
    if isinstance(error, aiohttp.ClientConnectorError):
        return _describe_connect(error, peer)
    messages: tuple[tuple[type[BaseException], Message], ...] = (
        (aiohttp.ClientHttpProxyError, message("the proxy refused to connect to {peer}", peer=peer)),
        (TimeoutError, message("no complete reply from {peer} within {seconds:g} s", peer=peer, seconds=timeout_s)),
        (aiohttp.ServerDisconnectedError, message("{peer} closed the connection before it replied", peer=peer)),
        (aiohttp.ClientPayloadError, message("the reply of {peer} broke off", peer=peer)),
        (httpx.DecodingError, message("the reply of {peer} is not encoded as its Content-Encoding says", peer=peer)),
        (ssl.SSLError, message("TLS with {peer} failed", peer=peer)),
        (ConnectionError, message("the connection to {peer} was reset", peer=peer)),
        (OSError, message("the connection to {peer} failed", peer=peer)),
        (aiohttp.ClientResponseError, message("the reply of {peer} is not HTTP", peer=peer)),
    )
    for kind, told in messages:
        if isinstance(error, kind):
            return told
    return message("the exchange with {peer} failed: {kind}", peer=peer, kind=type(error).__name__)


def _describe_connect(error: aiohttp.ClientConnectorError, peer: str) -> Message:
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return message("the proxy for {peer} can't be reached", peer=peer)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return message("the name of {peer} can't be resolved", peer=peer)
    if isinstance(error.os_error, ssl.SSLError):
        return message("TLS with {peer} failed: {reason}", peer=peer, reason=error.os_error.reason)
    if isinstance(error.os_error, ConnectionRefusedError):
        return message("{peer} refused the connection", peer=peer)
    reason = system_says(error.os_error.strerror or type(error.os_error).__name__)
    return message("{peer} can't be reached: {reason}", peer=peer, reason=reason)

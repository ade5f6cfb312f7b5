"""HTTP to the platform: one exchange in, one complete reply or one TransportError out. The only user of httpx.

Lifetime: built on the event loop at start, closed when the last lease has ended; shared by all targets and the token.

Theory of operation
- httpx is the interface, aiohttp the network side (httpx-aiohttp's transport; its own is many times slower with many
  requests in flight). The transport is used without httpx's client above it: that logs every URL, and the URL
  of the token endpoint holds the secret. For the same reason no foreign error's text is ever repeated: messages are
  worded from the cause, and the token request drops its cause.
- 0.2.0 of the transport maps errors loosely (a refused connection arrives as a connect timeout, a status line that
  is no HTTP as aiohttp's own error), so both trees are caught here.
- The time limit is for the whole exchange, connecting and the last byte of the reply included. Redirects are not
  followed (a verdict), cookies are not kept, a reply may have `MAX_REPLY_BYTES`.
- A connection that stays idle for `IDLE_S` is closed from this side, well before servers and load balancers do; one
  that the server closes at the very moment when it is used again costs one more try.
- `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` count as they do for curl, read once at start; loopback addresses
  are never asked through a proxy. `SSL_CERT_FILE` and `SSL_CERT_DIR` name other certificate authorities.
"""

from __future__ import annotations

import asyncio
import ssl
import urllib.request
import warnings
from typing import TYPE_CHECKING

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from connector import __version__
from connector.core.addresses import is_loopback
from connector.core.errors import TransportError
from connector.tuzhan.replies import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_REPLY_BYTES = 1 << 20
IDLE_S = 15.0
TOKEN_PATH = "app/getOrgAccessToken"  # noqa: S105 - a path (page 986242), not a password

_BROKEN = (httpx.HTTPError, aiohttp.ClientError, OSError, EOFError, ValueError)
"""All that can go wrong on the wire; ValueError: 0.2.0 of the transport stumbles over odd reason phrases."""


class PlatformClient:
    """Must be built on the event loop. `max_connections` is the most requests that can be in flight at once."""

    def __init__(self, base_url: str, timeout_s: float, max_connections: int) -> None:
        self._base_url = base_url.rstrip("/")
        self._timeout_s = timeout_s
        self._peer = httpx.URL(base_url).netloc.decode("ascii").rpartition("@")[2]
        self._urls: dict[str, httpx.URL] = {}
        self._headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": f"tuzhan-connector/{__version__}",
        }
        trust = httpx.create_ssl_context()
        self._transport = AiohttpTransport(
            verify=trust,
            client=_session(max_connections, trust),
            proxy=proxy_for(self._base_url, urllib.request.getproxies()),
        )
        # aiohttp warns of bodies beyond 1 MiB, whose copy takes a millisecond.
        warnings.filterwarnings("ignore", "Sending a large body directly", ResourceWarning)

    async def post(self, path: str, body: bytes, token: str) -> Reply:
        """Post `body` (JSON) to an endpoint; `token` goes into X-Token (document 000).

        Nothing is awaited before the request is under way. Raises TransportError.
        """
        url = self._urls.get(path)
        if url is None:
            url = self._urls[path] = httpx.URL(f"{self._base_url}/{path}")
        request = httpx.Request("POST", url, headers={**self._headers, "X-Token": token}, content=body)
        return await self._exchange(request)

    async def get_token(self, app_id: str, app_secret: str) -> Reply:
        """Ask for a token; the parameters are spelt as page 986242 spells them. Raises TransportError."""
        url = httpx.URL(
            f"{self._base_url}/{TOKEN_PATH}",
            params={"instanceAppid": app_id, "instanceSecrect": app_secret},
        )
        try:
            return await self._exchange(httpx.Request("GET", url, headers=self._headers))
        except TransportError as error:
            raise TransportError(str(error)) from None  # the cause may quote the URL, and that holds the secret

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def _exchange(self, request: httpx.Request) -> Reply:
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._transport.handle_async_request(request)
                try:
                    body = await _bounded(response)
                finally:
                    await response.aclose()
        except _BROKEN as error:
            raise TransportError(self._word(error)) from error
        return Reply(response.status_code, body, response.headers.get("Retry-After"))

    def _word(self, error: BaseException) -> str:
        return _word(_root(error), self._peer, self._timeout_s)


async def _bounded(response: httpx.Response) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_bytes():
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_REPLY_BYTES:
            raise TransportError(f"the reply is longer than {MAX_REPLY_BYTES >> 20} MiB")
    return b"".join(chunks)


def _session(max_connections: int, trust: ssl.SSLContext) -> aiohttp.ClientSession:
    # One more than the requests: the token's must not wait behind them.
    connector = aiohttp.TCPConnector(limit=max_connections + 1, keepalive_timeout=IDLE_S, ssl=trust)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


def proxy_for(url: str, proxies: Mapping[str, str]) -> httpx.Proxy | None:
    """Choose the proxy for `url` from what `urllib.request.getproxies` found; None: ask directly."""
    parsed = httpx.URL(url)
    proxy = proxies.get(parsed.scheme)
    if not proxy or is_loopback(parsed.host) or urllib.request.proxy_bypass(parsed.host, dict(proxies)):
        return None
    return httpx.Proxy(proxy if "://" in proxy else f"http://{proxy}")


def _root(error: BaseException) -> BaseException:
    """What aiohttp or the system said, under what the transport and aiohttp made of it."""
    while error.__cause__ is not None and (
        isinstance(error, httpx.TransportError) or type(error) is aiohttp.ClientOSError
    ):
        error = error.__cause__
    return error


def _word(error: BaseException, peer: str, timeout_s: float) -> str:
    """Say what happened, in words that hold no URL: the first that fits."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = getattr(error.certificate_error, "verify_message", "it does not belong to this host")
        return f"the TLS certificate of {peer} is not trusted: {reason}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return _word_connect(error, peer)
    words: tuple[tuple[type[BaseException], str], ...] = (
        (aiohttp.ClientHttpProxyError, f"the proxy refused to connect to {peer}"),
        (TimeoutError, f"no complete reply from {peer} within {timeout_s:g} s"),
        (aiohttp.ServerDisconnectedError, f"{peer} closed the connection before it replied"),
        (aiohttp.ClientPayloadError, f"the reply of {peer} broke off"),
        (httpx.DecodingError, f"the reply of {peer} is not encoded as its Content-Encoding says"),
        (ssl.SSLError, f"TLS with {peer} failed"),
        (ConnectionError, f"the connection to {peer} was reset"),
        (OSError, f"the connection to {peer} failed"),
        (aiohttp.ClientResponseError, f"the reply of {peer} is not HTTP"),
    )
    for kind, text in words:
        if isinstance(error, kind):
            return text
    return f"the exchange with {peer} failed: {type(error).__name__}"


def _word_connect(error: aiohttp.ClientConnectorError, peer: str) -> str:
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return f"the proxy for {peer} can't be reached"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"the name of {peer} can't be resolved"
    if isinstance(error.os_error, ssl.SSLError):
        return f"TLS with {peer} failed: {error.os_error.reason}"
    if isinstance(error.os_error, ConnectionRefusedError):
        return f"{peer} refused the connection"
    return f"{peer} can't be reached: {error.os_error.strerror or type(error.os_error).__name__}"

"""The HTTP client on real sockets: what is sent, what is received, and every transport error."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import logging
import socket
import ssl
import traceback
from typing import TYPE_CHECKING

import aiohttp
import httpx
import pytest

from connector import __version__
from connector.core.errors import TransportError
from connector.tuzhan.client import MAX_RESPONSE_BYTES, PlatformClient, describe_error, proxy_for
from connector.tuzhan.replies import Reply
from tests.support.wire import ReceivedRequests, hang, http_reply, reply_with, reset, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

PATH = "event/v2/batchAdd"
OK = b'{"code":"200","errorCode":"SUCCESS","msg":"ok"}'
SECRET = "s3cr3t-of-the-app"  # noqa: S105 - not a real one


@contextlib.asynccontextmanager
async def open_client(url: str, timeout_s: float = 5.0, connections: int = 4) -> AsyncIterator[PlatformClient]:
    client = PlatformClient.build(url, timeout_s, connections)
    try:
        yield client
    finally:
        await client.aclose()


def exchange(
    answer: Callable[[asyncio.StreamWriter], Awaitable[None]], *, body: bytes = b"{}", timeout_s: float = 5.0
) -> Reply:
    async def main() -> Reply:
        async with serve(answer) as seen, open_client(seen.url, timeout_s) as client:
            return await client.post(PATH, body, "tok")

    return asyncio.run(main())


def failure(answer: Callable[[asyncio.StreamWriter], Awaitable[None]], timeout_s: float = 5.0) -> str:
    with pytest.raises(TransportError) as caught:
        exchange(answer, timeout_s=timeout_s)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None), "it could hold the token"
    return str(caught.value)


def test_a_post_is_sent_as_documented() -> None:
    async def main() -> ReceivedRequests:
        async with (
            serve(reply_with(http_reply(OK, "200 OK", "Set-Cookie: a=b"))) as seen,
            open_client(seen.url + "/") as client,
        ):
            await client.post(PATH, '{"a":"兔"}'.encode(), "tok")
            await client.post(PATH, b"{}", "tok2")
            return seen

    seen = asyncio.run(main())
    lines = seen.heads[0].split("\r\n")
    assert lines[0] == "POST /api/open/event/v2/batchAdd HTTP/1.1"
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    assert headers["x-token"] == "tok"
    assert headers["content-type"] == "application/json"
    assert headers["content-length"] == "11"
    assert headers["user-agent"] == f"tuzhan-connector/{__version__}"
    assert "transfer-encoding" not in headers
    assert seen.bodies[0].decode() == '{"a":"兔"}'
    assert "\r\nx-token: tok2\r\n" in seen.heads[1]
    assert "cookie" not in seen.heads[1].lower()
    assert seen.connections == 1, "the connection is reused"


def test_a_token_is_requested_with_the_documented_spelling() -> None:
    async def main() -> ReceivedRequests:
        async with serve(reply_with(http_reply(OK))) as seen, open_client(seen.url) as client:
            await client.get_token("app&1", "s=e c?")
            return seen

    line = asyncio.run(main()).heads[0].split("\r\n")[0]
    assert line.startswith("GET /api/open/app/getOrgAccessToken?instanceAppid=app%261&instanceSecrect=s%3De")


@pytest.mark.parametrize(
    ("raw", "reply"),
    [
        (http_reply(OK), Reply(200, OK)),
        (http_reply(b"slow down", "429 Too Many Requests", "Retry-After: 7"), Reply(429, b"slow down", "7")),
        (http_reply(gzip.compress(OK), "200 OK", "Content-Encoding: gzip"), Reply(200, OK)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", Reply(200, b"{}")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Reply(204, b"")),
        (http_reply(b"", "503 \xe5\x85\x94".encode("latin-1").decode("latin-1")), Reply(503, b"")),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + http_reply(OK), Reply(200, OK)),
    ],
    ids=["plain", "retry-after", "gzip", "chunked", "empty", "odd reason", "continue"],
)
def test_a_complete_reply_is_returned(raw: bytes, reply: Reply) -> None:
    assert exchange(reply_with(raw)) == reply


def test_a_reply_without_a_length_ends_with_the_connection() -> None:
    assert exchange(reply_with(b"HTTP/1.1 200 OK\r\n\r\n" + OK, close=True)) == Reply(200, OK)


def test_redirects_are_not_followed() -> None:
    async def main() -> tuple[Reply, int]:
        answer = reply_with(http_reply(b"", "307 Temporary Redirect", "Location: /elsewhere"))
        async with serve(answer) as seen, open_client(seen.url) as client:
            return await client.post(PATH, b"{}", "tok"), len(seen.heads)

    assert asyncio.run(main()) == (Reply(307, b""), 1)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (reply_with(b"", close=True), "closed the connection before"),
        (reset, "reset"),
        (reply_with(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", close=True), "broke off"),
        (reply_with(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", close=True), "broke off"),
        (reply_with(b"HTTP/1.1 200 OK\r\nContent-", close=True), "127.0.0.1"),
        (reply_with(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "not HTTP"),
        (reply_with(b"HTTP/1.1 2xx OK\r\n\r\n"), "not HTTP"),
        (reply_with(http_reply(b"not gzip", "200 OK", "Content-Encoding: gzip")), "Content-Encoding"),
        (reply_with(b"HTTP/1.1 200 \xd5\xfd\xb3\xa3\r\nContent-Length: 0\r\n\r\n"), "127.0.0.1"),
        (reply_with(http_reply(b"x" * (MAX_RESPONSE_BYTES + 1))), "longer than 1 MiB"),
        (
            reply_with(http_reply(gzip.compress(b"x" * (MAX_RESPONSE_BYTES + 1)), "200 OK", "Content-Encoding: gzip")),
            "longer",
        ),
    ],
    ids=[
        "closed",
        "reset",
        "cut short",
        "cut in a chunk",
        "cut in the head",
        "another protocol",
        "odd status",
        "no gzip",
        "GBK reason",
        "too long",
        "too long unpacked",
    ],
)
def test_a_broken_response_is_a_transport_error_that_says_why(
    answer: Callable[[asyncio.StreamWriter], Awaitable[None]], message: str
) -> None:
    assert message in failure(answer)


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("answer", [hang, drip, reply_with(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")])
def test_the_timeout_is_for_the_whole_exchange(
    answer: Callable[[asyncio.StreamWriter], Awaitable[None]],
) -> None:
    assert "within 0.2 s" in failure(answer, timeout_s=0.2)


def test_an_early_reply_to_a_body_that_was_not_read_arrives() -> None:
    async def main() -> Reply:
        answer = reply_with(http_reply(b"", "413 Content Too Large", "Connection: close"))
        async with serve(answer, read_body=False) as seen, open_client(seen.url) as client:
            return await client.post(PATH, b"x" * 8_000_000, "tok")

    assert asyncio.run(main()) == Reply(413, b"")


def test_a_refused_connection_is_named() -> None:
    async def main() -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            async with open_client(f"http://127.0.0.1:{free.getsockname()[1]}/api") as client:
                await client.post(PATH, b"{}", "tok")

    with pytest.raises(TransportError, match="refused the connection"):
        asyncio.run(main())


def test_an_unknown_host_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: object, **_named: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    async def main() -> None:
        async with open_client("https://platform.invalid/api/open") as client:
            await client.post(PATH, b"{}", "tok")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(TransportError, match=r"the name of platform\.invalid can't be resolved"):
        asyncio.run(main())


def test_a_server_without_tls_is_named() -> None:
    async def main() -> None:
        server = serve(reply_with(http_reply(OK)), speaks_first=True)
        async with server as seen, open_client(seen.url.replace("http:", "https:")) as client:
            await client.post(PATH, b"{}", "tok")

    with pytest.raises(TransportError, match=r"TLS with 127\.0\.0\.1"):
        asyncio.run(main())


def test_a_connection_closed_while_idle_fails_at_most_one_request() -> None:
    async def tries(client: PlatformClient) -> int:
        for number in (1, 2):
            with contextlib.suppress(TransportError):
                assert await client.post(PATH, b"{}", "tok") == Reply(200, OK)
                return number
        return 3

    async def main() -> None:
        async with serve(reply_with(http_reply(OK), close=True)) as seen, open_client(seen.url) as client:
            for pause_s in (0.0, 0.0, 0.001, 0.01, 0.05):
                assert await tries(client) <= 2
                await asyncio.sleep(pause_s)
            assert len(seen.heads) == 5, "no request that the server has read is sent twice"

    asyncio.run(main())


def test_the_token_request_has_a_connection_besides_all_requests_in_flight() -> None:
    async def main() -> None:
        async with (
            serve(*[hang] * 4, reply_with(http_reply(OK))) as seen,
            open_client(seen.url, connections=4) as client,
        ):
            posts = [asyncio.create_task(client.post(PATH, b"{}", "tok")) for _ in range(4)]
            for _ in range(500):
                if len(seen.heads) == 4:
                    break
                await asyncio.sleep(0.01)
            assert (await client.get_token("app", SECRET)).http_status == 200
            for post in posts:
                post.cancel()
            results = await asyncio.gather(*posts, return_exceptions=True)
            assert all(isinstance(result, asyncio.CancelledError) for result in results)

    asyncio.run(main())


@pytest.mark.parametrize(
    "answer", [reply_with(b"SSH-2.0\r\n\r\n"), reply_with(b"", close=True), reset, hang, reply_with(http_reply(OK))]
)
def test_the_secret_is_in_no_error_no_traceback_and_no_log(
    answer: Callable[[asyncio.StreamWriter], Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def main() -> str:
        async with serve(answer) as seen, open_client(seen.url, timeout_s=0.2) as client:
            try:
                await client.get_token("app", SECRET)
            except TransportError as error:
                return "".join(traceback.format_exception(error)) + repr(error)
            assert SECRET in seen.heads[0]
            return ""

    assert SECRET not in asyncio.run(main())
    assert SECRET not in caplog.text


def test_a_timeout_longer_than_the_kernel_knows_is_no_error() -> None:
    assert exchange(reply_with(http_reply(OK)), timeout_s=1e9).http_status == 200


def test_a_body_of_more_than_a_mebibyte_causes_no_warning() -> None:
    assert exchange(reply_with(http_reply(OK)), body=b" " * (2 << 20)).http_status == 200


def test_the_message_of_every_library_error_has_none_of_its_text() -> None:
    request = httpx.Request("GET", f"http://h/?instanceSecrect={SECRET}")
    key = aiohttp.client_reqrep.ConnectionKey(
        "h", 443, is_ssl=True, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None
    )
    untrusted = ssl.SSLCertVerificationError(1, SECRET)
    untrusted.verify_message = "self-signed certificate"
    errors: list[tuple[BaseException, str]] = [
        (aiohttp.ClientConnectorCertificateError(key, untrusted), "not trusted: self-signed certificate"),
        (aiohttp.ClientConnectorCertificateError(key, ssl.CertificateError(SECRET)), "not trusted"),
        (aiohttp.ClientProxyConnectionError(key, OSError(SECRET)), "proxy"),
        (aiohttp.ClientConnectorError(key, OSError(113, "No route to host")), "No route to host"),
        (aiohttp.ClientOSError(SECRET), "failed"),
        (aiohttp.SocketTimeoutError(SECRET), "within 3 s"),
        (httpx.ConnectTimeout(SECRET, request=request), "ConnectTimeout"),
        (ssl.SSLError(1, SECRET), "TLS"),
        (UnicodeEncodeError("utf-8", SECRET, 0, 1, SECRET), "UnicodeEncodeError"),
    ]
    for error, message in errors:
        text = describe_error(error, "h:443", 3.0)
        assert message in text
        assert SECRET not in text


@pytest.mark.parametrize(
    ("url", "proxies", "proxy"),
    [
        ("https://a.example/x", {}, None),
        ("https://a.example/x", {"https": "http://p:3128"}, "http://p:3128"),
        ("https://a.example/x", {"https": "p:3128"}, "http://p:3128"),
        ("https://a.example/x", {"http": "http://p:3128"}, None),
        ("https://a.example/x", {"https": "http://p:3128", "no": "b.example"}, "http://p:3128"),
        ("https://a.example/x", {"https": "http://p:3128", "no": "b.example,.example"}, None),
        ("https://a.example/x", {"https": "http://p:3128", "no": "*"}, None),
        ("http://127.0.0.1:9100/x", {"http": "http://p:3128"}, None),
        ("http://[::1]:9100/x", {"http": "http://p:3128"}, None),
        ("http://localhost:9100/x", {"http": "http://p:3128"}, None),
        ("http://LOCALHOST:9100/x", {"http": "http://p:3128"}, None),
        ("http://x.localhost:9100/x", {"http": "http://p:3128"}, "http://p:3128"),
    ],
)
def test_proxies_are_those_of_curl_but_never_for_loopback(url: str, proxies: dict[str, str], proxy: str | None) -> None:
    chosen = proxy_for(url, proxies)
    assert (None if chosen is None else str(chosen.url)) == proxy

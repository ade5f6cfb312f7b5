from __future__ import annotations

import asyncio
import signal

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from connector.core.errors import StartError
from connector.runtime import web


async def _hello(_: object) -> PlainTextResponse:
    return PlainTextResponse("hello")


APP = Starlette(routes=[Route("/", _hello)])


def test_an_app_is_served_until_its_task_is_cancelled() -> None:
    async def scenario() -> None:
        sock = web.bind("127.0.0.1:0")
        base = web.base_url(sock)
        task = asyncio.create_task(web.serve_forever(APP, sock))
        async with httpx.AsyncClient() as client:
            assert (await client.get(base)).text == "hello"
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            with pytest.raises(httpx.ConnectError):
                await client.get(base)

    asyncio.run(scenario())


def test_a_server_does_not_change_the_signal_handlers() -> None:
    async def scenario() -> None:
        before = signal.getsignal(signal.SIGTERM)
        sock = web.bind("127.0.0.1:0")
        base = web.base_url(sock)
        async with web.running_server(APP, sock), httpx.AsyncClient() as client:
            assert (await client.get(base)).text == "hello"
            assert signal.getsignal(signal.SIGTERM) is before

    asyncio.run(scenario())


def test_a_port_in_use_is_an_error_that_names_it() -> None:
    with web.bind("127.0.0.1:0") as sock:
        listen = web.base_url(sock).removeprefix("http://")
        with pytest.raises(StartError, match=f"cannot listen on {listen}: .*in use.*choose another address"):
            web.bind(listen)


@pytest.mark.parametrize(
    "listen", ["", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "h:70000", "h:-1", ":9100"]
)
def test_an_invalid_address_is_refused_with_the_remedy(listen: str) -> None:
    with pytest.raises(StartError, match=r"write host:port"):
        web.parse_listen(listen)


@pytest.mark.parametrize(
    ("listen", "parts"),
    [("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:0", ("::1", 0))],
)
def test_ipv4_and_ipv6_addresses_are_parsed(listen: str, parts: tuple[str, int]) -> None:
    assert web.parse_listen(listen) == parts


@pytest.mark.parametrize("host", ["no-such-host.invalid", "no..host", "x" * 64])
def test_an_unknown_or_impossible_host_is_an_error_that_names_it(host: str) -> None:
    with pytest.raises(StartError, match=f"cannot listen on {host}:1: "):
        web.bind(f"{host}:1")

"""Who may ask the sandbox: every client that is no browser, and a browser for no page but its own."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from connector.sandbox.guard import SandboxGuard, own_names
from connector.sandbox.platform import Sandbox
from connector.sandbox.server import build_app

CHROME = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/128.0.0.0", "accept-language": "zh-CN,zh;q=0.9"}
FAULTS = "/_sandbox/faults"
RESET = "/_sandbox/reset"


def ask(method: str, path: str, host: str = "127.0.0.1:9100", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    guard = SandboxGuard(build_app(Sandbox()), own_names("0.0.0.0:9100", ["*.ops.example"]))

    async def exchange() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(guard), base_url="http://127.0.0.1") as client:
            return await client.request(method, path, headers={"host": host, **named})

    return asyncio.run(exchange())


@pytest.mark.parametrize(
    "host", ["127.0.0.1:9100", "[::1]:9100", "localhost:9100", "sandbox:9100", "sandbox.shop.svc:9100", "10.1.2.3:9100"]
)
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/_sandbox/overview"), ("POST", RESET), ("DELETE", FAULTS)]
)
def test_the_page_works_by_every_name_that_nobody_outside_can_have(host: str, method: str, path: str) -> None:
    origin = {} if method == "GET" else {"origin": f"http://{host}"}
    assert ask(method, path, host, **CHROME, **origin).status_code == 200
    assert ask(method, path, host, **CHROME, **origin, sec_fetch_site="same-origin").status_code == 200


@pytest.mark.parametrize("host", ["sandbox.example.com", "sandbox.shop:9100", "anything.example"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/_sandbox/stats"), ("POST", RESET), ("DELETE", FAULTS)])
def test_a_client_that_is_no_browser_asks_by_whatever_name(host: str, method: str, path: str) -> None:
    for agent in ("python-httpx/0.28", "curl/8.5.0", "Go-http-client/1.1"):
        assert ask(method, path, host, user_agent=agent).status_code == 200


@pytest.mark.parametrize(
    "shown",
    [
        CHROME,
        {"user_agent": "curl/8", "accept_language": ""},  # what a page can hide, and what it can't
        {"user_agent": "curl/8", "origin": "http://evil.example"},
    ],
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/_sandbox/items"), ("POST", RESET)])
def test_a_page_whose_name_leads_here_gets_nothing(shown: dict[str, str], method: str, path: str) -> None:
    answer = ask(method, path, "evil.example:9100", **shown)
    assert answer.status_code == 421
    assert answer.json() == {"errors": ["no sandbox for 'evil.example:9100' in browsers: allow it by --allowed-host"]}


def test_a_name_that_is_allowed_is_answered() -> None:
    origin = {"origin": "http://sandbox.ops.example"}
    assert ask("POST", RESET, "sandbox.ops.example", **CHROME, **origin).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors", "origin": "http://evil.example"},
        {"sec_fetch_site": "same-site", "sec_fetch_mode": "cors", "origin": "http://127.0.0.1:3000"},
        # a form that somebody is made to send
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document", "origin": "null"},
        # a browser that sends no more
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:3000"},
    ],
)
@pytest.mark.parametrize("path", [RESET, FAULTS, "/_sandbox/expire-tokens", "/playground/preview"])
def test_a_page_of_another_server_switches_nothing(headers: dict[str, str], path: str) -> None:
    answer = ask("POST", path, **CHROME, **headers)
    assert (answer.status_code, answer.json()) == (403, {"errors": ["not for pages of other servers"]})


def test_a_link_to_the_page_is_followed_but_none_of_its_answers_is_embedded() -> None:
    link = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    assert ask("GET", "/", **CHROME, **link).status_code == 200
    assert ask("GET", "/", **CHROME, **{**link, "sec_fetch_dest": "iframe"}).status_code == 403
    assert ask("GET", "/_sandbox/items", **CHROME, sec_fetch_site="cross-site").status_code == 403


@pytest.mark.parametrize("root", ["open", "integrate"])
def test_the_platforms_api_is_asked_for_its_token_alone(root: str) -> None:
    query = "instanceAppid=sandbox&instanceSecrect=sandbox"
    token = ask(
        "GET", f"/api/{root}/app/getOrgAccessToken?{query}", "evil.example", **CHROME, origin="http://a.example"
    )
    assert token.json()["code"] == "200"
    item = ask("POST", f"/api/{root}/event/v2/batchAdd", "evil.example", **CHROME, origin="http://a.example")
    assert item.json()["code"] == "100200"

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.responses import PlainTextResponse

from connector.core.events import Notice
from connector.observe.admin_guard import AdminGuard, own_names

if TYPE_CHECKING:
    from connector.core.events import Event


class Harness:
    """The guard around an application that answers everything."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.now = 0.0
        application = PlainTextResponse("answer", headers={"x-frame-options": "SAMEORIGIN"})
        self.guard = AdminGuard(
            application, own_names("0.0.0.0:8080", ["ops.example"]), self.events.append, self._clock
        )

    def _clock(self) -> float:
        return self.now

    def ask(self, method: str = "GET", path: str = "/status", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def exchange() -> httpx.Response:
            transport = httpx.ASGITransport(self.guard)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                return await client.request(method, path, headers=named)

        return asyncio.run(exchange())


def test_a_foreign_name_is_refused_with_the_remedy_and_noticed_once_a_minute() -> None:
    harness = Harness()
    for _ in range(3):
        answer = harness.ask(host="evil.example:8080")
        assert answer.status_code == 421
        assert answer.json() == {"error": "no server for 'evil.example:8080': add the name to admin.allowed_hosts"}
    [notice] = harness.events
    assert isinstance(notice, Notice)
    assert (notice.level, notice.fields) == ("warning", {"host": "evil.example:8080"})
    harness.now = 60.0
    harness.ask(host="x" * 500 + ".example")
    assert len(harness.events) == 2


@pytest.mark.parametrize("host", ["10.1.2.3:8080", "localhost", "connector:8080", "ops.example"])
def test_probes_service_names_and_allowed_names_are_answered(host: str) -> None:
    assert Harness().ask(host=host).status_code == 200


def test_liveness_is_answered_by_whatever_name() -> None:
    assert Harness().ask(path="/livez", host="evil.example").status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("path", ["/status", "/livez", "/nothing"])
def test_everything_but_get_and_head_is_refused(method: str, path: str) -> None:
    answer = Harness().ask(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "headers", [{"content_length": "5"}, {"transfer_encoding": "chunked"}, {"content_length": "x"}]
)
def test_a_request_with_a_body_is_refused_and_its_connection_closed(headers: dict[str, str]) -> None:
    answer = Harness().ask(**headers)
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec_fetch_site": "same-origin", "sec_fetch_mode": "cors", "sec_fetch_dest": "empty"}, 200),
        ({"sec_fetch_site": "none", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}, 200),
        ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}, 200),
        ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"}, 403),
        ({"sec_fetch_site": "same-site", "sec_fetch_mode": "cors", "sec_fetch_dest": "empty"}, 403),
        ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
    ],
)
def test_pages_of_other_servers_may_link_here_and_nothing_else(headers: dict[str, str], status: int) -> None:
    assert Harness().ask(**headers).status_code == status


@pytest.mark.parametrize("host", ["localhost", "evil.example"])
def test_every_response_tells_browsers_to_keep_it_apart(host: str) -> None:
    headers = Harness().ask(host=host).headers
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_what_the_application_says_stays() -> None:
    assert Harness().ask().headers.get_list("x-frame-options") == ["SAMEORIGIN"]


def test_the_own_names_are_those_of_the_address_of_the_machine_and_of_the_config() -> None:
    assert {"node.example", "ops.example"} < own_names("node.example:8080", ["ops.example"])

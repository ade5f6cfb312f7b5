from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import orjson
import pytest
from prometheus_client.openmetrics import parser as openmetrics_parser

from connector.core.events import ReasonCleared, ReasonRaised
from connector.language.message import message, verbatim
from connector.observe.admin import Streams, build_admin
from connector.observe.health import HEARTBEAT_TIMEOUT_S, Health, silent_parts
from connector.observe.last_requests import LastRequests
from connector.observe.live import Live
from connector.observe.metrics import Metrics
from connector.observe.snapshot import ConfigRefused
from connector.observe.status import to_document
from tests.unit.observe.examples import status
from tests.unit.observe.test_tap import Harness

if TYPE_CHECKING:
    from connector.language.choice import Language
    from connector.observe.snapshot import Status


class AdminHarness:
    """The admin application, called without a socket."""

    def __init__(self, language: Language = "en") -> None:
        self.health = Health(wall_clock=lambda: 1_700_000_000.0)
        self.last_beat = 0.0
        self.now = 0.0
        self.status = status()
        self.snapshots_on_the_loop: list[bool] = []
        last_beats = {"kafka thread": lambda: self.last_beat}
        self.app = build_admin(
            self._snapshot,
            Metrics(),
            self.health,
            lambda: silent_parts(last_beats, clock=lambda: self.now),
            Streams(Harness().tap, Live(self._snapshot, LastRequests())),
            language=language,
        )

    def _snapshot(self) -> Status:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self.snapshots_on_the_loop.append(False)
        else:
            self.snapshots_on_the_loop.append(True)
        return self.status

    def request(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        async def exchange() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://admin") as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(exchange())


@pytest.mark.parametrize("path", ["/status", "/metrics"])
def test_what_a_client_that_has_gone_asked_for_is_not_made(path: str) -> None:
    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(_: object) -> None:
        pass

    admin = AdminHarness()
    headers = [(b"host", b"127.0.0.1")]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}
    asyncio.run(admin.app(scope, receive, send))
    assert admin.snapshots_on_the_loop == []


def test_readyz_is_503_with_the_reasons_and_200_when_they_are_cleared() -> None:
    admin = AdminHarness()
    admin.health.on(ReasonRaised("topic_missing", "shop.orders", verbatim("create it")))
    answer = admin.request("/readyz")
    assert answer.status_code == 503
    assert [(reason["code"], reason["target"]) for reason in answer.json()["reasons"]] == [
        ("starting", ""),
        ("topic_missing", "shop.orders"),
    ]
    admin.health.on(ReasonCleared("starting", ""))
    admin.health.on(ReasonCleared("topic_missing", "shop.orders"))
    answer = admin.request("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "reasons": []})


def test_the_body_of_readyz_has_the_documented_shape() -> None:
    admin = AdminHarness()
    admin.health.on(ReasonCleared("starting", ""))
    admin.health.on(ReasonRaised("target_held", "tags", verbatim("grant the app 用户->用户标签")))
    assert admin.request("/readyz").json() == {
        "ready": False,
        "reasons": [
            {
                "code": "target_held",
                "target": "tags",
                "since": 1_700_000_000.0,
                "remedy": "grant the app 用户->用户标签",
            }
        ],
    }


def test_readyz_and_status_say_remedies_in_the_language_of_the_process_and_nothing_else() -> None:
    english, chinese = AdminHarness(), AdminHarness("zh")
    for admin in (english, chinese):
        refused = ConfigRefused(1.0, "", [message("and {more} more", more=3)])
        admin.status = replace(status(reasons=tuple(admin.health.reasons)), config_refused=refused)
    for path in ("/readyz", "/status"):
        told = [admin.request(path).json() for admin in (english, chinese)]
        remedies = [reason.pop("remedy") for document in told for reason in document["reasons"]]
        assert remedies == [
            "wait: the connector joins its group and fetches a token",
            "请稍候：连接器正在加入消费者组并获取令牌",
        ]
        if path == "/status":
            assert [one["config"]["refused"].pop("errors") for one in told] == [["and 3 more"], ["另有 3 处"]]
        assert told[0] == told[1]


def test_livez_ignores_readiness_and_names_a_part_whose_heartbeat_has_stopped() -> None:
    admin = AdminHarness()
    admin.health.on(ReasonRaised("target_held", "tags", verbatim("grant it")))
    answer = admin.request("/livez")
    assert (answer.status_code, answer.json()) == (200, {"live": True, "silent": []})
    admin.now = HEARTBEAT_TIMEOUT_S + 1.0
    answer = admin.request("/livez")
    assert (answer.status_code, answer.json()) == (
        503,
        {"live": False, "silent": [{"part": "kafka thread", "seconds": 31.0}]},
    )


def test_status_is_the_snapshot_as_json() -> None:
    admin = AdminHarness()
    answer = admin.request("/status")
    assert answer.headers["content-type"] == "application/json"
    assert answer.content == orjson.dumps(to_document(admin.status))


def test_metrics_are_written_in_the_requested_format() -> None:
    admin = AdminHarness()
    plain = admin.request("/metrics", accept="*/*")
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    open_ = admin.request("/metrics", accept="application/openmetrics-text")
    assert open_.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    names = {family.name for family in openmetrics_parser.text_string_to_metric_families(open_.text)}  # type: ignore[no-untyped-call]
    assert "tuzhan_connector_records_consumed" in names


def test_each_answer_takes_one_snapshot_and_takes_it_on_the_event_loop() -> None:
    admin = AdminHarness()
    for path in ("/status", "/metrics"):
        admin.request(path)
    assert admin.snapshots_on_the_loop == [True, True]


@pytest.mark.parametrize("path", ["/nothing", "/livez/", "/status/x", "/%00"])
def test_an_unknown_path_is_404_as_json(path: str) -> None:
    answer = AdminHarness().request(path)
    assert (answer.status_code, answer.json()) == (404, {"error": "Not Found"})


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/status", "/metrics", "/tap", "/live"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_only_get_and_head_are_allowed(path: str, method: str) -> None:
    answer = AdminHarness().request(path, method)
    assert answer.status_code == 405
    assert answer.json() == {"error": "Method Not Allowed"}
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_head_of_the_tap_takes_no_place_and_a_request_that_makes_no_sense_is_refused_as_json() -> None:
    admin = AdminHarness()
    for _ in range(9):
        answer = admin.request("/tap", "HEAD")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    answer = admin.request("/tap?route=ordrs")
    assert answer.status_code == 400
    assert answer.json() == {"error": "route: no such route 'ordrs', did you mean 'orders'?"}


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/status", "/metrics"])
def test_head_has_the_status_code_of_get_and_caches_must_not_store_the_answer(path: str) -> None:
    admin = AdminHarness()
    answer = admin.request(path, "HEAD")
    assert answer.status_code == admin.request(path).status_code
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_page_and_its_files_are_served_and_load_nothing_from_elsewhere() -> None:
    admin = AdminHarness()
    answer = admin.request("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    named = re.findall(r'(?:href|src)="(/[^"]*)"', answer.text)
    assert "/static/status.js" in named
    for path in named:
        assert admin.request(path).status_code in {200, 503}, path
    assert not re.search(r"https?://", answer.text)

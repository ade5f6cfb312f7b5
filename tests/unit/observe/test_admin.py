from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx
import orjson
import pytest
from prometheus_client.openmetrics import parser as openmetrics_parser

from connector.core.events import ReasonCleared, ReasonRaised
from connector.observe.admin import build_admin
from connector.observe.health import Health, Liveness
from connector.observe.metrics import Metrics
from connector.observe.page import render
from connector.observe.status import Status, to_json
from tests.unit.observe.examples import TARGETS, status

HOSTILE = '<script>alert("x")</script>\'&'


class Port:
    """The admin application with its parts at hand, asked without a socket."""

    def __init__(self) -> None:
        self.health = Health()
        self.beat = 0.0
        self.now = 0.0
        self.status = status()
        self.snapshots_on_the_loop: list[bool] = []
        liveness = Liveness({"kafka thread": lambda: self.beat}, clock=lambda: self.now)
        self.app = build_admin(self._snapshot, Metrics(self._snapshot), self.health, liveness)

    def _snapshot(self) -> Status:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self.snapshots_on_the_loop.append(False)
        else:
            self.snapshots_on_the_loop.append(True)
        return self.status

    def ask(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        async def exchange() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://admin") as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(exchange())


def test_readyz_says_no_with_its_reasons_and_yes_when_they_are_gone() -> None:
    port = Port()
    port.health.on(ReasonRaised("topic_missing", "shop.orders", "create it"))
    answer = port.ask("/readyz")
    assert answer.status_code == 503
    assert [(reason["code"], reason["target"]) for reason in answer.json()["reasons"]] == [
        ("starting", ""),
        ("topic_missing", "shop.orders"),
    ]
    port.health.on(ReasonCleared("starting", ""))
    port.health.on(ReasonCleared("topic_missing", "shop.orders"))
    answer = port.ask("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "reasons": []})


def test_livez_does_not_care_for_readiness_and_names_a_part_that_is_silent() -> None:
    port = Port()
    port.health.on(ReasonRaised("target_held", "tags", "grant it"))
    assert (port.ask("/livez").status_code, port.ask("/livez").json()["live"]) == (200, True)
    port.now = 31.0
    answer = port.ask("/livez")
    assert (answer.status_code, answer.json()) == (
        503,
        {"live": False, "silent": [{"part": "kafka thread", "seconds": 31.0}]},
    )


def test_status_is_the_snapshot_as_json() -> None:
    port = Port()
    answer = port.ask("/status")
    assert answer.headers["content-type"] == "application/json"
    assert answer.content == to_json(port.status)


def test_metrics_come_in_the_format_that_is_asked_for() -> None:
    port = Port()
    plain = port.ask("/metrics", accept="*/*")
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    open_ = port.ask("/metrics", accept="application/openmetrics-text")
    assert open_.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    names = {family.name for family in openmetrics_parser.text_string_to_metric_families(open_.text)}  # type: ignore[no-untyped-call]
    assert "tuzhan_connector_records_consumed" in names


def test_snapshots_are_taken_on_the_event_loop_where_they_are_whole() -> None:
    port = Port()
    for path in ("/status", "/metrics", "/"):
        port.ask(path)
    assert port.snapshots_on_the_loop == [True, True, True]


@pytest.mark.parametrize("path", ["/nothing", "/livez/", "/status/x", "/%00"])
def test_an_unknown_path_is_404_as_json(path: str) -> None:
    answer = Port().ask(path)
    assert (answer.status_code, answer.json()) == (404, {"error": "Not Found"})


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/status", "/metrics"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_the_port_changes_nothing(path: str, method: str) -> None:
    answer = Port().ask(path, method)
    assert answer.status_code == 405
    assert answer.json() == {"error": "Method Not Allowed"}
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/status", "/metrics"])
def test_head_has_the_status_of_get_and_nothing_is_kept_by_caches(path: str) -> None:
    port = Port()
    answer = port.ask(path, "HEAD")
    assert answer.status_code == port.ask(path).status_code
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_page_shows_the_facts_and_links_to_the_rest() -> None:
    port = Port()
    answer = port.ask("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for fact in (
        "not ready",
        "starting",
        "purchases",
        "held",
        "shop.orders[0]",
        "107",
        "0123456789ab",
        'href="/status"',
    ):
        assert fact in answer.text, fact


def test_nothing_that_others_wrote_is_markup_on_the_page() -> None:
    target = replace(TARGETS[0], name=HOSTILE, endpoint=HOSTILE, reason=HOSTILE, last_reply=HOSTILE)
    hostile = replace(status(targets=(target,)), version=HOSTILE, config_file=HOSTILE, state=HOSTILE)
    health = Health()
    health.on(ReasonRaised("target_held", HOSTILE, HOSTILE))
    html = render(hostile, health.ready())
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 9
    assert orjson.loads(to_json(hostile))["version"] == HOSTILE

"""What the status page is sent, on virtual time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest
from starlette.requests import Request

import connector.observe
from connector.core.events import ReasonCode, ReasonRaised
from connector.core.sink import TargetState, VerdictKind
from connector.language.message import message
from connector.observe.health import Health
from connector.observe.history import SAMPLE_S
from connector.observe.last_requests import KEPT_REQUESTS, LastRequests
from connector.observe.live import MAX_VIEWERS, MOST_PARTITIONS, Live, live_document
from connector.observe.paced import Paced
from tests.support.clock import run_virtual
from tests.unit.observe.examples import MOBILE, PARTITIONS, request, status

if TYPE_CHECKING:
    from starlette.types import Message

TEXTS = (Path(connector.observe.__file__).parent / "static/status_texts.js").read_text(encoding="utf-8")


class Viewer:
    """A browser with the page open; reads a message each `pace_s`."""

    def __init__(self, harness: Harness, pace_s: float = 0.0) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.status = 0
        scope = {"type": "http", "method": "GET", "path": "/live", "headers": [], "query_string": b""}
        response = harness.live.respond(Request(scope), harness.paced, {})
        self._gone = asyncio.Event()
        self._pace_s = pace_s
        self.task = asyncio.create_task(response(scope, self._receive, self._send))

    async def leave(self) -> None:
        self._gone.set()
        await self.task

    async def _receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        await asyncio.sleep(self._pace_s)
        for name, data in re.findall(r"event: (\w+)\ndata: (.*)\n\n", message["body"].decode()):
            self.events.append((name, json.loads(data)))


class Harness:
    """The stream of one process. Made on the event loop."""

    def __init__(self) -> None:
        self.snapshots = 0
        self.requests = LastRequests()
        now = asyncio.get_running_loop().time
        self.live = Live(self._snapshot, self.requests, now)
        self.paced = Paced(now)

    def _snapshot(self) -> Any:  # noqa: ANN401 - a status
        self.snapshots += 1
        return status()


def run(work: Any, **options: Any) -> Any:  # noqa: ANN401
    async def main() -> Any:  # noqa: ANN401
        harness = Harness()
        watch = asyncio.create_task(harness.live.watch())
        try:
            return await work(harness, **options)
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch

    return run_virtual(main())


def test_a_page_gets_the_last_minutes_at_once_and_then_the_status_each_second() -> None:
    async def work(harness: Harness) -> Viewer:
        await asyncio.sleep(300)
        viewer = Viewer(harness)
        await asyncio.sleep(10.5)
        await viewer.leave()
        return viewer

    viewer = run(work)
    names = [name for name, _ in viewer.events]
    assert names[:2] == ["history", "status"]
    assert len(viewer.events[0][1]["samples"]) in {60, 61}
    assert names.count("status") in {10, 11}
    assert names.count("history") == 3
    assert viewer.events[1][1]["records"]["consumed"] == 107


def test_while_nobody_looks_only_the_charts_samples_are_taken_and_viewers_share_a_snapshot() -> None:
    async def work(harness: Harness) -> tuple[int, int]:
        await asyncio.sleep(100 * SAMPLE_S - 0.1)
        alone = harness.snapshots
        viewers = [Viewer(harness) for _ in range(MAX_VIEWERS)]
        await asyncio.sleep(2 * SAMPLE_S)
        for viewer in viewers:
            await viewer.leave()
        return alone, harness.snapshots - alone

    alone, looked_at = run(work)
    assert alone == 100
    assert looked_at <= 2 + 2 * SAMPLE_S + 1


def test_one_viewer_too_many_is_refused_until_another_leaves() -> None:
    async def work(harness: Harness) -> list[int]:
        viewers = [Viewer(harness) for _ in range(MAX_VIEWERS)]
        await asyncio.sleep(0.1)
        refused = Viewer(harness)
        await refused.task
        await viewers[0].leave()
        another = Viewer(harness)
        await asyncio.sleep(0.1)
        for viewer in [*viewers[1:], another]:
            await viewer.leave()
        return [viewers[0].status, refused.status, another.status]

    assert run(work) == [200, 503, 200]


def test_a_slow_reader_gets_fewer_events_and_no_old_ones() -> None:
    async def work(harness: Harness) -> tuple[Viewer, float]:
        viewer = Viewer(harness, pace_s=30.0)
        await asyncio.sleep(300)
        now = asyncio.get_running_loop().time()
        await viewer.leave()
        return viewer, now

    viewer, now = run(work)
    assert len(viewer.events) <= 10
    shown = [data["at"] for name, data in viewer.events if name == "status"]
    assert now - shown[-1] <= 95


def test_streams_end_when_the_process_stops() -> None:
    async def work(harness: Harness) -> int:
        viewer = Viewer(harness)
        await asyncio.sleep(3)
        harness.live.end()
        await viewer.task
        refused = Viewer(harness)
        await refused.task
        return refused.status

    assert run(work) == 503


def test_of_many_partitions_those_with_the_most_lag_are_sent_and_no_ids_of_imports() -> None:
    many = tuple(replace(PARTITIONS[0], partition=number, lag=number) for number in range(400))
    document: Any = live_document(1.0, status(partitions=many), LastRequests())
    assert document["partition_count"] == 400
    assert [one["lag"] for one in document["partitions"]] == list(range(399, 399 - MOST_PARTITIONS, -1))
    assert all("import_batches" not in target for target in document["targets"])


def test_each_reason_has_its_remedy_in_all_languages_without_what_may_not_be_shown() -> None:
    health = Health(wall_clock=lambda: 7.0)
    health.on(ReasonRaised("no_token", "", message("the token endpoint can't be reached: {why}", why=f"tel {MOBILE}")))
    document: Any = live_document(1.0, status(reasons=tuple(health.reasons)), LastRequests())
    assert document["reasons"][1] == {
        "code": "no_token",
        "target": "",
        "since": 7.0,
        "remedy": "the token endpoint can't be reached: tel 1…",
        "remedies": {"en": "the token endpoint can't be reached: tel 1…", "zh": "连不上令牌接口：tel 1…"},
    }


def test_the_last_requests_are_kept_without_their_items() -> None:
    requests = LastRequests(wall_clock=lambda: 7.0)
    for number in range(KEPT_REQUESTS + 5):
        requests.on(request(VerdictKind.DELIVERED, import_batch=str(number)))
    assert [one.import_batch for one in requests.requests] == [str(number) for number in range(5, KEPT_REQUESTS + 5)]
    assert (requests.requests[0].items, requests.requests[0].at) == (3, 7.0)
    assert MOBILE not in str(requests.requests)


def keys(language: str) -> dict[str, str]:
    table = re.search(rf"\n  {language}: \{{\n(.*?)\n  \}},", TEXTS, re.DOTALL)
    assert table is not None
    return dict(re.findall(r'^    (\w+): "(.*)",$', table[1], re.MULTILINE))


def test_both_languages_have_the_same_texts_with_the_same_placeholders() -> None:
    english, chinese = keys("en"), keys("zh")
    assert list(english) == list(chinese)
    holes = [{key: set(re.findall(r"\{\w+\}", text)) for key, text in table.items()} for table in (english, chinese)]
    assert holes[0] == holes[1]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_reason_and_state_has_its_text(language: str) -> None:
    expected = [f"reason_{code}" for code in get_args(ReasonCode)] + [f"target_{state.value}" for state in TargetState]
    assert [key for key in expected if key not in keys(language)] == []

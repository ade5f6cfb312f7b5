"""The status page of a connector in odd states, made up here: long and strange names, hundreds of them, a new process.

What it shows of a connector that runs: tests/kafka/test_status_page.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import pytest

from connector.core.sink import TargetState, VerdictKind
from connector.language.message import verbatim
from connector.observe.admin import Streams, build_admin
from connector.observe.health import Health
from connector.observe.last_requests import LastRequests
from connector.observe.live import MOST_PARTITIONS, Live
from connector.observe.metrics import Metrics
from connector.observe.snapshot import Reason
from connector.runtime.web import bind, serve_forever
from tests.support.browser import LOOKS
from tests.unit.observe.examples import DEAD_LETTER, PARTITIONS, ROUTES, TARGETS, request, status
from tests.unit.observe.test_tap import Harness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.observe.snapshot import Status
    from tests.support.browser import Browser

MARKUP = "<img src=x onerror='document.title=1'><b>bold</b>&amp;"
LONG = "x" * 249
"""As long as a name of a topic may be, and nowhere to break it."""


class MadeUp:
    """An admin port that shows `status`. Its loop runs in a thread; `stop` and `start` are those of the process."""

    def __init__(self) -> None:
        self.status = status(reasons=())
        self.requests = LastRequests()
        self._sock = bind("127.0.0.1:0")
        self._port = self._sock.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self.start()

    def start(self) -> None:
        began = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(began)), daemon=True)
        self._thread.start()
        began.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join()

    def start_again(self) -> None:
        self._sock = bind(f"127.0.0.1:{self._port}")
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def _serve(self, began: threading.Event) -> None:
        streams = Streams(Harness().tap, Live(lambda: self.status, self.requests))
        app = build_admin(lambda: self.status, Metrics(), Health(), dict, streams)
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.ensure_future(serve_forever(app, self._sock, streams.end))
        watching = asyncio.ensure_future(streams.live.watch())
        began.set()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        watching.cancel()


@pytest.fixture
def made_up() -> Iterator[MadeUp]:
    with MadeUp() as made_up:
        yield made_up


def strange(many: int) -> Status:
    """Return a state with names that are long, Chinese, markup, and `many` of them."""
    names = [LONG, "会员下单后三十分钟内未支付的订单事件路由", MARKUP, *(f"route-{number}" for number in range(many))]
    now = time.time()
    target = replace(TARGETS[1], state=TargetState.DOWN, reason=LONG, last_reply=f"HTTP 502 {MARKUP}", since=now)
    letter = replace(DEAD_LETTER, topic=LONG, field=LONG, detail=MARKUP)
    return replace(
        status(
            partitions=tuple(replace(PARTITIONS[0], topic=LONG, partition=number) for number in range(8 * many)),
            targets=tuple(replace(target, name=name) for name in names[:10]),
            reasons=tuple(
                Reason("target_down", name, now - 5, verbatim(f"check {name} {MARKUP}")) for name in names[:10]
            ),
        ),
        routes=tuple(replace(ROUTES[0], name=name, reasons={MARKUP: 3}) for name in names),
        dead_letters=tuple(replace(letter, route=name) for name in names),
    )


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look['languages']} {look['size'][0]}")
def test_names_that_are_long_or_strange_or_many_stay_text_and_fit_the_window(
    browser: Browser, made_up: MadeUp, look: dict[str, Any]
) -> None:
    made_up.status = strange(50)
    made_up.requests.on(request(VerdictKind.AGAIN, target=LONG, http_status=502, detail=MARKUP))
    browser.open(made_up.url, **look)
    browser.wait_for_text("#routes", "route-49")
    for panel in ("partitions", "requests"):
        browser.find(f"#{panel}-panel summary").click()
    assert browser.driver.execute_script("return document.querySelectorAll('#partitions tbody tr').length") == 100
    assert str(MOST_PARTITIONS) in browser.text("#partition-count")
    assert "400" in browser.text("#partition-count")
    for place in ("reasons", "targets", "routes", "letters", "requests"):
        assert MARKUP in browser.text(f"#{place}")
    assert browser.driver.execute_script("return document.querySelectorAll('main img, main td b').length") == 0
    browser.assert_fits_its_width()
    browser.screenshot(f"odd-status-{look['languages']}-{look['scheme']}-{look['size'][0]}")
    browser.assert_console_is_clean()


def test_what_has_not_changed_is_not_written_again_so_that_it_can_be_selected_and_is_not_read_out_anew(
    browser: Browser, made_up: MadeUp
) -> None:
    made_up.status = status(
        reasons=(Reason("target_held", "tags", time.time() - 7200, verbatim("grant the permission")),)
    )
    browser.open(made_up.url)
    browser.wait_for_text("#reasons", "grant the permission")
    browser.driver.execute_script(WATCH_CHANGES)
    since = 10.0
    for _ in range(3):
        since += 10
        made_up.status = replace(made_up.status, uptime_s=since)
        browser.wait_for_text("#process", f"{since:.0f} s")
    assert browser.driver.execute_script("return getSelection().toString()") == "What to do: grant the permission"
    assert browser.driver.execute_script("return changes") == []
    made_up.status = replace(made_up.status, reasons=())
    browser.wait_for_text("#reasons", "Everything works")
    assert browser.driver.execute_script("return changes.length") > 0


WATCH_CHANGES = """
    getSelection().selectAllChildren(document.querySelector(".remedy"));
    window.changes = [];
    const told = (records) => changes.push(...records.map((each) => each.target.id || each.target.nodeName));
    const places = document.querySelectorAll("[aria-live], [role=status]");
    for (const place of places)
      new MutationObserver(told).observe(place, { childList: true, characterData: true, subtree: true });
"""


def test_a_page_in_each_of_two_tabs_follows_a_process_that_was_started_again(browser: Browser, made_up: MadeUp) -> None:
    first = browser.driver.current_window_handle
    browser.open(made_up.url)
    browser.wait_for_text("#connection", "live")
    browser.driver.switch_to.new_window("tab")
    browser.driver.get(made_up.url)
    browser.wait_for_text("#connection", "live")
    made_up.stop()
    browser.wait_for_text("#connection", "connection lost")
    made_up.status = replace(made_up.status, version="9.9.9")
    made_up.start_again()
    browser.wait_for_text("#process", "9.9.9")
    browser.wait_for_text("#connection", "live")
    browser.driver.close()
    browser.driver.switch_to.window(first)
    browser.wait_for_text("#process", "9.9.9")
    browser.wait_for_text("#connection", "live")
    browser.console()  # the attempts that failed


def test_without_a_partition_or_without_kafka_it_does_not_say_that_it_has_caught_up(
    browser: Browser, made_up: MadeUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.observe.history.SAMPLE_S", 0.2)
    made_up.status = status(partitions=(), reasons=())
    browser.open(made_up.url)
    browser.wait_for_text("#catch-up", "no partition")
    assert browser.text("#lag-now") == "–"

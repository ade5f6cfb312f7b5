"""The tap, with a view that says of a record no more than its offset."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from connector.core.events import Notice, RequestDone
from connector.core.record import DEAD_LETTERS, Failure, Item
from connector.core.sink import VerdictKind
from connector.observe.tap import BURST_S, MAX_LISTENERS, SHARE, Tap
from connector.observe.tap_feed import MAX_CHUNK_BYTES, MAX_PENDING, MAX_PENDING_BYTES
from connector.observe.tap_request import TapRefusedError
from tests.support.clock import run_virtual
from tests.unit.observe.examples import record, request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.core.record import Record
    from connector.observe.tap_feed import TapFeed
    from connector.observe.tapped import Tapped


class View:
    """Tells offset and outcome; takes as long as it is told to."""

    routes = ("orders", "refunds")
    targets = ("purchases", "tags")

    def __init__(self, harness: Harness) -> None:
        self._harness = harness

    def fed_by(self, topic: str) -> tuple[set[str], set[str]]:
        return ({"orders"}, {"purchases"}) if topic == "shop.orders" else (set(), set())

    def line(self, tapped: Tapped) -> bytes:
        self._harness.rendered += 1
        self._harness.now += self._harness.line_takes_s
        told = {
            "type": "item",
            "offset": tapped.record.offset,
            "outcome": tapped.outcome,
            "import": tapped.import_batch,
        }
        return json.dumps(told).encode() + b" " * self._harness.padding + b"\n"

    def holds(self, tapped: Tapped, value_hash: str) -> bool | None:
        del value_hash
        self._harness.now += self._harness.line_takes_s
        return None if tapped.record.offset == 0 else tapped.record.offset % 10 == 7


class Harness:
    """A tap, and what it is attached to."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.rendered = 0
        self.line_takes_s = 0.0
        self.padding = 0
        self.listeners: list[Any] = []
        self.on_mapped: Callable[[Sequence[Record], Sequence[int]], None] | None = None
        self.tap = Tap(lambda: View(self), self.listeners, self, lambda: self.now)

    def is_attached(self) -> bool:
        assert (self.listeners == [self.tap]) == (self.on_mapped is not None)
        return bool(self.listeners)

    def emit(self, event: RequestDone | Notice) -> None:
        for listener in self.listeners:
            listener.on(event)

    def map(self, records: Sequence[Record], counts: Sequence[int]) -> None:
        if self.on_mapped is not None:
            self.on_mapped(records, counts)


def items_in(feed: TapFeed) -> list[dict[str, Any]]:
    """What its reader gets now."""
    return [json.loads(line) for line in feed.rendered(at_once=True).splitlines()]


def ended(feed: TapFeed) -> list[tuple[int, str]]:
    return [(item["offset"], item["outcome"]) for item in items_in(feed)]


def test_without_a_listener_the_tap_is_attached_to_nothing() -> None:
    harness = Harness()
    assert not harness.is_attached()
    feeds = [harness.tap.open([]) for _ in range(2)]
    assert harness.is_attached()
    harness.tap.close(feeds[0])
    assert harness.is_attached()
    harness.tap.close(feeds[1])
    assert not harness.is_attached()


def test_items_are_shown_with_their_outcome_and_the_import_batch() -> None:
    harness = Harness()
    feed = harness.tap.open([])
    harness.emit(request(offsets=range(2), import_batch="b7"))
    harness.emit(Notice("info", "something else", {}))
    harness.map([record(2), record(3), record(4)], [0, 1, 0])
    harness.emit(request(VerdictKind.AGAIN, offsets=range(5, 6)))
    harness.emit(request(target=DEAD_LETTERS, offsets=range(6, 7)))
    items = items_in(feed)
    assert [(item["offset"], item["outcome"]) for item in items] == [
        (0, "delivered"),
        (1, "delivered"),
        (2, "skipped"),
        (4, "skipped"),
        (5, "again"),
        (6, "dead_lettered"),
    ]
    assert [item["import"] for item in items][:3] == ["b7", "b7", ""]


def test_of_a_partly_written_batch_of_dead_letters_those_written_are_dead_lettered() -> None:
    harness = Harness()
    feed = harness.tap.open([])
    event = request(VerdictKind.AGAIN, target=DEAD_LETTERS, offsets=range(3))
    harness.emit(RequestDone(**{name: getattr(event, name) for name in event.__slots__} | {"done": frozenset({1})}))
    assert ended(feed) == [(0, "again"), (1, "dead_lettered"), (2, "again")]


@pytest.mark.parametrize(
    ("query", "offsets"),
    [
        ([("route", "orders")], [0, 1, 2, 7]),
        ([("route", "refunds")], [9]),
        ([("target", "purchases")], [0, 1, 2, 7]),
        ([("target", "tags")], []),
        ([("outcome", "skipped")], [7]),
        ([("outcome", "dead_lettered")], [9]),
        ([("outcome", "delivered"), ("outcome", "skipped"), ("route", "orders")], [0, 1, 2, 7]),
        ([("route", "orders"), ("target", "tags")], []),
    ],
)
def test_filters_are_by_route_target_and_outcome(query: list[tuple[str, str]], offsets: list[int]) -> None:
    harness = Harness()
    feed = harness.tap.open(query)
    harness.emit(request(offsets=range(3)))
    harness.map([record(7)], [0])
    source = record(9)
    letter = Item(DEAD_LETTERS, "refunds", b"", b"", (), source, Failure("refused"))
    event = request(target=DEAD_LETTERS, offsets=range(1))
    harness.emit(RequestDone(**{name: getattr(event, name) for name in event.__slots__} | {"items": [letter]}))
    assert [offset for offset, _ in ended(feed)] == offsets


def test_a_dead_letter_is_found_by_the_target_that_its_item_was_meant_for() -> None:
    harness = Harness()
    feed = harness.tap.open([("target", "tags")])
    letter = Item(DEAD_LETTERS, "orders", b"{}", b"{}", (), record(1), Failure("refused", target="tags"))
    event = request(target=DEAD_LETTERS, offsets=range(1))
    harness.emit(RequestDone(**{name: getattr(event, name) for name in event.__slots__} | {"items": [letter]}))
    assert ended(feed) == [(1, "dead_lettered")]


def test_the_rate_is_kept_and_a_batch_is_sampled_evenly() -> None:
    harness = Harness()
    feed, offsets = harness.tap.open([("rate", "50")]), list[int]()
    for _ in range(40):
        harness.emit(request(offsets=range(500)))
        harness.now += 0.05
        offsets += [offset for offset, _ in ended(feed)]
    assert 50 + 97 <= len(offsets) <= 50 + 100
    assert min(offsets) < 100
    assert max(offsets) > 400
    assert (feed.counts.matched, feed.counts.shown + feed.counts.sampled_out) == (20_000, 20_000)


def test_a_share_is_a_share() -> None:
    harness = Harness()
    feed = harness.tap.open([("sample", "0.1"), ("rate", "1000")])
    for _ in range(10):
        harness.emit(request(offsets=range(500)))
        harness.now += 1.0
        items_in(feed)
    assert 350 < feed.counts.shown < 650


def test_one_value_is_followed_and_what_could_not_be_searched_is_counted() -> None:
    harness = Harness()
    feed = harness.tap.open([("value_hash", "0" * 16)])
    harness.emit(request(offsets=range(30)))
    assert ended(feed) == [(7, "delivered"), (17, "delivered"), (27, "delivered")]
    assert (feed.counts.without_value, feed.counts.too_large) == (26, 1)


@pytest.mark.parametrize("query", [[("rate", "1000")], [("value_hash", "0" * 16), ("rate", "1000")]])
def test_listeners_take_no_more_than_their_share_of_the_time(query: list[tuple[str, str]]) -> None:
    async def scene() -> None:
        harness, loop = Harness(), asyncio.get_running_loop()
        harness.line_takes_s = 0.001
        began = harness.now
        tap = Tap(lambda: View(harness), harness.listeners, harness, lambda: loop.time() + harness.now)
        feeds = [tap.open(query) for _ in range(MAX_LISTENERS)]
        reading = [asyncio.create_task(_read(feed, [])) for feed in feeds]
        for _ in range(1000):
            harness.emit(request(offsets=range(500)))
            await asyncio.sleep(0.01)
        taken = harness.now - began
        assert SHARE * 9 <= taken <= SHARE * (10 + taken) + BURST_S + 0.005
        for counts in (feed.counts for feed in feeds):
            assert 0 < counts.over_budget < counts.matched
            assert counts.shown or counts.without_value
        tap.end()
        await asyncio.gather(*reading)

    run_virtual(scene())


def test_a_burst_is_shown_whole_as_soon_as_there_is_time() -> None:
    async def scene() -> None:
        harness, lines, loop = Harness(), list[dict[str, Any]](), asyncio.get_running_loop()
        harness.line_takes_s = 0.001
        tap = Tap(lambda: View(harness), harness.listeners, harness, lambda: loop.time() + harness.now)
        reading = asyncio.create_task(_read(tap.open([("rate", "1000")]), lines))
        await asyncio.sleep(1.0)
        harness.emit(request(offsets=range(MAX_PENDING)))
        await asyncio.sleep(MAX_PENDING * 0.001 / SHARE + 1.0)
        assert [line["offset"] for line in lines if line["type"] == "item"] == list(range(MAX_PENDING))
        tap.end()
        await reading

    run_virtual(scene())


def test_what_a_slow_reader_does_not_take_is_dropped_and_counted() -> None:
    async def scene() -> None:
        harness, loop = Harness(), asyncio.get_running_loop()
        harness.padding = 1_000
        tap = Tap(lambda: View(harness), harness.listeners, harness, loop.time)
        feed = tap.open([("rate", "1000")])
        chunks = feed.chunks()
        await anext(chunks)
        harness.emit(request(offsets=range(400)))
        assert len(await anext(chunks)) < MAX_CHUNK_BYTES + 2_000
        for _ in range(20):
            await asyncio.sleep(1.0)
            harness.emit(request(offsets=range(400)))
        assert feed.counts.dropped == feed.counts.matched - MAX_PENDING - feed.counts.shown
        assert harness.rendered == feed.counts.shown < 300
        assert feed.counts.over_budget == 0

    run_virtual(scene())


def test_large_records_are_not_kept_by_the_hundred() -> None:
    harness = Harness()
    feed = harness.tap.open([("rate", "1000")])
    event = request(offsets=range(100))
    large = [item.replace(record=item.record.replace(value=b"x" * 1_000_000)) for item in event.items]
    harness.emit(RequestDone(**{name: getattr(event, name) for name in event.__slots__} | {"items": large}))
    assert len(ended(feed)) == -(-MAX_PENDING_BYTES // 1_000_000)
    assert feed.counts.over_budget == 100 - feed.counts.shown


def test_there_is_room_for_a_few_listeners() -> None:
    harness = Harness()
    feeds = [harness.tap.open([]) for _ in range(MAX_LISTENERS)]
    with pytest.raises(TapRefusedError, match="4 listeners already") as refused:
        harness.tap.open([])
    assert refused.value.status == 503
    harness.tap.close(feeds[0])
    harness.tap.open([])


def test_a_refused_listener_takes_no_place() -> None:
    harness = Harness()
    for _ in range(MAX_LISTENERS + 1):
        with pytest.raises(TapRefusedError, match="no such route"):
            harness.tap.open([("route", "nope")])
    assert not harness.is_attached()


async def _read(feed: TapFeed, lines: list[dict[str, Any]]) -> None:
    async for chunk in feed.chunks():
        lines += map(json.loads, chunk.splitlines())


def test_a_reader_gets_lines_at_once_the_counts_every_second_and_the_end() -> None:
    async def scene() -> None:
        harness, lines, loop = Harness(), list[dict[str, Any]](), asyncio.get_running_loop()
        tap = Tap(lambda: View(harness), harness.listeners, harness, loop.time)
        feed = tap.open([("route", "orders")])
        reading = asyncio.create_task(_read(feed, lines))
        await asyncio.sleep(0.01)
        assert lines.pop() == {
            "type": "listening",
            "routes": ["orders"],
            "targets": [],
            "outcomes": [],
            "value_hash": "",
            "sample": 1.0,
            "rate": 10.0,
        }
        harness.emit(request(offsets=range(30)))
        await asyncio.sleep(0.01)
        assert [line["type"] for line in lines] == ["item"] * 10
        lines.clear()
        await asyncio.sleep(2.1)
        assert [(line["type"], line["matched"], line["shown"], line["sampled_out"]) for line in lines] == [
            ("counts", 30, 10, 20)
        ]
        lines.clear()
        await asyncio.sleep(11)
        assert [line["type"] for line in lines] == ["counts"] * 2
        lines.clear()
        tap.end()
        await asyncio.wait_for(reading, 0.1)
        assert [(line["type"], line["reason"], line["matched"]) for line in lines] == [
            ("end", "the connector stops", 30)
        ]
        with pytest.raises(TapRefusedError, match="stops"):
            tap.open([])

    run_virtual(scene())

"""What traces cost a request of 500 records: nothing while they are off, and little while they are on."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from connector.observe.tracing import Tracing
from connector.tuzhan.client import PlatformClient
from connector.tuzhan.http_sink import HttpSink
from tests.bench.figures import Figure
from tests.kafka.commands import EVENTS
from tests.support.builders import item, record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.record import Item
    from connector.core.sink import Sink
    from connector.tuzhan.replies import Reply
    from tests.bench.figures import Figures

pytestmark = [pytest.mark.bench, pytest.mark.timeout(300, func_only=True)]

ROUNDS, REQUESTS, RECORDS = 41, 100, 500
OK = b'{"code":"200","errorCode":"SUCCESS","msg":"ok"}'
BASE_URL = "http://127.0.0.1:1/api/open"


class Answering(httpx.AsyncBaseTransport):
    """Answers every request at once."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002
        return httpx.Response(200, content=OK)


class ClientWithout(PlatformClient):
    """The client as it would be without trace headers."""

    async def post(self, path: str, body: bytes, token: str) -> Reply:
        url = self._urls.get(path)
        if url is None:
            url = self._urls[path] = httpx.URL(f"{self._base_url}/{path}")
        request = httpx.Request("POST", url, headers={**self._headers, "X-Token": token}, content=body)
        return await self._exchange(request)


class StaticToken:
    """There always is a token."""

    def token_for(self, _sink: object) -> str:
        return "t"

    def on_delivered(self, *_: object) -> None:
        """Nothing to note."""


def _sink(client: type[PlatformClient]) -> Sink:
    tokens: Any = StaticToken()
    return HttpSink(EVENTS, client(BASE_URL, 10.0, Answering()), tokens)


def _items() -> list[Item]:
    """Return items of a kilobyte, of records that each have a trace of their own."""
    parents = [f"00-{number:032x}-{number:016x}-01".encode() for number in range(1, RECORDS + 1)]
    return [
        item(record(offset).replace(headers=(("traceparent", parent),)), body=b"{%s}" % (b"x" * 1000))
        for offset, parent in enumerate(parents)
    ]


async def _cpu_s(sink: Sink, items: Sequence[Item]) -> float:
    began = time.process_time()
    for _ in range(REQUESTS):
        await sink.send(items)
    return time.process_time() - began


async def _pairs(first: Sink, second: Sink) -> list[tuple[float, float]]:
    """Return the CPU seconds of both in each round, taking turns in who is first."""
    items, pairs = _items(), []
    for number in range(ROUNDS):
        if number % 2:
            pairs.append((await _cpu_s(first, items), await _cpu_s(second, items)))
        else:
            pairs.append((await _cpu_s(second, items), await _cpu_s(first, items))[::-1])
    return pairs


def test_traces_that_are_off_cost_nothing(bench_figures: Figures, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = asyncio.run(_pairs(_sink(ClientWithout), _sink(PlatformClient)))
    ratio = statistics.median(off / without for without, off in pairs)
    with capsys.disabled():
        print(f"\ntraces off: {ratio:.3f} of the CPU time of a request without them")  # noqa: T201 - the result
    figure = Figure("request with traces off, by one without", ratio, noise=0.05, goal=1.03)
    bench_figures.add(figure)
    assert figure.reached


def test_what_traces_cost_a_record(capsys: pytest.CaptureFixture[str]) -> None:
    """The exporter's thread is in it, and a record is linked whose trace no other one has."""
    tracing = Tracing.build(InMemorySpanExporter())
    on = tracing.platform(_sink(PlatformClient), "purchases", EVENTS, lambda: BASE_URL)
    pairs = asyncio.run(_pairs(_sink(PlatformClient), on))
    added_us = statistics.median(with_on - off for off, with_on in pairs) / REQUESTS / RECORDS * 1e6
    with capsys.disabled():
        print(f"\ntraces on: {added_us:.2f} µs per record more")  # noqa: T201 - the result
    assert added_us < 100

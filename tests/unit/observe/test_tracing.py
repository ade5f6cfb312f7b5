from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from connector.core.record import UNREADABLE_HEADERS
from connector.core.sink import Subject, Verdict, VerdictKind
from connector.core.trace_headers import TRACE_HEADERS
from connector.observe.tracing import FLUSH_TIMEOUT_S, MAX_LINKS, Tracing, record_contexts
from connector.tuzhan.client import PlatformClient
from tests.support.builders import item, record
from tests.support.fake_sink import FakeSink
from tests.support.otlp_receiver import OtlpReceiver
from tests.support.wire import http_reply, reply_with, serve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from connector.core.record import Headers, Item
    from connector.core.sink import Sink

BASE_URL = "https://user:pass@platform.example/api/open"
DELIVERED = Verdict(VerdictKind.DELIVERED, http_status=200, code="200", import_batch="batch-7")


def parent(number: int, flags: str = "01") -> bytes:
    return f"00-{number:032x}-{number:016x}-{flags}".encode()


def of_trace(number: int) -> Headers:
    return (("traceparent", parent(number)),)


@dataclass
class Desk:
    """A traced sink for the platform, or for dead letters, and the spans that it made."""

    verdict: Verdict = DELIVERED
    seen: list[Mapping[str, str]] = field(default_factory=list)
    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)

    def __post_init__(self) -> None:
        self.tracing = Tracing.build(self.exporter)

    def _script(self, _items: Sequence[Item]) -> Verdict:
        self.seen.append(TRACE_HEADERS.get() or {})
        return self.verdict

    def send(self, *headers: Headers, letters: bool = False) -> ReadableSpan:
        """Send a record with each of these headers; return the span."""
        below = FakeSink(self._script)
        sink = (
            self.tracing.dead_letters(below, "dead-letters", "letters")
            if letters
            else self.tracing.platform(below, "purchases", "event/v2/batchAdd", lambda: BASE_URL)
        )
        items = [item(record(offset).replace(headers=one)) for offset, one in enumerate(headers)]
        assert asyncio.run(self._send(sink, items)) is self.verdict
        return self.exporter.get_finished_spans()[-1]

    async def _send(self, sink: Sink, items: Sequence[Item]) -> Verdict:
        verdict = await sink.send(items)
        await self.tracing.close()
        return verdict


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_a_request_is_a_span_that_says_where_it_went_and_what_came_of_it() -> None:
    span = Desk().send((), ())
    assert (span.name, span.kind, span.parent, span.status.status_code) == (
        "POST event/v2/batchAdd",
        SpanKind.CLIENT,
        None,
        StatusCode.UNSET,
    )
    assert attributes(span) == {
        "http.request.method": "POST",
        "url.full": "https://platform.example/api/open/event/v2/batchAdd",
        "server.address": "platform.example",
        "server.port": 443,
        "http.response.status_code": 200,
        "messaging.batch.message_count": 2,
        "tuzhan.target": "purchases",
        "tuzhan.verdict": "delivered",
        "tuzhan.code": "200",
        "tuzhan.import_batch": "batch-7",
    }


@pytest.mark.parametrize(
    ("verdict", "error"),
    [
        (Verdict(VerdictKind.AGAIN, "HTTP 503", http_status=503), "503"),
        (
            Verdict(VerdictKind.REFUSED, "HTTP 200, code 400", http_status=200, code="400", subject=Subject.ITEMS),
            "refused",
        ),
        (Verdict(VerdictKind.AGAIN, "no complete reply within 10 s"), "again"),
    ],
)
def test_a_request_that_is_not_delivered_is_an_error_with_its_verdict(verdict: Verdict, error: str) -> None:
    span = Desk(verdict).send(())
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, verdict.detail)
    assert attributes(span)["error.type"] == error
    assert attributes(span)["tuzhan.verdict"] == verdict.kind.value


def test_a_batch_of_dead_letters_is_a_span_of_a_producer() -> None:
    span = Desk().send((), letters=True)
    assert (span.name, span.kind) == ("send letters", SpanKind.PRODUCER)
    assert attributes(span)["messaging.destination.name"] == "letters"


def test_a_span_is_linked_to_the_trace_of_each_of_its_records_once() -> None:
    span = Desk().send(of_trace(1), (), of_trace(2), of_trace(1), (("x", b"y"), *of_trace(3), ("tracestate", b"a=b")))
    assert [(link.context.trace_id, link.context.span_id) for link in span.links] == [(1, 1), (2, 2), (3, 3)]
    assert span.links[-1].context.trace_state.get("a") == "b"
    assert "tuzhan.links_omitted" not in attributes(span)


def test_the_number_of_links_is_bounded_and_the_rest_is_counted() -> None:
    span = Desk().send(*[of_trace(number) for number in range(1, 501)])
    assert len(span.links) == MAX_LINKS
    assert attributes(span)["tuzhan.links_omitted"] == 500 - MAX_LINKS


@pytest.mark.parametrize(
    "headers",
    [
        (("traceparent", None),),
        (("traceparent", b""),),
        (("traceparent", b"garbage"),),
        (("traceparent", b"\xff\xfe\x00"),),
        (("traceparent", b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-01"),),
        (("traceparent", parent(1).upper().replace(b"1", b"A")),),
        (("traceparent", b"ff" + parent(1)[2:]),),
        (("traceparent", parent(1) + b"-" + b"x" * 1000),),
        (*of_trace(1), ("traceparent", b"garbage")),
        (("Traceparent", parent(1)),),
        UNREADABLE_HEADERS,
    ],
)
def test_a_header_that_is_not_valid_is_passed_over(headers: Headers) -> None:
    span = Desk().send(headers, of_trace(2))
    assert [link.context.trace_id for link in span.links] == [2]


def test_a_tracestate_that_is_not_valid_leaves_the_link() -> None:
    for state in (b"\xff", b"no key", b"a=b" * 1000, None):
        span = Desk().send((*of_trace(1), ("tracestate", state)))
        assert [link.context.trace_id for link in span.links] == [1]


@pytest.mark.parametrize("state", [b"13800000077", b"a=1,a=2", bytes(range(256)), b",".join([b"a=1"] * 40)])
def test_a_tracestate_that_is_not_valid_is_passed_over_and_never_logged(
    state: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    contexts, _ = record_contexts([(("traceparent", parent(1)), ("tracestate", state))])
    assert [context.trace_id for context in contexts] == [1]
    assert caplog.text == ""


@given(st.lists(st.tuples(st.sampled_from(["traceparent", "tracestate", "x"]), st.none() | st.binary(max_size=80))))
def test_no_header_is_an_error(headers: list[tuple[str, bytes | None]]) -> None:
    contexts, omitted = record_contexts([tuple(headers)])
    assert (len(contexts) <= 1, omitted) == (True, 0)


def test_the_request_carries_the_trace_of_its_span_and_no_other_request_does() -> None:
    desk = Desk()
    span = desk.send(of_trace(9))
    context = span.get_span_context()
    assert context is not None
    [headers] = desk.seen
    # The flags: sampled, and since level 2 of the specification that the trace id is random.
    assert headers["traceparent"].rpartition("-")[0] == f"00-{context.trace_id:032x}-{context.span_id:016x}"
    assert context.trace_id != 9
    assert TRACE_HEADERS.get() is None


def test_the_http_client_sends_the_trace_headers() -> None:
    async def main() -> list[str]:
        async with serve(reply_with(http_reply(b'{"code":"200"}'))) as seen:
            client = PlatformClient.build(seen.url, 5.0, 2)
            token = TRACE_HEADERS.set({"traceparent": parent(5).decode()})
            await client.post("event/v2/batchAdd", b"{}", "t")
            TRACE_HEADERS.reset(token)
            await client.post("event/v2/batchAdd", b"{}", "t")
            await client.aclose()
            return [str("traceparent: " + parent(5).decode() in head.lower()) for head in seen.heads]

    assert asyncio.run(main()) == ["True", "False"]


def test_a_send_that_is_cancelled_ends_its_span() -> None:
    desk = Desk()

    async def main() -> None:
        async def never(_items: Sequence[Item]) -> Verdict:
            await asyncio.sleep(3600)
            return DELIVERED

        sink = desk.tracing.dead_letters(FakeSink(never), "dead-letters", "letters")
        sending = asyncio.ensure_future(sink.send([item(record(0))]))
        await asyncio.sleep(0.01)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await desk.tracing.close()

    asyncio.run(main())
    assert len(desk.exporter.get_finished_spans()) == 1


# -- the exporter ---------------------------------------------------------------------------------------------------


async def _send_and_close(requests: int) -> float:
    """Trace requests, close; return how long the sends and the close have taken."""
    tracing = Tracing.build()
    sink = tracing.dead_letters(FakeSink(), "dead-letters", "letters")
    began = time.monotonic()
    for _ in range(requests):
        await sink.send([item(record(0).replace(headers=of_trace(7)))])
    await tracing.close()
    return time.monotonic() - began


def test_what_is_queued_at_the_end_is_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop-connector")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "600000")
    with OtlpReceiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        asyncio.run(_send_and_close(3))
    assert [(one.service, one.links) for one in receiver.spans] == [
        ("shop-connector", [(f"{7:032x}", f"{7:016x}")])
    ] * 3


def test_without_a_name_the_service_is_called_after_the_connector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_SERVICE_NAME", raising=False)
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    with OtlpReceiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        asyncio.run(_send_and_close(1))
    assert [one.service for one in receiver.spans] == ["tuzhan-connector"]


@pytest.mark.parametrize("trouble", ["hangs", "refuses", "is not there"])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_collector_in_trouble_costs_spans_and_no_time(monkeypatch: pytest.MonkeyPatch, trouble: str) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    monkeypatch.setattr("connector.observe.tracing.FLUSH_TIMEOUT_S", 0.2)
    with OtlpReceiver(status=503, hangs=trouble == "hangs") as receiver:
        monkeypatch.setenv(
            "OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1" if trouble == "is not there" else receiver.url
        )
        took_s = asyncio.run(_send_and_close(3_000))
    assert receiver.spans == []
    assert took_s < FLUSH_TIMEOUT_S + 5

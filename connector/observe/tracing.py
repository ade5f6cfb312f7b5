"""Traces, by OpenTelemetry: a span for each request, linked to the traces of its records. Needs the extra `otel`.

- A record may carry the W3C headers `traceparent` and `tracestate`, as instrumented producers write them. A request has
  up to 500 records of as many traces: its span is the root of a trace of its own, with a *link* to each of theirs, as
  the conventions for messaging have it; at most MAX_LINKS. A header that is not valid is passed over.
- Requests to the platform are spans of kind CLIENT and carry `traceparent` themselves; batches of dead letters are of
  kind PRODUCER. Attributes follow the conventions where there is one, and hold no value of a record.
- Spans are exported by a thread, from a queue that is bounded; a collector that is down or slow costs spans, never
  deliveries. The provider is not made the global one: two connectors in one process would get in each other's way.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, get_current_span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from connector import __version__
from connector.core.sink import VerdictKind
from connector.core.trace_headers import TRACE_HEADERS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, SpanContext, Tracer

    from connector.core.record import Headers, Item
    from connector.core.sink import Sink, Verdict

MAX_LINKS: Final = 128
"""The SDK's own limit: more would be dropped there."""
MAX_HEADER_BYTES: Final = 512
"""What a tracestate may be long (W3C); longer headers are passed over."""
FLUSH_TIMEOUT_S: Final = 2.0
Attributes = Mapping[str, str | int]
_PROPAGATOR: Final = TraceContextTextMapPropagator()
# It warns of each tracestate that is not valid, and quotes it.
logging.getLogger("opentelemetry.trace.span").setLevel(logging.ERROR)


class Tracing:
    """Makes the spans of one process. Lives from `build` to `close`."""

    def __init__(self, provider: TracerProvider, exporter: SpanExporter) -> None:
        self._provider, self._exporter = provider, exporter
        self._tracer = provider.get_tracer("tuzhan-connector", __version__)

    @classmethod
    def build(cls, exporter: SpanExporter | None = None) -> Tracing:
        """Build it as the variables OTEL_… say, and start the thread that exports. Raise ValueError."""
        exporter = exporter or OTLPSpanExporter()
        # The variables of the resource, OTEL_SERVICE_NAME among them, come before these attributes.
        resource = Resource({"service.name": "tuzhan-connector", "service.version": __version__})
        provider = TracerProvider(resource=resource.merge(_from_environment()), shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        return cls(provider, exporter)

    def platform(self, sink: Sink, target: str, endpoint: str, base_url: Callable[[], str]) -> Sink:
        """Return a sink that traces the requests of one of the platform's endpoints; its address may change."""

        def attributes() -> Attributes:
            return {"http.request.method": "POST", "tuzhan.target": target, **_address(base_url(), endpoint)}

        return TracedSink(sink, self._tracer, f"POST {endpoint}", SpanKind.CLIENT, attributes)

    def dead_letters(self, sink: Sink, target: str, topic: str) -> Sink:
        """Return a sink that traces the batches of dead letters."""
        attributes: Attributes = {
            "messaging.system": "kafka",
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            "messaging.destination.name": topic,
            "tuzhan.target": target,
        }
        return TracedSink(sink, self._tracer, f"send {topic}", SpanKind.PRODUCER, lambda: attributes)

    async def close(self) -> None:
        """Export what is queued, for FLUSH_TIMEOUT_S at most: what is left then is lost."""
        thread = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        thread.start()
        await asyncio.to_thread(thread.join, FLUSH_TIMEOUT_S)
        if thread.is_alive():
            self._exporter.shutdown()  # ends its retries


@lru_cache
def _address(base_url: str, endpoint: str) -> Attributes:
    """Return the attributes of an address, without a name and a password that may stand in it."""
    url = urlsplit(f"{base_url}/{endpoint}")
    host = url.netloc.rpartition("@")[2]
    port = url.port or (80 if url.scheme == "http" else 443)
    return {"url.full": f"{url.scheme}://{host}{url.path}", "server.address": url.hostname or "", "server.port": port}


def _from_environment() -> Resource:
    """Return the resource of OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME; it has a name in any case."""
    found = Resource.create()
    named = {key: value for key, value in found.attributes.items() if not str(value).startswith("unknown_service")}
    return Resource(named)


class TracedSink:
    """Implements `connector.core.sink.Sink`: the sink below it, and a span for each of its requests."""

    def __init__(
        self, sink: Sink, tracer: Tracer, name: str, kind: SpanKind, attributes: Callable[[], Attributes]
    ) -> None:
        self._sink, self._tracer = sink, tracer
        self._name, self._kind, self._attributes = name, kind, attributes
        self.item_sizes, self.request_overhead, self.ready = sink.item_sizes, sink.request_overhead, sink.ready

    @property
    def is_ready(self) -> bool:
        """Whether a request can be made now."""
        return self._sink.is_ready

    async def send(self, items: Sequence[Item]) -> Verdict:
        """Make the exchange, within a span."""
        contexts, omitted = record_contexts([item.record.headers for item in items])
        attributes = {**self._attributes(), "messaging.batch.message_count": len(items)}
        if omitted:
            attributes["tuzhan.links_omitted"] = omitted
        links = [Link(context) for context in contexts]
        span = self._tracer.start_span(self._name, Context(), self._kind, attributes, links)
        headers: dict[str, str] = {}
        _PROPAGATOR.inject(headers, set_span_in_context(span, Context()))
        token = TRACE_HEADERS.set(headers)
        try:
            verdict = await self._sink.send(items)
            _describe(span, verdict)
        finally:
            TRACE_HEADERS.reset(token)
            span.end()
        return verdict


def _describe(span: Span, verdict: Verdict) -> None:
    span.set_attribute("tuzhan.verdict", verdict.kind.value)
    if verdict.http_status is not None:
        span.set_attribute("http.response.status_code", verdict.http_status)
    if verdict.code:
        span.set_attribute("tuzhan.code", verdict.code)
    if verdict.import_batch:
        span.set_attribute("tuzhan.import_batch", verdict.import_batch)
    if verdict.kind is not VerdictKind.DELIVERED:
        failed = verdict.http_status is not None and verdict.http_status >= 400
        span.set_attribute("error.type", str(verdict.http_status) if failed else verdict.kind.value)
        span.set_status(Status(StatusCode.ERROR, verdict.detail))


def record_contexts(headers: Sequence[Headers]) -> tuple[list[SpanContext], int]:
    """Return the valid trace contexts of records, each once, MAX_LINKS at most; and how many were left out."""
    written = dict.fromkeys(each for one in headers if one and (each := _written_context(one)) is not None)
    found: dict[tuple[int, int], SpanContext] = {}
    omitted = 0
    for parent, state in written:
        if len(found) == MAX_LINKS:
            omitted += 1
            continue
        carrier = {"traceparent": parent.decode("latin-1"), "tracestate": state.decode("latin-1")}
        context = get_current_span(_PROPAGATOR.extract(carrier, Context())).get_span_context()
        if context.is_valid:
            found.setdefault((context.trace_id, context.span_id), context)
    return list(found.values()), omitted


def _written_context(headers: Headers) -> tuple[bytes, bytes] | None:
    """Return the last traceparent and tracestate, as they are written; None if there is no traceparent."""
    parent = state = b""
    for name, value in headers:
        if name == "traceparent":
            parent = value or b""
        elif name == "tracestate":
            state = value or b""
    if not 0 < len(parent) <= MAX_HEADER_BYTES:
        return None
    return parent, state if len(state) <= MAX_HEADER_BYTES else b""

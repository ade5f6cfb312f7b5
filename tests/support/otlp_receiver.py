"""A collector for traces: receives OTLP over HTTP, as protobuf, in a thread of its own."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """A span, with the name of the service that it came from."""

    service: str
    span: Span
    attributes: dict[str, Any]

    @property
    def links(self) -> list[tuple[str, str]]:
        """The trace id and the span id of each, in hex digits."""
        return [(link.trace_id.hex(), link.span_id.hex()) for link in self.span.links]

    @property
    def traceparent(self) -> str:
        """The header that a request within this span carries."""
        return f"00-{self.span.trace_id.hex()}-{self.span.span_id.hex()}-01"


class OtlpReceiver:
    """Answers with `status`; with `hangs`, not at all."""

    def __init__(self, *, status: int = 200, hangs: bool = False) -> None:
        self.spans: list[ReceivedSpan] = []
        self.requests = 0
        self._ended = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests += 1
                if hangs:
                    receiver._ended.wait()
                    return
                assert self.path == "/v1/traces"
                assert self.headers["Content-Type"] == "application/x-protobuf"
                if status == 200:
                    receiver._receive(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def _receive(self, body: bytes) -> None:
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = _values(of_resource.resource.attributes)
            for scope in of_resource.scope_spans:
                for span in scope.spans:
                    self.spans.append(ReceivedSpan(resource["service.name"], span, _values(span.attributes)))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _values(attributes: Any) -> dict[str, Any]:  # noqa: ANN401 - a repeated field of protobuf
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}

"""The one door to what needs the extra `otel`, which is imported only if the environment asks for traces.

Tracing has no key in the config: the variables are those of the OpenTelemetry specification, which platform teams set
for all of their services alike. It is asked for by `OTEL_TRACES_EXPORTER=otlp`, or by an endpoint for OTLP;
`OTEL_TRACES_EXPORTER=none` and `OTEL_SDK_DISABLED=true` turn it off. All other variables are read by the SDK.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from connector.core.errors import StartError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from connector.observe.tracing import Tracing

INSTALL: Final = "pip install 'tuzhan-connector[otel]'"
EXPORTER: Final = "OTEL_TRACES_EXPORTER"
DISABLED: Final = "OTEL_SDK_DISABLED"
ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
HEADERS: Final = "OTEL_EXPORTER_OTLP_HEADERS: expected name=value, several with commas in between, values URL-encoded"
_TURN_OFF: Final = f"or turn tracing off: {EXPORTER}=none"


def is_asked_for(environ: Mapping[str, str]) -> bool:
    """Return whether the environment asks for traces. Raise StartError if it asks for what there is not."""
    exporter = environ.get(EXPORTER, "").strip().lower()
    if environ.get(DISABLED, "").strip().lower() == "true" or exporter == "none":
        return False
    _, endpoint = _first(environ, ENDPOINTS)
    if not exporter and not endpoint:
        return False
    if exporter not in {"", "otlp"}:
        raise StartError(f"{EXPORTER}: expected otlp or none")
    name, protocol = _first(environ, PROTOCOLS)
    if protocol not in {"", "http/protobuf"}:
        raise StartError(
            f"{name}: only http/protobuf is supported: set it, and in {ENDPOINTS[1]} the collector's port for HTTP"
            f" (4318); {_TURN_OFF}"
        )
    for name in ENDPOINTS:
        if (value := environ.get(name, "").strip()) and not _is_address(value):
            raise StartError(f"{name}: expected an address such as http://collector:4318")
    return True


def open_tracing(environ: Mapping[str, str]) -> Tracing | None:
    """Return what traces requests; None if nothing asks for it. Raise StartError."""
    if not is_asked_for(environ):
        return None
    try:
        from connector.observe.tracing import Tracing  # noqa: PLC0415 - needs the extra
    except ImportError as error:
        library = (error.name or "opentelemetry").partition(".")[0]
        raise StartError(
            f"traces are asked for ({EXPORTER}, {ENDPOINTS[1]}), but {library} is not installed: {INSTALL}; {_TURN_OFF}"
        ) from error
    with _complaints() as complaints:
        try:
            tracing = Tracing.build()
        except ValueError as error:
            complaints.append(str(error))
    if complaints:
        raise StartError(f"the variables OTEL_… can't be used: {complaints[0]}")
    return tracing


class _Collector(logging.Handler):
    """Keeps the first line of each message; of one about headers, which may hold a secret, what is wrong with them."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        about_headers = record.name == "opentelemetry.util.re"
        self.texts.append(HEADERS if about_headers else record.getMessage().partition("\n")[0])


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """Collect what the SDK says of its variables: it would write that to stderr, and go on by its defaults."""
    logger, collector = logging.getLogger("opentelemetry"), _Collector()
    before, logger.propagate = logger.propagate, False
    logger.addHandler(collector)
    try:
        yield collector.texts
    finally:
        logger.removeHandler(collector)
        logger.propagate = before


def _is_address(value: str) -> bool:
    try:
        url = urlsplit(value)
        return url.scheme.lower() in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        return False


def _first(environ: Mapping[str, str], names: tuple[str, str]) -> tuple[str, str]:
    """Return the first of these variables that is not blank, with its value."""
    return next(((name, value) for name in names if (value := environ.get(name, "").strip())), (names[-1], ""))

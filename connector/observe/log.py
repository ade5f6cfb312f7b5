"""The log: one line per event on stderr, as JSON or as text. The only place that knows structlog.

Rules
- Every request has a line at info or above: target, verdict, items, offsets, import batch, milliseconds. From its
  offset alone anybody can tell what became of a record; of the record itself the line has nothing.
- A failure is a warning when it is new, and once a minute with the number in between; its repeats are written at info.
  So a platform that answers 503 for a day leaves at `level: warning` a line a minute, and at `info` no more lines than
  requests, which the backoff bounds.
- Libraries speak through the same writer, at warning and above only: httpx writes whole URLs at info, and the
  secret stands in a URL's query. Of what they say, one line is kept, and identical lines once a minute.
- Every text that the connector did not write itself goes through `scrub`; no exception's own text is written.
- Writing never raises: a log that nobody reads any more must not stop deliveries.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import orjson
import structlog

from connector.observe.log_lines import Lines
from connector.observe.repeats import Repeats
from connector.observe.scrub import describe, scrub

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from structlog.typing import FilteringBoundLogger

    from connector.core.events import Event

    Fields = MutableMapping[str, Any]

Format = Literal["json", "text"]
Level = Literal["debug", "info", "warning", "error"]
_NUMBERS: dict[Level, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_LIBRARIES = ("aiohttp", "asyncio", "httpcore", "httpx", "py.warnings", "uvicorn")
_PLAIN = re.compile(r"[^\s\"'={}\[\],]+")
_DIGITS = re.compile(r"[0-9]+")


class Log:
    """Listens to events, writes lines."""

    def __init__(self, logger: FilteringBoundLogger, level: Level, clock: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._lines = Lines(clock, _NUMBERS[level])

    def on(self, event: Event) -> None:
        """Write at most one line for `event`; never raises for what can't be written."""
        line = self._lines.of(event)
        if line is not None:
            self._logger.log(line.level, line.event, **line.fields)


def configure(format: Format, level: Level, stream: BinaryIO | None = None) -> Log:  # noqa: A002 - the config's word
    """Set the process's log up and give its listener; `stream` is stderr unless told otherwise.

    Replaces the handlers of the standard library's root logger, through which libraries speak.
    """
    logger: FilteringBoundLogger = structlog.wrap_logger(
        _Stream(stream or sys.stderr.buffer),
        processors=[_as_json if format == "json" else _as_text],
        wrapper_class=structlog.make_filtering_bound_logger(_NUMBERS[level]),
        context_class=dict,
        cache_logger_on_first_use=True,
    )
    _route_libraries(logger)
    return Log(logger, level)


class _Stream:
    """What structlog writes to: whole lines, one at a time, from any thread; a closed stream is no reason to stop."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = Lock()

    def write(self, line: bytes) -> None:
        with self._lock, suppress(OSError, ValueError):
            self._stream.write(line + b"\n")
            self._stream.flush()

    debug = info = warning = error = critical = write


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _as_json(_: object, level: str, fields: Fields) -> bytes:
    document = {"at": _now(), "level": level, "event": fields.pop("event"), **fields}
    try:
        return orjson.dumps(document)
    except TypeError:
        # A number beyond 64 bits.
        return json.dumps(document, default=str).encode()


def _as_text(_: object, level: str, fields: Fields) -> bytes:
    event = fields.pop("event")
    words = [_now(), level.upper().ljust(7), event, *(f"{name}={_word(value)}" for name, value in fields.items())]
    return " ".join(words).encode(errors="replace")


def _word(value: object) -> str:
    """A value of a field for people; quoted as in JSON unless it is one plain word."""
    if isinstance(value, dict):
        value = " ".join(f"{name}:{text}" for name, text in value.items())
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


class _FromLibraries(logging.Handler):
    """Writes what libraries say through the connector's own writer: their first line, and where it came from."""

    def __init__(self, logger: FilteringBoundLogger, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(logging.WARNING)
        self._logger = logger
        self._clock = clock
        self._repeats = Repeats()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = scrub(record.getMessage().strip().partition("\n")[0])
        except (TypeError, ValueError):
            # The arguments don't fit the format: a slip of the library, and no reason to show them.
            text = scrub(str(record.msg))
        repeated = self._repeats.tell((record.name, record.levelno, _DIGITS.sub("#", text)), self._clock())
        if repeated is None:
            return
        fields: dict[str, str | int] = {"logger": record.name}
        if record.exc_info and record.exc_info[1] is not None:
            fields["error"] = describe(record.exc_info[1])
        if repeated:
            fields["repeated"] = repeated
        level = logging.ERROR if record.levelno >= logging.ERROR else logging.WARNING
        self._logger.log(level, text, **fields)


def _route_libraries(logger: FilteringBoundLogger) -> None:
    root = logging.getLogger()
    root.handlers = [_FromLibraries(logger)]
    root.setLevel(logging.WARNING)
    for name in _LIBRARIES:
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)

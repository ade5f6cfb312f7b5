"""The log: at most one line per event on stderr, as JSON or as text. The only module that uses structlog.

Rules
- Every request has a line at info or above: target, verdict, items, offsets, import batch, milliseconds. The offset
  of a record is enough to find out how it ended; the record's contents are never logged.
- A failure is a warning when it is new, then once a minute with the number suppressed; its repeats are written at
  debug, those of a request or of dead letters at info, those of a reason not to be ready not at all. So a platform that
  answers 503 for a day leaves one line a minute at `level: warning`, and at `info` no more lines than requests, which
  the backoff limits.
- Libraries log through the same writer, at warning and above only: httpx logs whole URLs at info, and a URL's query
  may hold the secret. Of each message the first line is kept, and equal messages are written once a minute.
- Every text that comes from outside the connector passes `scrub`; the text of a foreign exception is never written.
- Writing never raises: a broken stderr must not stop deliveries.
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
from typing import TYPE_CHECKING, Any, Protocol

import orjson
import structlog

from connector.observe.log_lines import Log, level_number
from connector.observe.rate_limiter import RateLimiter, without_numbers
from connector.observe.scrub import describe, scrub

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from structlog.typing import FilteringBoundLogger

    from connector.language.choice import Language
    from connector.settings.models import LogFormat, LogLevel

    Fields = MutableMapping[str, Any]

_PLAIN_WORD = re.compile(r"[^\s\"'={}\[\],]+")


class LineStream(Protocol):
    """Where lines are written to."""

    def write(self, data: bytes, /) -> object:
        """Take whole lines."""

    def flush(self) -> None:
        """Have them written."""


def configure(
    format: LogFormat,  # noqa: A002 - the config's word
    level: LogLevel,
    stream: LineStream | None = None,
    language: Language = "en",
) -> Log:
    """Set up the process's log and return its listener; `stream` is stderr by default. Remedies are in `language`.

    Replaces the handlers of the standard library's root logger, so that libraries log through the same writer.
    """
    threshold = level_number(level)
    logger: FilteringBoundLogger = structlog.wrap_logger(
        _Stream(stream or sys.stderr.buffer),
        processors=[_as_json if format == "json" else _as_text],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        context_class=dict,
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [_LibraryHandler(logger)]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    return Log(logger.log, threshold, language=language)


class _Stream:
    """The sink of structlog: writes whole lines, from any thread; ignores a closed or broken stream."""

    def __init__(self, stream: LineStream) -> None:
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
        # orjson refuses an integer of more than 64 bits.
        return json.dumps(document, default=str).encode()


def _as_text(_: object, level: str, fields: Fields) -> bytes:
    event = fields.pop("event")
    words = [_now(), level.upper().ljust(7), event, *(f"{name}={_word(value)}" for name, value in fields.items())]
    return " ".join(words).encode(errors="replace")


def _word(value: object) -> str:
    """Return a field's value as text; quoted as in JSON unless it is one plain word."""
    if isinstance(value, dict):
        value = " ".join(f"{name}:{text}" for name, text in value.items())
    text = str(value)
    return text if _PLAIN_WORD.fullmatch(text) else json.dumps(text, ensure_ascii=False)


class _LibraryHandler(logging.Handler):
    """Writes the messages of libraries through the connector's own writer: the first line, and the logger's name."""

    def __init__(self, logger: FilteringBoundLogger) -> None:
        super().__init__(logging.WARNING)
        self._logger = logger
        self._limiter = RateLimiter()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = scrub(record.getMessage().strip().partition("\n")[0])
        except Exception:  # noqa: BLE001 - a bug of the library, which must not be its end
            # The arguments don't fit the format, or one has no text. The format alone is written.
            text = scrub(str(record.msg))
        suppressed = self._limiter.admit((record.name, record.levelno, without_numbers(text)), time.monotonic())
        if suppressed is None:
            return
        fields: dict[str, str | int] = {"logger": record.name}
        if record.exc_info and record.exc_info[1] is not None:
            fields["error"] = describe(record.exc_info[1])
        if suppressed:
            fields["repeated"] = suppressed
        level = logging.ERROR if record.levelno >= logging.ERROR else logging.WARNING
        self._logger.log(level, text, **fields)

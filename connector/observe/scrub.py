"""Redaction of texts from outside (libraries, servers, exceptions) before they are logged.

The connector's own texts hold no secret and no value of a record by construction. This is the second line of defence:
the platform's secret travels in a query string, and the text of a foreign exception may hold anything. Removed are
queries of URLs and paths, credentials, mainland mobile numbers, and control characters, which could forge log lines
or send commands to a terminal.
"""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from connector.core.errors import BackgroundTaskError, ConnectorError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_TEXT = 1000
"""The most characters of one text in a log line."""
MAX_FRAMES = 12
"""The most frames of a traceback in a log line: the innermost are kept."""

_URL_QUERY = re.compile(r"(https?://[^\s?\"<>]*)\?[^\s\"<>]*", re.IGNORECASE)
_QUERY = re.compile(r"\?[^\s?=\"<>]*=[^\s\"<>]*")
_SETTING = re.compile(r"([\w.-]*(?:secre|passw|token)[\w.-]*)(=|\"\s*:\s*)\"?[^\s\",&}]+", re.IGNORECASE)
_CREDENTIALS = re.compile(r"(?<=//)[^\s/@\"'<>]+@")
_MOBILE = re.compile(r"(?<![0-9])1[3-9][0-9]{9}(?![0-9])")
_NOT_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")


def scrub(text: str) -> str:
    """Return `text` on one line of at most MAX_TEXT characters, without URL queries, passwords, mobile numbers."""
    text = _NOT_TEXT.sub(" ", text)
    text = _URL_QUERY.sub(r"\1?…", _CREDENTIALS.sub("…@", text))
    text = _SETTING.sub(r"\1\2…", _QUERY.sub("?…", text))
    return _MOBILE.sub("1…", text)[:MAX_TEXT]


def printable(text: str) -> str:
    """Return `text` on one line, without what could send commands to a terminal or reverse its text; else unchanged."""
    return _NOT_TEXT.sub(" ", text)


def describe(error: BaseException) -> str:
    """Return the type and the place of an exception and of each of its causes, without the text of foreign ones.

    The text of the connector's own errors and of the operating system's is kept: it holds no value of a record.
    """
    return " from ".join(_describe_one(cause) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _describe_one(error: BaseException) -> str:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(error, BackgroundTaskError):
        # Its text repeats that of its cause.
        name += f" ('{error.task}')"
    elif isinstance(error, ConnectorError):
        name += f" ({scrub(str(error))})"
    elif isinstance(error, OSError) and error.strerror:
        name += f" ({scrub(error.strerror)})"
    frames = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__), lookup_lines=False)
    where = " > ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames[-MAX_FRAMES:])
    return f"{name} at {where}" if where else name

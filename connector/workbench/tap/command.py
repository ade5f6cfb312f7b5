"""The command `tap`: asks a connector, prints what it tells, until there is enough of it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import orjson

from connector.core.errors import UsageError
from connector.language.message import message
from connector.workbench.tap.client import parse_url, read
from connector.workbench.tap.hashing import value_hash
from connector.workbench.tap.rendering import Printer, counts_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from connector.workbench.tap.client import Data

STANDARD_INPUT: Final = "-"
_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)", re.ASCII)
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for."""

    url: str
    query: Sequence[tuple[str, str]]
    """What the connector filters by, but for the value."""
    value: str | None
    value_hash: str | None
    limit: int | None
    duration: str | None
    as_json: bool


class Show(Protocol):
    """Shows one item."""

    def item(self, document: Data) -> None:
        """Show it."""


class _JsonLines:
    def item(self, document: Data) -> None:
        sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.buffer.flush()


class _Enough(Exception):  # noqa: N818 - no error
    """The time is over, or Ctrl-C was pressed."""


def run_tap(options: Options) -> int:
    """Print what flows; return the exit code. Raises UsageError and CommandError."""
    url, query = parse_url(options.url), [*options.query, *_value_query(options)]
    duration_s = None if options.duration is None else parse_duration(options.duration)
    show: Show = _JsonLines() if options.as_json else Printer()
    counts: Data = {}
    is_first = True
    try:
        with _alarm() as end_after, contextlib.closing(read(url, query)) as documents:
            for document in _first(documents, options.limit, counts):
                if document["type"] == "item":
                    show.item(document)
                elif document["type"] == "end":
                    _note(f"ended: {document.get('reason', '')}")
                elif document["type"] == "counts" and not document.get("shown") and is_first:
                    _note(f"nothing to show yet: {counts_text(document)}")
                    is_first = False
                elif document["type"] == "listening":
                    end_after(duration_s or 0.0)
                    _note(f"listening at {options.url}; Ctrl-C ends")
    except (_Enough, KeyboardInterrupt):
        pass
    except (BrokenPipeError, SystemExit):  # `| head` has read enough; rich turns that into SystemExit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if counts:
        _note(counts_text(counts))
    return 0


def parse_duration(text: str) -> float:
    """Return the seconds of `30s`, `5m` or `1h`. Raises UsageError."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not float(match[1]):
        raise UsageError("--duration", message("expected a time such as 30s, 5m or 1h, got '{given}'", given=text))
    return float(match[1]) * _SECONDS[match[2]]


def _value_query(options: Options) -> list[tuple[str, str]]:
    if options.value is None:
        return [] if options.value_hash is None else [("value_hash", options.value_hash)]
    value = options.value
    if value == STANDARD_INPUT:
        if sys.stdin.isatty():
            sys.stderr.write("Value: ")
            sys.stderr.flush()
        value = sys.stdin.readline().strip()
    if not value:
        raise UsageError("--value", message("expected the value to look for, such as an openid"))
    return [("value_hash", value_hash(value))]


def _first(documents: Iterator[Data], limit: int | None, counts: Data) -> Iterator[Data]:
    """Yield documents until there were `limit` items; keep the last counts."""
    items = 0
    for document in documents:
        if document["type"] in {"counts", "end"}:
            counts.update(document)
        yield document
        items += document["type"] == "item"
        if items == limit:
            return


@contextlib.contextmanager
def _alarm() -> Iterator[Callable[[float], None]]:
    """Yield what raises _Enough in the block after so many seconds, 0: never.

    A signal, because the block waits for the network, which may say nothing.
    """

    def stop(_signal: int, _frame: object) -> None:
        raise _Enough

    before = signal.signal(signal.SIGALRM, stop)
    try:
        yield _set_alarm
    finally:
        _set_alarm(0.0)
        signal.signal(signal.SIGALRM, before)


def _set_alarm(seconds: float) -> None:
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _note(text: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

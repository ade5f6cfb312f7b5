"""Records out of a file or from standard input: a value per line as JSON, or an object that says more about the record.

A line is taken as a record in the form of mapping tests if it is an object with `topic` and one of `value` and
`value_text`; as one of `kcat -J` if it has `topic` and `payload`; anything else is the value itself. A value that is
JSON is what the decoder would yield, whatever the format of the topic. A line that is no JSON goes through the decoder,
which may know its charset, and says what is wrong with it. One JSON document over several lines is one record.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections import deque
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from pydantic import TypeAdapter, ValidationError

from connector.config.located import path_text
from connector.config.messages import report
from connector.core.errors import DecodeError, UsageError
from connector.core.record import Record
from connector.core.wording import counted, why_not
from connector.decode.json import decode_json
from connector.language.message import joined, message
from connector.settings.problems import Problems
from connector.workbench.preview.given import Given, Read
from connector.workbench.testing.models import GivenRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connector.language.message import Message

OPTION: Final = "--file"
STANDARD_INPUT: Final = "-"
STANDARD_INPUT_NAME: Final = message("standard input")
MOST_RECORDS: Final = 10_000
EXPECTED_LINES: Final = message("expected JSON lines, a record per line")
_MOST_LINE_BYTES: Final = 16 << 20
_MOST_BYTES: Final = 256 << 20
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_KCAT: Final = {"payload": "value_text", "ts": "timestamp"}
_KCAT_ONLY: Final = frozenset({"tstype", "broker"})


def read_lines(name: str, topic: str | None, count: int | None, *, oldest: bool) -> Read:
    """Return the records of a file, or of standard input: the first or the last `count`, or all.

    Values without a topic are of `topic`; None: they can't be.

    Raises:
        UsageError: the file can't be read or is no text, or a line is wrong; nothing of it is shown.

    """
    with _opened(name) as (stream, called):
        return _read(stream, called, topic, count, oldest=oldest)


def texts_of(name: str, *, by_line: bool = False) -> Iterator[tuple[int, bytes]]:
    """Yield each record's text as it comes, with the number of its line; `by_line`: each line is one.

    Raises UsageError, as `read_lines` does.
    """
    with _opened(name) as (stream, called):
        lines = _lines(stream, called)
        yield from lines if by_line else _documents(lines, called)


@contextlib.contextmanager
def _opened(name: str) -> Iterator[tuple[BinaryIO, str]]:
    """Yield the stream of a file or of standard input, and what to call it."""
    if name == STANDARD_INPUT:
        yield sys.stdin.buffer, STANDARD_INPUT_NAME
        return
    try:
        with Path(name).open("rb") as stream:
            yield stream, name
    except (OSError, ValueError) as error:
        raise UsageError(OPTION, message("can't read {file}: {reason}", file=name, reason=why_not(error))) from error


def _read(stream: BinaryIO, name: str, topic: str | None, count: int | None, *, oldest: bool) -> Read:
    most = MOST_RECORDS if count is None else count
    kept, more = _chosen(_documents(_lines(stream, name), name), most, name, first=oldest or count is None)
    notes: list[str] = []
    givens = [_given(content, line, name, topic) for line, content in kept]
    if more and count is None:
        notes.append(f"{name} has more than {most:,} records: these are the first; --newest and --oldest choose others")
    if not givens:
        notes.append(f"{name} is empty: there is no record to preview")
    if len(givens) == 1 and isinstance(givens[0].decoded, list):
        notes.append(f"{name} is one list, so it is one record; for a record per element: jq -c '.[]'")
    which = f"the {'first' if oldest or count is None else 'last'} " if more else ""
    return Read(givens, f"{which}{counted(len(givens), 'record')} of {name}", notes)


def _chosen(
    lines: Iterator[tuple[int, bytes]], most: int, name: str, *, first: bool
) -> tuple[Sequence[tuple[int, bytes]], bool]:
    """Return the first or the last lines, and whether there are more."""
    kept: deque[tuple[int, bytes]] = deque()
    held, more = 0, False
    for each in lines:
        if len(kept) == most and first:
            return kept, True
        kept.append(each)
        held += len(each[1])
        if len(kept) > most:
            held -= len(kept.popleft()[1])
            more = True
        if held > _MOST_BYTES:
            told = message(
                "{name}: {number:,} of its records have more than {size} MiB: choose fewer by --newest or --oldest",
                name=name,
                number=len(kept),
                size=_MOST_BYTES >> 20,
            )
            raise UsageError(OPTION, told)
    return kept, more


def _lines(stream: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank, with their numbers."""
    for number, line in enumerate(iter(lambda: stream.readline(_MOST_LINE_BYTES + 1), b""), 1):
        if len(line) > _MOST_LINE_BYTES:
            size = _MOST_LINE_BYTES >> 20
            told = message(
                "{name}: line {line} is larger than {size} MiB: no record", name=name, line=number, size=size
            )
            raise UsageError(OPTION, told)
        if b"\0" in line:
            told = message("{name}: line {line} is not text: {hint}", name=name, line=number, hint=_hint(line))
            raise UsageError(OPTION, told)
        content = line.removeprefix(_BYTE_ORDER_MARK).strip() if number == 1 else line.strip()
        if content:
            yield number, content


def _hint(line: bytes) -> Message:
    if line.startswith((b"\xff\xfe", b"\xfe\xff")):
        return message("it is UTF-16, save the file as UTF-8")
    return EXPECTED_LINES


def _documents(lines: Iterator[tuple[int, bytes]], name: str) -> Iterator[tuple[int, bytes]]:
    """Yield the lines; if the first is no JSON and all together are, the whole as one."""
    first = next(lines, None)
    if first is None or not first[1].startswith((b"{", b"[")) or _is_json(first[1]):
        yield from () if first is None else chain([first], lines)
        return
    rest, size = [first], len(first[1])
    for each in lines:
        rest.append(each)
        size += len(each[1])
        if size > _MOST_BYTES:
            told = message(
                "{name}: line {line} is not JSON: {expected}", name=name, line=first[0], expected=EXPECTED_LINES
            )
            raise UsageError(OPTION, told)
    whole = b"\n".join(content for _, content in rest)
    if _is_json(whole):
        yield first[0], whole
    else:
        yield from rest


def _is_json(content: bytes) -> bool:
    try:
        decode_json(content)
    except DecodeError:
        return False
    return True


def _given(content: bytes, line: int, name: str, topic: str | None) -> Given:
    try:
        return given_of(content, line, topic)
    except RecordError as error:
        told = message("{name}: line {line}: {told}", name=name, line=line, told=error.message)
        raise UsageError("--topic" if error.is_topic else OPTION, told) from error


class RecordError(Exception):
    """A text describes no record; the message says why, and shows nothing of it."""

    def __init__(self, told: Message, *, is_topic: bool = False) -> None:
        super().__init__(told)
        self.message = told
        self.is_topic = is_topic
        """Whether only the topic is missing, which the text need not say."""


def given_of(content: bytes, line: int, topic: str | None) -> Given:
    """Return the record that a text is, which begins in that line; `topic` as for `read_lines`.

    Raises:
        RecordError: it describes none.

    """
    try:
        decoded = decode_json(content)
    except DecodeError:
        return Given(_record(_named(topic), content), line=line)
    if is_description(decoded):
        return _described(decoded, line)
    return Given(_record(_named(topic), None), is_decoded=True, decoded=decoded, line=line)


def is_description(decoded: object) -> bool:
    """Return whether a decoded text says more about a record than its value."""
    return isinstance(decoded, dict) and "topic" in decoded and not decoded.keys().isdisjoint(_SOURCES)


_SOURCES: Final = ("value", "value_text", "value_file", "payload")


def _described(table: dict[str, Any], line: int) -> Given:
    """Return the record that an object describes."""
    if "payload" in table:
        table = _from_kcat(table)
    given, problems = None, Problems()
    try:
        given = TypeAdapter(GivenRecord).validate_python(table)
    except ValidationError as error:
        report(error, GivenRecord, (), problems)
    if "value_file" in table:
        only = message("only in a file of tests: give value or value_text")
        problems.add(("value_file",), only, "bad_value", at_key=True)
    if given is None or problems.found:
        found = [message("{path}: {told}", path=path_text(each.path), told=each.message) for each in problems.found]
        raise RecordError(
            message(
                "it has a topic, so it must be a record in the form of mapping tests: {found}",
                found=joined("; ", found),
            )
        )
    is_decoded = "value_text" not in table
    value = None if given.value_text is None else given.value_text.encode()
    record = Record(
        given.topic,
        given.partition,
        given.offset,
        given.timestamp if "timestamp" in table else _now_ms(),
        None if given.key is None else given.key.encode(),
        value,
        tuple((key, None if text is None else text.encode()) for key, text in given.headers.items()),
    )
    return Given(record, is_decoded=is_decoded, decoded=given.value, line=line)


def _from_kcat(table: dict[str, Any]) -> dict[str, Any]:
    """Return what `kcat -J` prints as an object of ours; its headers are names and texts in turn."""
    found = {_KCAT.get(name, name): each for name, each in table.items() if name not in _KCAT_ONLY}
    headers = found.get("headers")
    if isinstance(headers, list):
        found["headers"] = dict(zip(headers[::2], headers[1::2], strict=False))
    if found["value_text"] is None:
        found["value"] = found.pop("value_text")
    return found


def _record(topic: str, value: bytes | None) -> Record:
    return Record(topic, 0, 0, _now_ms(), None, value, ())


def _now_ms() -> int:
    """Return the timestamp of a record that has none of its own: now, so that a time in it can be sound."""
    return time.time_ns() // 1_000_000


def _named(topic: str | None) -> str:
    if topic is None:
        told = message("it does not say its topic, and the config reads several: name one here")
        raise RecordError(told, is_topic=True)
    return topic

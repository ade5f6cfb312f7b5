"""`dead-letters show`: everything about one letter, masked unless asked otherwise."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from connector.core.errors import CommandError, UsageError
from connector.core.letters import Letter, read_letter
from connector.core.record import UNREADABLE_HEADERS
from connector.dead_letters.listing import describe, record_place
from connector.dead_letters.masking import mask_bytes, mask_numbers, mask_value
from connector.dead_letters.restoring import restore
from connector.dead_letters.selection import Filters, Read, letters
from connector.language.message import message
from connector.observe.scrub import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from connector.core.record import Record
    from connector.dead_letters.output import Output
    from connector.kafka.record_fetcher import RecordFetcher
    from connector.kafka.topic_reader import TopicReader

_PLACE: Final = re.compile(r"(\d{1,9}):(\d{1,18})", re.ASCII)
_RECORD: Final = re.compile(r"([A-Za-z0-9._-]{1,249})\[(\d{1,9})\]@(\d{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the dead-letter topic, or, with a topic, the place of a record."""

    topic: str
    partition: int
    offset: int


def parse_place(text: str) -> Place:
    """Return the place that the command line names. Raises UsageError."""
    if found := _PLACE.fullmatch(text):
        return Place("", int(found[1]), int(found[2]))
    if found := _RECORD.fullmatch(text):
        return Place(found[1], int(found[2]), int(found[3]))
    told = message("expected a place such as 0:12, or a record such as shop.orders[3]@41, got '{given}'", given=text)
    raise UsageError("LETTER", told)


@dataclass(frozen=True, slots=True)
class Form:
    """How letters are shown."""

    unmask: bool
    as_json: bool
    readable: Callable[[Record], Record] = lambda record: record
    """Returns a record with its value as JSON, if it can be read."""


def show_letters(reader: TopicReader, fetcher: RecordFetcher, place: Place, form: Form, output: Output) -> None:
    """Print the letter at a place, or every letter of a record. Raises CommandError if there is none."""
    found = False
    for letter in letters_at(reader, fetcher, place):
        whole = restore(letter, fetcher)
        shown = letter if whole is None else replace(whole, record=form.readable(whole.record))
        document = _document(shown, unmask=form.unmask)
        document["restored"] = bool(letter.omitted) and whole is not None
        if form.as_json:
            output.print(orjson.dumps(document).decode())
        else:
            output.print(("\n" if found else "") + _text(document, reader.topic, letter, unmask=form.unmask))
        found = True
    if not found:
        raise CommandError(nothing_there(reader, place))


def letters_at(reader: TopicReader, fetcher: RecordFetcher, place: Place) -> Iterator[Letter]:
    """Yield the letter at a place, or every letter of a record, the oldest first. Raises CommandError."""
    if place.topic in {"", reader.topic}:
        record = fetcher.fetch(reader.topic, place.partition, place.offset)
        letter = None if record is None else read_letter(record)
        if letter is not None:
            yield letter
        return
    for letter in letters(reader, Filters(topics=[place.topic]), Read()):
        if (letter.record.partition, letter.record.offset) == (place.partition, place.offset):
            yield letter


def nothing_there(reader: TopicReader, place: Place) -> str:
    """Return why there is no letter at a place."""
    if place.topic not in {"", reader.topic}:
        return f"no dead letter of {place.topic}[{place.partition}]@{place.offset} in {reader.topic}"
    held = reader.ranges.get(place.partition)
    if held is None:
        return f"{reader.topic} has no partition {place.partition}: it has 0 to {max(reader.ranges, default=0)}"
    if held.first >= held.end:
        return f"partition {place.partition} of {reader.topic} is empty"
    return (
        f"no dead letter at {place.partition}:{place.offset}; partition {place.partition} of {reader.topic} holds"
        f" {held.first} to {held.end - 1}"
    )


def _document(letter: Letter, *, unmask: bool) -> dict[str, Any]:
    record, added = letter.record, letter.added
    unreadable = record.headers is UNREADABLE_HEADERS
    headers = [] if unreadable else [[name, _readable(data, unmask=unmask)] for name, data in record.headers]
    value = record.value if unmask or record.value is None else mask_value(record.value)
    return {
        **describe(letter),
        "detail": added.get("dl-detail", "") if unmask else mask_numbers(added.get("dl-detail", "")),
        "timestamp": record.timestamp_ms,
        "http_status": added.get("dl-http-status", ""),
        "reply": added.get("dl-reply", "") if unmask else mask_numbers(added.get("dl-reply", "")),
        "part": added.get("dl-part", ""),
        "uuid": added.get("dl-uuid", ""),
        "event_key": added.get("dl-event-key", ""),
        "group": added.get("dl-group", ""),
        "config": added.get("dl-config", ""),
        "headers": headers,
        "key": _readable(record.key, unmask=unmask),
        "value": _parsed(value),
    }


def _readable(data: bytes | None, *, unmask: bool) -> str | None:
    if data is None:
        return None
    return data.decode(errors="backslashreplace") if unmask else mask_bytes(data).decode()


def _parsed(value: bytes | None) -> Any:  # noqa: ANN401 - JSON
    """Return the value as JSON if it is JSON, else as text."""
    if value is None:
        return None
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value.decode(errors="backslashreplace")


def _text(document: dict[str, Any], topic: str, letter: Letter, *, unmask: bool) -> str:
    timestamp = document["timestamp"]
    at = "" if timestamp is None else datetime.fromtimestamp(timestamp / 1000, UTC).isoformat(timespec="milliseconds")
    facts = {
        "letter": f"{letter.place} of {topic}",
        "produced": document["at"],
        "attempt": str(document["attempt"]),
        "record": record_place(letter),
        "timestamp": at,
        **{name: document[name] for name in ("route", "target", "reason", "field", "detail")},
        "HTTP status": document["http_status"],
        **{name: document[name] for name in ("reply", "uuid")},
        "event key": document["event_key"],
        "group": document["group"],
        "config": document["config"],
        "left out": _left_out(document),
        **{f"header {name}": str(data) for name, data in document["headers"]},
        "key": "" if document["key"] is None else document["key"],
    }
    width = max(len(name) for name, text in facts.items() if text)
    lines = [f"{printable(name):<{width}}  {printable(str(text))}" for name, text in facts.items() if text]
    value = document["value"]
    shown = "(none)" if value is None else printable(value) if isinstance(value, str) else _pretty(value)
    return "\n".join([*lines, "value" if unmask else "value, masked (--unmask shows it)", shown])


def _left_out(document: dict[str, Any]) -> str:
    if not document["omitted"]:
        return ""
    parts = ", ".join(name.removeprefix("dl-").removesuffix("-omitted") for name in document["omitted"])
    return f"{parts}: {'read from the record itself' if document['restored'] else 'the record no longer exists'}"


def _pretty(value: Any) -> str:  # noqa: ANN401 - JSON
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()

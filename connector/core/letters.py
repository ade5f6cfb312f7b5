"""The format of a dead letter: how one is written, what is left out of one that is too large, how one is read.

A letter is the record itself (key, value and headers untouched) with headers added after the record's own, which begin
with `dl-version`. The record's own may have the same names, where a dead letter is itself consumed and fails: so
what follows the *last* `dl-version` was added.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from connector.core.record import UNREADABLE_HEADERS, Record, RecordPart
from connector.core.sink import MAX_REPLY_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.core.record import Item

ADDED_HEADERS_BYTES: Final = 1024
"""An estimate of the size of the added headers."""
_SHORT_TEXT_BYTES: Final = 64
_SHORTENED: Final = frozenset({"dl-field", "dl-detail", "dl-reply", "dl-uuid", "dl-event-key"})
_FIRST: Final = "dl-version"
_PART: Final = re.compile(r"\b(row|element)=(\d{1,18})\b", re.ASCII)


REASONS: Final = (
    "decode_failed",
    "identity_missing",
    "value_missing",
    "conversion_failed",
    "event_key_unmapped",
    "event_undefined",
    "bad_time",
    "item_invalid",
    "transform_failed",
    "too_large",
    "refused",
    "server_error",
    "requested",
)
"""Every reason of a dead letter (`Failure.reason`)."""


class Part(enum.Enum):
    """What a letter may lack of its record; the values are the headers that say so."""

    VALUE = "dl-value-omitted"
    HEADERS = "dl-headers-omitted"
    KEY = "dl-key-omitted"


_OMISSIONS: Final = (
    frozenset[Part](),
    frozenset({Part.HEADERS}),
    frozenset({Part.KEY}),
    frozenset({Part.HEADERS, Part.KEY}),
    frozenset({Part.VALUE}),
    frozenset({Part.VALUE, Part.HEADERS}),
    frozenset({Part.VALUE, Part.KEY}),
    frozenset(Part),
)
"""What is left out, in the order of trying: the value last of all, because it is what a replay needs most."""


class Subject(NamedTuple):
    """What a dead letter is about: a record, and how many times it has failed now."""

    record: Record
    attempt: int


class LetterMessage(NamedTuple):
    """A dead letter, ready to be produced."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]

    @property
    def size(self) -> int:
        """The bytes of its parts: less than what the message takes on the wire."""
        headers = sum(len(name.encode()) + len(value or b"") for name, value in self.headers)
        return len(self.key or b"") + len(self.value or b"") + headers


def letter_messages(item: Item, subject: Subject, group: str) -> Iterator[LetterMessage]:
    """Yield the letter of an item whole, then ever smaller forms of it, for a topic that refuses it as too large.

    `group` is that of the connector which dead-letters it.
    The last form has nothing of the record, and about half a KiB of added headers.
    """
    record = subject.record
    added = _added_headers(item, subject, group)
    readable = () if record.headers is UNREADABLE_HEADERS else record.headers
    unreadable = frozenset({Part.HEADERS} if record.headers is UNREADABLE_HEADERS else ())
    present = {Part.VALUE: record.value, Part.HEADERS: readable, Part.KEY: record.key}
    for omission in _OMISSIONS:
        if not all(present[part] for part in omission):
            continue  # there is nothing to leave out
        value = None if Part.VALUE in omission else record.value
        key = None if Part.KEY in omission else record.key
        kept = () if Part.HEADERS in omission else readable
        marks = [(part.value, b"1") for part in Part if part in omission | unreadable]
        for added_form in (added, _shortened(added)) if _shortened(added) != added else (added,):
            yield LetterMessage(key, value, [*kept, *added_form, *marks])


def _added_headers(item: Item, subject: Subject, group: str) -> list[tuple[str, bytes]]:
    """Return the added headers in their order; empty ones are left out, but for `dl-route`: decoding failed then."""
    record, failure = subject.record, item.failure
    uuid, event_key = _uuid_and_event_key(item.body)
    headers = {
        _FIRST: "1",
        "dl-topic": record.topic,
        "dl-partition": str(record.partition),
        "dl-offset": str(record.offset),
        "dl-timestamp": "" if record.timestamp_ms is None else str(record.timestamp_ms),
        "dl-group": group,
        "dl-route": item.route,
        "dl-target": failure.target if failure else "",
        "dl-reason": failure.reason if failure else "",
        "dl-field": failure.field if failure else "",
        "dl-detail": failure.detail if failure else "",
        "dl-http-status": str(failure.http_status) if failure and failure.http_status is not None else "",
        "dl-reply": failure.reply if failure else "",
        "dl-part": _part_text(item.part),
        "dl-uuid": uuid,
        "dl-event-key": event_key,
        "dl-config": failure.config if failure else "",
        "dl-at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "dl-attempt": str(subject.attempt),
    }
    return [(name, truncate(text, MAX_REPLY_BYTES)) for name, text in headers.items() if text or name == "dl-route"]


def _part_text(part: RecordPart) -> str:
    """Return a part as text: `row=1 element=3`, without what is None."""
    return " ".join(f"{name}={number}" for name, number in part._asdict().items() if number is not None)


def _shortened(headers: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    return [
        (name, truncate(data.decode(), _SHORT_TEXT_BYTES) if name in _SHORTENED else data) for name, data in headers
    ]


def truncate(text: str, most: int) -> bytes:
    """Return the text as UTF-8, at most `most` bytes of whole characters."""
    return text.encode(errors="replace")[:most].decode(errors="ignore").encode()


def _uuid_and_event_key(body: bytes) -> tuple[str, str]:
    """Return the uuid and eventKey of an encoded item; empty where it has none."""
    if not body:
        return "", ""
    entry = orjson.loads(body)
    return str(entry.get("uuid", "")), str(entry.get("eventKey", ""))


# -- reading ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter as it was read."""

    partition: int
    """Its own place in the dead-letter topic, as is `offset`."""
    offset: int
    produced_ms: int | None
    """When it was produced, by its own timestamp."""
    record: Record
    """The record that it is about, at its own coordinates; what the letter lacks of it is None or empty."""
    added: dict[str, str]
    """The added headers by name."""
    omitted: frozenset[Part]

    @property
    def place(self) -> str:
        """Its own place, as the commands take it."""
        return f"{self.partition}:{self.offset}"

    @property
    def route(self) -> str:
        """The route that failed; empty if the record could not be decoded."""
        return self.added.get("dl-route", "")

    @property
    def reason(self) -> str:
        """Why it is here."""
        return self.added.get("dl-reason", "")

    @property
    def part(self) -> RecordPart:
        """Which part of its record the item was about; the whole if the letter does not say."""
        found = {name: int(digits) for name, digits in _PART.findall(self.added.get("dl-part", ""))}
        return RecordPart(**found)

    @property
    def attempt(self) -> int:
        """How many times the record has failed, at least: 1 for a letter that was never replayed."""
        text = self.added.get("dl-attempt", "")
        return int(text) if text.isascii() and text.isdigit() else 1


def read_letter(message: Record) -> Letter | None:
    """Return the dead letter that a record of the dead-letter topic is; None if it is something else."""
    names = [name for name, _ in message.headers]
    if _FIRST not in names:
        return None
    start = len(names) - 1 - names[::-1].index(_FIRST)
    added = {name: (data or b"").decode(errors="replace") for name, data in message.headers[start:]}
    try:
        timestamp_ms = int(added["dl-timestamp"]) if added.get("dl-timestamp") else None
        place = (added["dl-topic"], int(added["dl-partition"]), int(added["dl-offset"]))
    except (KeyError, ValueError):
        return None
    record = Record(*place, timestamp_ms, message.key, message.value, message.headers[:start])
    omitted = frozenset(part for part in Part if added.get(part.value))
    return Letter(message.partition, message.offset, message.timestamp_ms, record, added, omitted)

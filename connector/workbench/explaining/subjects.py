"""The record that is explained: from its place in Kafka, from a dead letter, or from a file."""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from connector.core.errors import CommandError, UsageError
from connector.core.record import Record
from connector.core.wording import why_not
from connector.dead_letters.restoring import restore
from connector.dead_letters.showing import letters_at, nothing_there, parse_place
from connector.kafka.record_fetcher import RecordFetcher
from connector.kafka.topic_reader import TopicReader
from connector.language.message import message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.letters import Letter
    from connector.settings.models import Config

STDIN: Final = "-"
_DESCRIBED_MS: Final = 1_704_067_200_000
"""2024-01-01T00:00:00Z: the timestamp of a described record that has none, as in the tests of a mapping."""
_KEYS: Final = frozenset({"topic", "partition", "offset", "timestamp", "key", "headers", "value", "value_text"})


@dataclass(frozen=True, slots=True)
class Subject:
    """A record, and where it came from."""

    record: Record
    cluster_id: str = ""
    """Of the Kafka cluster, which is part of the uuids; empty for a record of a file."""
    letter: Letter | None = None


def of_place(config: Config, topic: str, partition: int, offset: int) -> Subject:
    """Read a record without joining a group. Raises CommandError: there is none, or no broker answers."""
    with (
        contextlib.closing(TopicReader.open(config.kafka, topic)) as reader,
        contextlib.closing(RecordFetcher(config.kafka)) as fetcher,
    ):
        record = fetcher.fetch(topic, partition, offset)
        if record is not None:
            return Subject(record, reader.cluster_id)
        held = reader.ranges.get(partition)
        if held is None:
            last = max(reader.ranges, default=0)
            told = message(
                "{topic} has no partition {number}: it has 0 to {last}", topic=topic, number=partition, last=last
            )
            raise CommandError(told)
        at = f"{topic}[{partition}]@{offset}"
        if held.first < held.end:
            first, last = held.first, held.end - 1
            told = message("no record at {at}: the partition holds {first} to {last}", at=at, first=first, last=last)
            raise CommandError(told)
        raise CommandError(message("no record at {at}: the partition is empty", at=at))


def of_letter(config: Config, place: str) -> Subject:
    """Read the record of a dead letter; of several letters of one record, the newest. Raises CommandError."""
    parsed = parse_place(place)
    with (
        contextlib.closing(TopicReader.open(config.kafka, config.dead_letter_topic)) as reader,
        contextlib.closing(RecordFetcher(config.kafka)) as fetcher,
    ):
        letters = list(letters_at(reader, fetcher, parsed))
        if not letters:
            raise CommandError(nothing_there(reader, parsed))
        whole = restore(letters[-1], fetcher)
        if whole is None:
            raise CommandError(message("the dead letter lacks a part of its record, which no longer exists"))
        return Subject(whole.record, reader.cluster_id, whole)


def of_file(file: str, topic: str | None, topics: Sequence[str]) -> Subject:
    """Read a record from a file, or standard input: its value, or an object that describes it. Raises UsageError.

    `topic` is what the command line says, `topics` what the config reads.
    """
    data = _read(file)
    described = _described(data) if topic is None else None
    if described is not None:
        return Subject(_record(described))
    if topic is None and (len(topics) != 1 or topics[0].startswith("^")):
        raise UsageError("--topic", message("say of which topic the record is: {topics}", topics=", ".join(topics)))
    now_ms = time.time_ns() // 1_000_000  # so that a time in it can be sound
    return Subject(Record(topic or topics[0], 0, 0, now_ms, None, data, ()))


def _read(file: str) -> bytes:
    if file == STDIN:
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise UsageError("FILE", message("can't read {file}: {reason}", file=file, reason=why_not(error))) from error


def _described(data: bytes) -> dict[str, Any] | None:
    """Return an object that describes a record: it has its topic and its value, and no other keys than those."""
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    described = isinstance(found, dict) and found.keys() <= _KEYS and "topic" in found and len(found) > 1
    return found if described and ({"value", "value_text"} & found.keys()) else None


def _record(described: dict[str, Any]) -> Record:
    """Return the record that an object describes; what it does not say is as in the tests of a mapping."""
    topic, key, headers = described["topic"], described.get("key"), described.get("headers") or {}
    numbers = {name: described.get(name, default) for name, default in (("partition", 0), ("offset", 0))}
    timestamp = described.get("timestamp", _DESCRIBED_MS)
    if not isinstance(topic, str) or not isinstance(headers, dict) or not isinstance(key, str | None):
        raise UsageError("FILE", message("expected text for topic and key, and a table for headers"))
    if not all(type(each) is int for each in numbers.values()) or not isinstance(timestamp, int | None):
        told = message("expected whole numbers for partition, offset and timestamp (milliseconds)")
        raise UsageError("FILE", told)
    text = described.get("value_text")
    value = text.encode() if isinstance(text, str) else _value(described.get("value"))
    named = tuple((str(name), None if each is None else str(each).encode()) for name, each in headers.items())
    return Record(
        topic, numbers["partition"], numbers["offset"], timestamp, None if key is None else key.encode(), value, named
    )


def _value(value: Any) -> bytes | None:  # noqa: ANN401 - JSON
    return None if value is None else orjson.dumps(value)

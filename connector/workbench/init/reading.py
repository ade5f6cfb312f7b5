"""The records that `init` looks at: of a topic, or of a file."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from connector.core.errors import CommandError, TopicMissingError, UsageError
from connector.core.wording import counted
from connector.kafka.topic_reader import TopicReader
from connector.language.message import message
from connector.runtime.progress import Progress, Shown
from connector.workbench.brokers import LONGEST_TOPIC, NOT_IN_A_TOPIC, settings_of
from connector.workbench.init.shapes import Shapes, recognise
from connector.workbench.preview.lines import EXPECTED_LINES, read_lines
from connector.workbench.preview.topic import read_topic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.workbench.preview.given import Given


@dataclass(frozen=True, slots=True)
class Looked:
    """What was looked at."""

    shapes: Shapes
    topic: str
    is_guessed: bool
    """The topic is only the name of the file."""
    description: str
    notes: list[str] = field(default_factory=list)


def look_at_topic(topic: str, brokers: str, properties: Mapping[str, str], count: int) -> Looked:
    """Look at the newest records of a topic, without joining a group.

    Raises:
        UsageError: a property of Kafka is wrong.
        CommandError: no broker answers or it refuses, there is no such topic, or nothing in it can be read.

    """
    kafka = settings_of(topic, brokers, properties)
    try:
        with contextlib.closing(TopicReader.open(kafka, topic)) as reader:
            read = read_topic(reader, count, Progress(Shown.NOTHING), oldest=False, registry=None)
    except TopicMissingError as error:
        told = message(
            "{told} on {brokers}; give its name as it is there, or records of it by --file",
            told=error.told,
            brokers=brokers,
        )
        raise CommandError(told) from error
    if not read.givens:
        told = message(
            "{topic} is empty: there is no record to look at; produce one, or give some by --file records.jsonl",
            topic=topic,
        )
        raise CommandError(told)
    shapes = recognise(given.record.value for given in read.givens)
    _must_be_readable(shapes, topic, len(read.givens))
    return Looked(shapes, topic, is_guessed=False, description=read.description, notes=_notes(shapes))


def look_at_file(file: str, topic: str | None, count: int) -> Looked:
    """Look at the first records of a file.

    Raises:
        UsageError: the file can't be read, or has no records.

    """
    guessed = NOT_IN_A_TOPIC.sub("-", Path(file).stem).strip("-.")[:LONGEST_TOPIC] or "records"
    read = read_lines(file, topic or guessed, count, oldest=True)
    if not read.givens:
        raise UsageError("--file", message("{file} is empty: {expected}", file=file, expected=EXPECTED_LINES))
    givens, notes = _of_one_topic(read.givens, topic)
    own = givens[0].record.topic
    decoded = [given.decoded for given in givens if given.is_decoded]
    description = read.description
    if len(givens) == 1 and decoded and isinstance(decoded[0], list):
        decoded = decoded[0][:count]
        notes.append(f"{file} is one list: each of its {counted(len(decoded), 'element')} was taken as a record")
        description = f"{counted(len(decoded), 'record')} of {file}"
    shapes = recognise([given.record.value for given in givens if not given.is_decoded], decoded)
    if not shapes.rows:
        raise UsageError("--file", f"{file}: {_nothing(shapes, len(givens))}")
    notes += _notes(shapes)
    return Looked(shapes, own, is_guessed=topic is None and own == guessed, description=description, notes=notes)


def _of_one_topic(givens: Sequence[Given], topic: str | None) -> tuple[Sequence[Given], list[str]]:
    """Return the records of the topic that was named, or of the one with the most records."""
    topics = Counter(given.record.topic for given in givens)
    if topic is not None and topic not in topics:
        told = message("the file has no record of it, but of {topics}", topics=", ".join(sorted(topics)))
        raise UsageError("--topic", told)
    chosen = topic or topics.most_common(1)[0][0]
    others = sorted(topics.keys() - {chosen})
    notes = [f"looked at the records of {chosen} only; there are others: {', '.join(others)}"] if others else []
    return [given for given in givens if given.record.topic == chosen], notes


def _must_be_readable(shapes: Shapes, topic: str, records: int) -> None:
    if not shapes.rows:
        raise CommandError(f"{topic}: {_nothing(shapes, records)}")


def _nothing(shapes: Shapes, records: int) -> str:
    """Return why there is nothing to look at, and what to do."""
    looked = f"of {counted(records, 'record')} that were looked at"
    if shapes.binary:
        ids = ", ".join(map(str, shapes.schema_ids[:3]))
        return (
            f"{looked}, {shapes.binary:,} are in the format of a schema registry (a zero byte and the schema's id:"
            f" {ids}) and no JSON inside: Avro or Protobuf, which init can't read without the schema. Print some as"
            " JSON, for example by kafka-avro-console-consumer, give them by --file with --topic, and add to the config"
            " `decode: {TOPIC: {format: avro}}` (docs/formats.md)"
        )
    if shapes.undecodable:
        return f"{looked}, none is JSON: {shapes.why}"
    if shapes.tombstones == records:
        return f"{looked}, all are tombstones (null): there is nothing to map"
    return f"{looked}, none has a row: they are statements or marks of change data capture"


def _notes(shapes: Shapes) -> list[str]:
    notes = [f"{counted(shapes.undecodable, 'record')} passed over: {shapes.why}"] if shapes.undecodable else []
    if shapes.binary:
        notes.append(f"{counted(shapes.binary, 'record')} in the format of a schema registry, and no JSON: passed over")
    if shapes.tombstones:
        notes.append(f"{counted(shapes.tombstones, 'tombstone')} (null) passed over, as the connector does")
    if shapes.envelope:
        notes.append(f"change data capture by {shapes.envelope.capitalize()}: the config reads the rows")
    return notes

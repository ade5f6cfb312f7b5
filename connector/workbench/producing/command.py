"""The command `produce`: read lines, produce them, say where they are."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from connector.core.errors import CommandError, DecodeError, UsageError
from connector.core.wording import counted
from connector.decode.json import decode_json
from connector.kafka.record_producer import RecordProducer
from connector.language.message import message
from connector.runtime.progress import Progress, Shown, records
from connector.workbench.brokers import brokers_of, check_topic, parse_properties, settings_of
from connector.workbench.preview.lines import (
    EXPECTED_LINES,
    OPTION,
    STANDARD_INPUT,
    STANDARD_INPUT_NAME,
    RecordError,
    given_of,
    is_description,
    texts_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connector.kafka.record_producer import Produced


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    topic: str
    file: str
    key: str | None
    raw: bool
    brokers: str | None
    properties: Sequence[str]
    as_json: bool


@dataclass(frozen=True, slots=True)
class Message:
    """What goes into the topic."""

    value: bytes | None
    """None: a tombstone."""
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()


def run_produce(options: Options) -> int:
    """Produce the records; return the exit code.

    Raises:
        UsageError: an option is wrong, or a line of the file, which is looked at as a whole before anything is sent.
        CommandError: no broker answers, or it refuses; or a line of standard input is wrong; or Ctrl-C came before the
            end, and nobody typed the records.

    """
    check_topic(options.topic)
    kafka = settings_of(options.topic, brokers_of(options.brokers), parse_properties(options.properties))
    with Progress(Shown.on_stderr(as_json=options.as_json, elsewhere=Shown.NOTHING)) as progress:
        total = None if options.file == STANDARD_INPUT else _count(options, progress)
        with contextlib.closing(RecordProducer.open(kafka, options.topic)) as producer:
            produced = _produce(producer, options, progress, total)
    _report(produced, options)
    return 0


def _count(options: Options, progress: Progress) -> int:
    """Return how many records a file has, which are all looked at. Raises UsageError."""
    found = 0
    with progress.step(message("checking"), records, lambda: (found, None)):
        for _ in _messages(options):
            found += 1
    if not found:
        raise UsageError(OPTION, message("{file} is empty: {expected}", file=options.file, expected=EXPECTED_LINES))
    return found


def _produce(producer: RecordProducer, options: Options, progress: Progress, total: int | None) -> Produced:
    """Produce all records, and return where they are. Raises CommandError."""
    is_typed = options.file == STANDARD_INPUT and sys.stdin.isatty()
    if is_typed:
        progress.note(f"Records for {options.topic}, one per line as JSON; Ctrl-D ends.")
        return _produce_all(producer, options, is_typed=True)
    # Deliveries are heard of between two lines only, for the next of which standard input may wait.
    measure = (lambda: (producer.sent, None)) if total is None else (lambda: (producer.records, total))
    with progress.step(message("producing"), records, measure):
        return _produce_all(producer, options, is_typed=False)


def _produce_all(producer: RecordProducer, options: Options, *, is_typed: bool) -> Produced:
    try:
        for each in _messages(options):
            key = each.key if options.key is None else options.key.encode()
            producer.produce(key, each.value, each.headers)
        return producer.finish()
    except KeyboardInterrupt as interrupt:
        if not is_typed:  # else it ends the input, as Ctrl-D does
            before = counted(producer.finish().records, "record")
            told = message("interrupted: {records} went into the topic before", records=before)
            raise CommandError(told) from interrupt
    except UsageError as error:
        before = counted(producer.finish().records, "record")
        told = message("{told}; {records} before it went into the topic", told=error.told, records=before)
        raise CommandError(told) from error
    return producer.finish()


def _messages(options: Options) -> Iterator[Message]:
    name = STANDARD_INPUT_NAME if options.file == STANDARD_INPUT else options.file
    for line, content in texts_of(options.file, by_line=options.raw):
        if options.raw:
            yield Message(content)
            continue
        try:
            yield message_of(content, line, options.topic)
        except RecordError as error:
            told = message("{name}: line {line}: {told}", name=name, line=line, told=error.message)
            raise UsageError(OPTION, told) from error


def message_of(content: bytes, line: int, topic: str) -> Message:
    """Return what a text of the input stands for. Raises RecordError if it is no JSON, or describes no record."""
    try:
        decoded = decode_json(content)
    except DecodeError as error:
        raise RecordError(message("{why}; --raw produces lines as they are", why=str(error))) from error
    if not is_description(decoded):
        return Message(content)
    given = given_of(content, line, topic)
    value = given.record.value
    if given.is_decoded and given.decoded is not None:
        value = json.dumps(given.decoded, ensure_ascii=False).encode()
    return Message(value, given.record.key, given.record.headers)


def _report(produced: Produced, options: Options) -> None:
    """Print where the records are."""
    ranges = sorted(produced.ranges.items())
    if options.as_json:
        partitions = [{"partition": number, "first": first, "last": last} for number, (first, last) in ranges]
        document = {"topic": options.topic, "records": produced.records, "partitions": partitions}
        print(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())  # noqa: T201 - the result
        return
    places = (f"[{number}]@{first}" + (f"-{last}" if last > first else "") for number, (first, last) in ranges)
    where = f": {options.topic}{', '.join(places)}" if ranges else ""
    print(f"{counted(produced.records, 'record')} produced{where}", flush=True)  # noqa: T201 - the result

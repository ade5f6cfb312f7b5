"""From the client's messages to records, grouped by lease."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from confluent_kafka import Message

from connector.core.events import Notice
from connector.core.record import UNREADABLE_HEADERS, Record, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from connector.core.events import Emit
    from connector.kafka.assignment import Assignment
    from connector.kafka.chunks import Chunk

Groups = dict[tuple[str, int], list[Record]]

_headers_of: Callable[[Message], object] = Message.headers
"""For a name that is not UTF-8 the client returns a list and also sets an exception. Only a call from C (that of `map`)
is checked for that: a plain call in a hot loop goes on, with a list that holds a null pointer."""


def group_by_lease(
    messages: Sequence[Message], assignment: Assignment, on_error: Callable[[Message], None], emit: Emit
) -> Chunk:
    """Return the records by lease, in order. `on_error` is called with each message that is an error.

    Records of a partition that was revoked within the same `consume` call are dropped: its next owner has them.
    """
    if any(map(Message.error, messages)):
        for message in [message for message in messages if message.error() is not None]:
            on_error(message)
        messages = [message for message in messages if message.error() is None]
    groups: Groups = {}
    group: list[Record] = []
    topic, partition = "", -1
    for record in to_records(messages, emit):
        if record.partition != partition or record.topic != topic:  # messages of one partition mostly come together
            topic, partition = record.topic, record.partition
            group = groups.setdefault((topic, partition), [])
        group.append(record)
    return _hand_over(groups, assignment, emit)


def _hand_over(groups: Groups, assignment: Assignment, emit: Emit) -> Chunk:
    chunk: Chunk = []
    for partition, records in groups.items():
        owned = assignment.find(TopicPartition(*partition))
        if owned is None:  # revoked within this very call, or a surprise
            emit(_notice("info", "records of a partition without a lease were dropped", records))
            continue
        if records[0].offset < owned.next_offset:
            emit(_notice("warning", "the client delivered offsets a second time", records))
        if new := owned.drop_duplicates(records):
            chunk.append((owned.lease, new))
    return chunk


def _notice(level: Literal["info", "warning"], message: str, records: list[Record]) -> Notice:
    first = records[0]
    partition = str(TopicPartition(first.topic, first.partition))
    return Notice(level, message, {"partition": partition, "offset": first.offset, "records": len(records)})


def to_records(messages: Sequence[Message], emit: Emit) -> list[Record]:
    """Return the records that messages are, none of them an error; `emit` is told if the headers of one can't be read.

    They are made column by column, which takes two thirds of the time of a loop over the messages.
    """
    headers, unreadable = _read_headers(messages)
    columns: tuple[Iterable[Any], ...] = (
        map(Message.topic, messages),
        map(Message.partition, messages),
        map(Message.offset, messages),
        [timestamp_ms if kind else None for kind, timestamp_ms in map(Message.timestamp, messages)],
        map(Message.key, messages),
        map(Message.value, messages),
        [tuple(each) if each else () for each in headers],
    )
    records = list(map(Record, *columns))
    for index in unreadable:
        emit(_notice("warning", "the headers of a record can't be read: a name is not UTF-8", [records[index]]))
    return records


def to_record(message: Message, emit: Emit) -> Record:
    """Return the record that a message is: see `to_records`."""
    return to_records([message], emit)[0]


def _read_headers(messages: Sequence[Message]) -> tuple[list[Any], list[int]]:
    """Return the headers of each message as the client returns them, and the indices of those that can't be read."""
    found: list[Any] = []
    unreadable: list[int] = []
    while len(found) < len(messages):
        try:
            found.extend(map(_headers_of, messages[len(found) :]))  # keeps those before a failure
        except (SystemError, UnicodeDecodeError):
            # A second call would return a list with a null pointer in it: never ask this one again.
            unreadable.append(len(found))
            found.append(UNREADABLE_HEADERS)
    return found, unreadable

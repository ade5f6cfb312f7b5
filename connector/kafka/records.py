"""From the client's messages to records, grouped by lease."""

from __future__ import annotations

from operator import methodcaller
from typing import TYPE_CHECKING, Any, Literal

from connector.core.events import Notice
from connector.core.record import UNREADABLE_HEADERS, Headers, Record, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from confluent_kafka import Message

    from connector.core.events import Emit
    from connector.kafka.assignment import Assignment
    from connector.kafka.chunks import Chunk

Groups = dict[tuple[str, int], list[Record]]

_HEADERS: Any = methodcaller("headers")
"""Calls `message.headers()`. For a name that is not UTF-8 the client returns a list and also sets an exception. Only a
call from C is checked for that: a plain call in a hot loop goes on, with a list that holds a null pointer."""


def group_by_lease(
    messages: Iterable[Message], assignment: Assignment, on_error: Callable[[Message], None], emit: Emit
) -> Chunk:
    """Return the records by lease, in order. `on_error` is called with each message that is an error.

    Records of a partition that was revoked within the same `consume` call are dropped: its next owner has them.
    """
    groups: Groups = {}
    group: list[Record] = []
    topic, partition = "", -1
    for message in messages:
        if message.error() is not None:
            on_error(message)
            continue
        record = to_record(message, emit)
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


def to_record(message: Message, emit: Emit) -> Record:
    """Return the record that a message is; `emit` is told if its headers can't be read."""
    kind, timestamp_ms = message.timestamp()
    headers: Headers = ()
    try:
        headers = tuple(_HEADERS(message) or ())
    except (SystemError, UnicodeDecodeError):
        # A name that is not UTF-8. A second call would return a list with a null pointer in it: never ask again.
        headers = UNREADABLE_HEADERS
    record = Record(
        message.topic(),  # type: ignore[arg-type] # only what is no record of a topic has none
        message.partition(),  # type: ignore[arg-type]
        message.offset(),  # type: ignore[arg-type]
        timestamp_ms if kind else None,
        message.key(),
        message.value(),
        headers,
    )
    if headers is UNREADABLE_HEADERS:
        emit(_notice("warning", "the headers of a record can't be read: a name is not UTF-8", [record]))
    return record

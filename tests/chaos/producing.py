"""Produces a round's records at an even rate, through every outage of the broker, and reads back where they stand."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from confluent_kafka import Producer

from tests.chaos.records import NUMBER_HEADER, Produced

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from confluent_kafka import Message

    from tests.chaos.connector_log import Partition
    from tests.chaos.stage import Stage
    from tests.kafka.cluster import Headers

TICK_S = 0.05
FLUSH_S = 60.0


@dataclass(frozen=True, slots=True)
class Placed:
    """A record and its place in Kafka."""

    record: Produced
    partition: Partition
    offset: int


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: which record it says it is, and why; `at` is when it was written, in seconds since 1970."""

    partition: Partition
    offset: int
    reason: str
    at: float
    config: str
    """Of the member that wrote it: 12 hex digits of its config's sha256."""


def produce_now(stage: Stage, records: Iterable[Produced]) -> None:
    """Produce records as fast as Kafka takes them, and return when it has all of them."""
    producer = RecordProducer(stage, iter(()), 0)
    for record in records:
        producer.produce(record)
    producer.flush()


class RecordProducer(threading.Thread):
    """Produces `per_second` of the records until `finish`."""

    def __init__(self, stage: Stage, records: Iterator[Produced], per_second: float) -> None:
        super().__init__(name="producer", daemon=True)
        self._topics = stage.topics
        self._records = records
        self._per_second = per_second
        self._finished = threading.Event()
        self._producer = Producer(
            {
                "bootstrap.servers": stage.broker.address,
                "log_level": 0,
                # One identity's records stay in the order of production, whatever is sent again.
                "enable.idempotence": True,
                "message.timeout.ms": 0,
                "reconnect.backoff.max.ms": 500,
                "linger.ms": 5,
                "queue.buffering.max.messages": 2_000_000,
            }
        )
        self.produced: list[Produced] = []

    def run(self) -> None:
        """Produce until `finish`."""
        began = time.monotonic()
        while not self._finished.wait(TICK_S):
            due = int((time.monotonic() - began) * self._per_second)
            while len(self.produced) < due:
                self.produce(next(self._records))
            self._producer.poll(0)

    def finish(self) -> None:
        """Stop producing, and return when Kafka has all of it."""
        self._finished.set()
        self.join()
        self.flush()

    def flush(self) -> None:
        """Return when Kafka has all that was produced."""
        left = self._producer.flush(FLUSH_S)
        assert not left, f"{left} records were not acknowledged by the broker"

    def produce(self, record: Produced) -> None:
        """Produce one record."""
        headers: Headers = [(NUMBER_HEADER, str(record.number))]
        self._producer.produce(self._topics[record.topic], record.value(), record.key(), headers=headers)
        self.produced.append(record)


def read_places(stage: Stage, produced: list[Produced]) -> list[Placed]:
    """Return where each record stands; fails if one is missing or stands twice."""
    by_number = {record.number: record for record in produced}
    placed = [
        Placed(by_number[int(_header(message, NUMBER_HEADER))], _place(message), message.offset() or 0)
        for topic in stage.topics.values()
        for message in stage.kafka.read(topic)
    ]
    assert sorted(one.record.number for one in placed) == sorted(by_number), "the broker lost or repeated records"
    return placed


def read_letters(stage: Stage) -> list[Letter]:
    """Return every dead letter of the round."""
    return [
        Letter(
            (_header(message, "dl-topic"), int(_header(message, "dl-partition"))),
            int(_header(message, "dl-offset")),
            _header(message, "dl-reason"),
            message.timestamp()[1] / 1000,
            _header(message, "dl-config"),
        )
        for message in stage.kafka.read(stage.dead_letter_topic)
    ]


def _place(message: Message) -> Partition:
    return message.topic() or "", message.partition() or 0


def _header(message: Message, name: str) -> str:
    headers: Any = message.headers() or []
    return next((value.decode() for key, value in headers if key == name), "")

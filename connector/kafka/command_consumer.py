"""A consumer for commands: what goes wrong is a CommandError that says what to do."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException

from connector.core.errors import CommandError, TopicMissingError
from connector.kafka.errors import ALL_BROKERS_DOWN, cause_of, reason_of, remedy_for
from connector.kafka.properties import SILENT_LOG, reader_properties

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connector.settings.models import Kafka

_MOST_TOLD: Final = 20


class CommandConsumer:
    """A consumer of committed records with its errors; blocking, and used by one thread. `topic` is for messages."""

    def __init__(self, kafka: Kafka, topic: str, properties: dict[str, Any] | None = None) -> None:
        self._topic = topic
        self._errors: list[KafkaError] = []
        """What the client has reported since it was built; it says more than "timed out"."""
        callbacks = {"error_cb": self._errors.append}
        self.client = Consumer({**reader_properties(kafka), **(properties or {}), **callbacks}, logger=SILENT_LOG)

    @contextlib.contextmanager
    def failing_clearly(self) -> Iterator[None]:
        """Raise CommandError for a KafkaException of the block."""
        try:
            yield
        except KafkaException as exception:
            raise self.failure(cause_of(exception)) from exception

    def failure(self, error: KafkaError) -> CommandError:
        """Return what to raise: of an error that says little, the cause that the client has reported before."""
        for _ in range(_MOST_TOLD):  # calls error_cb, for a wrong password; returns an error of the group
            if (message := self.client.poll(0)) is not None and (cause := message.error()) is not None:
                self._errors.append(cause)
        return failure_of(error, self._errors, self._topic)


def failure_of(error: KafkaError, reported: Sequence[KafkaError], topic: str) -> CommandError:
    """Return what a command raises: of an error that says little, the cause that the client has reported before."""
    told = [one for one in reported if reason_of(one) == "kafka_not_authorized"] or [
        one for one in reported if one.code() != ALL_BROKERS_DOWN
    ]
    if told and reason_of(error) in {None, "kafka_unreachable"}:
        error = told[0]
    reason = reason_of(error) or "kafka_unreachable"
    if reason == "topic_missing":
        return TopicMissingError(topic)
    return CommandError(remedy_for(reason, error))

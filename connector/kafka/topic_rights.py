"""Whether topics may be read: asked of a broker beside the consumer, without blocking its thread.

librdkafka tells a refused fetch of a partition once in the life of the process, and a fetch that succeeds without a
record not at all. So of a topic that was refused, the consumer shows neither that it may be read again, while nothing
is written to it, nor that it is refused a second time. A broker says which operations it allows (KIP-430, brokers from
2.3 on); one that does not say it leaves the question open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclOperation

from connector.kafka.errors import cause_of
from connector.kafka.properties import REQUEST_TIMEOUT_S, SILENT_LOG, producer_properties

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future

    from confluent_kafka.admin._topic import TopicDescription

    from connector.settings.models import Kafka


class TopicRights:
    """Questions about topics that were refused. Used by one thread; connects with the first question."""

    def __init__(self, kafka: Kafka) -> None:
        self._properties = producer_properties(kafka)
        self._admin: AdminClient | None = None
        """Kept once it is there: to end a client may block."""
        self._asked: dict[str, Future[TopicDescription]] = {}

    def ask(self, topics: Iterable[str]) -> dict[str, bool]:
        """Return whether topics may be read, as far as answers have arrived; ask about these.

        Called every few seconds.
        """
        answers = {topic: answer for topic, answer in self._asked.items() if answer.done()}
        self._asked = {topic: answer for topic, answer in self._asked.items() if topic not in answers}
        self._send(sorted(set(topics) - self._asked.keys()))
        rights = {topic: _may_be_read(answer) for topic, answer in answers.items()}
        return {topic: may_be_read for topic, may_be_read in rights.items() if may_be_read is not None}

    def forget(self, topic: str) -> None:
        """Called when a topic is refused: an answer from before counts no more."""
        self._asked.pop(topic, None)

    def _send(self, topics: list[str]) -> None:
        if not topics:
            return
        if self._admin is None:
            self._admin = AdminClient(self._properties, logger=SILENT_LOG)
        self._asked |= self._admin.describe_topics(
            TopicCollection(topics), include_authorized_operations=True, request_timeout=REQUEST_TIMEOUT_S
        )


def _may_be_read(answer: Future[TopicDescription]) -> bool | None:
    """Return what a broker has answered; None if it does not say. A topic that does not exist is not refused."""
    try:
        allowed = answer.result().authorized_operations
    except KafkaException as error:
        answers = {KafkaError.TOPIC_AUTHORIZATION_FAILED: False, KafkaError.UNKNOWN_TOPIC_OR_PART: True}
        return answers.get(cause_of(error).code())
    return AclOperation.READ in allowed if allowed else None

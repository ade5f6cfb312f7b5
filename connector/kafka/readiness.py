"""What keeps the consumer from being ready, as its thread sees it: raised, told, looked at again, cleared."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException

from connector.core.events import Notice, ReasonCleared, ReasonRaised
from connector.kafka.properties import reason_of, remedy_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from connector.core.events import Event, ReasonCode

T = TypeVar("T")

PROBE_EVERY_S: Final = 2.0
REQUEST_TIMEOUT_S: Final = 5.0
ASK_AGAIN_S: Final = 0.2
LAST_TRY_S: Final = 1.0
"""How long a broker that did not answer lately is given at a stop."""


class Readiness:
    """Used by the consumer's thread only. `alive` tells whether the process still runs; it is asked while waiting."""

    def __init__(self, tell: Callable[[Event], None], alive: Callable[[], bool]) -> None:
        self._tell = tell
        self._alive = alive
        self._reasons: set[tuple[ReasonCode, str]] = {("starting", "")}
        self._look_at = 0.0

    def broker_answers(self, consumer: Consumer) -> bool:
        """Whether asking the broker makes sense; if it did not answer lately, it is tried once more, briefly."""
        if not {("kafka_unreachable", ""), ("kafka_not_authorized", "")} & self._reasons:
            return True
        try:
            consumer.list_topics(timeout=LAST_TRY_S)
        except KafkaException:
            return False
        return True

    def on_error(self, error: KafkaError) -> None:
        """Hear librdkafka's own troubles. Called between polls."""
        self.trouble(error, "")

    def trouble(self, error: KafkaError, about: str, otherwise: ReasonCode | None = None) -> None:
        """Raise the reason that an error stands for; what stands for none is only noted."""
        reason = reason_of(error) or otherwise
        if reason is None:
            self.note(f"Kafka: {error.str()}")
            return
        if (reason, about) not in self._reasons:
            self._look_at = time.monotonic() + PROBE_EVERY_S
        self._reasons.add((reason, about))
        self._tell(ReasonRaised(reason, about, remedy_for(reason, error)))

    def clear(self, *reasons: ReasonCode, about: str = "") -> None:
        """Tell that these are gone."""
        for reason in reasons:
            if (reason, about) in self._reasons:
                self._reasons.discard((reason, about))
                self._tell(ReasonCleared(reason, about))

    def note(self, message: str) -> None:
        """Write a line to the log."""
        self._tell(Notice("warning", message, {}))

    def ask(self, question: Callable[[], T], default: T) -> T:
        """Ask the broker until it answers; `default` if the process is told to stop before."""
        while self._alive():
            try:
                answer = question()
            except KafkaException as error:
                self.trouble(error.args[0], "", otherwise="kafka_unreachable")
                time.sleep(ASK_AGAIN_S)
            else:
                self.clear("kafka_unreachable")
                return answer
        return default

    def came(self, topics: Iterable[str]) -> None:
        """Hear that records of these topics came: then nothing is wrong with them."""
        if self._reasons:
            for topic in topics:
                self.clear("topic_missing", "kafka_not_authorized", about=topic)

    def look_again(self, consumer: Consumer) -> None:
        """While something is wrong, see now and then whether it still is."""
        now = time.monotonic()
        if not self._reasons or now < self._look_at:
            return
        self._look_at = now + PROBE_EVERY_S
        try:
            topics = consumer.list_topics(timeout=REQUEST_TIMEOUT_S).topics
        except KafkaException as error:
            self.trouble(error.args[0], "", otherwise="kafka_unreachable")
            return
        self.clear("kafka_unreachable")
        for reason, about in list(self._reasons):
            if reason == "topic_missing" and about in topics:
                self.clear(reason, about=about)
        if consumer.memberid():
            self.clear("starting")
        if consumer.assignment():  # signed in, and in the group: what was refused no longer is
            self.clear("kafka_not_authorized")

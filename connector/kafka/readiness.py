"""Why the consumer is not ready: raises reasons, probes whether they still hold, and clears them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException

from connector.core.events import Notice, ReasonCleared, ReasonRaised
from connector.kafka.client_words import plainly
from connector.kafka.errors import ALL_BROKERS_DOWN, LOGIN_REFUSED, cause_of, reason_of, remedy_for
from connector.kafka.unreachable import UnreachableRemedy
from connector.language.message import NOTHING, message

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Sequence

    from connector.core.events import Event, ReasonCode
    from connector.core.record import TopicPartition
    from connector.kafka.broker_diagnosis import BrokerDiagnosis
    from connector.kafka.topic_rights import TopicRights
    from connector.language.message import Message

T = TypeVar("T")

PROBE_INTERVAL_S: Final = 2.0
IDLE_PROBE_INTERVAL_S: Final = 5.0
"""The same while there is no reason: a broker that hangs without closing its connections is found by it."""
SILENT_PROBES: Final = 2
"""After how many probes without an answer Kafka counts as unreachable."""
PROBE_TIMEOUT_S: Final = 5.0
"""How long a probe may block the consumer's thread while it waits for its first broker."""
LIVE_PROBE_TIMEOUT_S: Final = 1.0
"""And later, when partitions flow."""
RETRY_DELAY_S: Final = 0.2
LONG_START_S: Final = 15.0
"""How long a step of a start takes before an operator may have to look into it."""
_ABOUT_TOPICS: Final = ("topic_missing", "kafka_not_authorized")
LAST_PROBE_TIMEOUT_S: Final = 1.0
"""How long a stop waits for a broker that did not answer lately."""


class Readiness:
    """The reasons that the consumer's thread has raised. Used by that thread only.

    `heartbeat` is called while waiting; once it returns False, waiting ends.
    """

    def __init__(
        self,
        emit: Callable[[Event], None],
        heartbeat: Callable[[], bool],
        rights: TopicRights,
        diagnosis: BrokerDiagnosis,
    ) -> None:
        self._emit = emit
        self._heartbeat = heartbeat
        self._rights = rights
        self._unreachable = UnreachableRemedy(diagnosis)
        self._reasons: set[tuple[ReasonCode, str]] = {("starting", "")}
        self._once_refused: set[str] = set()
        """Topics; librdkafka does not tell that one of these is refused again."""
        self._starting_remedy = NOTHING
        self._starting_step = NOTHING
        self._starting_since = 0.0
        """When that step began."""
        self._login_refused = False
        self._error_since_probe = False
        """Whether the client has reported a broker out of reach since the last probe."""
        self._next_probe_s = 0.0
        self._silent_probes = 0
        self._answered = False
        """Whether a broker has ever answered."""
        self.is_named: Callable[[str], bool] = lambda _: True
        """Whether a topic is subscribed to by its name: one that only a pattern matches may be deleted."""

    @property
    def brokers_answer(self) -> bool:
        """Whether the last probe was answered."""
        return not self._silent_probes and ("kafka_unreachable", "") not in self._reasons

    def on_error(self, error: KafkaError, about: str = "", otherwise: ReasonCode | None = None) -> None:
        """Raise the reason that an error stands for, or else `otherwise`; without either, log it.

        `about` is the topic concerned, if any.
        """
        reason = reason_of(error) or otherwise
        if reason is None:
            self._emit(
                Notice("warning", "unexpected error of Kafka", {"code": error.name(), "detail": plainly(error.str())})
            )
            return
        if reason == "topic_missing" and about and not self.is_named(about):
            return
        if reason == "kafka_unreachable":
            remedy = self._unreachable.of(error, login_refused=self._login_refused)
        elif error.code() in LOGIN_REFUSED:
            remedy = self._unreachable.of_login(error)
        else:
            remedy = remedy_for(reason, error)
        if not remedy:
            return
        if (reason, about) not in self._reasons:
            self._next_probe_s = time.monotonic() + PROBE_INTERVAL_S
        self._reasons.add((reason, about))
        if about and reason == "kafka_not_authorized":
            self._once_refused.add(about)
            self._rights.forget(about)
        self._emit(ReasonRaised(reason, about, remedy))
        if self._unreachable.is_only_login(error):
            self._login_refused = True
            self.clear("kafka_unreachable")

    def on_client_error(self, error: KafkaError) -> None:
        """Called by librdkafka with errors that concern no single topic.

        Once a broker has answered, one that can't be reached may be one of several: a probe at once tells.
        """
        is_unreachable = reason_of(error) == "kafka_unreachable"
        self._error_since_probe = self._error_since_probe or is_unreachable
        if self._answered and is_unreachable and error.code() != ALL_BROKERS_DOWN:
            self._unreachable.note(error)
            self._next_probe_s = 0.0
            self._silent_probes = SILENT_PROBES - 1
        else:
            self.on_error(error)

    def clear(self, *reasons: ReasonCode, about: str = "") -> None:
        """Clear those of the reasons that are raised."""
        for reason in reasons:
            if (reason, about) in self._reasons:
                self._reasons.discard((reason, about))
                if reason == "kafka_unreachable":
                    self._unreachable.forget()
                elif reason == "kafka_not_authorized" and not about:
                    self._login_refused = False
                self._emit(ReasonCleared(reason, about))

    def forget_topics(self, is_subscribed: Callable[[str], bool]) -> None:
        """Clear the reasons of topics that are not subscribed to any more."""
        for reason, about in list(self._reasons):
            if reason in {"topic_missing", "kafka_not_authorized"} and about and not is_subscribed(about):
                self._once_refused.discard(about)
                self.clear(reason, about=about)

    def update_starting(self, *, dealt: bool, waiting: Sequence[TopicPartition], all_seen: bool) -> None:
        """Raise `starting` until the group has dealt out its partitions and each knows where it starts.

        `all_seen`: a member has committed where partitions start, of each topic.
        """
        if dealt and not waiting and all_seen:
            self.clear("starting")
            return
        now = time.monotonic()
        if not dealt:
            step = message("the group is dealing out its partitions")
            hint = message("does another of its members hang?")
        elif not waiting:
            step = message("another member of the group commits where its partitions start")
            hint = message("does that member hang?")
        else:
            step = _looked_up(waiting)
            hint = message("is a broker down that leads these partitions?")
        if step != self._starting_step or ("starting", "") not in self._reasons:
            self._starting_step, self._starting_since = step, now
        is_long = now - self._starting_since >= LONG_START_S and ("kafka_unreachable", "") not in self._reasons
        if is_long:
            remedy = message("wait: {step}; it takes long: {hint}", step=step, hint=hint)
        else:
            remedy = message("wait: {step}", step=step)
        if remedy != self._starting_remedy or ("starting", "") not in self._reasons:
            self._starting_remedy = remedy
            self._reasons.add(("starting", ""))
            self._emit(ReasonRaised("starting", "", remedy, is_expected=not is_long))

    def on_unanswered(self, error: KafkaError, partition: TopicPartition) -> None:
        """Called when it can't be looked up where one partition starts or goes on; the others are not concerned."""
        if reason_of(error) in _ABOUT_TOPICS:
            self.on_error(error, partition.topic)
        else:
            self.warn(f"{partition} waits: it can't be looked up where it starts or goes on: {error.str()}")

    def warn(self, message: str) -> None:
        """Log a warning."""
        self._emit(Notice("warning", message, {}))

    def call_until_answered(self, request: Callable[[], T], default: T) -> T:
        """Repeat a blocking request to the broker until it succeeds; return `default` if a stop comes first.

        Raises KafkaException if the client can't go on.
        """
        while self._heartbeat():
            try:
                answer = request()
            except KafkaException as error:
                if cause_of(error).fatal():
                    raise
                self.on_error(cause_of(error), otherwise="kafka_unreachable")
                time.sleep(RETRY_DELAY_S)
            else:
                self._answered = True
                self.clear("kafka_unreachable")
                return answer
        return default

    def on_records(self, topics: Iterable[str]) -> None:
        """Called when records of these topics arrived: they exist and may be read."""
        if self._reasons:
            for topic in topics:
                self.clear("topic_missing", "kafka_not_authorized", about=topic)

    def probe(self, consumer: Consumer, topic: str | None) -> None:
        """Check regularly whether a broker answers, and whether the raised reasons still hold.

        Blocks the thread for a quarter of its time at most. `topic` is one of ours, if any is known: to ask for one is
        cheaper than to ask for all.
        """
        began = time.monotonic()
        if began < self._next_probe_s:
            return
        try:
            if topic is None or any(reason == "topic_missing" for reason, _ in self._reasons):
                topics = consumer.list_topics(timeout=LIVE_PROBE_TIMEOUT_S).topics
            else:
                topics = consumer.list_topics(topic, timeout=LIVE_PROBE_TIMEOUT_S).topics
        except KafkaException as error:
            self._on_silence(cause_of(error))
        else:
            self._silent_probes = 0
            # An answer of a bootstrap server tells nothing of brokers that can't be reached behind it.
            if not self._error_since_probe:
                self.clear("kafka_unreachable")
            self._error_since_probe = False
            self._clear_disproved(consumer, topics)
        ended = time.monotonic()
        interval_s = PROBE_INTERVAL_S if self._reasons or self._silent_probes else IDLE_PROBE_INTERVAL_S
        self._next_probe_s = max(began + interval_s, ended + 3 * (ended - began))

    def _on_silence(self, error: KafkaError) -> None:
        self._silent_probes += 1
        if self._silent_probes >= SILENT_PROBES:  # one alone may be lost by a broker that is busy
            self.on_error(error, otherwise="kafka_unreachable")

    def _clear_disproved(self, consumer: Consumer, topics: Container[str]) -> None:
        for reason, about in list(self._reasons):
            if reason == "topic_missing" and about in topics:
                self.clear(reason, about=about)
        if ("kafka_not_authorized", "") in self._reasons and consumer.assignment():
            self.clear("kafka_not_authorized")  # authenticated, and a member of the group
        for topic, may_be_read in self._rights.ask(self._once_refused).items():
            if may_be_read:
                self.clear("kafka_not_authorized", about=topic)
            elif ("kafka_not_authorized", topic) not in self._reasons:
                self.on_error(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED), topic)

    def broker_answers(self, consumer: Consumer) -> bool:
        """Return whether a last request makes sense; a broker that did not answer lately is probed once more."""
        if not {("kafka_unreachable", ""), ("kafka_not_authorized", "")} & self._reasons:
            return True
        try:
            consumer.list_topics(timeout=LAST_PROBE_TIMEOUT_S)
        except KafkaException:
            return False
        return True


def _looked_up(waiting: Sequence[TopicPartition]) -> Message:
    first, more = str(waiting[0]), len(waiting) - 1
    if not more:
        return message("it is looked up where {first} starts", first=first)
    return message("it is looked up where {first} and {more} more start", first=first, more=more)

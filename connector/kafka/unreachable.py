"""What to say of brokers that do not answer: of all that is known, what says most."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from connector.kafka.client_words import broker_in
from connector.kafka.errors import LOGIN_REFUSED, kafka_says, remedy_for
from connector.language.message import NOTHING, message

if TYPE_CHECKING:
    from confluent_kafka import KafkaError

    from connector.kafka.broker_diagnosis import BrokerDiagnosis
    from connector.language.message import Message

_ADVERTISED_REMEDY: Final = message(
    "a bootstrap server answers, but not the brokers that it names: clients are sent on to the addresses that brokers"
    " advertise (advertised.listeners), which must be reachable from here"
)


class UnreachableRemedy:
    """The remedy of the reason `kafka_unreachable`. Used by the consumer's thread only."""

    def __init__(self, diagnosis: BrokerDiagnosis) -> None:
        self._diagnosis = diagnosis
        self._remedy = NOTHING
        """The last one; empty if brokers have answered since."""
        self._named: KafkaError | None = None
        """The last error that names a broker, since brokers answered."""

    def note(self, error: KafkaError) -> None:
        """Called with errors of brokers that can't be reached."""
        if broker_in(error.str()):
            self._named = error

    def of(self, error: KafkaError, *, login_refused: bool) -> Message:
        """Return the remedy. Empty if brokers only refuse the login: that is a reason of its own."""
        self.note(error)
        found = self._diagnosis.remedy(time.monotonic())
        if not found and login_refused:
            return NOTHING
        if found or self._named is not None or not self._remedy:
            self._remedy = found or self._of_broker(self._named or error)
        return self._remedy

    def of_login(self, error: KafkaError) -> Message:
        """Return the remedy of a refused login: of the listener, if that takes no password, or not in this way."""
        return self._diagnosis.remedy(time.monotonic()) or remedy_for("kafka_not_authorized", error)

    def is_only_login(self, error: KafkaError) -> bool:
        """Return whether an error is a refused login, at a bootstrap server that fits otherwise."""
        return error.code() in LOGIN_REFUSED and not self._diagnosis.remedy(time.monotonic())

    def forget(self) -> None:
        """Called when brokers have answered."""
        self._remedy, self._named = NOTHING, None
        self._diagnosis.forget()

    def _of_broker(self, error: KafkaError) -> Message:
        """Return the remedy for an error of a broker, if no bootstrap server is known to be wrong."""
        broker = broker_in(error.str())
        if broker and self._diagnosis.bootstrap_answers and broker not in self._diagnosis.servers:
            return kafka_says(_ADVERTISED_REMEDY, error)
        return remedy_for("kafka_unreachable", error)

"""What consumer and producer share: librdkafka's properties, and what its errors mean for the operator."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException

from connector.settings.kafka_properties import FIXED_PROPERTIES

if TYPE_CHECKING:
    from connector.core.events import ReasonCode
    from connector.settings.models import Kafka
    from connector.settings.problems import Problems

_SILENT = logging.getLogger("connector.kafka.check")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False

PREFETCH_KIB: Final = 16384
"""What librdkafka may hold for us, in KiB: memory stays flat whatever waits in Kafka."""

_CONSUMER_DEFAULTS: Final[dict[str, Any]] = {
    "client.id": "tuzhan-connector",
    "isolation.level": "read_committed",
    "allow.auto.create.topics": "false",
    "topic.metadata.refresh.interval.ms": 30_000,
    "queued.max.messages.kbytes": PREFETCH_KIB,
    # A full queue stops fetching for this back-off, one second unless set: with a small queue that alone halves the
    # throughput. So: many messages (the bytes are bounded above) and a short back-off.
    "queued.min.messages": 100_000,
    "fetch.queue.backoff.ms": 20,
}
_SHARED_PREFIXES: Final = (
    "security.",
    "sasl.",
    "ssl.",
    "enable.ssl.",
    "enable.sasl.",
    "https.",
    "client.",
    "socket.",
    "broker.",
    "connections.",
    "reconnect.",
    "retry.",
    "metadata.",
    "api.version.",
)
"""What the dead letters' producer takes over from `kafka.properties`: how to reach the cluster, no more."""

_NOT_AUTHORIZED: Final = {
    KafkaError._AUTHENTICATION,  # noqa: SLF001 - librdkafka's local errors are named so
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
}
_UNREACHABLE: Final = {
    KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001 - the same
    KafkaError._TRANSPORT,  # noqa: SLF001 - the same
    KafkaError._RESOLVE,  # noqa: SLF001 - the same
    KafkaError._TIMED_OUT,  # noqa: SLF001 - the same
    KafkaError._SSL,  # noqa: SLF001 - the same
}
_TOPIC_MISSING: Final = {
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - the same
}
_REMEDIES: Final[dict[ReasonCode, str]] = {
    "kafka_not_authorized": "check security.protocol, sasl.* and the ACLs of this user for the topics and the group",
    "kafka_unreachable": "check kafka.bootstrap_servers, security.protocol, and that the brokers are up",
    "topic_missing": "create the topic, or correct its name under `topics`; it is consumed as soon as it exists",
}


def is_incremental(kafka: Kafka) -> bool:
    """Whether partitions come and go one by one (cooperative-sticky, KIP-848) instead of all at once."""
    strategy = str(kafka.properties.get("partition.assignment.strategy", "cooperative-sticky"))
    return _is_kip848(kafka) or "cooperative" in strategy


def is_static(kafka: Kafka) -> bool:
    """Whether the member has a name of its own, and so does not leave the group when it stops."""
    return "group.instance.id" in kafka.properties


def consumer_properties(kafka: Kafka) -> dict[str, Any]:
    """The properties of librdkafka for the consumer: our defaults, then the user's, then what the connector owns."""
    strategy = {} if _is_kip848(kafka) else {"partition.assignment.strategy": "cooperative-sticky"}
    return {
        **_CONSUMER_DEFAULTS,
        **strategy,
        **{name: _text(value) for name, value in kafka.properties.items()},
        "bootstrap.servers": kafka.bootstrap_servers,
        "group.id": kafka.group_id,
        **FIXED_PROPERTIES,
    }


def producer_properties(kafka: Kafka) -> dict[str, Any]:
    """The properties of librdkafka for the producer of dead letters."""
    shared = {name: _text(value) for name, value in kafka.properties.items() if name.startswith(_SHARED_PREFIXES)}
    return {
        "client.id": "tuzhan-connector",
        **shared,
        "bootstrap.servers": kafka.bootstrap_servers,
        "acks": "all",
        "enable.idempotence": "true",
        "linger.ms": 5,
        "message.timeout.ms": 30_000,
        # The broker decides what is too large; what it refuses is sent again without its value.
        "message.max.bytes": 100 << 20,
    }


def validate_properties(kafka: Kafka, problems: Problems) -> None:
    """Note what librdkafka has against `kafka.properties`: unknown names, impossible values. Needs no network."""
    properties = {name: value for name, value in consumer_properties(kafka).items() if name != "bootstrap.servers"}
    suspects = list(kafka.properties)
    while (complaint := _complaint_about(properties)) is not None:
        culprit = next((name for name in suspects if f'"{name}"' in complaint), None)
        path = ("kafka", "properties") if culprit is None else ("kafka", "properties", culprit)
        problems.add(path, f"the Kafka client refuses it: {_hidden(complaint, kafka)}", "bad_value")
        if culprit is None:
            return
        suspects.remove(culprit)
        del properties[culprit]


def _complaint_about(properties: dict[str, Any]) -> str | None:
    try:
        Consumer({**properties, "log_level": 0}, logger=_SILENT).close()
    except (KafkaException, TypeError, ValueError) as error:
        return _words(error.args[0]) if error.args else repr(error)
    return None


def _hidden(complaint: str, kafka: Kafka) -> str:
    """The complaint without any value: one may be a secret."""
    for value in sorted(map(_text, kafka.properties.values()), key=len, reverse=True):
        complaint = complaint.replace(f' "{value}"', "")
    return complaint


def reason_of(error: KafkaError) -> ReasonCode | None:
    """Which reason not to be ready an error stands for; None: it passes by itself."""
    code = error.code()
    if code in _NOT_AUTHORIZED:
        return "kafka_not_authorized"
    if code in _TOPIC_MISSING:
        return "topic_missing"
    return "kafka_unreachable" if code in _UNREACHABLE else None


def remedy_for(reason: ReasonCode, error: KafkaError) -> str:
    """What the operator can do, with the broker's own words."""
    return f"{_REMEDIES[reason]} (Kafka says: {_words(error)})"


def _words(error: object) -> str:
    return error.str() if isinstance(error, KafkaError) else str(error)


def _is_kip848(kafka: Kafka) -> bool:
    return str(kafka.properties.get("group.protocol", "classic")).lower() == "consumer"


def _text(value: str | float | bool) -> str:  # noqa: FBT001 - a property may be a bool
    return str(value).lower() if isinstance(value, bool) else str(value)

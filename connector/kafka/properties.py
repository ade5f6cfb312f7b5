"""librdkafka's properties for the consumer and for the producer of dead letters, and their validation."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException

from connector.kafka.client_words import PlainWords
from connector.kafka.deadlines import validate_timeouts
from connector.language.message import message
from connector.settings.kafka_properties import FIXED_PROPERTIES

if TYPE_CHECKING:
    from connector.settings.models import Kafka
    from connector.settings.problems import Problems

CLIENT_LOG: Final = logging.getLogger("connector.kafka")
"""Receives librdkafka's own log lines."""
CLIENT_LOG.addFilter(PlainWords())
SILENT_LOG: Final = logging.getLogger("connector.kafka.silent")
"""For clients whose errors are told in another way: what is written to it is lost."""
SILENT_LOG.addHandler(logging.NullHandler())
SILENT_LOG.propagate = False

REQUEST_TIMEOUT_S: Final = 10.0
"""Limit of one request to a broker whose answer is needed: it is repeated until it succeeds."""

_MEMBERSHIP: Final = ("group.protocol", "group.remote.assignor", "group.instance.id", "partition.assignment.strategy")
"""How the connector's own processes are members of their group."""
_CLIENT_ID: Final = {"client.id": "tuzhan-connector"}
_CONSUMER_DEFAULTS: Final[dict[str, Any]] = {
    "isolation.level": "read_committed",
    "allow.auto.create.topics": "false",
    "topic.metadata.refresh.interval.ms": 30_000,
    # Bounds the prefetch to 16 MiB, so that memory stays flat however much waits in Kafka: this many for all partitions
    # together, and one answer of each broker more. By default an answer may have 50 MiB.
    "queued.max.messages.kbytes": 14_336,
    # A partition that is resumed is asked for only when the request under way has been answered.
    "fetch.wait.max.ms": 100,
    # A full queue stops fetching for this back-off, one second by default: with a small queue that alone halves the
    # throughput. Hence many messages (the bytes are bounded above) and a short back-off.
    "queued.min.messages": 100_000,
    "fetch.queue.backoff.ms": 20,
}
_FETCH_MAX_BYTES: Final = 2 << 20
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
"""The producer of dead letters takes from `kafka.properties` only what says how to reach the cluster."""


def is_incremental(kafka: Kafka) -> bool:
    """Return whether partitions are assigned one by one (cooperative-sticky, KIP-848) instead of all at once."""
    strategy = str(kafka.properties.get("partition.assignment.strategy", "cooperative-sticky"))
    return is_kip848(kafka) or "cooperative" in strategy


def is_static(kafka: Kafka) -> bool:
    """Return whether the member has an instance id, and so stays in the group when it stops."""
    return "group.instance.id" in kafka.properties


def consumer_properties(kafka: Kafka) -> dict[str, Any]:
    """Return the consumer's properties: defaults, then `kafka.properties`, then those that the connector owns."""
    strategy = {} if is_kip848(kafka) else {"partition.assignment.strategy": "cooperative-sticky"}
    return {
        **_CLIENT_ID,
        **_CONSUMER_DEFAULTS,
        "fetch.max.bytes": _largest_answer(kafka),
        **strategy,
        **{name: _text(value) for name, value in kafka.properties.items()},
        "bootstrap.servers": kafka.bootstrap_servers,
        "group.id": kafka.group_id,
        **FIXED_PROPERTIES,
    }


def replay_group(kafka: Kafka) -> str:
    """Return the group that remembers which dead letters were replayed."""
    return f"{kafka.group_id}.replay"


def _largest_answer(kafka: Kafka) -> int:
    """Return the bound of one answer of a broker; librdkafka refuses one below `message.max.bytes`."""
    largest_record = str(kafka.properties.get("message.max.bytes", ""))
    return max(_FETCH_MAX_BYTES, int(largest_record) if largest_record.isdecimal() else 0)


def reader_properties(kafka: Kafka) -> dict[str, Any]:
    """Return the properties of a consumer for commands, which reads committed records and joins no group."""
    properties = consumer_properties(kafka)
    for name in _MEMBERSHIP:
        properties.pop(name, None)
    return {
        **properties,
        "group.id": replay_group(kafka),
        "isolation.level": "read_committed",
        "enable.partition.eof": "true",
        "auto.offset.reset": "earliest",  # an offset that was deleted meanwhile
    }


def exclusion_properties(kafka: Kafka, topic: str) -> dict[str, Any]:
    """Return the properties that keep a topic out of what a pattern subscribes to, so that it is never assigned.

    Not with KIP-848, where the broker resolves patterns: the consumer does not fetch such a topic, but is assigned it.
    """
    if is_kip848(kafka):
        return {}
    excluded = [str(kafka.properties.get("topic.blacklist", "")), f"^{topic.replace('.', '[.]')}$"]
    return {"topic.blacklist": ",".join(filter(None, excluded))}


def producer_properties(kafka: Kafka) -> dict[str, Any]:
    """Return the properties of the producer of dead letters."""
    shared = {name: _text(value) for name, value in kafka.properties.items() if name.startswith(_SHARED_PREFIXES)}
    return {
        **_CLIENT_ID,
        **shared,
        "bootstrap.servers": kafka.bootstrap_servers,
        "acks": "all",
        # A letter may come twice after a broken connection, which is better than lost: with idempotence, a few of 2,000
        # letters were acknowledged and not in the topic in 4 of 72 runs that each began with a new broker and a new
        # topic; without it, none in 60 runs. The cause was not found.
        "enable.idempotence": "false",
        "linger.ms": 5,
        "message.timeout.ms": 30_000,
        # The topic decides what is too large. No more than a broker's socket.request.max.bytes, which would end the
        # connection instead of refusing the message.
        "message.max.bytes": 99 << 20,
    }


def validate_properties(kafka: Kafka, problems: Problems) -> None:
    """Add a problem for each of `kafka.properties` that librdkafka refuses, or that does not fit our own deadlines.

    No network. librdkafka reports one property at a time: the refused one is removed and the rest is tried again.
    """
    properties = {name: value for name, value in consumer_properties(kafka).items() if name != "bootstrap.servers"}
    remaining = list(kafka.properties)
    while (refusal := _refusal_of(properties)) is not None:
        refused = next((name for name in remaining if f'"{name}"' in refusal), None)
        path = ("kafka", "properties") if refused is None else ("kafka", "properties", refused)
        told = message("the Kafka client refuses it: {refusal}", refusal=_without_values(refusal, kafka))
        problems.add(path, told, "bad_value")
        if refused is None:
            return
        remaining.remove(refused)
        del properties[refused]
    validate_timeouts(kafka, problems)


def _refusal_of(properties: dict[str, Any]) -> str | None:
    try:
        Consumer({**properties, "log_level": 0}, logger=SILENT_LOG).close()
    except (KafkaException, TypeError, ValueError) as error:
        cause = error.args[0] if error.args else error
        return cause.str() if isinstance(cause, KafkaError) else str(cause)
    return None


def _without_values(refusal: str, kafka: Kafka) -> str:
    """Return the message without the properties' values: one may be a secret."""
    for value in sorted(map(_text, kafka.properties.values()), key=len, reverse=True):
        refusal = refusal.replace(f' "{value}"', "")
    return refusal.rstrip()


def is_kip848(kafka: Kafka) -> bool:
    """Return whether the broker deals out the partitions (`group.protocol: consumer`)."""
    return str(kafka.properties.get("group.protocol", "classic")).lower() == "consumer"


def _text(value: str | float | bool) -> str:  # noqa: FBT001 - a property may be a bool
    return str(value).lower() if isinstance(value, bool) else str(value)

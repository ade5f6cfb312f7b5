"""The dead-letter topic itself: made if it is missing, and looked at, because what limits it loses dead letters."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.cimpl import NewTopic

from connector.core.wording import all_of
from connector.kafka.errors import cause_of
from connector.kafka.properties import CLIENT_LOG, REQUEST_TIMEOUT_S
from connector.language.message import message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.language.message import Message

_ADMIN_TIMEOUT_S: Final = 5.0
"""A broker without a controller does not answer for much longer, and the producer may still create the topic."""
_LIMIT_AGE_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class TopicState:
    """What was found out about the topic."""

    error: KafkaError | None = None
    """Why it can't be used; None if it can, as far as is known."""
    warnings: tuple[str, ...] = ()
    """What will lose dead letters, each with its remedy."""


class DeadLetterTopic:
    """Looks after the topic. Every method blocks and is called off the event loop, one at a time."""

    def __init__(self, properties: dict[str, Any], name: str) -> None:
        self._properties = properties
        self._name = name
        self._limit: int | None = None
        self._limit_read_at = 0.0

    def ensure(self) -> TopicState:
        """Create the topic, with unlimited retention, if it is missing; warn if an existing one loses letters.

        Where creating is refused (no right, or no controller), the broker may create the topic for its producers.
        """
        admin = AdminClient(self._properties, logger=CLIENT_LOG)
        try:
            if self._name in admin.list_topics(timeout=REQUEST_TIMEOUT_S).topics:
                return TopicState(warnings=_warnings(self._name, self._read_config(admin)))
            topic = NewTopic(self._name, config={"retention.ms": "-1", "retention.bytes": "-1"})
            admin.create_topics([topic], request_timeout=_ADMIN_TIMEOUT_S)[self._name].result()
        except KafkaException as exception:
            error = cause_of(exception)
            if error.code() == KafkaError.TOPIC_ALREADY_EXISTS:
                return TopicState()
            if not self._is_auto_created():
                return TopicState(error)
            warning = f"{self._name} was created by the broker: set its retention.ms=-1 to keep dead letters"
            return TopicState(warnings=(warning,))
        return TopicState()

    def message_limit(self) -> int | None:
        """Return the topic's max.message.bytes, read lately; None if this user may not read it."""
        now = time.monotonic()
        if self._limit is None or now - self._limit_read_at > _LIMIT_AGE_S:
            self._read_config(AdminClient(self._properties, logger=CLIENT_LOG))
        return self._limit

    def _read_config(self, admin: AdminClient) -> Mapping[str, str]:
        """Return the topic's settings; empty if this user may not read them."""
        config = _config(admin, self._name, _ADMIN_TIMEOUT_S)
        if not config:
            return {}
        limit = config.get("max.message.bytes", "")
        self._limit, self._limit_read_at = int(limit) if limit.isdigit() else None, time.monotonic()
        return config

    def _is_auto_created(self) -> bool:
        """Ask for the topic as a producer does, which lets the broker create it; its retention is the broker's."""
        producer = Producer(self._properties, logger=CLIENT_LOG)
        try:
            return producer.list_topics(self._name, timeout=_ADMIN_TIMEOUT_S).topics[self._name].error is None
        except KafkaException:
            return False


def read_warnings(admin: AdminClient, topic: str, timeout_s: float) -> tuple[Message, ...]:
    """Return what will lose dead letters, each with its remedy (`findings.apart`). Blocks; nothing is written."""
    return _warnings(topic, _config(admin, topic, timeout_s))


def _config(admin: AdminClient, topic: str, timeout_s: float) -> dict[str, str]:
    """Return the topic's settings; empty if this user may not read them."""
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    try:
        found = admin.describe_configs([resource], request_timeout=timeout_s)[resource].result()
    except KafkaException:
        return {}
    return {name: str(entry.value) for name, entry in found.items()}


def _warnings(topic: str, config: Mapping[str, str]) -> tuple[Message, ...]:
    told = []
    policy = config.get("cleanup.policy", "delete")
    if "compact" in policy:
        found = message(
            "{topic} is compacted: dead letters that share a key replace each other, and those without a key are"
            " refused",
            topic=topic,
        )
        told.append((found, message("set its cleanup.policy=delete")))
    if "delete" in policy:
        limits = {name: config.get(name, "-1") for name in ("retention.ms", "retention.bytes")}
        limited = [f"{name}={value}" for name, value in limits.items() if value != "-1"]
        if limited:
            unlimited = all_of(f"{name.partition('=')[0]}=-1" for name in limited)
            found = message("{topic} has {limits}: dead letters are deleted then", topic=topic, limits=all_of(limited))
            told.append((found, message("set {settings}", settings=unlimited)))
    return tuple(message("{found}; {remedy}", found=found, remedy=remedy) for found, remedy in told)

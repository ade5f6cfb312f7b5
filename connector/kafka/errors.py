"""What librdkafka's errors mean for the connector and for the operator.

Codes that begin with an underscore are librdkafka's own: no broker sent them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaError

from connector.kafka.client_words import plainly
from connector.language.message import message

if TYPE_CHECKING:
    from confluent_kafka import KafkaException

    from connector.core.events import ReasonCode
    from connector.language.message import Message

LOGIN_REFUSED: Final = {KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED}

COMMIT_REFUSED: Final = {
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.STALE_MEMBER_EPOCH,
    KafkaError.FENCED_MEMBER_EPOCH,
    KafkaError._WAIT_COORD,
    KafkaError._ASSIGNMENT_LOST,
}
"""Normal answers to a commit around a rebalance; the next commit repeats it."""

COMMIT_TOO_LARGE: Final = {
    KafkaError.OFFSET_METADATA_TOO_LARGE,
    KafkaError.INVALID_COMMIT_OFFSET_SIZE,
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.UNKNOWN,
}
"""The commit's metadata does not fit. A broker of version 4 answers a request that is too large with UNKNOWN."""

OFFSET_DELETED: Final = {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}
"""The offset to fetch from no longer exists: retention deleted it, or the topic was re-created."""

TOO_LARGE: Final = {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE}
"""A batch, or the one message in it, is larger than the topic allows (max.message.bytes, segment.bytes)."""

END_OF_PARTITION: Final = KafkaError._PARTITION_EOF
ALL_BROKERS_DOWN: Final = KafkaError._ALL_BROKERS_DOWN
TIMED_OUT: Final = KafkaError._TIMED_OUT
TLS_FAILED: Final = KafkaError._SSL
_NOT_KAFKA: Final = (KafkaError._BAD_MSG, "Receive failed")
"""Code and words for an answer that is not of Kafka's protocol; the code alone also stands for a damaged batch."""
QUEUE_FULL: Final = KafkaError._QUEUE_FULL
FATAL: Final = KafkaError._FATAL

_REASONS: Final[dict[ReasonCode, set[int]]] = {
    "kafka_not_authorized": {
        KafkaError._AUTHENTICATION,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    },
    "topic_missing": {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC},
    "kafka_unreachable": {
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._TRANSPORT,
        KafkaError._RESOLVE,
        KafkaError._TIMED_OUT,
        KafkaError._SSL,
    },
}
_REMEDIES: Final[dict[ReasonCode, Message]] = {
    "kafka_not_authorized": message(
        "check security.protocol, sasl.* and the ACLs of this user for the topics and the group"
    ),
    "kafka_unreachable": message("check kafka.bootstrap_servers, security.protocol, and that the brokers are up"),
    "topic_missing": message(
        "create the topic, or correct its name under `topics`; it is consumed as soon as it exists"
    ),
}
TLS_REMEDY: Final = message(
    "ssl.ca.location must name a file with the CA that signed the brokers' certificates (PEM); for a cloud whose"
    " certificate is for another name: ssl.endpoint.identification.algorithm: none"
)
_LOGIN_REMEDY: Final = message("the brokers refuse the login: check sasl.mechanism, sasl.username and sasl.password")
_REMEDIES_BY_CODE: Final[dict[int, Message]] = {
    **dict.fromkeys(LOGIN_REFUSED, _LOGIN_REMEDY),
    KafkaError.TOPIC_AUTHORIZATION_FAILED: message("allow this user to READ and DESCRIBE the topic (ACL)"),
    KafkaError.GROUP_AUTHORIZATION_FAILED: message(
        "allow this user to READ the group (ACL): kafka.group_id, and for replays the same with .replay behind it"
    ),
}


def cause_of(exception: KafkaException) -> KafkaError:
    """Return the error that a KafkaException carries."""
    error: KafkaError = exception.args[0]
    return error


def reason_of(error: KafkaError) -> ReasonCode | None:
    """Return the readiness reason that an error stands for; None for an error that passes without the operator."""
    code, words = _NOT_KAFKA
    if error.code() == code and words in error.str():
        return "kafka_unreachable"
    return next((reason for reason, codes in _REASONS.items() if error.code() in codes), None)


def remedy_for(reason: ReasonCode, error: KafkaError) -> Message:
    """Return what the operator can do, followed by Kafka's own message."""
    remedy = _REMEDIES_BY_CODE.get(error.code(), _REMEDIES[reason])
    if "certificate" in error.str():
        remedy = TLS_REMEDY
    return kafka_says(remedy, error)


def kafka_says(told: Message, error: KafkaError) -> Message:
    """Return our own words with what Kafka says behind them, in brackets."""
    return message("{told} (Kafka says: {said})", told=told, said=plainly(error.str()))

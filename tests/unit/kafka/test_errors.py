"""What KafkaErrors mean for the operator."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from connector.kafka.client_words import plainly
from connector.kafka.errors import reason_of, remedy_for


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (KafkaError._AUTHENTICATION, "kafka_not_authorized"),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, "kafka_not_authorized"),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, "kafka_not_authorized"),
        (KafkaError._ALL_BROKERS_DOWN, "kafka_unreachable"),
        (KafkaError._TRANSPORT, "kafka_unreachable"),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, "topic_missing"),
        (KafkaError.REBALANCE_IN_PROGRESS, None),
    ],
)
def test_an_error_that_the_operator_can_fix_is_a_reason_with_a_remedy_and_others_are_none(
    code: int, reason: str | None
) -> None:
    error = KafkaError(code)
    found = reason_of(error)
    assert found == reason
    if found is not None:
        assert plainly(error.str()) in remedy_for(found, error)


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (KafkaError(KafkaError._AUTHENTICATION), "check sasl.mechanism, sasl.username and sasl.password"),
        (KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED), "READ and DESCRIBE the topic"),
        (KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED), "READ the group"),
        (KafkaError(KafkaError._SSL, "certificate verify failed"), "ssl.ca.location must name a file"),
        (KafkaError(KafkaError._TRANSPORT, "certificate verify failed"), "ssl.ca.location must name a file"),
        (KafkaError(KafkaError._SSL, "wrong version number"), "it speaks no TLS: security.protocol?"),
    ],
)
def test_the_remedy_names_what_is_to_be_done(error: KafkaError, remedy: str) -> None:
    reason = reason_of(error)
    assert reason is not None
    assert remedy in remedy_for(reason, error)


def test_an_answer_that_is_none_of_kafka_is_no_broker_and_a_damaged_batch_is_something_else() -> None:
    """librdkafka has one code for both. An HTTP server that answers at once is the usual case of the first."""
    http = "10.0.0.1:80/bootstrap: Receive failed: Invalid response size 1213486160 (0..100000000): increase receive.…"
    assert reason_of(KafkaError(KafkaError._BAD_MSG, http)) == "kafka_unreachable"
    assert reason_of(KafkaError(KafkaError._BAD_MSG, "Invalid batch size")) is None

"""Timeouts of Kafka that don't fit the connector's own deadlines are found before the start."""

from __future__ import annotations

import pytest

from connector.kafka.deadlines import (
    CLOSE_GRACE_S,
    LAST_COMMIT_S,
    MIN_MAX_POLL_INTERVAL_MS,
    REVOKE_DEADLINE_S,
    freeze_limit_s,
    proof_limit_s,
    replace_client_s,
)
from connector.kafka.properties import validate_properties
from connector.observe.health import HEARTBEAT_TIMEOUT_S
from connector.settings.models import Kafka
from connector.settings.problems import Problems


def _kafka(properties: dict[str, str | int | float | bool]) -> Kafka:
    return Kafka(bootstrap_servers="localhost:1", group_id="g", properties=properties)


def _problems(**properties: str | int) -> list[tuple[str | int, str]]:
    problems = Problems()
    validate_properties(_kafka({name.replace("_", "."): value for name, value in properties.items()}), problems)
    return [(problem.path[-1], problem.message) for problem in problems.found]


def test_a_revocation_fits_between_two_polls_and_two_heartbeats() -> None:
    longest_s = REVOKE_DEADLINE_S + CLOSE_GRACE_S + LAST_COMMIT_S
    assert longest_s < HEARTBEAT_TIMEOUT_S
    assert longest_s * 1000 < MIN_MAX_POLL_INTERVAL_MS


def test_a_poll_interval_that_is_shorter_than_a_revocation_is_refused() -> None:
    [(name, message)] = _problems(session_timeout_ms=6_000, max_poll_interval_ms=MIN_MAX_POLL_INTERVAL_MS - 1)
    assert name == "max.poll.interval.ms"
    assert "expected at least 30000, got 29999: a revocation may take 27 s" in message
    assert _problems(session_timeout_ms=6_000, max_poll_interval_ms=str(MIN_MAX_POLL_INTERVAL_MS)) == []


@pytest.mark.parametrize(
    ("properties", "at"),
    [
        ({"session_timeout_ms": 3_000}, "session.timeout.ms"),
        ({"heartbeat_interval_ms": 45_000}, "heartbeat.interval.ms"),
        ({"session_timeout_ms": 6_000, "heartbeat_interval_ms": 6_000}, "session.timeout.ms"),
    ],
)
def test_a_session_that_is_not_longer_than_the_heartbeats_is_refused_once(properties: dict[str, int], at: str) -> None:
    [(name, message)] = _problems(**properties)
    assert name == at
    assert "must be longer than heartbeat.interval.ms" in message


def test_a_value_that_librdkafka_refuses_is_reported_once() -> None:
    assert [name for name, _ in _problems(max_poll_interval_ms="soon")] == ["max.poll.interval.ms"]


@pytest.mark.parametrize(("session_ms", "limit_s"), [(6_000, 2.0), (45_000, 5.0)])
def test_a_freeze_counts_well_before_the_session_ends(session_ms: int, limit_s: float) -> None:
    assert freeze_limit_s(_kafka({"session.timeout.ms": session_ms}), kip848=False) == limit_s
    assert freeze_limit_s(_kafka({}), kip848=True) == 3.0


def test_a_member_counts_as_one_until_its_session_would_have_ended() -> None:
    assert proof_limit_s(_kafka({"session.timeout.ms": 6_000}), kip848=False) == 6.0
    assert proof_limit_s(_kafka({}), kip848=False) == 45.0
    assert proof_limit_s(_kafka({}), kip848=True) == 5.0


def test_a_client_is_not_replaced_while_the_group_may_wait_for_a_slow_member() -> None:
    assert replace_client_s(_kafka({"max.poll.interval.ms": 60_000}), kip848=False) == 90.0
    assert replace_client_s(_kafka({}), kip848=False) == 330.0
    assert replace_client_s(_kafka({}), kip848=True) == 30.0

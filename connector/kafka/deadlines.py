"""How long the consumer's thread may take for what, and the properties of Kafka that must fit it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.language.message import message

if TYPE_CHECKING:
    from connector.settings.models import Kafka
    from connector.settings.problems import Problems

REVOKE_DEADLINE_S: Final = 15.0
"""How long the leases of revoked partitions may take to drain."""
REPLACE_DEADLINE_S: Final = 5.0
"""The same for a lease that ends because its topic was re-created or its log truncated."""
CLOSE_GRACE_S: Final = 2.0
"""How much longer than that the thread waits for the loop."""
LAST_COMMIT_S: Final = 10.0
"""How long the thread waits for the answer to the last commit of leases. While a member of a classic group rejoins, the
broker reads nothing else from its connection: that may last as long as the slowest member takes to join."""
MIN_MAX_POLL_INTERVAL_MS: Final = 30_000
"""Longer than all three together, between two polls: a member that takes longer is removed from its group."""

DEFAULT_SESSION_TIMEOUT_MS: Final = 45_000
DEFAULT_HEARTBEAT_MS: Final = 3_000
KIP848_FREEZE_LIMIT_S: Final = 3.0
"""With KIP-848 the broker decides the session timeout, and does not tell it: it is rarely below ten seconds."""
MAX_FREEZE_LIMIT_S: Final = 5.0
KIP848_PROOF_LIMIT_S: Final = 5.0
"""The same for a member that the group's coordinator does not answer. A rolling restart of the brokers is no reason to
stop: the next coordinator answers within seconds."""
REPLACE_CLIENT_S: Final = 30.0
"""After this time, in which brokers answer but the coordinator does not, a client is replaced: three times librdkafka's
longest back-off between two attempts to connect (`reconnect.backoff.max.ms`)."""
DEFAULT_MAX_POLL_MS: Final = 300_000


def validate_timeouts(kafka: Kafka, problems: Problems) -> None:
    """Add a problem for each timeout in `kafka.properties` that does not fit our own deadlines or the others."""
    max_poll = _milliseconds(kafka, "max.poll.interval.ms", MIN_MAX_POLL_INTERVAL_MS)
    if max_poll < MIN_MAX_POLL_INTERVAL_MS:
        told = message(
            "expected at least {least}, got {given}: a revocation may take {seconds:.0f} s, and the member must not be"
            " removed",
            least=MIN_MAX_POLL_INTERVAL_MS,
            given=max_poll,
            seconds=REVOKE_DEADLINE_S + CLOSE_GRACE_S + LAST_COMMIT_S,
        )
        problems.add(("kafka", "properties", "max.poll.interval.ms"), told, "bad_value")
    session, heartbeat = session_timeout_ms(kafka), _milliseconds(kafka, "heartbeat.interval.ms", DEFAULT_HEARTBEAT_MS)
    for name in ("session.timeout.ms", "heartbeat.interval.ms"):
        if name in kafka.properties and heartbeat >= session:
            told = message(
                "session.timeout.ms ({session}) must be longer than heartbeat.interval.ms ({heartbeat}): best three"
                " times as long",
                session=session,
                heartbeat=heartbeat,
            )
            problems.add(("kafka", "properties", name), told, "bad_value")
            return


def session_timeout_ms(kafka: Kafka) -> int:
    """Return after how long a silent member of a classic group loses its partitions."""
    return _milliseconds(kafka, "session.timeout.ms", DEFAULT_SESSION_TIMEOUT_MS)


def freeze_limit_s(kafka: Kafka, *, kip848: bool) -> float:
    """Return after how long a process that was frozen counts as one that may have lost its partitions."""
    if kip848:
        return KIP848_FREEZE_LIMIT_S
    return min(MAX_FREEZE_LIMIT_S, session_timeout_ms(kafka) / 3000)


def proof_limit_s(kafka: Kafka, *, kip848: bool) -> float:
    """Return how long after its last proof of membership a member may have lost its partitions."""
    return KIP848_PROOF_LIMIT_S if kip848 else session_timeout_ms(kafka) / 1000


def replace_client_s(kafka: Kafka, *, kip848: bool) -> float:
    """Return for how long a coordinator may not answer, while brokers do, before the client is replaced.

    In a classic group it reads nothing of a member that waits for the others to join, for max.poll.interval.ms at most.
    """
    longest_wait_s = 0.0 if kip848 else _milliseconds(kafka, "max.poll.interval.ms", DEFAULT_MAX_POLL_MS) / 1000
    return longest_wait_s + REPLACE_CLIENT_S


def _milliseconds(kafka: Kafka, name: str, default: int) -> int:
    """Return a property as a number; the default if librdkafka will refuse it."""
    try:
        return int(kafka.properties.get(name, default))
    except ValueError:
        return default

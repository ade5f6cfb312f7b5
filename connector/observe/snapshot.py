"""The shape of the state of the connector at one instant.

A `Status` is a snapshot: it is taken on the event loop without an `await`, so its numbers belong together. In each
topic, ``consumed = delivered + skipped + dead_lettered + released + in_flight``. ``/status``, the status page and all
of ``/metrics`` but what is counted per request are written from it.

Counts are those of the process since its start. They never fall, even when a partition or a topic goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.core.events import HARMLESS
from connector.core.record import config_id
from connector.language.message import in_language

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.events import ReasonCode
    from connector.core.sink import TargetState
    from connector.language.choice import Language
    from connector.language.message import Message


@dataclass(frozen=True, slots=True)
class TopicStatus:
    """What became of one topic's records since the process started."""

    topic: str
    consumed: int
    delivered: int
    skipped: int
    dead_lettered: int
    released: int
    """Unsettled when their lease ended: the next owner of their partition gets them again."""
    in_flight: int
    passed_over: int = 0
    """Settled ahead before their lease began: not consumed, and in none of the counts above."""


@dataclass(frozen=True, slots=True)
class PartitionStatus:
    """One partition that this process owns now."""

    topic: str
    partition: int
    lag: int | None
    """Records in Kafka that the group has not committed; None until the broker has reported the partition's end."""
    watermark: int
    """The offset that may be committed: every record below it is settled."""
    committed: int | None
    """The offset that the broker confirmed; None if there is none."""
    in_flight: int
    oldest_unsettled_s: float
    """How long ago the oldest record without an outcome was consumed; 0 if there is none."""
    lag_s: float | None
    """How long ago the oldest record that is not settled was written, by its own timestamp; 0 if all are settled."""
    paused: bool


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """One target: its state, its queue, its last replies."""

    name: str
    endpoint: str
    state: TargetState
    reason: str
    """Why it is not up; empty if it is."""
    since: float
    """When it came into this state: seconds since 1970."""
    in_flight: int
    """Requests that wait for their reply."""
    in_flight_limit: int
    """How many may, at this moment: `max_in_flight`, or what `auto` has made of it."""
    queued: int
    """Items that wait to be sent or for their reply."""
    queued_bytes: int
    last_reply: str
    """For people: the platform's last answer; empty before the first."""
    last_delivery: float | None
    """When it last delivered something: seconds since 1970; None if it never has."""
    import_batches: Sequence[str]
    """The last 100 import batch ids, the newest last."""
    attempts: int
    """Requests in a row that have delivered nothing."""
    next_try_s: float | None
    """Seconds until the next request; None if nothing failed or nothing waits."""
    suspects: int
    """Batches that are searched for an item that makes them fail, and items that wait alone."""


@dataclass(frozen=True, slots=True)
class RouteStatus:
    """What became of the items of one route."""

    name: str
    """Empty for records that could not be decoded: no route was tried then."""
    target: str
    delivered: int
    skipped: int
    """By a rule of the mapping, such as `$skip`. A record that `where` does not want has no item."""
    dead_lettered: int
    identity_invalid: Mapping[str, int]
    """Identity values that could not be converted, by identity type."""
    reasons: Mapping[str, int]
    """Dead letters by reason, those reasons that have occurred."""


@dataclass(frozen=True, slots=True)
class DeadLetterStatus:
    """One item that the dead-letter topic has acknowledged; holds no value of its record."""

    at: float
    """When it was acknowledged: seconds since 1970."""
    topic: str
    """Where its record came from."""
    partition: int
    offset: int
    route: str
    target: str
    reason: str
    field: str
    detail: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why the connector is not ready."""

    code: ReasonCode
    target: str
    """The target, topic or broker that it is about; may be empty."""
    since: float
    """Seconds since 1970."""
    remedy: Message

    def document(self, language: Language) -> dict[str, object]:
        """Return it as `/readyz` and `/status` show it, its remedy in a language."""
        told = {"code": self.code, "target": self.target, "since": self.since}
        return {**told, "remedy": in_language(self.remedy, language)}


def is_ready(reasons: Sequence[Reason]) -> bool:
    """Return whether none of the reasons keeps the connector from being ready."""
    return all(reason.code in HARMLESS for reason in reasons)


def readiness_line(reasons: Sequence[Reason]) -> str:
    """Return whether the connector is ready, and each reason with what it is about, as one line for people."""
    listed = ", ".join(f"{reason.code} ({reason.target})" if reason.target else reason.code for reason in reasons)
    return ": ".join(filter(None, ("ready" if is_ready(reasons) else "not ready", listed)))


@dataclass(frozen=True, slots=True)
class ConfigRefused:
    """A config that was read while the process runs, and refused."""

    at: float
    """Seconds since 1970."""
    sha256: str
    """Of the file that was read; empty if it could not be."""
    errors: Sequence[str]


@dataclass(frozen=True, slots=True)
class Status:
    """The snapshot."""

    version: str
    config_file: str
    config_sha256: str
    uptime_s: float
    topics: Sequence[TopicStatus]
    partitions: Sequence[PartitionStatus]
    targets: Sequence[TargetStatus]
    token_source: str
    """Where the token comes from, in the words of the config."""
    token_expires_in_s: float | None
    """None if there is no token, or if its end isn't known (a fixed token)."""
    routes: Sequence[RouteStatus]
    values_omitted: Mapping[tuple[str, str], int]
    """Values that could not be converted and were left out, by (route, field)."""
    dead_letters: Sequence[DeadLetterStatus]
    """The last ones, the newest last."""
    reasons: Sequence[Reason]
    """Why the connector is not ready, and what is told beside that, in the order in which they were raised."""
    kafka_connected: bool
    """Whether a broker has ever answered."""

    config_loaded_at: float = 0.0
    """When the config took over: seconds since 1970."""
    config_generation: int = 1
    """1 for the config of the start; one more each time that another one took over."""
    config_refused: ConfigRefused | None = None
    """The config that was read since and could not take over."""

    @property
    def ready(self) -> bool:
        """Whether no reason stands against it."""
        return is_ready(self.reasons)

    @property
    def state(self) -> str:
        """`draining` once it was told to stop; else `starting` until its group has dealt it in, then `running`."""
        codes = {reason.code for reason in self.reasons}
        return next((state for state in ("draining", "starting") if state in codes), "running")

    @property
    def config_id(self) -> str:
        """The short name of the config's contents."""
        return config_id(self.config_sha256)

"""What is watched all the time while a round runs: each member's admin port, and the group's committed offsets."""

from __future__ import annotations

import re
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
from confluent_kafka import Consumer, KafkaException, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.chaos.connector_log import Partition
    from tests.chaos.processes import Member

SCRAPE_EVERY_S = 0.3
COMMITTED_EVERY_S = 0.25
_QUICK = {"log_level": 0, "reconnect.backoff.max.ms": 500}
_SAMPLE = re.compile(
    r'^tuzhan_connector_records_(consumed_total|settled_total|released_total|in_flight)\{.*?topic="([^"]+)"'
)


@dataclass(frozen=True, slots=True)
class Scrape:
    """One look at a member that answered; times are seconds since 1970."""

    asked: float
    answered: float
    ready: bool
    reasons: tuple[str, ...]
    remedies: tuple[str, ...]
    """What each reason tells the operator."""
    alive: bool
    in_flight: int


@dataclass(slots=True)
class MemberSeen:
    """All that was seen of one member."""

    scrapes: list[Scrape] = field(default_factory=list)
    broken_laws: list[str] = field(default_factory=list)
    """Scrapes of /metrics in which consumed was not settled + released + in flight."""


class MemberWatch(threading.Thread):
    """Scrapes /metrics, /readyz and /livez of one member until `finish`; a member that does not answer is skipped."""

    def __init__(self, member: Member) -> None:
        super().__init__(name=f"watch {member.name}", daemon=True)
        self._member = member
        self._finished = threading.Event()
        self.seen = MemberSeen()

    @property
    def is_well(self) -> bool:
        """Whether its process has ended, or it was ready at the last look."""
        return not self._member.running or bool(self.seen.scrapes and self.seen.scrapes[-1].ready)

    def finish(self) -> None:
        """Stop looking."""
        self._finished.set()
        self.join()

    def run(self) -> None:
        """Scrape until `finish`."""
        with httpx.Client(base_url=self._member.admin_url, timeout=2) as client:
            while not self._finished.wait(SCRAPE_EVERY_S):
                try:
                    self._scrape(client)
                except httpx.TransportError:
                    continue

    def _scrape(self, client: httpx.Client) -> None:
        asked = time.time()
        counts = count_records(client.get("/metrics").text)
        for topic, (consumed, settled, released, in_flight) in counts.items():
            if consumed != settled + released + in_flight:
                law = f"{consumed} consumed, {settled} settled, {released} released, {in_flight} in flight"
                self.seen.broken_laws.append(f"{asked:.2f} {topic}: {law}")
        ready, alive = client.get("/readyz"), client.get("/livez")
        told = ready.json()["reasons"]
        reasons = tuple(str(reason["code"]) for reason in told)
        remedies = tuple(str(reason["remedy"]) for reason in told)
        waiting = sum(numbers[3] for numbers in counts.values())
        scrape = Scrape(asked, time.time(), ready.is_success, reasons, remedies, alive.is_success, waiting)
        self.seen.scrapes.append(scrape)


def count_records(metrics: str) -> dict[str, tuple[int, int, int, int]]:
    """Return, by topic, the records consumed, settled, released and in flight."""
    places = {"consumed_total": 0, "settled_total": 1, "released_total": 2, "in_flight": 3}
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for line in metrics.splitlines():
        if match := _SAMPLE.match(line):
            counts[match[2]][places[match[1]]] += round(float(line.rpartition(" ")[2]))
    return {topic: (row[0], row[1], row[2], row[3]) for topic, row in counts.items()}


@dataclass(frozen=True, slots=True)
class Committed:
    """What the group had committed for one partition, as read by the harness."""

    asked: float
    answered: float
    offset: int
    metadata: str


class CommitWatch(threading.Thread):
    """Reads the group's committed offsets until `finish`, with a client that is no member of the group.

    Only changes are kept. While the broker is away nothing can be read.
    """

    def __init__(self, address: str, group: str, partitions: Iterable[Partition]) -> None:
        super().__init__(name="watch commits", daemon=True)
        self._asked = [TopicPartition(topic, number) for topic, number in partitions]
        self._properties = {"bootstrap.servers": address, "group.id": group, "enable.auto.commit": False, **_QUICK}
        self._finished = threading.Event()
        self.seen: dict[Partition, list[Committed]] = {(one.topic, one.partition): [] for one in self._asked}

    def finish(self) -> None:
        """Stop reading."""
        self._finished.set()
        self.join()

    def run(self) -> None:
        """Read until `finish`."""
        reader = Consumer(self._properties)
        while not self._finished.wait(COMMITTED_EVERY_S):
            asked = time.time()
            try:
                answers = reader.committed(self._asked, 2)
            except KafkaException:
                continue
            for answer in answers:
                self._keep(answer, asked)
        reader.close()

    def _keep(self, answer: TopicPartition, asked: float) -> None:
        if answer.error is not None or answer.offset < 0:
            return
        kept = self.seen[answer.topic, answer.partition]
        metadata = answer.metadata or ""
        if not kept or (kept[-1].offset, kept[-1].metadata) != (answer.offset, metadata):
            kept.append(Committed(asked, time.time(), answer.offset, metadata))

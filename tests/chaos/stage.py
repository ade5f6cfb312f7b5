"""The stage of one round: broker, platform, members and what is watched, with everything that can be done to them."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.chaos.processes import Member, Platform, host_of
from tests.chaos.records import TOPICS, config
from tests.chaos.schedule import SESSION_S
from tests.chaos.watching import CommitWatch, MemberWatch
from tests.kafka.cluster import Cluster, fresh

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.kafka.broker import Broker

PARTITIONS = 4
STOP_LIMIT_S = 40.0
"""`shutdown_timeout` is 25 s; the rest is what a process takes to end on a busy machine."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What was wrong, and when: what an action of the schedule really did. Times are seconds since 1970."""

    track: str
    kind: str
    began: float
    ended: float
    detail: str = ""

    def overlaps(self, start: float, end: float) -> bool:
        """Whether it was wrong at some time between `start` and `end`."""
        return self.began <= end and self.ended >= start


class Stage:
    """Built per round, on a broker that outlives it. Several tracks use it at the same time, each its own part."""

    def __init__(
        self,
        broker: Broker,
        protocol: str,
        folder: Path,
        *,
        adapt: Callable[[dict[str, Any]], None] = lambda _: None,
        partitions: int = PARTITIONS,
    ) -> None:
        """`adapt` changes the config of each member."""
        self.broker = broker
        self._adapt = adapt
        self.kafka = Cluster(broker.address)
        self.group = fresh("chaos")
        self.topics = {name: fresh(name) for name in TOPICS}
        for topic in self.topics.values():
            self.kafka.create_topic(topic, partitions)
        self.dead_letter_topic = f"{self.group}.dead-letter"
        self.kafka.create_topic(self.dead_letter_topic, 1, {"retention.ms": "-1"})
        self.platform = Platform(folder)
        self.members: list[Member] = []
        self.watches: list[MemberWatch] = []
        watched = [(topic, number) for topic in self.topics.values() for number in range(partitions)]
        self.commits = CommitWatch(broker.address, self.group, watched)
        self.faults: list[Fault] = []
        self.request_timeout_s = 0.0
        """Of every member's config."""
        self.finished_at = float("inf")
        """When `finish` was called."""
        self._folder = folder
        # A broker may refuse the session timeout of a member with the new protocol: it is the broker's.
        session = {"session.timeout.ms": int(SESSION_S * 1000)} if protocol == "classic" else {}
        self._properties: dict[str, Any] = {"group.protocol": protocol, **session}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the platform and what watches the group; members are started one by one."""
        self.platform.start()
        self.commits.start()

    def add_member(self) -> Member:
        """Start one more process of the connector; return at once."""
        with self._lock:
            number = next(self._numbers)
        member = Member(number, self._config(number), self._folder)
        member.start()
        watch = MemberWatch(member)
        watch.start()
        with self._lock:
            self.members.append(member)
            self.watches.append(watch)
        return member

    def note(self, track: str, kind: str, began: float, detail: str = "") -> None:
        """Record a fault that has just ended."""
        with self._lock:
            self.faults.append(Fault(track, kind, began, time.time(), detail))

    def running(self) -> list[Member]:
        """Return the members that have not ended."""
        return [member for member in self.members if member.running]

    def finish(self) -> None:
        """Stop watching, and stop every member in order."""
        self.finished_at = time.time()
        for watch in self.watches:
            watch.finish()
        self.commits.finish()
        for member in self.running():
            member.stop(STOP_LIMIT_S)

    def close(self) -> None:
        """End everything but the broker."""
        for watch in self.watches:
            watch.finish()
        if self.commits.is_alive():
            self.commits.finish()
        for member in self.members:
            member.close()
        self.platform.close()
        self.kafka.close()

    def _config(self, number: int) -> dict[str, Any]:
        url = self.platform.url(host_of(number))
        member = config(self.broker.address, url, self.topics, self.group, self._properties)
        self._adapt(member)
        self.request_timeout_s = float(member["platform"]["request_timeout"].removesuffix("s"))
        return member

"""Commits that fail for long are a reason for not being ready."""

from __future__ import annotations

from connector.core.events import Event, ReasonCleared, ReasonRaised
from connector.core.ledger import Lease, TopicCounts
from connector.core.progress import Progress
from connector.core.record import TopicPartition
from connector.kafka.bridge import CommitRequest
from connector.kafka.commit_alarm import ALARM_AFTER_S, CommitAlarm


class AlarmHarness:
    """An alarm and two leases that start at 10."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.alarm = CommitAlarm(self.events.append)
        self.leases = [Lease(TopicPartition("orders", number), 10, TopicCounts()) for number in range(2)]

    def observe(self, now: float, *offsets: int) -> list[str]:
        """Request to commit these offsets; return the names of the events."""
        self.events.clear()
        leases = zip(self.leases, offsets, strict=False)
        self.alarm.observe([CommitRequest(lease, Progress(offset), None) for lease, offset in leases], now)
        for event in self.events:
            assert isinstance(event, ReasonRaised | ReasonCleared)
            assert event.code == "commits_refused"
        return [type(event).__name__ for event in self.events]


def test_a_watermark_that_moves_and_stays_uncommitted_raises_the_alarm_once_until_the_first_ok() -> None:
    harness = AlarmHarness()
    assert harness.observe(0.0, 11, 10) == []
    assert harness.observe(ALARM_AFTER_S - 0.1, 500, 10) == []
    assert harness.observe(ALARM_AFTER_S, 600, 10) == ["ReasonRaised"]
    assert harness.observe(ALARM_AFTER_S + 5, 700, 10) == []
    harness.leases[0].committed = 600
    assert harness.observe(ALARM_AFTER_S + 10, 700, 10) == ["ReasonCleared"]


def test_one_partition_that_is_never_committed_is_found_although_the_other_is() -> None:
    harness = AlarmHarness()
    for second in range(int(ALARM_AFTER_S)):
        harness.leases[1].committed = 10 + second
        assert harness.observe(float(second), 11, 11 + second) == []
    assert harness.observe(ALARM_AFTER_S, 11, 99) == ["ReasonRaised"]


def test_what_does_not_move_needs_no_commit() -> None:
    harness = AlarmHarness()
    harness.leases[0].committed = 12
    for second in (0.0, ALARM_AFTER_S, 10 * ALARM_AFTER_S):
        assert harness.observe(second, 12, 10) == []


def test_a_lease_that_has_ended_clears_the_alarm() -> None:
    harness = AlarmHarness()
    harness.observe(0.0, 11)
    assert harness.observe(ALARM_AFTER_S, 11) == ["ReasonRaised"]
    assert harness.observe(ALARM_AFTER_S + 1) == ["ReasonCleared"]

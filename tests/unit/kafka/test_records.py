"""Odd messages: each record of an owned partition flows, and every surprise is an event."""

from __future__ import annotations

from connector.core.events import Event, Notice
from connector.core.record import UNREADABLE_HEADERS
from tests.unit.kafka.assignment_harness import AssignmentHarness, FakeMessage, in_thread


class UnreadableHeaders(FakeMessage):
    """A message with a header whose name is not UTF-8: a second call gives a list with a null pointer in it."""

    asked = False

    def headers(self) -> None:
        assert not self.asked, "a null pointer ends the process"
        self.asked = True
        raise SystemError("<method 'headers'> returned a result with an exception set")


def _notices(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.level, event.message) for event in events if isinstance(event, Notice)]


def test_a_record_whose_headers_cant_be_read_flows_without_them_and_is_reported() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        [(_, records)] = harness.group_records(FakeMessage(90), UnreadableHeaders(91), FakeMessage(92))
        assert [record.offset for record in records] == [90, 91, 92]
        assert records[1].headers is UNREADABLE_HEADERS
        assert records[2].headers == ()

    reported = ("warning", "the headers of a record can't be read: a name is not UTF-8")
    assert _notices(in_thread(scenario)) == [reported]


def test_records_without_a_lease_are_dropped_and_reported() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        harness.assignment.on_revoke(harness.consumer, harness.partitions)
        assert harness.group(FakeMessage(90), FakeMessage(91)) == []

    assert _notices(in_thread(scenario)) == [("info", "records of a partition without a lease were dropped")]


def test_offsets_that_come_a_second_time_are_dropped_and_reported() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        harness.group(FakeMessage(90), FakeMessage(91))
        assert harness.group(FakeMessage(91), FakeMessage(92)) == [(harness.lease, [92])]

    assert _notices(in_thread(scenario)) == [("warning", "the client delivered offsets a second time")]

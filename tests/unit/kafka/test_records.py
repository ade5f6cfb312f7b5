"""Odd messages: each record of an owned partition flows, and every surprise is an event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.events import Event, Notice
from connector.core.record import UNREADABLE_HEADERS
from tests.unit.kafka.assignment_harness import AssignmentHarness, in_thread, message

if TYPE_CHECKING:
    import pytest
    from confluent_kafka import Message


def _notices(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.level, event.message) for event in events if isinstance(event, Notice)]


def test_a_record_whose_headers_cant_be_read_flows_without_them_and_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A second call for the same message would return a list with a null pointer in it, which ends the process."""
    asked: list[int | None] = []

    def headers_of(given: Message) -> object:
        asked.append(given.offset())
        if given.offset() in {91, 92}:
            raise SystemError("<method 'headers'> returned a result with an exception set")
        return given.headers()

    def scenario(harness: AssignmentHarness) -> None:
        given = [message(90), message(91), message(92), message(93, headers=[("trace", b"1"), ("trace", None)])]
        [(_, records)] = harness.group_records(*given)
        assert [record.offset for record in records] == [90, 91, 92, 93]
        headers = [record.headers for record in records]
        assert headers == [(), UNREADABLE_HEADERS, UNREADABLE_HEADERS, (("trace", b"1"), ("trace", None))]
        assert headers[1] is headers[2] is UNREADABLE_HEADERS
        assert asked == [90, 91, 92, 93]

    monkeypatch.setattr("connector.kafka.records._headers_of", headers_of)
    reported = ("warning", "the headers of a record can't be read: a name is not UTF-8")
    assert _notices(in_thread(scenario)) == [reported, reported]


def test_records_without_a_lease_are_dropped_and_reported() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        harness.assignment.on_revoke(harness.consumer, harness.partitions)
        assert harness.group(message(90), message(91)) == []

    assert _notices(in_thread(scenario)) == [("info", "records of a partition without a lease were dropped")]


def test_offsets_that_come_a_second_time_are_dropped_and_reported() -> None:
    def scenario(harness: AssignmentHarness) -> None:
        harness.group(message(90), message(91))
        assert harness.group(message(91), message(92)) == [(harness.lease, [92])]

    assert _notices(in_thread(scenario)) == [("warning", "the client delivered offsets a second time")]

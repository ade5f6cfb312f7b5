"""Single records are fetched by their place, whatever the group's errors are."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import KafkaError, Message

from connector.core.errors import CommandError
from connector.kafka.record_fetcher import RecordFetcher
from connector.settings.models import Kafka
from tests.unit.kafka.assignment_harness import message

if TYPE_CHECKING:
    from collections.abc import Iterator


def group_error() -> Message:
    """Return an error that concerns no partition."""
    return Message(error=KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED))


class FakeClient:
    """Every poll takes a second and returns a message; `messages` are the first ones, then come errors of the group."""

    def __init__(self, now: list[float], messages: list[Message]) -> None:
        self.now, self.messages = now, messages

    def list_topics(self, topic: str, timeout: float) -> SimpleNamespace:
        del timeout
        return SimpleNamespace(topics={topic: SimpleNamespace(partitions={0: None})})

    def assign(self, partitions: object) -> None:
        pass

    def unassign(self) -> None:
        pass

    def poll(self, timeout: float) -> Message:
        self.now[0] += min(1.0, timeout)
        return self.messages.pop(0) if self.messages else group_error()


def _fetcher(monkeypatch: pytest.MonkeyPatch, *messages: Message) -> RecordFetcher:
    now = [0.0]

    @contextlib.contextmanager
    def failing_clearly() -> Iterator[None]:
        yield

    consumer = SimpleNamespace(
        client=FakeClient(now, list(messages)),
        failing_clearly=failing_clearly,
        failure=lambda error: CommandError(error.str()),
    )
    monkeypatch.setattr("connector.kafka.record_fetcher.time.monotonic", lambda: now[0])
    monkeypatch.setattr("connector.kafka.record_fetcher.CommandConsumer", lambda *_: consumer)
    return RecordFetcher(Kafka(bootstrap_servers="localhost:1", group_id="g"))


def test_errors_of_the_group_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    record = _fetcher(monkeypatch, group_error(), group_error(), message(7)).fetch("orders", 0, 7)
    assert record is not None
    assert record.offset == 7


def test_a_group_that_reports_errors_without_end_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError):
        _fetcher(monkeypatch).fetch("orders", 0, 7)

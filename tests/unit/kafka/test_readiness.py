"""What keeps the consumer from being ready passes when it has passed, and not before."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException

from connector.core.events import ReasonCleared, ReasonRaised
from connector.kafka import readiness
from connector.kafka.readiness import Readiness

if TYPE_CHECKING:
    from connector.core.events import Event


class _Consumer:
    """Answers, or does not; owns partitions, or does not."""

    def __init__(self) -> None:
        self.answers = True
        self.owned: list[object] = []
        self.topics: dict[str, object] = {}

    def list_topics(self, timeout: float) -> _Consumer:
        del timeout
        if not self.answers:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        return self

    def memberid(self) -> str:
        return "member" if self.owned else ""

    def assignment(self) -> list[object]:
        return self.owned


class _Stage:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(readiness, "PROBE_EVERY_S", 0.0)
        self.reasons: set[tuple[str, str]] = {("starting", "")}
        self.fake = _Consumer()
        self.consumer = cast("Consumer", self.fake)
        self.readiness = Readiness(self._tell, lambda: True)

    def _tell(self, event: Event) -> None:
        if isinstance(event, ReasonRaised):
            self.reasons.add((event.code, event.target))
        elif isinstance(event, ReasonCleared):
            self.reasons.remove((event.code, event.target))

    def refuse(self, about: str = "", code: int = KafkaError._AUTHENTICATION) -> None:
        self.readiness.trouble(KafkaError(code), about)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> _Stage:
    """A consumer that has joined its group, on a broker that answers."""
    stage = _Stage(monkeypatch)
    stage.fake.owned = ["a partition"]
    stage.readiness.look_again(stage.consumer)
    assert not stage.reasons
    return stage


def test_a_refusal_that_has_passed_without_a_rebalance_does_not_stand_for_ever(stage: _Stage) -> None:
    stage.refuse()
    assert stage.reasons == {("kafka_not_authorized", "")}
    stage.readiness.look_again(stage.consumer)
    assert not stage.reasons


def test_who_is_refused_by_the_group_is_not_ready_although_the_broker_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = _Stage(monkeypatch)
    stage.refuse(code=KafkaError.GROUP_AUTHORIZATION_FAILED)
    stage.readiness.look_again(stage.consumer)
    assert ("kafka_not_authorized", "") in stage.reasons


def test_a_topic_that_was_refused_is_well_when_its_records_come(stage: _Stage) -> None:
    for topic in ("orders", "refunds"):
        stage.refuse(topic, KafkaError.TOPIC_AUTHORIZATION_FAILED)
    stage.readiness.look_again(stage.consumer)
    stage.readiness.came(["orders"])
    assert stage.reasons == {("kafka_not_authorized", "refunds")}


def test_at_a_stop_a_topic_that_is_refused_keeps_nobody_from_committing(stage: _Stage) -> None:
    stage.refuse("orders", KafkaError.TOPIC_AUTHORIZATION_FAILED)
    assert stage.readiness.broker_answers(stage.consumer)


@pytest.mark.parametrize("answers", [True, False])
def test_a_broker_that_was_away_a_moment_ago_is_asked_once_more_at_a_stop(stage: _Stage, answers: bool) -> None:  # noqa: FBT001
    stage.refuse(code=KafkaError._ALL_BROKERS_DOWN)
    stage.fake.answers = answers
    assert stage.readiness.broker_answers(stage.consumer) is answers

"""A reason for not being ready is cleared when its cause is gone, and not before."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException

from connector.core.events import Notice, ReasonCleared, ReasonRaised
from connector.core.record import TopicPartition
from connector.kafka import readiness
from connector.kafka.readiness import LONG_START_S, Readiness

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.core.events import Event
    from connector.kafka.broker_diagnosis import BrokerDiagnosis
    from connector.kafka.topic_rights import TopicRights


class _FakeConsumer:
    """Answers metadata requests unless `answers` is False; `owned` is its assignment."""

    def __init__(self) -> None:
        self.answers = True
        self.owned: list[object] = []
        self.topics: dict[str, object] = {}
        self.asked: list[str | None] = []

    def list_topics(self, topic: str | None = None, *, timeout: float) -> _FakeConsumer:
        del timeout
        self.asked.append(topic)
        if not self.answers:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        return self

    def assignment(self) -> list[object]:
        return self.owned


class _FakeRights:
    """Answers at once what `may_be_read` says."""

    def __init__(self) -> None:
        self.may_be_read: dict[str, bool] = {}
        self.forgotten: list[str] = []

    def ask(self, topics: Iterable[str]) -> dict[str, bool]:
        return {topic: self.may_be_read[topic] for topic in topics if topic in self.may_be_read}

    def forget(self, topic: str) -> None:
        self.forgotten.append(topic)


class FakeClock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class _FakeDiagnosis:
    """Has found `found`."""

    def __init__(self) -> None:
        self.found = ""
        self.servers = ["10.0.0.9:9092"]
        self.bootstrap_answers = False

    def remedy(self, now: float) -> str:
        del now
        return self.found

    def forget(self) -> None:
        self.found = ""


class ReadinessHarness:
    """Readiness on a fake consumer; `reasons` are those that are raised."""

    def __init__(self) -> None:
        self.reasons: set[tuple[str, str]] = {("starting", "")}
        self.fake = _FakeConsumer()
        self.consumer = cast("Consumer", self.fake)
        self.alive = True
        self.warnings: list[str] = []
        self.remedies: list[str] = []
        self.expected: list[bool] = []
        self.rights = _FakeRights()
        self.diagnosis = _FakeDiagnosis()
        self.readiness = Readiness(
            self._emit,
            lambda: self.alive,
            cast("TopicRights", self.rights),
            cast("BrokerDiagnosis", self.diagnosis),
        )

    def _emit(self, event: Event) -> None:
        if isinstance(event, ReasonRaised):
            self.reasons.add((event.code, event.target))
            self.remedies.append(event.remedy)
            self.expected.append(event.is_expected)
        elif isinstance(event, ReasonCleared):
            self.reasons.remove((event.code, event.target))
        elif isinstance(event, Notice):
            self.warnings.append(event.message)

    def probe(self) -> None:
        """Probe, once the time for it has come."""
        self.readiness._next_probe_s = 0.0
        self.readiness.probe(self.consumer, "orders")

    def refuse(self, about: str = "", code: int = KafkaError._AUTHENTICATION) -> None:
        self.readiness.on_error(KafkaError(code), about)


@pytest.fixture
def joined() -> ReadinessHarness:
    """A consumer that has joined its group, on a broker that answers."""
    harness = ReadinessHarness()
    harness.fake.owned = ["a partition"]
    harness.readiness.update_starting(dealt=True, waiting=[], all_seen=True)
    assert not harness.reasons
    return harness


def test_it_is_starting_until_the_group_has_dealt_and_every_partition_knows_its_start() -> None:
    harness = ReadinessHarness()
    waiting = [TopicPartition("orders", 0), TopicPartition("orders", 1)]
    told = []
    for dealt, left in ((False, []), (True, waiting), (True, waiting), (True, waiting[1:]), (True, [])):
        harness.readiness.update_starting(dealt=dealt, waiting=left, all_seen=False)
        told.append((sorted(harness.reasons), len(harness.remedies)))
    harness.readiness.update_starting(dealt=True, waiting=[], all_seen=True)
    starting = [("starting", "")]
    assert told == [(starting, 1), (starting, 2), (starting, 2), (starting, 3), (starting, 4)]
    assert not harness.reasons
    assert harness.remedies[1:] == [
        "wait: it is looked up where orders[0] and 1 more start",
        "wait: it is looked up where orders[1] starts",
        "wait: another member of the group commits where its partitions start",
    ]


def test_a_step_of_a_start_that_takes_long_is_told_with_a_hint_and_is_not_expected_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = FakeClock()
    monkeypatch.setattr("connector.kafka.readiness.time.monotonic", clock)
    harness = ReadinessHarness()
    for dealt, waiting in ((False, []), (True, [TopicPartition("orders", 0)])):
        for after_s in (0.0, LONG_START_S - 1.0, 1.0):
            clock.now += after_s
            harness.readiness.update_starting(dealt=dealt, waiting=waiting, all_seen=False)
    lookup = "wait: it is looked up where orders[0] starts"
    assert list(zip(harness.remedies, harness.expected, strict=True)) == [
        ("wait: the group is dealing out its partitions", True),
        ("wait: the group is dealing out its partitions; it takes long: does another of its members hang?", False),
        (lookup, True),
        (f"{lookup}; it takes long: is a broker down that leads these partitions?", False),
    ]


def test_it_is_starting_again_when_its_partitions_were_lost(joined: ReadinessHarness) -> None:
    joined.readiness.update_starting(dealt=False, waiting=[], all_seen=True)
    assert joined.reasons == {("starting", "")}
    joined.readiness.update_starting(dealt=True, waiting=[], all_seen=True)
    assert not joined.reasons


def test_a_refusal_that_ended_without_a_rebalance_is_cleared(joined: ReadinessHarness) -> None:
    joined.refuse()
    assert joined.reasons == {("kafka_not_authorized", "")}
    joined.probe()
    assert not joined.reasons


def test_a_consumer_refused_by_the_group_is_not_ready_although_the_broker_answers() -> None:
    harness = ReadinessHarness()
    harness.refuse(code=KafkaError.GROUP_AUTHORIZATION_FAILED)
    harness.probe()
    assert ("kafka_not_authorized", "") in harness.reasons


def test_a_refused_topic_is_cleared_when_its_records_arrive(joined: ReadinessHarness) -> None:
    for topic in ("orders", "refunds"):
        joined.refuse(topic, KafkaError.TOPIC_AUTHORIZATION_FAILED)
    joined.probe()
    joined.readiness.on_records(["orders"])
    assert joined.reasons == {("kafka_not_authorized", "refunds")}


def test_a_refused_topic_is_cleared_and_refused_again_as_the_broker_says(joined: ReadinessHarness) -> None:
    """librdkafka tells neither of a topic to which nothing is written."""
    joined.refuse("orders", KafkaError.TOPIC_AUTHORIZATION_FAILED)
    assert joined.rights.forgotten == ["orders"]
    seen: list[bool] = []
    answers: list[dict[str, bool]] = [{}, {"orders": False}, {"orders": True}, {}, {"orders": False, "other": False}]
    for may_be_read in answers:
        joined.rights.may_be_read = may_be_read
        joined.probe()
        seen.append(joined.reasons == {("kafka_not_authorized", "orders")})
        assert joined.reasons == set() or seen[-1]
    assert seen == [True, True, False, False, True]
    assert len(joined.remedies) == 2, "a refusal that stands is not raised again"


def test_a_refused_topic_does_not_prevent_the_last_commit(joined: ReadinessHarness) -> None:
    joined.refuse("orders", KafkaError.TOPIC_AUTHORIZATION_FAILED)
    assert joined.readiness.broker_answers(joined.consumer)


@pytest.mark.parametrize("answers", [True, False])
def test_a_broker_that_did_not_answer_lately_is_probed_once_more_before_the_last_commit(
    joined: ReadinessHarness,
    answers: bool,  # noqa: FBT001
) -> None:
    joined.refuse(code=KafkaError._ALL_BROKERS_DOWN)
    joined.fake.answers = answers
    assert joined.readiness.broker_answers(joined.consumer) is answers


def test_a_missing_topic_is_cleared_when_a_probe_finds_it(joined: ReadinessHarness) -> None:
    for topic in ("orders", "refunds"):
        joined.refuse(topic, KafkaError.UNKNOWN_TOPIC_OR_PART)
    joined.fake.topics = {"orders": None}
    joined.probe()
    assert joined.reasons == {("topic_missing", "refunds")}


def test_probes_without_an_answer_raise_that_the_broker_is_unreachable_until_one_is_answered(
    joined: ReadinessHarness,
) -> None:
    """A broker that hangs keeps its connections open: librdkafka reports nothing for a minute."""
    joined.fake.answers = False
    joined.probe()
    assert not joined.reasons
    joined.probe()
    assert joined.reasons == {("kafka_unreachable", "")}
    joined.fake.answers = True
    joined.probe()
    assert not joined.reasons


@pytest.mark.parametrize("answers", [True, False])
def test_one_broker_that_cant_be_reached_is_a_reason_only_if_no_other_answers(
    joined: ReadinessHarness,
    answers: bool,  # noqa: FBT001
) -> None:
    """librdkafka reports the connection to each broker, and goes on with the others."""
    assert joined.readiness.call_until_answered(lambda: True, default=False)
    joined.readiness.on_client_error(KafkaError(KafkaError._TRANSPORT))
    assert not joined.reasons
    joined.fake.answers = answers
    joined.readiness.probe(joined.consumer, "orders")
    assert joined.reasons == (set() if answers else {("kafka_unreachable", "")})


@pytest.mark.parametrize(("answered", "code"), [(False, KafkaError._SSL), (True, KafkaError._ALL_BROKERS_DOWN)])
def test_before_the_first_answer_and_for_all_brokers_an_error_of_a_connection_is_a_reason_at_once(
    joined: ReadinessHarness,
    answered: bool,  # noqa: FBT001
    code: int,
) -> None:
    if answered:
        joined.readiness.call_until_answered(lambda: True, default=False)
    joined.readiness.on_client_error(KafkaError(code))
    assert joined.reasons == {("kafka_unreachable", "")}


def test_a_single_probe_without_an_answer_counts_for_nothing(joined: ReadinessHarness) -> None:
    for answers in (False, True, False, True):
        joined.fake.answers = answers
        joined.probe()
    assert not joined.reasons


def test_a_probe_asks_for_one_topic_unless_one_is_missing(joined: ReadinessHarness) -> None:
    joined.probe()
    joined.refuse("refunds", KafkaError.UNKNOWN_TOPIC_OR_PART)
    joined.probe()
    assert joined.fake.asked == ["orders", None]


def test_nothing_is_probed_before_the_interval_has_passed(joined: ReadinessHarness) -> None:
    joined.readiness.probe(joined.consumer, "orders")
    joined.refuse()
    joined.readiness.probe(joined.consumer, "orders")
    assert joined.fake.asked == ["orders"]
    assert joined.reasons == {("kafka_not_authorized", "")}


def test_an_error_that_is_no_reason_is_a_warning(joined: ReadinessHarness) -> None:
    error = KafkaError(KafkaError.REBALANCE_IN_PROGRESS)
    joined.readiness.on_error(error)
    assert not joined.reasons
    assert joined.warnings == ["unexpected error of Kafka"]


def test_a_request_is_repeated_until_it_is_answered(joined: ReadinessHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "RETRY_DELAY_S", 0.0)
    failures = [KafkaError(KafkaError._TRANSPORT), KafkaError(KafkaError.REBALANCE_IN_PROGRESS)]

    def request() -> str:
        if failures:
            raise KafkaException(failures.pop())
        assert joined.reasons == {("kafka_unreachable", "")}
        return "answer"

    assert joined.readiness.call_until_answered(request, default="") == "answer"
    assert not joined.reasons


def test_a_request_is_not_repeated_once_a_stop_was_requested(joined: ReadinessHarness) -> None:
    joined.alive = False
    assert joined.readiness.call_until_answered(lambda: "answer", default="") == ""


def test_what_listens_at_a_bootstrap_server_is_the_remedy_whatever_librdkafka_says() -> None:
    harness = ReadinessHarness()
    harness.diagnosis.found = "10.0.0.1:80: an HTTP server listens there, not a Kafka broker; take the broker's own"
    for code in (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN):
        harness.readiness.on_error(KafkaError(code))
    assert harness.remedies == [harness.diagnosis.found] * 2


def test_without_that_the_error_that_names_a_broker_is_the_remedy_until_a_broker_answers() -> None:
    harness = ReadinessHarness()
    named = KafkaError(KafkaError._TRANSPORT, "10.0.0.1:9092/1: Connect to ipv4#10.0.0.1:9092 failed: No route to host")
    everyone = KafkaError(KafkaError._ALL_BROKERS_DOWN, "3/3 brokers are down")
    for error in (everyone, named, everyone):
        harness.readiness.on_error(error)
    harness.readiness.clear("kafka_unreachable")
    harness.readiness.on_error(everyone)
    told = [remedy.partition("(Kafka says: ")[2] for remedy in harness.remedies]
    assert ["10.0.0.1:9092" in each for each in told] == [False, True, True, False]


NAMED = KafkaError(KafkaError._TRANSPORT, "10.0.0.1:9092/1: Connect to ipv4#10.0.0.1:9092 failed: No route to host")
EVERYONE = KafkaError(KafkaError._ALL_BROKERS_DOWN, "3/3 brokers are down")


def test_brokers_out_of_reach_behind_a_bootstrap_server_that_answers_are_told_once_and_until_they_answer(
    joined: ReadinessHarness,
) -> None:
    """The probe is answered by the bootstrap server, while the client reports the brokers again and again."""
    joined.readiness.call_until_answered(lambda: "cluster", None)
    joined.diagnosis.bootstrap_answers = True
    for _ in range(5):
        joined.readiness.on_client_error(NAMED)
        joined.readiness.on_client_error(EVERYONE)
        joined.probe()
        assert joined.reasons == {("kafka_unreachable", "")}
    assert len(set(joined.remedies[1:])) == 1
    assert "a bootstrap server answers, but not the brokers that it names" in joined.remedies[-1]
    assert "10.0.0.1:9092" in joined.remedies[-1]
    joined.probe()
    assert not joined.reasons


def test_brokers_that_refuse_the_login_are_not_called_out_of_reach() -> None:
    harness = ReadinessHarness()
    harness.readiness.on_error(EVERYONE)
    harness.refuse()
    harness.readiness.on_error(EVERYONE)
    assert harness.reasons == {("starting", ""), ("kafka_not_authorized", "")}
    harness.diagnosis.found = "10.0.0.9:9092: nothing listens there; check the port"
    harness.readiness.on_error(EVERYONE)
    assert ("kafka_unreachable", "") in harness.reasons


def test_a_login_that_does_not_fit_the_listener_is_no_matter_of_the_password() -> None:
    harness = ReadinessHarness()
    harness.diagnosis.found = "10.0.0.9:9092: it takes no password; set security.protocol to PLAINTEXT"
    harness.refuse()
    assert harness.remedies[-1] == harness.diagnosis.found


def test_a_topic_that_only_a_pattern_matches_is_not_missing_when_it_is_deleted(joined: ReadinessHarness) -> None:
    joined.readiness.is_named = lambda topic: topic == "orders"
    for topic in ("orders.deleted", "orders"):
        joined.refuse(topic, KafkaError.UNKNOWN_TOPIC_OR_PART)
    assert joined.reasons == {("topic_missing", "orders")}

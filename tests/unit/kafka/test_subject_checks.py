"""Verdicts about topics, group and dead-letter topic, of a cluster that answers in every way."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin._acl import AclOperation

from connector.kafka import cluster_check, subject_checks
from connector.kafka.cluster_check import unreachable
from connector.kafka.subject_checks import check_dead_letters, check_group, check_topics
from connector.settings.models import Config, Kafka

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from confluent_kafka.admin import AdminClient

    from connector.core.findings import Finding

READ, WRITE, DESCRIBE = AclOperation.READ, AclOperation.WRITE, AclOperation.DESCRIBE


def config(*topics: str) -> Config:
    return Config.model_validate(
        {
            "kafka": {"bootstrap_servers": "b:1", "group_id": "g"},
            "platform": {"auth": {"token": "t"}},
            "targets": {"t": {"endpoint": "event/v2/batchAdd"}},
            "routes": [{"name": "r", "topics": topics or ("orders",), "to": "t", "identity": [{}]}],
        }
    )


def topic(*allowed: AclOperation, leaders: tuple[int | None, ...] = (1,)) -> SimpleNamespace:
    """Return what a broker says of a topic."""
    partitions = [
        SimpleNamespace(id=number, leader=None if leader is None else SimpleNamespace(id=leader))
        for number, leader in enumerate(leaders)
    ]
    return SimpleNamespace(partitions=partitions, authorized_operations=list(allowed))


def group(*allowed: AclOperation) -> SimpleNamespace:
    return SimpleNamespace(members=[1, 2], authorized_operations=list(allowed))


def error(code: int) -> KafkaException:
    return KafkaException(KafkaError(code))


def answer(result: object) -> Future[Any]:
    future: Future[Any] = Future()
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
    return future


class FakeAdmin:
    """Answers what it was given; `groups` one after the other, the last one always."""

    def __init__(
        self,
        topics: Mapping[str, object] | None = None,
        groups: Iterable[object] = (),
        creating: object = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._topics, self._groups, self._creating = topics or {}, list(groups), creating
        self._settings = settings

    def describe_topics(self, asked: Any, **_: object) -> dict[str, Future[Any]]:  # noqa: ANN401
        missing = error(KafkaError.UNKNOWN_TOPIC_OR_PART)
        return {name: answer(self._topics.get(name, missing)) for name in asked.topic_names}

    def describe_consumer_groups(self, asked: list[str], **_: object) -> dict[str, Future[Any]]:
        return {asked[0]: answer(self._groups.pop(0) if len(self._groups) > 1 else self._groups[0])}

    def create_topics(self, asked: list[Any], *, validate_only: bool, **_: object) -> dict[str, Future[Any]]:
        assert validate_only
        return {asked[0].topic: answer(self._creating)}

    def describe_configs(self, asked: list[Any], **_: object) -> dict[object, Future[Any]]:
        if self._settings is None:
            return {asked[0]: answer(error(KafkaError.TOPIC_AUTHORIZATION_FAILED))}
        return {asked[0]: answer({name: SimpleNamespace(value=value) for name, value in self._settings.items()})}


def as_admin(fake: FakeAdmin) -> AdminClient:
    return cast("AdminClient", fake)


def of_topic(answered: object) -> Finding:
    [found] = check_topics(as_admin(FakeAdmin({"orders": answered})), ["orders"], config())
    return found


@pytest.mark.parametrize(
    ("answered", "verdict", "told"),
    [
        (topic(READ, DESCRIBE, leaders=(1, 2)), "ok", "2 partitions, may be read"),
        (topic(DESCRIBE), "failed", "READ of the topic orders"),
        (topic(), "unknown", "the brokers do not say what is allowed"),
        (topic(READ, leaders=(1, None)), "failed", "no broker leads partition 1"),
        (topic(READ, leaders=(-1,)), "failed", "no broker leads partition 0"),
        (error(KafkaError.UNKNOWN_TOPIC_OR_PART), "failed", "it does not exist"),
        (error(KafkaError.TOPIC_AUTHORIZATION_FAILED), "failed", "READ and DESCRIBE of the topic orders"),
        (error(KafkaError._TIMED_OUT), "unknown", "Kafka says"),
    ],
)
def test_a_topic(answered: object, verdict: str, told: str) -> None:
    found = of_topic(answered)
    assert (found.verdict, found.subject) == (verdict, "orders")
    assert told in f"{found.detail} {found.remedy}"
    assert bool(found.remedy) is (verdict != "ok")


def test_a_pattern_matches_as_the_consumer_does_and_never_the_dead_letter_topic() -> None:
    existing = ["shop.a", "shop.b", "crm.shop.c", "g.dead-letter", *(f"many.{n}" for n in range(7))]
    admin = as_admin(FakeAdmin({name: topic(READ) for name in existing}))
    found = list(check_topics(admin, existing, config("^shop[.]", "shop.a", "^g[.]", "^many", "^.*c$")))
    patterns = {one.subject: (one.verdict, one.detail) for one in found if one.check == "pattern"}
    assert patterns == {
        "^shop[.]": ("ok", "matches 2 topics now: shop.a, shop.b"),
        "^g[.]": ("warning", "matches no topic that this user may see"),
        "^many": ("ok", "matches 7 topics now: many.0, many.1, many.2, many.3, many.4, …"),
        "^.*c$": ("ok", "matches 1 topic now: crm.shop.c"),
    }
    details = {one.subject: one.detail for one in found if one.check == "topic"}
    assert details["shop.a"] == "1 partition, may be read"  # it is named too
    assert details["shop.b"] == "1 partition, by ^shop[.], may be read"
    assert len(details) == 10


def test_of_a_pattern_with_many_topics_those_with_a_fault_are_shown_and_the_others_counted() -> None:
    existing = [f"many.{number:03}" for number in range(300)]
    topics = {name: topic(DESCRIBE if name == "many.277" else READ) for name in existing}
    found = [
        one for one in check_topics(as_admin(FakeAdmin(topics)), existing, config("^many")) if one.check == "topic"
    ]
    assert [one.subject for one in found if one.verdict == "failed"] == ["many.277"]
    assert found[-1].detail == "279 more topics, may be read"
    assert len(found) == 20 + 1 + 1


@pytest.mark.parametrize(
    ("answered", "verdict", "told"),
    [
        (group(READ), "ok", "2 members now, may be joined"),
        (group(DESCRIBE), "failed", "READ of the consumer group g"),
        (group(), "unknown", "the brokers do not say what is allowed"),
        (error(KafkaError.GROUP_AUTHORIZATION_FAILED), "failed", "made in the console"),
        (error(KafkaError.GROUP_ID_NOT_FOUND), "unknown", "it does not exist yet"),
        (error(KafkaError._TIMED_OUT), "unknown", "Kafka says"),
    ],
)
def test_a_group(answered: object, verdict: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject_checks, "GROUP_TIMEOUT_S", 0.0)
    [found] = check_group(as_admin(FakeAdmin(groups=[answered])), config())
    assert (found.verdict, found.subject) == (verdict, "g")
    assert told in f"{found.detail} {found.remedy}"


def test_a_coordinator_that_is_just_starting_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject_checks, "GROUP_TIMEOUT_S", 60.0)
    starting = error(KafkaError.COORDINATOR_LOAD_IN_PROGRESS)
    [found] = check_group(as_admin(FakeAdmin(groups=[starting, starting, group(READ)])), config())
    assert found.verdict == "ok"


LETTERS = "g.dead-letter"


@pytest.mark.parametrize(
    ("admin", "verdict", "told"),
    [
        (FakeAdmin({LETTERS: topic(WRITE)}), "ok", "may be written to"),
        (FakeAdmin({LETTERS: topic(WRITE)}, settings={"retention.ms": "-1"}), "ok", "may be written to"),
        (FakeAdmin({LETTERS: topic(WRITE)}, settings={"retention.ms": "9"}), "warning", "set retention.ms=-1"),
        (
            FakeAdmin({LETTERS: topic(WRITE)}, settings={"cleanup.policy": "compact"}),
            "warning",
            "cleanup.policy=delete",
        ),
        (FakeAdmin({LETTERS: topic(READ)}), "failed", "WRITE of the topic g.dead-letter"),
        (FakeAdmin({LETTERS: topic()}), "unknown", "WRITE of the topic g.dead-letter"),
        (FakeAdmin({LETTERS: error(KafkaError.TOPIC_AUTHORIZATION_FAILED)}), "failed", "WRITE and DESCRIBE"),
        (FakeAdmin({LETTERS: error(KafkaError._TIMED_OUT)}), "unknown", "run the check again"),
        (FakeAdmin(), "ok", "the connector may create it"),
        (FakeAdmin(creating=error(KafkaError.TOPIC_AUTHORIZATION_FAILED)), "failed", "create the topic g.dead-letter"),
        (FakeAdmin(creating=error(KafkaError.CLUSTER_AUTHORIZATION_FAILED)), "failed", "create the topic"),
        (FakeAdmin(creating=error(KafkaError.POLICY_VIOLATION)), "failed", "create the topic g.dead-letter"),
        (FakeAdmin(creating=error(KafkaError._TIMED_OUT)), "unknown", "create the topic g.dead-letter"),
    ],
)
def test_the_dead_letter_topic(admin: FakeAdmin, verdict: str, told: str) -> None:
    [found] = check_dead_letters(as_admin(admin), config())
    assert (found.check, found.verdict, found.subject) == ("dead letters", verdict, LETTERS)
    assert told in f"{found.detail} {found.remedy}"


@pytest.mark.parametrize(
    ("reported", "told"),
    [
        ([KafkaError._TRANSPORT, KafkaError._AUTHENTICATION, KafkaError._ALL_BROKERS_DOWN], "refuse the login"),
        ([KafkaError._TRANSPORT, KafkaError._SSL], "TLS with the brokers fails"),
        ([KafkaError._ALL_BROKERS_DOWN], "no broker answers"),
        ([], "no broker answers"),
    ],
)
def test_what_the_client_has_reported_says_more_than_that_nothing_came(reported: list[int], told: str) -> None:
    kafka = Kafka(bootstrap_servers="b:1", group_id="g", properties={"sasl.username": "u"})
    found = unreachable(KafkaError(KafkaError._TIMED_OUT), [KafkaError(code) for code in reported], kafka)
    assert found.verdict == "failed"
    assert told in found.detail
    assert found.remedy


def test_a_broker_that_advertises_an_address_which_can_t_be_reached_is_named() -> None:
    kafka = Kafka(bootstrap_servers="boot.example:9092", group_id="g")
    brokers = {
        1: SimpleNamespace(id=1, host="boot.example", port=9092),
        2: SimpleNamespace(id=2, host="no.such.invalid", port=9092),
    }
    [found] = cluster_check.check_advertised(cast("Any", SimpleNamespace(brokers=brokers)), kafka)
    assert (found.check, found.verdict, found.subject) == ("advertised", "failed", "no.such.invalid:9092")
    assert found.detail == "broker 2 advertises it: unresolved"
    assert "advertised.listeners" in found.remedy

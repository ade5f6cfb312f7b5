"""Producing dead letters: failures, letters that are too large, the topic."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from connector.core.events import DeadLettered, Notice, ReasonCleared, ReasonRaised
from connector.core.record import DEAD_LETTERS, Failure, Item, Record
from connector.core.sink import VerdictKind
from connector.kafka import acknowledged_producer, dead_letter_topic
from connector.kafka.dead_letter import DeadLetterSink
from connector.settings.models import Kafka

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.core.events import Event
    from connector.core.sink import Verdict

RECORD = Record("shop.orders", 3, 41, 1_605_490_615_673, b"k", b"{}", (("trace", b"1"),))
FAILURE = Failure("refused", "purchases", detail="code 400", http_status=200, reply='{"code":"400"}')
OVERHEAD = 100
"""What a message takes beside its parts."""


def letter(value: bytes = b"{}") -> Item:
    return Item(DEAD_LETTERS, "orders", b"", b"", (), RECORD.replace(value=value), FAILURE)


@dataclass
class FakeKafka:
    """A topic as the producer and the admin client see it; `producers` and `admins` count them."""

    limit: int = 1_000_000
    """max.message.bytes."""
    batch: int = 1
    """How many messages a batching producer puts together: they are refused together."""
    codes: list[int | None] = field(default_factory=list)
    """What the next producers fail with, once; a fatal error stays."""
    config: dict[str, str] = field(default_factory=lambda: {"cleanup.policy": "delete", "retention.ms": "-1"})
    exists: bool = True
    kept: list[tuple[bytes | None, bytes | None, dict[str, bytes]]] = field(default_factory=list)
    tried: list[int] = field(default_factory=list)
    """The sizes of the messages that were produced alone."""
    producers: int = 0
    lookups: int = 0
    created: list[dict[str, str]] = field(default_factory=list)

    def producer(self, properties: dict[str, Any], **_: object) -> _FakeProducer:
        self.producers += 1
        code = self.codes.pop(0) if self.codes else None
        return _FakeProducer(self, 1 if "batch.num.messages" in properties else self.batch, code)

    def admin(self, *_: object, **__: object) -> _FakeAdmin:
        return _FakeAdmin(self)


class _FakeProducer:
    def __init__(self, kafka: FakeKafka, batch: int, code: int | None) -> None:
        self._kafka = kafka
        self._batch = batch
        self._code = code

    def produce(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        *,
        on_delivery: Callable[[KafkaError | None, None], None],
        headers: list[tuple[str, bytes]],
    ) -> None:
        del topic
        if self._code == KafkaError._FATAL:
            raise KafkaException(KafkaError(self._code))
        if self._code is not None:
            on_delivery(KafkaError(self._code), None)
            self._code = None
            return
        parts = sum(len(name) + len(data) for name, data in headers)
        size = (len(value or b"") + len(key or b"") + parts + OVERHEAD) * self._batch
        if self._batch == 1:
            self._kafka.tried.append(size)
        if size > self._kafka.limit:
            on_delivery(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE), None)
        else:
            self._kafka.kept.append((key, value, dict(headers)))
            on_delivery(None, None)

    def poll(self, seconds: float) -> None:
        del seconds

    flush = poll

    def purge(self) -> None:
        """Nothing waits."""

    def __len__(self) -> int:
        return 0


class _FakeAdmin:
    def __init__(self, kafka: FakeKafka) -> None:
        self._kafka = kafka
        self.topics = {"letters": None} if kafka.exists else {}

    def list_topics(self, timeout: float) -> Any:  # noqa: ANN401 - a double
        del timeout
        self._kafka.lookups += 1
        return self

    def describe_configs(self, resources: Sequence[object], **_: object) -> Any:  # noqa: ANN401 - a double
        config = {**self._kafka.config, "max.message.bytes": str(self._kafka.limit)}
        return {resource: _Answer({name: _Entry(value) for name, value in config.items()}) for resource in resources}

    def create_topics(self, topics: Sequence[Any], **_: object) -> Any:  # noqa: ANN401 - a double
        self._kafka.created.append(topics[0].config)
        return {topics[0].topic: _Answer(None)}


@dataclass
class _Entry:
    value: str


@dataclass
class _Answer:
    content: object

    def result(self) -> object:
        return self.content


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> FakeKafka:
    """The topic `letters`, which exists and takes everything."""
    fake = FakeKafka()
    monkeypatch.setattr(acknowledged_producer, "Producer", fake.producer)
    monkeypatch.setattr(acknowledged_producer, "_POLL_TIMEOUT_S", 0.01)
    monkeypatch.setattr(dead_letter_topic, "AdminClient", fake.admin)
    return fake


def send(*batches: Sequence[Item]) -> tuple[list[Verdict], list[Event]]:
    """Send batches, one after the other; return the verdicts and the events."""

    async def main() -> tuple[list[Verdict], list[Event]]:
        events: list[Event] = []
        settings = Kafka(bootstrap_servers="localhost:1", group_id="g")
        sink = DeadLetterSink.build(settings, "letters", events.append)
        try:
            return [await sink.send(items) for items in batches], events
        finally:
            sink.close()

    return asyncio.run(main())


@pytest.mark.usefixtures("kafka")
def test_letters_that_differ_in_their_records_alone_are_one_event() -> None:
    """It says why, for the log and the status page."""
    missing = Failure("identity_missing", "purchases", "identity", "no phone")
    refused = Failure("refused", "purchases", detail="HTTP 400")
    _, events = send([letter().replace(failure=why) for why in (missing, refused, missing)])
    found = [event for event in events if isinstance(event, DeadLettered)]
    assert [(one.reason, one.target, one.field, one.detail, one.count, len(one.offsets)) for one in found] == [
        ("identity_missing", "purchases", "identity", "no phone", 2, 2),
        ("refused", "purchases", "", "HTTP 400", 1, 1),
    ]


# -- failures ---------------------------------------------------------------------------------------------------


def test_a_producer_with_a_fatal_error_is_replaced(kafka: FakeKafka) -> None:
    """Missing write rights are fatal for a producer; once they are granted, no restart must be needed."""
    kafka.codes = [KafkaError._FATAL, None]
    verdicts, _ = send([letter()], [letter()])
    assert [verdict.kind for verdict in verdicts] == [VerdictKind.AGAIN, VerdictKind.DELIVERED]


def test_after_a_failure_the_topic_is_looked_up_again(kafka: FakeKafka) -> None:
    """It may have been deleted: then the sink must create it, not the broker with its own retention."""
    kafka.codes = [KafkaError.UNKNOWN_TOPIC_OR_PART]
    verdicts, _ = send([letter()], [letter()])
    assert [verdict.kind for verdict in verdicts] == [VerdictKind.AGAIN, VerdictKind.DELIVERED]
    assert kafka.lookups == 2


def test_a_failure_makes_the_connector_not_ready_until_a_letter_was_acknowledged(kafka: FakeKafka) -> None:
    kafka.codes = [KafkaError.TOPIC_AUTHORIZATION_FAILED]
    _, events = send([letter()], [letter()])
    raised, cleared = (event for event in events if isinstance(event, ReasonRaised | ReasonCleared))
    assert isinstance(raised, ReasonRaised)
    assert (raised.code, raised.target) == ("dead_letter_unavailable", "letters")
    assert "writable for this user" in raised.remedy
    assert cleared == ReasonCleared("dead_letter_unavailable", "letters")


def test_a_failure_is_no_reason_any_more_once_no_letter_waits(kafka: FakeKafka) -> None:
    """They left with their partitions, whose next owner has them."""
    kafka.codes = [KafkaError.TOPIC_AUTHORIZATION_FAILED]

    async def main() -> list[Event]:
        events: list[Event] = []
        sink = DeadLetterSink.build(Kafka(bootstrap_servers="localhost:1", group_id="g"), "letters", events.append)
        await sink.send([letter()])
        sink.on_emptied()
        sink.on_emptied()
        sink.close()
        return events

    told = [event for event in asyncio.run(main()) if isinstance(event, ReasonRaised | ReasonCleared)]
    assert len(told) == 2
    assert told[1] == ReasonCleared("dead_letter_unavailable", "letters")


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (KafkaError.MSG_SIZE_TOO_LARGE, "raise max.message.bytes of topic letters"),
        (KafkaError.INVALID_RECORD, "set cleanup.policy=delete of topic letters"),
    ],
)
def test_the_remedy_fits_the_failure(kafka: FakeKafka, code: int, remedy: str) -> None:
    kafka.codes = [code]
    kafka.limit = 10
    _, events = send([letter()])
    [raised] = [event for event in events if isinstance(event, ReasonRaised)]
    assert remedy in raised.remedy


# -- letters that are too large ---------------------------------------------------------------------------------


def test_letters_whose_batch_was_too_large_are_produced_alone_and_whole(kafka: FakeKafka) -> None:
    kafka.limit, kafka.batch = 5000, 500
    verdicts, _ = send([letter(b"v" * 1000)] * 50)
    assert verdicts[0].kind is VerdictKind.DELIVERED
    assert [value for _, value, _ in kafka.kept] == [b"v" * 1000] * 50
    assert not any("dl-value-omitted" in headers for _, _, headers in kafka.kept)


def test_a_value_that_is_too_large_alone_is_left_out_and_no_hopeless_form_is_tried(kafka: FakeKafka) -> None:
    kafka.limit, kafka.batch = 5000, 2
    verdicts, _ = send([letter(b"v" * 10_000)])
    assert verdicts[0].kind is VerdictKind.DELIVERED
    [(key, value, headers)] = kafka.kept
    assert (key, value) == (RECORD.key, None)
    assert headers["trace"] == b"1"
    assert headers["dl-value-omitted"] == b"1"
    assert len(kafka.tried) == 2


def test_while_the_limit_cannot_be_read_every_form_is_tried(kafka: FakeKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))

    monkeypatch.setattr(_FakeAdmin, "describe_configs", refuse)
    kafka.limit = 5000
    verdicts, _ = send([letter(b"v" * 10_000)])
    assert verdicts[0].kind is VerdictKind.DELIVERED
    [(key, value, _)] = kafka.kept
    assert (key, value) == (RECORD.key, None)


@pytest.mark.parametrize(
    ("record", "mark"),
    [
        (RECORD.replace(headers=(("h", b"x" * 10_000),)), "dl-headers-omitted"),
        (RECORD.replace(key=b"x" * 10_000), "dl-key-omitted"),
    ],
)
def test_a_value_that_fits_is_kept_when_something_else_is_too_large(
    kafka: FakeKafka, record: Record, mark: str
) -> None:
    kafka.limit = 5000
    verdicts, _ = send([letter().replace(record=record)])
    assert verdicts[0].kind is VerdictKind.DELIVERED
    [(_, value, headers)] = kafka.kept
    assert value == RECORD.value
    assert {name for name in headers if name.endswith("-omitted")} == {mark}


def test_a_letter_of_which_nothing_fits_is_tried_again_and_the_remedy_names_the_limit(kafka: FakeKafka) -> None:
    kafka.limit = 50
    verdicts, events = send([letter()])
    assert verdicts[0].kind is VerdictKind.AGAIN
    assert not verdicts[0].done
    assert [event.remedy[:26] for event in events if isinstance(event, ReasonRaised)] == ["raise max.message.bytes of"]


# -- the topic --------------------------------------------------------------------------------------------------


def test_a_missing_topic_is_created_with_unlimited_retention(kafka: FakeKafka) -> None:
    kafka.exists = False
    _, events = send([letter()])
    assert kafka.created == [{"retention.ms": "-1", "retention.bytes": "-1"}]
    assert not any(isinstance(event, Notice) for event in events)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"cleanup.policy": "compact"}, ["is compacted"]),
        ({"cleanup.policy": "delete", "retention.ms": "604800000"}, ["retention.ms=604800000", "set retention.ms=-1"]),
        ({"retention.bytes": "1000"}, ["retention.bytes=1000"]),
        ({"cleanup.policy": "compact,delete", "retention.ms": "1000"}, ["is compacted", "retention.ms=1000"]),
        ({"cleanup.policy": "compact", "retention.ms": "1000"}, ["is compacted"]),
    ],
)
def test_an_existing_topic_that_loses_letters_is_warned_of_once(
    kafka: FakeKafka, config: dict[str, str], said: list[str]
) -> None:
    kafka.config = config
    kafka.codes = [KafkaError.UNKNOWN_TOPIC_OR_PART]  # so that it is looked up twice
    _, events = send([letter()], [letter()])
    warnings = [event.message for event in events if isinstance(event, Notice)]
    assert len(warnings) == len(set(warnings))
    assert all(any(text in warning for warning in warnings) for text in said), warnings
    assert len(warnings) == sum(text.startswith(("is compacted", "retention")) for text in said)


def test_a_topic_that_only_the_broker_can_create_is_created_by_producing_with_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """librdkafka's mock cluster has no controller; that resembles a cluster where this user may not create topics."""
    monkeypatch.setattr(dead_letter_topic, "_ADMIN_TIMEOUT_S", 1.0)

    async def main() -> tuple[Verdict, list[Event]]:
        cluster = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
        [broker] = cluster.list_topics(timeout=10).brokers.values()
        settings = Kafka(bootstrap_servers=f"{broker.host}:{broker.port}", group_id="g")
        events: list[Event] = []
        sink = DeadLetterSink.build(settings, "letters", events.append)
        try:
            verdict = await sink.send([letter()])
            while verdict.kind is not VerdictKind.DELIVERED:
                verdict = await sink.send([letter()])
        finally:
            sink.close()
        return verdict, events

    verdict, events = asyncio.run(main())
    assert verdict.kind is VerdictKind.DELIVERED
    assert any(isinstance(event, Notice) and "retention" in event.message for event in events)

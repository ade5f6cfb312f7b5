"""The headers of a dead letter, and producing it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError, KafkaException, Producer
from hypothesis import example, given
from hypothesis import strategies as st

from connector.core.events import Notice
from connector.core.record import DEAD_LETTERS, Failure, Item, Record
from connector.core.sink import VerdictKind
from connector.kafka import dead_letter
from connector.kafka.dead_letter import DeadLetterSink, Origin, added_headers
from connector.settings.models import Kafka

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from connector.core.events import Event
    from connector.core.sink import Verdict

RECORD = Record("shop.orders", 3, 41, 1_605_490_615_673, b"k", b"{}", (("trace", b"1"),))
ORIGIN = Origin("tuzhan-connector", "0123456789ab")
REFUSED = Failure("refused", "purchases", detail="code 400", http_status=200, reply='{"code":"400"}')


def headers(item: Item, *, omitted: bool = False) -> dict[str, str]:
    return {name: (value or b"").decode() for name, value in added_headers(item, ORIGIN, omitted=omitted)}


def test_a_refused_item_says_where_it_came_from_why_it_failed_and_what_the_platform_answered() -> None:
    body = b'{"uuid":"asd123","eventKey":"c_buy"}'
    found = headers(Item(DEAD_LETTERS, "orders", body, b"{}", (), RECORD, REFUSED))
    assert found.pop("dl-at").endswith("+00:00")
    assert found == {
        "dl-version": "1",
        "dl-topic": "shop.orders",
        "dl-partition": "3",
        "dl-offset": "41",
        "dl-timestamp": "1605490615673",
        "dl-group": "tuzhan-connector",
        "dl-route": "orders",
        "dl-target": "purchases",
        "dl-reason": "refused",
        "dl-detail": "code 400",
        "dl-http-status": "200",
        "dl-reply": '{"code":"400"}',
        "dl-uuid": "asd123",
        "dl-event-key": "c_buy",
        "dl-config": "0123456789ab",
        "dl-attempt": "1",
    }


def test_a_record_that_could_not_be_decoded_has_an_empty_route() -> None:
    item = Item(DEAD_LETTERS, "", b"", b"", (), RECORD, Failure("decode_failed", detail="not JSON"))
    assert headers(item)["dl-route"] == ""
    assert headers(item)["dl-reason"] == "decode_failed"


def test_a_header_says_that_the_value_was_left_out() -> None:
    item = Item(DEAD_LETTERS, "orders", b"", b"", (), RECORD, REFUSED)
    assert headers(item, omitted=True)["dl-value-omitted"] == "1"
    assert "dl-value-omitted" not in headers(item)


@given(reply=st.text(max_size=5000))
@example("a" + "兔" * 1000)
def test_every_header_is_utf8_and_no_longer_than_two_kib(reply: str) -> None:
    item = Item(DEAD_LETTERS, "orders", b"", b"", (), RECORD, Failure("refused", reply=reply))
    for _, value in added_headers(item, ORIGIN, omitted=False):
        assert value is not None
        assert len(value) <= 2048
        value.decode()


class _FakeProducer:
    """Fails once with its error code, one of `codes` per producer (None: succeeds); a fatal error stays."""

    built = 0
    codes: tuple[int | None, ...] = ()

    def __init__(self, *_: object, **__: object) -> None:
        self._code = _FakeProducer.codes[min(_FakeProducer.built, len(_FakeProducer.codes) - 1)]
        _FakeProducer.built += 1

    def produce(self, *_: object, on_delivery: Callable[[KafkaError | None, None], None], **__: object) -> None:
        if self._code == KafkaError._FATAL:
            raise KafkaException(KafkaError(self._code))
        on_delivery(None if self._code is None else KafkaError(self._code), None)
        self._code = None

    def poll(self, seconds: float) -> None:
        del seconds

    flush = poll

    def purge(self) -> None:
        """Nothing waits."""

    def __len__(self) -> int:
        return 0


class _FakeAdmin:
    """Knows the topic; counts the look-ups."""

    lookups = 0

    def __init__(self, *_: object, **__: object) -> None:
        self.topics = {"letters": None}

    def list_topics(self, timeout: float) -> Any:  # noqa: ANN401 - a double
        del timeout
        _FakeAdmin.lookups += 1
        return self


def _send_twice(monkeypatch: pytest.MonkeyPatch, *codes: int | None) -> list[Verdict]:
    monkeypatch.setattr(dead_letter, "Producer", _FakeProducer)
    monkeypatch.setattr(dead_letter, "AdminClient", _FakeAdmin)
    monkeypatch.setattr(dead_letter, "_POLL_TIMEOUT_S", 0.01)
    _FakeProducer.built, _FakeProducer.codes, _FakeAdmin.lookups = 0, codes, 0

    async def main() -> list[Verdict]:
        kafka = Kafka(bootstrap_servers="localhost:1", group_id="g")
        sink = DeadLetterSink.build(kafka, "letters", ORIGIN, lambda _: None)
        try:
            item = Item(DEAD_LETTERS, "orders", b"", b"", (), RECORD, REFUSED)
            return [await sink.send([item]), await sink.send([item])]
        finally:
            sink.close()

    return asyncio.run(main())


def test_a_producer_with_a_fatal_error_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing write rights are fatal for a producer; once they are granted, no restart must be needed."""
    verdicts = _send_twice(monkeypatch, KafkaError._FATAL, None)
    assert [verdict.kind for verdict in verdicts] == [VerdictKind.AGAIN, VerdictKind.DELIVERED]


def test_after_a_failure_the_topic_is_looked_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have been deleted: then the sink must create it, not the broker with its own retention."""
    verdicts = _send_twice(monkeypatch, KafkaError.UNKNOWN_TOPIC_OR_PART)
    assert [verdict.kind for verdict in verdicts] == [VerdictKind.AGAIN, VerdictKind.DELIVERED]
    assert _FakeAdmin.lookups == 2


def test_a_topic_that_only_the_broker_can_create_is_created_by_producing_with_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """librdkafka's mock cluster has no controller; that resembles a cluster where this user may not create topics."""
    monkeypatch.setattr(dead_letter, "_CREATE_TIMEOUT_S", 1.0)

    async def main() -> tuple[Verdict, list[Event]]:
        cluster = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
        [broker] = cluster.list_topics(timeout=10).brokers.values()
        kafka = Kafka(bootstrap_servers=f"{broker.host}:{broker.port}", group_id="g")
        events: list[Event] = []
        sink = DeadLetterSink.build(kafka, "letters", ORIGIN, events.append)
        try:
            verdict = await sink.send([Item(DEAD_LETTERS, "orders", b"", b"", (), RECORD, REFUSED)])
            while verdict.kind is not VerdictKind.DELIVERED:
                verdict = await sink.send([Item(DEAD_LETTERS, "orders", b"", b"", (), RECORD, REFUSED)])
        finally:
            sink.close()
        return verdict, events

    verdict, events = asyncio.run(main())
    assert verdict.kind is VerdictKind.DELIVERED
    assert any(isinstance(event, Notice) and "retention" in event.message for event in events)

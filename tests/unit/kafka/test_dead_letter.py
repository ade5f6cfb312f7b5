"""What a dead letter says about itself."""

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


def test_a_value_that_was_too_large_to_produce_is_said_to_be_missing() -> None:
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


class _Producer:
    """Does at once what `troubles` says, producer by producer; a fatal trouble stays."""

    made = 0
    troubles: tuple[int | None, ...] = ()

    def __init__(self, *_: object, **__: object) -> None:
        self._trouble = _Producer.troubles[min(_Producer.made, len(_Producer.troubles) - 1)]
        _Producer.made += 1

    def produce(self, *_: object, on_delivery: Callable[[KafkaError | None, None], None], **__: object) -> None:
        if self._trouble == KafkaError._FATAL:
            raise KafkaException(KafkaError(self._trouble))
        on_delivery(None if self._trouble is None else KafkaError(self._trouble), None)
        self._trouble = None

    def poll(self, seconds: float) -> None:
        del seconds

    flush = poll

    def purge(self) -> None:
        """Nothing waits."""

    def __len__(self) -> int:
        return 0


class _Admin:
    """Says that the topic is there."""

    asked = 0

    def __init__(self, *_: object, **__: object) -> None:
        self.topics = {"letters": None}

    def list_topics(self, timeout: float) -> Any:  # noqa: ANN401 - a double
        del timeout
        _Admin.asked += 1
        return self


def _send_twice(monkeypatch: pytest.MonkeyPatch, *troubles: int | None) -> list[Verdict]:
    monkeypatch.setattr(dead_letter, "Producer", _Producer)
    monkeypatch.setattr(dead_letter, "AdminClient", _Admin)
    monkeypatch.setattr(dead_letter, "_POLL_S", 0.01)
    _Producer.made, _Producer.troubles, _Admin.asked = 0, troubles, 0

    async def main() -> list[Verdict]:
        kafka = Kafka(bootstrap_servers="localhost:1", group_id="g")
        sink = DeadLetterSink(kafka, "letters", ORIGIN, lambda _: None)
        try:
            item = Item(DEAD_LETTERS, "orders", b"", b"", (), RECORD, REFUSED)
            return [await sink.send([item]), await sink.send([item])]
        finally:
            sink.close()

    return asyncio.run(main())


def test_a_producer_that_librdkafka_has_given_up_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without the right to write makes it give up; once he has it, letters must flow without a restart."""
    verdicts = _send_twice(monkeypatch, KafkaError._FATAL, None)
    assert [verdict.kind for verdict in verdicts] == [VerdictKind.AGAIN, VerdictKind.DELIVERED]


def test_after_a_failure_the_topic_is_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody may have deleted it: what creates it must not be left to the broker's own defaults."""
    verdicts = _send_twice(monkeypatch, KafkaError.UNKNOWN_TOPIC_OR_PART)
    assert [verdict.kind for verdict in verdicts] == [VerdictKind.AGAIN, VerdictKind.DELIVERED]
    assert _Admin.asked == 2


def test_where_topics_can_only_be_made_by_producing_a_dead_letter_makes_its_own() -> None:
    """librdkafka's mock cluster has no controller to ask, as a cluster without the right to create has none for us."""

    async def main() -> tuple[Verdict, list[Event]]:
        cluster = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
        [broker] = cluster.list_topics(timeout=10).brokers.values()
        kafka = Kafka(bootstrap_servers=f"{broker.host}:{broker.port}", group_id="g")
        events: list[Event] = []
        sink = DeadLetterSink(kafka, "letters", ORIGIN, events.append)
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

"""The consumer's thread with a fake consumer that fails."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import KafkaError, KafkaException

from connector.core.errors import BackgroundTaskError, KafkaClientError
from connector.core.events import Notice
from connector.kafka.bridge import Bridge
from connector.kafka.consumer import ConsumerThread
from connector.settings.models import Kafka
from tests.support.builders import never_frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from connector.core.events import Event
    from connector.core.ledger import Lease
    from connector.core.progress import Progress


async def close_leases(leases: Sequence[Lease], deadline: float | None) -> dict[Lease, Progress]:
    del deadline
    return {lease: lease.end() for lease in leases}


def test_a_failure_is_reported_before_the_consumer_is_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    """librdkafka frees a consumer that was not closed only once its commits are answered: up to a minute later."""
    steps: list[str] = []

    class FailingConsumer:
        def __init__(self, properties: object, logger: object) -> None:
            pass

        def poll(self, timeout: float) -> None:
            pass

        def list_topics(self, timeout: float) -> SimpleNamespace:
            del timeout
            return SimpleNamespace(cluster_id="c")

        def subscribe(self, topics: Sequence[str], **callbacks: object) -> None:
            del topics, callbacks
            raise KafkaException(KafkaError(KafkaError._FATAL, "fenced"))

        def __del__(self) -> None:
            steps.append("freed")

    class ObservedBridge(Bridge):
        def on_ended_from_thread(self, failure: BaseException | None) -> None:
            steps.append("reported")
            super().on_ended_from_thread(failure)

    async def main() -> None:
        bridge = ObservedBridge(lambda _: None, close_leases, {})
        kafka = Kafka(bootstrap_servers="localhost:1", group_id="g")
        ConsumerThread(kafka, ["orders"], "", bridge, never_frozen()).start()
        assert await bridge.connected() == "c"
        async for _ in bridge:
            pass

    monkeypatch.setattr("connector.kafka.consumer.Consumer", FailingConsumer)
    with pytest.raises(BackgroundTaskError) as raised:
        asyncio.run(main())
    assert isinstance(raised.value.cause, KafkaClientError)
    assert steps[0] == "reported"


def test_a_fatal_error_that_only_a_callback_tells_ends_the_thread_and_is_an_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another process has started with the same group.instance.id, for example."""

    class FencedConsumer:
        """Tells an error that passes, then one that does not."""

        def __init__(self, properties: Mapping[str, Callable[[KafkaError], None]], logger: object) -> None:
            del logger
            self._error_cb = properties["error_cb"]

        def poll(self, timeout: float) -> None:
            del timeout
            self._error_cb(KafkaError(KafkaError._RESOLVE))
            self._error_cb(KafkaError(KafkaError.FENCED_INSTANCE_ID, "fenced", fatal=True))

    events: list[Event] = []

    async def main() -> None:
        bridge = Bridge(events.append, close_leases, {})
        kafka = Kafka(bootstrap_servers="localhost:1", group_id="g")
        ConsumerThread(kafka, ["orders"], "", bridge, never_frozen()).start()
        await bridge.connected()
        async for _ in bridge:
            pass

    monkeypatch.setattr("connector.kafka.consumer.Consumer", FencedConsumer)
    with pytest.raises(BackgroundTaskError) as raised:
        asyncio.run(main())
    assert isinstance(raised.value.cause, KafkaClientError)
    assert [event.message for event in events if isinstance(event, Notice)] == ["a callback of the Kafka client failed"]

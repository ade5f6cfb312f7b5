"""The bridge and the thread's grouping of records, without a broker."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from confluent_kafka import KafkaError, Message

from connector.core.ledger import Lease, TopicCounts
from connector.core.record import TopicPartition
from connector.kafka.bridge import Bridge, Commit
from connector.kafka.consumer import ConsumerThread
from connector.kafka.start_offsets import Start
from connector.settings.models import Kafka

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

PARTITION = TopicPartition("orders", 0)


class _Message:
    """As much of librdkafka's message as is asked for."""

    def __init__(self, offset: int, error: KafkaError | None = None) -> None:
        self._offset, self._error = offset, error

    def error(self) -> KafkaError | None:
        return self._error

    def topic(self) -> str:
        return PARTITION.topic

    def partition(self) -> int:
        return PARTITION.partition

    def offset(self) -> int:
        return self._offset

    def timestamp(self) -> tuple[int, int]:
        return 1, 0

    def key(self) -> None:
        return None

    def value(self) -> bytes:
        return b"{}"

    headers = key


async def _close(leases: Sequence[Lease], deadline_s: float) -> dict[Lease, int]:
    del deadline_s
    return dict.fromkeys(leases, 0)


def _bridge() -> Bridge:
    return Bridge(lambda _: None, _close, {})


def test_marks_do_not_pile_up_while_the_thread_waits_for_a_broker() -> None:
    async def main() -> Bridge:
        bridge = _bridge()
        lease = Lease(PARTITION, 0, TopicCounts())
        for _ in range(100):
            bridge.commit([lease])
            bridge.pause([lease])
        return bridge

    commands = asyncio.run(main()).commands
    assert sum(isinstance(command, Commit) for command in commands) == 1


def test_what_came_before_a_topic_was_made_anew_does_not_count_for_its_new_lease(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One call of consume() may bring the last records of the old topic and the error that tells of the new one."""

    async def main() -> tuple[list[object], int]:
        kafka = Kafka(bootstrap_servers="localhost:1", group_id="g")
        thread = ConsumerThread(kafka, ["orders"], "", _bridge())
        thread._adopt(Start(PARTITION, 90, 90))
        monkeypatch.setattr(
            thread, "_on_message_error", lambda _: thread._adopt(Start(PARTITION, 0, None))
        )  # as _jump_over_gap does
        messages = [_Message(90), _Message(91), _Message(-1, KafkaError(KafkaError._AUTO_OFFSET_RESET))]
        return list(thread._group(cast("list[Message]", messages))), thread._received[PARTITION]

    assert asyncio.run(main()) == ([], 0)

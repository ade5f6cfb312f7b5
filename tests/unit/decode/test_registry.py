"""Filling what is known of schemas: for the loop on threads, for commands at once, and never too much at a time."""

from __future__ import annotations

import asyncio
import threading

import pytest

from connector.core.errors import RegistryError
from connector.core.record import Record
from connector.decode.registry import MAX_REQUESTS, SCHEMAS_AHEAD, SchemaRegistry
from connector.decode.schemas import Schema, Schemas
from connector.settings.models import Decode


class StubClient:
    """Has every schema but those that are told to be absent or broken."""

    def __init__(self, *, absent: int = -1, broken: int = -1) -> None:
        self.fetched: list[object] = []
        self.threads: set[int] = set()
        self._absent = absent
        self._broken = broken

    def fetch(self, schema_id: object) -> Schema | None:
        self.fetched.append(schema_id)
        self.threads.add(threading.get_ident())
        if schema_id == self._broken:
            raise RegistryError("broken")
        return None if schema_id == self._absent else Schema("AVRO", bytes.decode)

    def ping(self) -> None:
        raise RegistryError("away")

    def close(self) -> None:
        """Have nothing to close."""


def records(*ids: int, topic: str = "orders") -> list[Record]:
    return [Record(topic, 0, 0, None, None, b"\0" + one.to_bytes(4, "big") + b"data", ()) for one in ids]


def registry_of(client: StubClient) -> SchemaRegistry:
    return SchemaRegistry(Schemas({"orders": Decode(format="avro")}), client)


def test_schemas_are_fetched_once_each_and_not_on_the_loop_s_thread() -> None:
    client = StubClient()
    with registry_of(client) as registry:
        asyncio.run(registry.fetch([records(1, 2, 1), records(2, 3)]))
        assert sorted(map(str, client.fetched)) == ["1", "2", "3"]
        assert registry.ready(records(1, 2, 3)) == 3
    assert threading.get_ident() not in client.threads
    assert len(client.threads) <= MAX_REQUESTS


def test_one_that_can_t_be_had_is_told_after_the_others_were_fetched() -> None:
    client = StubClient(absent=2, broken=3)
    with registry_of(client) as registry:
        with pytest.raises(RegistryError, match="broken"):
            asyncio.run(registry.fetch([records(1, 3, 2, 4)]))
        assert registry.ready(records(1, 2, 4, 3)) == 3
        with pytest.raises(RegistryError, match="away"):
            asyncio.run(registry.ping())


def test_of_a_topic_full_of_other_data_a_few_schemas_are_fetched_at_a_time_the_first_ones_first() -> None:
    client = StubClient()
    with registry_of(client) as registry:
        chunk = records(*range(1000))
        for calls in range(1, 6):
            asyncio.run(registry.fetch([chunk]))
            assert registry.ready(chunk) == calls * SCHEMAS_AHEAD


def test_a_command_fetches_what_one_record_needs_at_once() -> None:
    client = StubClient(broken=3)
    with registry_of(client) as registry:
        registry.fetch_now(records(1)[0])
        registry.fetch_now(records(1)[0])
        registry.fetch_now(records(2, topic="other")[0])
        assert client.fetched == [1]
        with pytest.raises(RegistryError, match="broken"):
            registry.fetch_now(records(3)[0])

"""How much may be under way from the thread to the loop, and how many records are fetched at once."""

from __future__ import annotations

import threading

import pytest

from connector.core.ledger import Lease, TopicCounts
from connector.core.record import Record, TopicPartition
from connector.kafka.chunks import (
    CHUNK_BYTES,
    MAX_CHUNK_RECORDS,
    MAX_QUEUED_BYTES,
    MAX_QUEUED_CHUNKS,
    Chunk,
    ChunkSize,
    Places,
    size_of,
)

LEASE = Lease(TopicPartition("orders", 0), 0, TopicCounts())


def _records(count: int, value: bytes | None = b"12345", key: bytes | None = b"key") -> list[Record]:
    return [Record("orders", 0, offset, None, key, value, ()) for offset in range(count)]


def test_a_chunk_is_as_large_as_its_keys_and_values() -> None:
    assert size_of([(LEASE, _records(3)), (LEASE, ()), (LEASE, _records(1, None, None))]) == 24


@pytest.mark.parametrize(
    ("sizes", "next_size"),
    [
        ([0] * MAX_QUEUED_CHUNKS, 0),
        ([MAX_QUEUED_BYTES], 1),
        ([MAX_QUEUED_BYTES - 5, 3], 3),
        ([100 * MAX_QUEUED_BYTES], 0),
        ([1], MAX_QUEUED_BYTES),
    ],
)
def test_chunks_wait_while_many_or_large_ones_are_under_way(sizes: list[int], next_size: int) -> None:
    places = Places()
    for size in sizes:
        assert places.take(size, 0.0)
    assert not places.take(next_size, 0.0)
    for size in sizes:
        places.give_back(size)
    assert places.take(next_size, 0.0)


def test_up_to_the_bounds_no_chunk_waits() -> None:
    places = Places()
    assert all(places.take(MAX_QUEUED_BYTES // MAX_QUEUED_CHUNKS, 0.0) for _ in range(MAX_QUEUED_CHUNKS))


def test_a_place_that_becomes_free_ends_the_wait() -> None:
    places = Places()
    places.take(MAX_QUEUED_BYTES, 0.0)
    timer = threading.Timer(0.05, places.give_back, [MAX_QUEUED_BYTES])
    timer.start()
    assert places.take(1, 60.0)
    timer.join()


def test_fewer_records_are_fetched_at_once_the_larger_they_are() -> None:
    size = ChunkSize()
    assert size.records == MAX_CHUNK_RECORDS
    for count, each, expected in [
        (1_000, CHUNK_BYTES // 100, 100),
        (100, CHUNK_BYTES * 3, 1),
        (1, CHUNK_BYTES // 500, 500),
        (10, 0, MAX_CHUNK_RECORDS),
    ]:
        chunk: Chunk = [(LEASE, _records(count))]
        size.observe(chunk, count * each)
        assert size.records == pytest.approx(expected, rel=0.01)


def test_a_chunk_without_records_tells_nothing_of_their_size() -> None:
    size = ChunkSize()
    size.observe([(LEASE, _records(10))], 10 * CHUNK_BYTES)
    size.observe([(LEASE, ())], 0)
    assert size.records == 1

"""Records that no client library produces, written byte by byte: a produce request with one record.

Clients encode the names of headers as UTF-8; a broker stores any bytes.
"""

from __future__ import annotations

import socket
import struct
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_PRODUCE, _PRODUCE_VERSION = 0, 3
_TIMEOUT_MS = 10_000


def produce_raw(
    address: str, topic: str, value: bytes, headers: Sequence[tuple[bytes, bytes]], *, partition: int = 0
) -> None:
    """Produce one record with these headers to the leader at `address`; raises AssertionError if it is refused."""
    batch = _batch(value, headers)
    body = struct.pack(">hhi", -1, -1, _TIMEOUT_MS)  # no transaction, acks of all replicas
    body += struct.pack(">i", 1) + _string(topic) + struct.pack(">iii", 1, partition, len(batch)) + batch
    request = struct.pack(">hhi", _PRODUCE, _PRODUCE_VERSION, 1) + _string("raw") + body
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout=_TIMEOUT_MS / 1000) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        with connection.makefile("rb") as replies:
            [size] = struct.unpack(">i", replies.read(4))
            reply = replies.read(size)
    # correlation id, one topic with its name, one partition, its number, then the error code
    [error] = struct.unpack_from(">h", reply, 4 + 4 + 2 + len(topic) + 4 + 4)
    assert error == 0, f"the broker refused the record: error {error}"


def _batch(value: bytes, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return a record batch of version 2 with one record without a key."""
    fields = b"\x00" + _varint(0) + _varint(0) + _varint(-1) + _varint(len(value)) + value + _varint(len(headers))
    for name, data in headers:
        fields += _varint(len(name)) + name + _varint(len(data)) + data
    record = _varint(len(fields)) + fields
    now_ms = time.time_ns() // 1_000_000
    # attributes, last offset delta, first and last timestamp, producer's id, epoch and sequence (none), one record
    checked = struct.pack(">hiqqqhii", 0, 0, now_ms, now_ms, -1, -1, -1, 1) + record
    after_length = struct.pack(">ibI", -1, 2, _crc32c(checked)) + checked
    return struct.pack(">qi", 0, len(after_length)) + after_length


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">h", len(data)) + data


def _varint(number: int) -> bytes:
    """Return a signed number in zigzag encoding, seven bits per byte."""
    left = (number << 1) ^ (number >> 63)
    encoded = bytearray()
    while left > 0x7F:
        encoded.append(left & 0x7F | 0x80)
        left >>= 7
    encoded.append(left)
    return bytes(encoded)


def _crc32c(data: bytes) -> int:
    """Return the CRC of Castagnoli, which Kafka uses; bit by bit, as there is little data."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF

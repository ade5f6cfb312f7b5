"""The uuid of an event that has none of its own: the same whenever the record is sent again.

It is made of where the record came from: cluster id, topic, partition, offset, Kafka timestamp, route and index
(of the item among those of one record and route; there is one). So a record that is sent twice carries the same
one, and a topic that was deleted and created anew, or another cluster's, other ones. A keyed hash is prepared
once for each partition; for each record it is copied and given the rest: `uuid.uuid5` would take as long as
decoding the record.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from connector.core.record import Record

EventUuid = Callable[[Record], str]


def event_uuids(cluster_id: str, route: str) -> EventUuid:
    """A function that gives a record's uuid: 36 characters, version 8 of RFC 9562, stable across processes."""
    prepared: dict[tuple[str, int], hashlib.blake2b] = {}

    def event_uuid(record: Record) -> str:
        topic, partition, offset, timestamp_ms, _key, _value, _headers = record
        state = prepared.get((topic, partition))
        if state is None:
            state = prepared[topic, partition] = _prepared(cluster_id, topic, partition, route)
        state = state.copy()
        state.update(b"%d:%d:0" % (offset, -1 if timestamp_ms is None else timestamp_ms))
        digits = state.hexdigest()
        variant = _VARIANT[digits[16]]
        return f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    return event_uuid


_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
"""The two highest bits of this digit are 10."""


def _prepared(cluster_id: str, topic: str, partition: int, route: str) -> hashlib.blake2b:
    name = json.dumps([cluster_id, topic, partition, route]).encode()
    return hashlib.blake2b(key=hashlib.blake2b(name, digest_size=64).digest(), digest_size=16)

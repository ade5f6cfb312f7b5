"""What a good engineer would write in an afternoon for one topic: the reference of the speed benchmarks.

The same libraries, the same item of nine fields by the same conversions, the same uuid, batches of 500, eight
requests in flight, an offset committed only after every request up to it has succeeded. And nothing else: no config,
no dead letters, no ordering, no split, no metrics, no rebalances.

    python -m tests.bench.hand_written BOOTSTRAP_SERVERS TOPIC GROUP BASE_URL
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import signal
import sys
import unicodedata
from collections import deque
from typing import TYPE_CHECKING, Any

import httpx
import orjson
from confluent_kafka import Consumer, Message, TopicPartition
from httpx_aiohttp import AiohttpTransport

if TYPE_CHECKING:
    from collections.abc import Sequence

BATCH, IN_FLIGHT, COMMIT_EVERY_S = 500, 8, 1.0
_EVENT_KEYS = {"PAID": "c_buy", "REFUNDED": "c_refund"}
_MOBILE = re.compile(r"(?:\+86|0086|86|0)?(1[3-9]\d{9})")
_SEPARATORS = b" -.()"
_YEAR_2000_MS, _DAY_MS = 946_684_800_000, 86_400_000


class Uuids:
    """The connector's scheme: a hash per partition, then bits of timestamp and offset."""

    def __init__(self, cluster_id: str, route: str) -> None:
        self._cluster_id, self._route = cluster_id, route
        self._prepared: dict[tuple[str, int, int, int], str] = {}

    def of(self, topic: str, partition: int, offset: int, timestamp_ms: int, index: int = 0) -> str:
        key = topic, partition, index, timestamp_ms >> 32
        pattern = self._prepared.get(key)
        if pattern is None:
            name = json.dumps([self._cluster_id, topic, partition, self._route, timestamp_ms >> 32]).encode()
            origin = (int.from_bytes(hashlib.blake2b(name, digest_size=8).digest()) >> 22) + index
            middle = f"{origin >> 26 & 0xFFFF:04x}-8{origin >> 14 & 0xFFF:03x}-{0x8000 | origin & 0x3FFF:04x}"
            pattern = self._prepared[key] = f"%08x-{middle}-%012x"
        return pattern % (timestamp_ms & 0xFFFFFFFF, offset)


def phone(text: str) -> str:
    """Return the eleven digits of a mobile number. Raises ValueError."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    found = _MOBILE.fullmatch(text.encode().translate(None, _SEPARATORS).decode())
    if found is None:
        raise ValueError("not a phone number")
    return found[1]


def milliseconds(value: int, at_ms: int) -> int:
    """Return the event's time, checked against the Kafka timestamp. Raises ValueError."""
    if not _YEAR_2000_MS <= value <= at_ms + _DAY_MS:
        raise ValueError("not milliseconds")
    return value


def item(message: Message, uuids: Uuids) -> dict[str, Any] | None:
    """Return one entry of `data`; None for records to skip."""
    value = message.value()
    if value is None:
        return None
    at_ms = message.timestamp()[1]
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None
    assert partition is not None
    assert offset is not None
    return order_item(orjson.loads(value), topic, partition, offset, at_ms, uuids)


def order_item(  # noqa: PLR0917 - a record taken apart
    order: dict[str, Any], topic: str, partition: int, offset: int, at_ms: int, uuids: Uuids
) -> dict[str, Any] | None:
    """Return the entry of `data` of a decoded order; None for orders to skip."""
    event_key = _EVENT_KEYS.get(order["status"])
    if event_key is None or order["amount_fen"] <= 0:
        return None
    return {
        "identities": [{"identityType": "phone", "identityValue": phone(order["buyer"]["mobile"])}],
        "time": milliseconds(order["paid_at"], at_ms),
        "uuid": uuids.of(topic, partition, offset, at_ms),
        "eventKey": event_key,
        "intid": order["scene_id"],
        "eventargs": {
            "c_goods": order["items"][0]["title"],
            "c_price": order["amount_fen"] / 100,
            "c_note": f"order {order['order_id']} of shop {order['shop']['name']}",
            "seq": order["seq"],
            "title": "下单",
        },
    }


class Sender:
    """Posts batches and repeats each one until it succeeds."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._client = httpx.AsyncClient(transport=AiohttpTransport(), timeout=10)
        self._token = ""
        self._slots = asyncio.Semaphore(IN_FLIGHT)

    async def log_in(self) -> None:
        query = {"instanceAppid": "app", "instanceSecrect": "secret"}
        answer = await self._client.get(f"{self._base_url}/app/getOrgAccessToken", params=query)
        self._token = answer.json()["data"]["orgAccessToken"]

    async def aclose(self) -> None:
        await self._client.aclose()

    async def send(self, items: Sequence[dict[str, Any]]) -> asyncio.Task[None]:
        """Wait for a free slot, then send the batch in a task."""
        await self._slots.acquire()
        task = asyncio.create_task(self._until_accepted(items))
        task.add_done_callback(lambda _: self._slots.release())
        return task

    async def _until_accepted(self, items: Sequence[dict[str, Any]]) -> None:
        params = {"isMatching": True, "matchingType": 1}
        body = orjson.dumps({"publicParams": params, "data": items})
        headers = {"Content-Type": "application/json", "X-Token": self._token}
        url = f"{self._base_url}/event/v2/batchAdd"
        while True:
            try:
                answer = await self._client.post(url, content=body, headers=headers)
                if answer.is_success and str(orjson.loads(answer.content).get("code")) == "200":
                    return
            except (httpx.HTTPError, ValueError):
                pass
            await asyncio.sleep(1)


async def run(servers: str, topic: str, group: str, base_url: str) -> None:
    """Consume, map, send and commit until SIGTERM."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "queued.min.messages": 100_000,
            "queued.max.messages.kbytes": 16384,
            "fetch.queue.backoff.ms": 20,
        }
    )
    consumer.subscribe([topic])
    sender = Sender(base_url)
    await sender.log_in()
    uuids = Uuids(consumer.cluster_id(10), "orders")
    sent: deque[tuple[asyncio.Task[None], dict[tuple[str, int], int]]] = deque()
    done: dict[tuple[str, int], int] = {}
    committed_at = loop.time()
    while not stopping.is_set():
        messages = await loop.run_in_executor(None, consumer.consume, BATCH, 0.1)
        ends: dict[tuple[str, int], int] = {}
        items = []
        for message in messages:
            if message.error():
                raise RuntimeError(message.error())
            ends[message.topic() or "", message.partition() or 0] = (message.offset() or 0) + 1
            if (made := item(message, uuids)) is not None:
                items.append(made)
        if items:
            sent.append((await sender.send(items), ends))
        while sent and sent[0][0].done():
            task, settled = sent.popleft()
            task.result()
            done |= settled
        if done and loop.time() - committed_at > COMMIT_EVERY_S:
            committed_at = loop.time()
            offsets = [TopicPartition(name, partition, end) for (name, partition), end in done.items()]
            consumer.commit(offsets=offsets, asynchronous=True)
            done = {}
    consumer.close()
    await sender.aclose()


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:5]))

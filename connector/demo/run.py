"""One run of the demo: orders flow through an embedded Kafka and the connector into the sandbox, and things go wrong.

On the way the platform answers 503, every token expires at once, one order is refused by the platform and one is not
JSON. The demo succeeds only if the connector, the generator and the platform agree on every order.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console

from connector.demo import process, summary
from connector.demo.embedded_kafka import EmbeddedKafka
from connector.demo.orders import Order, Shop
from connector.runtime.progress import Progress, Shown
from connector.sandbox.faults import RefuseFault, StatusFault
from connector.sandbox.platform import APP_ID, APP_SECRET, Sandbox
from connector.sandbox.server import running_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TOPIC = "shop.orders"
DEAD_LETTER_TOPIC = "tuzhan-demo.dead-letter"

_SEED = 2020_1116
_TICK_S = 0.1
_TICKS = 60
"""The orders are spread over this many ticks: long enough to watch, short enough for a minute."""
_MAX_CHUNK = 2_000
_MAX_AHEAD = 4_000
"""How far, in orders, the generator may be ahead of the connector: the embedded Kafka drops old records."""
_STALL_TIMEOUT_S = 25.0
"""How long no count may change before the demo gives up."""

_NO_STATUS: Mapping[str, Any] = {"partitions": [], "records": dict.fromkeys(("consumed", *summary.OUTCOMES), 0)}
"""Stands in for the connector's /status until it answers."""


class GaveUpError(Exception):
    """The connector ended, or its counts stopped changing."""


@dataclass(slots=True)
class _Parts:
    """Everything that runs during the demo."""

    kafka: EmbeddedKafka
    sandbox: Sandbox
    sandbox_url: str
    connector: process.Connector
    progress: Progress
    expected: summary.Expected
    settled: int = 0
    """How many orders have their outcome, as the connector said last."""


def run(records: int, *, faults: bool, keep: bool, as_json: bool = False) -> int:
    """Run the demo with `records` orders until it is done or interrupted; return the exit code."""
    return asyncio.run(_until_interrupted(records, faults=faults, keep=keep, as_json=as_json))


async def _until_interrupted(records: int, *, faults: bool, keep: bool, as_json: bool) -> int:
    task = asyncio.create_task(_run(records, faults=faults, keep=keep, as_json=as_json), name="demo")
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, task.cancel)
    await asyncio.wait([task])
    return 1 if task.cancelled() else task.result()


async def _run(records: int, *, faults: bool, keep: bool, as_json: bool) -> int:
    begin = time.monotonic()
    shop = Shop(_SEED, refused=records // 3, malformed=records // 2) if faults and records >= 3 else Shop(_SEED)
    orders = shop.orders(datetime.now(UTC))
    async with contextlib.AsyncExitStack() as stack:
        progress = stack.enter_context(Progress(Shown.on_stderr(as_json=as_json, elsewhere=Shown.LINES)))
        parts = await _start(stack, progress)
        try:
            counts = await _flow(parts, itertools.islice(orders, records), records, faults=faults)
        except GaveUpError as error:
            progress.note(f"{error}; the end of its log:\n{parts.connector.log_tail()}")
            return 1
        exit_code = None if keep else await _stop(parts)
        progress.note("Comparing what was sent with what the sandbox and the dead-letter topic hold …")
        result = await _collect(parts, counts, exit_code, time.monotonic() - begin)
        if as_json:
            print(summary.as_json(result), flush=True)  # noqa: T201  what was asked for
        else:
            Console().print(summary.render(result))
        if keep:
            await _keep_running(parts, orders)
        return 1 if result.disagreements() else 0


def _orders(number: int) -> str:
    return f"{number:,} order{'' if number == 1 else 's'}"


async def _flow(parts: _Parts, orders: Iterator[Order], total: int, *, faults: bool) -> dict[str, int]:
    """Send the orders, and wait until each has its outcome; return the counts."""
    await _wait_joined(parts)
    with (
        parts.progress.step("sent", _orders, lambda: (parts.expected.sent, total)),
        parts.progress.step("settled", _orders, lambda: (parts.settled, total)),
    ):
        await _send(parts, orders, total, faults=faults)
        return await _wait_settled(parts)


async def _start(stack: contextlib.AsyncExitStack, progress: Progress) -> _Parts:
    progress.note("Starting the embedded Kafka …")
    kafka = await asyncio.to_thread(EmbeddedKafka.start, TOPIC, DEAD_LETTER_TOPIC)
    progress.note(f"Kafka {kafka.bootstrap_servers}. Starting the sandbox, which stands in for the platform …")
    sandbox = Sandbox()
    url = await stack.enter_async_context(running_sandbox(sandbox))
    progress.note(f"Sandbox {url}. Starting the connector …")
    variables = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "TUZHAN_BASE_URL": f"{url}/api/open",
        "TUZHAN_APP_ID": APP_ID,
        "TUZHAN_APP_SECRET": APP_SECRET,
    }
    connector = await stack.enter_async_context(process.running(variables))
    progress.note(f"Connector http://{connector.admin}. Waiting until it has joined its consumer group …")
    return _Parts(kafka, sandbox, url, connector, progress, summary.Expected())


async def _wait_joined(parts: _Parts) -> None:
    watch = _StatusWatch(parts)
    while not (await watch.status())["partitions"]:  # noqa: ASYNC110 - another process, which has to be polled
        await asyncio.sleep(_TICK_S)


async def _send(parts: _Parts, orders: Iterator[Order], total: int, *, faults: bool) -> None:
    parts.progress.note(f"Sending {total:,} orders to the topic {TOPIC} …")
    plan = _FaultPlan(parts, total) if faults else None
    chunk_size = min(max(1, -(-total // _TICKS)), _MAX_CHUNK)
    watch = _StatusWatch(parts)
    while parts.expected.sent < total:
        consumed = (await watch.counts())["consumed"]
        if parts.expected.sent - consumed < _MAX_AHEAD:
            chunk = list(itertools.islice(orders, chunk_size))
            for order in chunk:
                parts.expected.add(order)
            parts.kafka.produce(TOPIC, [(order.key, order.value) for order in chunk])
        if plan is not None:
            plan.apply_due(parts.expected.sent)
        await asyncio.sleep(_TICK_S)
    unwritten = await asyncio.to_thread(parts.kafka.flush)
    if unwritten:
        raise GaveUpError(f"orders that the embedded Kafka did not accept: {unwritten}")


async def _wait_settled(parts: _Parts) -> dict[str, int]:
    parts.progress.note("Waiting until every order has its outcome …")
    watch = _StatusWatch(parts)
    while True:
        counts = await watch.counts()
        if counts["consumed"] >= parts.expected.sent and counts["in_flight"] == 0:
            return counts
        await asyncio.sleep(_TICK_S)


async def _stop(parts: _Parts) -> int:
    parts.progress.note("Every order has its outcome. Stopping the connector (SIGTERM) …")
    return await parts.connector.stop()


async def _collect(parts: _Parts, counts: dict[str, int], exit_code: int | None, seconds: float) -> summary.Result:
    expected = parts.expected
    stored, after = summary.read_store(parts.sandbox.store.bodies(), expected.sample)
    dead_letters = await asyncio.to_thread(parts.kafka.read_headers, DEAD_LETTER_TOPIC)
    stats = parts.sandbox.stats()
    return summary.Result(expected, counts, stored, after, stats, dead_letters, exit_code, seconds)


async def _keep_running(parts: _Parts, orders: Iterator[Order]) -> None:
    parts.progress.note(
        f"Everything keeps running, with a few orders a second, until Ctrl-C: sandbox {parts.sandbox_url}, "
        f"connector http://{parts.connector.admin}/status, Kafka {parts.kafka.bootstrap_servers}",
    )
    with contextlib.suppress(asyncio.CancelledError):
        for order in orders:
            parts.kafka.produce(TOPIC, [(order.key, order.value)])
            await asyncio.sleep(3 * _TICK_S)


class _StatusWatch:
    """Reads the connector's /status; raises GaveUpError if it has ended or its counts stop changing."""

    def __init__(self, parts: _Parts) -> None:
        self._parts = parts
        self._last: dict[str, int] = {}
        self._changed_s = time.monotonic()

    async def status(self) -> Mapping[str, Any]:
        """Return /status, or _NO_STATUS while it does not answer."""
        connector = self._parts.connector
        if connector.exit_code is not None:
            raise GaveUpError(f"the connector ended with exit code {connector.exit_code}")
        status = await connector.status() or _NO_STATUS
        if status["records"] != self._last:
            self._last, self._changed_s = status["records"], time.monotonic()
        elif time.monotonic() - self._changed_s > _STALL_TIMEOUT_S:
            raise GaveUpError(f"no count has changed for {_STALL_TIMEOUT_S:.0f} s: {self._last}")
        return status

    async def counts(self) -> dict[str, int]:
        """Return the records by outcome."""
        counts: dict[str, int] = (await self.status())["records"]
        self._parts.settled = counts["consumed"] - counts["in_flight"]
        return counts


class _FaultPlan:
    """The sandbox's faults: one order is refused throughout; the others are due after a share of the orders."""

    def __init__(self, parts: _Parts, total: int) -> None:
        self._parts = parts
        self._refusal = RefuseFault(match={"eventargs.c_order": Shop.order_id(total // 3)})
        parts.sandbox.faults.replace([self._refusal])
        self._due = [(total // 4, self._answer_503), (6 * total // 10, self._expire_tokens)]

    def apply_due(self, sent: int) -> None:
        """Apply the faults that are due after `sent` orders."""
        while self._due and sent >= self._due[0][0]:
            _, apply = self._due.pop(0)
            apply()

    def _answer_503(self) -> None:
        self._parts.progress.note("Fault: the platform answers 503, three times")
        self._parts.sandbox.faults.replace([self._refusal, StatusFault(status=503, count=3)])

    def _expire_tokens(self) -> None:
        self._parts.progress.note("Fault: every token expires")
        self._parts.sandbox.tokens.expire_all()

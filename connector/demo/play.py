"""The demo: orders flow through an embedded Kafka cluster and the connector into the sandbox, and things go wrong.

On the way the platform answers 503, every token expires at once, one order is refused by the platform and one is
not JSON. The demo ends well only if the connector, the generator and the platform agree on every order.
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
from connector.demo.cluster import Cluster
from connector.demo.orders import Fate, Order, Shop
from connector.demo.progress import Show, showing
from connector.sandbox.faults import Fault
from connector.sandbox.main import running
from connector.sandbox.platform import APP_ID, APP_SECRET, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TOPIC = "shop.orders"
DEAD_LETTER_TOPIC = "tuzhan-demo.dead-letter"

_SEED = 2020_1116
_TICK_S = 0.1
_TICKS = 60
"""Over so many ticks the orders are spread: long enough to watch, short enough for a minute."""
_MAX_CHUNK = 2_000
_MAX_AHEAD = 4_000
"""So far the generator may be ahead of the connector: the embedded cluster forgets what is old."""
_PATIENCE_S = 25.0
"""So long nothing may move before the demo gives up."""

_NOT_YET: Mapping[str, Any] = {"partitions": [], "records": dict.fromkeys(("consumed", *summary.OUTCOMES), 0)}
"""What counts as the connector's /status until it answers."""


class GaveUpError(Exception):
    """The connector died, or nothing moved any more."""


@dataclass(frozen=True, slots=True)
class _Stage:
    """Everything that runs while the demo plays."""

    cluster: Cluster
    sandbox: Sandbox
    connector: process.Connector
    show: Show
    expected: summary.Expected


def main(records: int, faults: bool, keep: bool) -> int:  # noqa: FBT001  the command line's own words
    """Play the demo with so many orders; gives the exit code: 0 only if all numbers agree."""
    return asyncio.run(_until_interrupted(records, faults=faults, keep=keep))


async def _until_interrupted(records: int, *, faults: bool, keep: bool) -> int:
    task = asyncio.create_task(_play(records, faults=faults, keep=keep), name="demo")
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, task.cancel)
    await asyncio.wait([task])
    return 1 if task.cancelled() else task.result()


async def _play(records: int, *, faults: bool, keep: bool) -> int:
    console = Console(stderr=True)
    begin = time.monotonic()
    sandbox = Sandbox()
    cluster = Cluster(TOPIC, DEAD_LETTER_TOPIC)
    async with contextlib.AsyncExitStack() as stack:
        base_url = await stack.enter_async_context(running(sandbox))
        variables = {
            "KAFKA_BOOTSTRAP_SERVERS": cluster.bootstrap_servers,
            "TUZHAN_BASE_URL": f"{base_url}/api/open",
            "TUZHAN_APP_ID": APP_ID,
            "TUZHAN_APP_SECRET": APP_SECRET,
        }
        connector = await stack.enter_async_context(process.running(variables))
        orders = _shop(records, faults=faults).orders(datetime.now(UTC))
        with showing(console, records) as show:
            show.note(f"Kafka {cluster.bootstrap_servers} · sandbox {base_url} · connector http://{connector.admin}")
            stage = _Stage(cluster, sandbox, connector, show, summary.Expected())
            try:
                await _join(stage)
                await _send(stage, itertools.islice(orders, records), records, faults=faults)
                settled = await _settle(stage)
                show.note("every order has its outcome" if keep else "every order has its outcome; SIGTERM")
            except GaveUpError as error:
                _complain(console, f"{error}; the end of its log:\n{connector.last_words()}")
                return 1
        exit_code = None if keep else await connector.stop()
        result = await _look(stage, settled, exit_code, time.monotonic() - begin)
        Console().print(summary.render(result))
        if keep:
            await _keep(stage, console, orders, base_url)
        return 1 if result.disagreements() else 0


def _complain(console: Console, words: str) -> None:
    console.print(words, markup=False, highlight=False, soft_wrap=True)


def _shop(records: int, *, faults: bool) -> Shop:
    if not faults or records < 3:
        return Shop(_SEED)
    return Shop(_SEED, poison=records // 3, broken=records // 2)


async def _join(stage: _Stage) -> None:
    watch = _Watch(stage)
    while True:
        if await watch.joined():
            stage.show.note("the connector has joined its group")
            return
        await asyncio.sleep(_TICK_S)


async def _send(stage: _Stage, orders: Iterator[Order], total: int, *, faults: bool) -> None:
    trouble = _Trouble(stage, total) if faults else None
    chunk = min(max(1, -(-total // _TICKS)), _MAX_CHUNK)
    watch = _Watch(stage)
    while stage.expected.sent < total:
        consumed = (await watch.look())["consumed"]
        if stage.expected.sent - consumed < _MAX_AHEAD:
            _send_some(stage, list(itertools.islice(orders, chunk)))
        if trouble is not None:
            trouble.strike(stage.expected.sent)
        await asyncio.sleep(_TICK_S)
    left = await asyncio.to_thread(stage.cluster.flush)
    if left:
        raise GaveUpError(f"the embedded cluster did not take {left} records")


def _send_some(stage: _Stage, orders: list[Order]) -> None:
    for order in orders:
        _foretell(stage.expected, order)
    stage.cluster.produce(TOPIC, [(order.key, order.value) for order in orders])


def _foretell(expected: summary.Expected, order: Order) -> None:
    match order.fate:
        case Fate.DELIVERED:
            expected.delivered.add(order.order_id)
            expected.sample = expected.sample or (order.order_id, order.value)
        case Fate.SKIPPED:
            expected.skipped += 1
        case Fate.DEAD_LETTERED:
            expected.dead_lettered += 1


async def _settle(stage: _Stage) -> dict[str, int]:
    watch = _Watch(stage)
    while True:
        records = await watch.look()
        if records["consumed"] >= stage.expected.sent and records["in_flight"] == 0:
            return records
        await asyncio.sleep(_TICK_S)


async def _look(stage: _Stage, records: dict[str, int], exit_code: int | None, seconds: float) -> summary.Result:
    expected, store = stage.expected, stage.sandbox.store
    stored, after = summary.take_stock(store.bodies(), expected.sample)
    letters = await asyncio.to_thread(stage.cluster.read, DEAD_LETTER_TOPIC)
    stats = {**store.report(), "tokens": stage.sandbox.tokens.report()}
    return summary.Result(expected, records, stored, after, stats, letters, exit_code, seconds)


async def _keep(stage: _Stage, console: Console, orders: Iterator[Order], base_url: str) -> None:
    console.print(
        f"Everything goes on, with a few orders a second, until Ctrl-C: sandbox {base_url}, "
        f"connector http://{stage.connector.admin}/status, Kafka {stage.cluster.bootstrap_servers}",
        highlight=False,
        soft_wrap=True,
    )
    with contextlib.suppress(asyncio.CancelledError):
        for order in orders:
            stage.cluster.produce(TOPIC, [(order.key, order.value)])
            await asyncio.sleep(3 * _TICK_S)


class _Watch:
    """Reads the connector's counts; gives up when it is dead or nothing moves any more."""

    def __init__(self, stage: _Stage) -> None:
        self._stage = stage
        self._last: dict[str, int] = {}
        self._moved_s = time.monotonic()

    async def joined(self) -> bool:
        """Whether it owns partitions. Raises GaveUpError."""
        status = await self._status()
        return bool(status["partitions"])

    async def look(self) -> dict[str, int]:
        """The counts of /status; zeros until it answers. Raises GaveUpError."""
        records: dict[str, int] = (await self._status())["records"]
        self._stage.show.advance(self._stage.expected.sent, records["consumed"] - records["in_flight"])
        return records

    async def _status(self) -> Mapping[str, Any]:
        connector = self._stage.connector
        if connector.exit_code is not None:
            raise GaveUpError(f"the connector ended with exit code {connector.exit_code}")
        status = await connector.status() or _NOT_YET
        if status["records"] != self._last:
            self._last, self._moved_s = status["records"], time.monotonic()
        elif time.monotonic() - self._moved_s > _PATIENCE_S:
            raise GaveUpError(f"nothing has moved for {_PATIENCE_S:.0f} s at {self._last}")
        return status


class _Trouble:
    """What goes wrong on the way: each once, at its share of the orders."""

    def __init__(self, stage: _Stage, total: int) -> None:
        self._stage = stage
        self._poison = Fault(kind="refuse", match={"eventargs.c_order": Shop.order_id(total // 3)})
        stage.sandbox.faults.put([self._poison])
        self._acts = [(total // 4, self._busy), (6 * total // 10, self._expire)]

    def strike(self, sent: int) -> None:
        """Do what is due after so many orders."""
        while self._acts and sent >= self._acts[0][0]:
            _, act = self._acts.pop(0)
            act()

    def _busy(self) -> None:
        self._stage.show.note("the platform answers 503, three times")
        self._stage.sandbox.faults.put([self._poison, Fault(kind="status", status=503, count=3)])

    def _expire(self) -> None:
        self._stage.show.note("every token expires")
        self._stage.sandbox.tokens.expire_all()

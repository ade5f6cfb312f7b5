"""The workload of the benchmarks: a record of 380 bytes, a config that maps nine fields, and how a run is measured."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import orjson

from tests.kafka.commands import APP_ID, APP_SECRET, EVENTS
from tests.kafka.processes import end, free_ports, leash
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.kafka.cluster import Cluster

RECORD_BYTES = 380
WARM = 0.15
"""The part of the records after which a sender has started: it has opened its connections, and its code is warm."""


def order(number: int, now_ms: int) -> bytes:
    """Return a shop order of 380 bytes."""
    value: dict[str, Any] = {
        "seq": number,
        "order_id": f"2026{number:012d}",
        "status": "REFUNDED" if number % 10 == 0 else "PAID",
        "amount_fen": 142_000 + number % 1_000,
        "paid_at": now_ms - number % 3_600_000,
        "scene_id": f"scene-{number % 100:03d}",
        "buyer": {"mobile": f"+86 138 {number // 10_000 % 10_000:04d} {number % 10_000:04d}", "name": "王小明"},
        "shop": {"id": number % 50, "name": "人民广场店"},
        "items": [{"sku": f"sku-{number % 500:05d}", "title": "创维洗衣机", "qty": 1 + number % 3}],
        "note": "",
    }
    value["note"] = "-" * (RECORD_BYTES - len(orjson.dumps(value)))
    return orjson.dumps(value)


def config(kafka: Cluster, topic: str, group: str, base_url: str) -> dict[str, Any]:
    """Return the connector's config for these orders."""
    return {
        "kafka": {"bootstrap_servers": kafka.address, "group_id": group},
        "platform": {
            "base_url": base_url,
            "auth": {"app_id": APP_ID, "app_secret": APP_SECRET},
            "retry": {"first": "50ms", "max": "500ms"},
        },
        "targets": {"purchases": {"endpoint": EVENTS, "batch": {"max_records": 500}, "max_in_flight": 8}},
        "routes": [order_route(topic)],
    }


def order_route(topic: str) -> dict[str, Any]:
    """Return the route that maps nine fields of these orders."""
    return {
        "name": "orders",
        "topics": [topic],
        "where": {"$.status": ["PAID", "REFUNDED"], "$.amount_fen": {"gt": 0}},
        "to": "purchases",
        "event_key": {"from": "$.status", "map": {"PAID": "c_buy", "REFUNDED": "c_refund"}},
        "identity": [{"type": "phone", "value": {"from": "$.buyer.mobile", "as": "phone"}}],
        "fields": {
            "time": {"from": "$.paid_at", "as": "timestamp"},
            "intid": "$.scene_id",
            "eventargs": {
                "c_goods": "$.items.0.title",
                "c_price": {"from": "$.amount_fen", "as": "number", "multiply": 0.01},
                "c_note": {"template": "order {$.order_id} of shop {$.shop.name}"},
                "seq": "$.seq",
                "title": "下单",
            },
        },
    }


class SinkProcess:
    """Runs `tests.kafka.counting_platform` in a separate process."""

    def __init__(self, *, blindly: bool = False) -> None:
        [port] = free_ports(1)
        command = [sys.executable, "-m", "tests.kafka.counting_platform", str(port), *["blindly"] * blindly]
        self._process = subprocess.Popen([*leash(), *command])
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)
        self.base_url = f"http://127.0.0.1:{port}/api/open"
        until(self._answers, "the sink to answer")

    def stats(self) -> dict[str, int]:
        """Return the counts of requests, items and distinct items."""
        stats: dict[str, int] = self._http.get("/_counting/stats").json()
        return stats

    def behave(
        self, status: int = 200, delay_s: float = 0.0, endpoint: str = "", load: Mapping[str, int] | None = None
    ) -> None:
        """Set the status and the delay of the following answers, of one endpoint or of all; `load`: what it bears."""
        behaviour = {"status": status, "delay_s": delay_s, "endpoint": endpoint, **(load or {})}
        self._http.put("/_counting/behaviour", json=behaviour).raise_for_status()

    def close(self) -> None:
        """Terminate the process."""
        self._http.close()
        end(self._process)

    def _answers(self) -> bool:
        try:
            return bool(self.stats())
        except httpx.TransportError:
            return False


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU time and peak memory of a process that has sent `count` items."""

    cpu_s: float
    """From its start to its end."""
    steady_us: float
    """Microseconds per record from when WARM of the records were sent to when all were: start and stop are no part."""
    rate: float
    """Records per second in the same time."""
    count: int
    peak_mib: float

    @property
    def start_and_stop_s(self) -> float:
        """CPU-seconds that it takes whatever the number of records."""
        return self.cpu_s - self.steady_us * self.count / 1e6


def measure(arguments: Sequence[str], sink: SinkProcess, count: int, log: Path) -> Usage:
    """Run a sender until the sink has received `count` items, stop it with SIGTERM and return its usage.

    The first run of a sender writes its bytecode, as an installation would: only that run compiles.
    """
    before = sink.stats()["items"]
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*leash(), sys.executable, *arguments], env=environ, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        warm = _wait_for(process.pid, sink, before, int(count * WARM))
        all_sent = _wait_for(process.pid, sink, before, count)
        peak_mib = _memory_mib(process.pid, "VmHWM")
    finally:
        process.send_signal(signal.SIGTERM)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, log.read_text()[-3000:]
    items = all_sent.items - warm.items
    return Usage(
        cpu_s=usage.ru_utime + usage.ru_stime,
        steady_us=(all_sent.cpu_s - warm.cpu_s) / items * 1e6,
        rate=items / (all_sent.at - warm.at),
        count=count,
        peak_mib=peak_mib,
    )


class Progress(NamedTuple):
    """How far a sender is at a moment."""

    at: float
    items: int
    cpu_s: float


def _wait_for(pid: int, sink: SinkProcess, before: int, wanted: int) -> Progress:
    """Wait until the sink has received `wanted` items more than `before`; return how far the sender is then."""

    def progress() -> Progress | None:
        items = sink.stats()["items"] - before
        return Progress(time.monotonic(), items, cpu_seconds(pid)) if items >= wanted else None

    found = until(progress, f"{wanted} items", every_s=0.02, timeout_s=300)
    assert found is not None
    return found


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process so far, to the hundredth of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process."""
    return _memory_mib(pid, "VmRSS")


def _memory_mib(pid: int, name: str) -> float:
    """Read the figure from /proc: rusage would include the memory of the parent at the fork."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def numbers(start: int, stop: int, step: int = 50_000) -> Iterator[range]:
    """Yield ranges of at most `step` numbers from `start` to `stop`."""
    for first in range(start, stop, step):
        yield range(first, min(first + step, stop))

"""What a member's log says: each request with its offsets and verdict, and each begin and end of a lease."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Partition = tuple[str, int]
_PARTITION = re.compile(r"(\S+)\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request as the member saw it; times are seconds since 1970."""

    target: str
    verdict: str
    started: float
    ended: float
    detail: str
    answered: bool
    """Whether a whole reply came."""
    offsets: dict[Partition, tuple[range, ...]]

    def covers(self, partition: Partition, offset: int) -> bool:
        """Whether the record was in the request."""
        return any(offset in span for span in self.offsets.get(partition, ()))


@dataclass(frozen=True, slots=True)
class Rebalance:
    """Partitions were assigned, revoked or lost."""

    at: float
    kind: str
    partitions: frozenset[Partition]


@dataclass(slots=True)
class ConnectorLog:
    """One member's log, parsed."""

    attempts: list[Attempt] = field(default_factory=list)
    rebalances: list[Rebalance] = field(default_factory=list)
    commits: list[float] = field(default_factory=list)
    """When the broker confirmed one."""
    failed_commits: list[tuple[float, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """Lines at level error but those of libraries, and lines that are not of the log's form, such as a traceback."""


def parse_log(path: Path) -> ConnectorLog:
    """Read the log of a member (JSON lines); its last line may be incomplete."""
    log = ConnectorLog()
    for line in path.read_bytes().splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        try:
            entry = orjson.loads(line)
        except orjson.JSONDecodeError:
            log.errors.append(line.decode(errors="replace").rstrip())
            continue
        _add(log, entry)
    return log


def _add(log: ConnectorLog, entry: dict[str, Any]) -> None:
    at = datetime.fromisoformat(entry["at"]).timestamp()
    event = entry["event"]
    if event == "request":
        offsets = {_partition(name): tuple(_spans(text)) for name, text in entry["offsets"].items()}
        started = at - entry["ms"] / 1000
        detail = str(entry.get("detail", ""))
        answered = "http_status" in entry or entry["verdict"] == "delivered"
        log.attempts.append(Attempt(entry["target"], entry["verdict"], started, at, detail, answered, offsets))
    elif event in {"partitions assigned", "partitions revoked", "partitions lost"}:
        partitions = frozenset(
            (topic, int(number)) for topic, number in _PARTITION.findall(entry.get("partitions", ""))
        )
        log.rebalances.append(Rebalance(at, event.removeprefix("partitions "), partitions))
    elif event == "commit ok":
        log.commits.append(at)
    elif event in {"commit refused", "commit failed"}:
        log.failed_commits.append((at, f"{event}: {entry.get('detail', '')}"))
    if entry["level"] == "error" and "logger" not in entry:
        log.errors.append(orjson.dumps(entry).decode())


def _partition(name: str) -> Partition:
    match = _PARTITION.fullmatch(name)
    if match is None:
        raise ValueError(f"no partition: {name}")
    return match[1], int(match[2])


def _spans(text: str) -> Iterator[range]:
    for span in text.split(","):
        first, _, last = span.partition("-")
        yield range(int(first), int(last or first) + 1)

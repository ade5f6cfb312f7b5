"""The platform's own record of what it received, stored and replied, read from its journal (`platform.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(slots=True)
class PlatformRequest:
    """One request; times are seconds since 1970, None for what did not happen."""

    host: str
    """The loopback address that it was sent to: each process of a member has its own."""
    endpoint: str
    arrived: float
    numbers: tuple[int, ...]
    stored_at: float | None = None
    replied_at: float | None = None
    status: int | None = None
    """HTTP status of the reply that left whole."""


def read_journal(path: Path) -> list[PlatformRequest]:
    """Return all requests in the order in which they arrived."""
    requests: dict[str, PlatformRequest] = {}
    for line in path.read_bytes().splitlines(keepends=True):
        if not line.endswith(b"\n"):
            continue
        kind, request_id, at, *rest = orjson.loads(line)
        if kind == "request":
            host, endpoint, numbers = rest
            requests[request_id] = PlatformRequest(host, endpoint, at, tuple(numbers))
        elif request_id in requests and kind == "stored":
            requests[request_id].stored_at = at
        elif request_id in requests and kind == "reply":
            requests[request_id].replied_at, requests[request_id].status = at, rest[0]
    return list(requests.values())

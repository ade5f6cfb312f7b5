"""What the sandbox has stored, and what it noticed while storing.

- *Repeated*: an item with the uuid, the endpoint and the identities of one that is stored already. It is
  counted, and stored again, as the platform promises no idempotency. Audience items have no uuid and can't
  repeat.
- *Out of order*: `eventargs.seq` is lower than in the item before it, for one identity at one endpoint.

Items are kept as JSON text, about 0.5 KB each. The youngest `KEPT_ITEMS` can be read; counts and what is needed
to notice repeats (about 150 bytes an item) are kept for all.
"""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from connector.sandbox.checking import identities
from connector.sandbox.documents import ENDPOINTS, Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEPT_ITEMS = 1_000_000


@dataclass(slots=True)
class Counts:
    """What one endpoint has seen."""

    requests: int = 0
    items: int = 0
    """Items received, in requests that could be read as far as `data`."""
    stored: int = 0
    repeated: int = 0
    out_of_order: int = 0
    refused: int = 0
    """Requests that were refused for what is in them."""


class Stored(NamedTuple):
    """One stored item, as text, with its request's publicParams."""

    endpoint: str
    uuid: str
    identities: tuple[str, ...]
    params: bytes
    body: bytes
    at_ms: int

    def report(self) -> dict[str, Any]:
        """The item for people and tests."""
        return {
            "endpoint": self.endpoint,
            "at_ms": self.at_ms,
            "identities": self.identities,
            "publicParams": orjson.loads(self.params),
            "item": orjson.loads(self.body),
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which items to give; empty: any."""

    endpoint: str = ""
    uuid: str = ""
    identity: str = ""
    """The value of any of its identities."""
    limit: int = 100


@dataclass(slots=True)
class Store:
    """Everything stored since the last reset."""

    counts: dict[str, Counts] = field(default_factory=lambda: {path: Counts() for path in ENDPOINTS})
    _items: deque[Stored] = field(default_factory=lambda: deque(maxlen=KEPT_ITEMS))
    _seen: set[str] = field(default_factory=set)
    _last_seq: dict[str, float] = field(default_factory=dict)

    def add(self, endpoint: Endpoint, params: object, items: Sequence[dict[str, Any]], now_ms: int) -> None:
        """Store the accepted items of one request, in order."""
        text = orjson.dumps(params)
        counts = self.counts[endpoint.path]
        for item in items:
            names = tuple(identities(endpoint, item))
            uuid = item.get("uuid", "")
            counts.repeated += self._repeats(endpoint.path, uuid, names)
            counts.out_of_order += self._falls(endpoint.path, item.get("eventargs"), names)
            self._items.append(Stored(endpoint.path, uuid, names, text, orjson.dumps(item), now_ms))
        counts.stored += len(items)

    def find(self, wanted: Wanted) -> list[dict[str, Any]]:
        """Give the youngest items that are wanted, in the order in which they were stored."""
        found = [stored.report() for stored in islice(self._matching(wanted), max(wanted.limit, 0))]
        found.reverse()
        return found

    def bodies(self) -> Iterator[bytes]:
        """Every kept item as JSON text, in the order in which they were stored."""
        return (stored.body for stored in self._items)

    def report(self) -> dict[str, Any]:
        """The counts, in all and by endpoint."""
        by_endpoint = {path: asdict(counts) for path, counts in self.counts.items()}
        names = asdict(Counts())
        return {
            **{name: sum(counts[name] for counts in by_endpoint.values()) for name in names},
            "by_endpoint": by_endpoint,
        }

    def _matching(self, wanted: Wanted) -> Iterator[Stored]:
        for stored in reversed(self._items):
            if wanted.endpoint and stored.endpoint != wanted.endpoint:
                continue
            if wanted.uuid and stored.uuid != wanted.uuid:
                continue
            if wanted.identity and not any(
                wanted.identity in {name, name.partition(":")[2]} for name in stored.identities
            ):
                continue
            yield stored

    def _repeats(self, path: str, uuid: str, names: tuple[str, ...]) -> bool:
        if not uuid:
            return False
        key = "\0".join((path, uuid, *names))
        known = len(self._seen)
        self._seen.add(key)
        return len(self._seen) == known

    def _falls(self, path: str, arguments: object, names: tuple[str, ...]) -> bool:
        seq = arguments.get("seq") if isinstance(arguments, dict) else None
        if not isinstance(seq, (int, float)):
            return False
        fell = False
        for name in names:
            key = f"{path}\0{name}"
            fell = fell or seq < self._last_seq.get(key, seq)
            self._last_seq[key] = seq
        return fell

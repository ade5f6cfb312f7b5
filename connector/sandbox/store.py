"""The stored items, with two checks that a client cares about.

- *Repeated*: an item with the uuid, endpoint and identities of a stored one. It is counted and stored again, because
  the platform promises no idempotency. Audience items have no uuid and are never counted.
- *Out of order*: `eventargs.seq` is lower than in the previous item of the same identity at the same endpoint. Example:
  one identity sends seq 1, 3, 2, 4: one item (2) is out of order.

Items are kept as JSON, about 0.5 KB each. The latest `KEPT_ITEMS` can be read; counts, and about 150 bytes per item to
detect repeats, are kept for all.
"""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from pydantic import BaseModel, Field, field_validator

from connector.sandbox.documents import ENDPOINTS, Endpoint
from connector.sandbox.validation import identities_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEPT_ITEMS = 1_000_000


@dataclass(slots=True)
class EndpointCounts:
    """The counts of one endpoint."""

    requests: int = 0
    items: int = 0
    """Items received in requests with a valid envelope."""
    stored: int = 0
    repeated: int = 0
    out_of_order: int = 0
    refused: int = 0
    """Requests that were refused for their content."""


class StoredItem(NamedTuple):
    """One stored item and its request's publicParams, both as JSON."""

    endpoint: str
    uuid: str
    identities: tuple[str, ...]
    params: bytes
    body: bytes
    at_ms: int

    def report(self) -> dict[str, Any]:
        """Return the item as `GET /_sandbox/items` shows it."""
        return {
            "endpoint": self.endpoint,
            "at_ms": self.at_ms,
            "identities": self.identities,
            "publicParams": orjson.loads(self.params),
            "item": orjson.loads(self.body),
        }


class ItemQuery(BaseModel, frozen=True, extra="forbid"):
    """Which items to return; an empty field matches any."""

    endpoint: str = ""
    uuid: str = ""
    identity: str = ""
    """One of the item's identities, as `value` or `type:value`."""
    limit: int = Field(default=100, ge=0)

    @field_validator("endpoint")
    @classmethod
    def _check_endpoint(cls, endpoint: str) -> str:
        if endpoint and endpoint not in ENDPOINTS:
            raise ValueError(f"unknown endpoint, one of {', '.join(ENDPOINTS)}")
        return endpoint

    def matches(self, item: StoredItem) -> bool:
        """Whether an item has all that is asked for."""
        return (
            self.endpoint in {"", item.endpoint}
            and self.uuid in {"", item.uuid}
            and (not self.identity or any(self.identity in {name, name.partition(":")[2]} for name in item.identities))
        )


@dataclass(slots=True)
class Store:
    """Everything stored since the last reset."""

    counts: dict[str, EndpointCounts] = field(default_factory=lambda: {path: EndpointCounts() for path in ENDPOINTS})
    _items: deque[StoredItem] = field(default_factory=lambda: deque(maxlen=KEPT_ITEMS))
    _unread: deque[StoredItem] = field(default_factory=lambda: deque(maxlen=KEPT_ITEMS))
    """The items that `take_unread` has not returned yet."""
    _seen: set[str] = field(default_factory=set)
    _last_seq: dict[str, float] = field(default_factory=dict)

    def add(self, endpoint: Endpoint, params: object, items: Sequence[dict[str, Any]], now_ms: int) -> None:
        """Store the accepted items of one request, in order."""
        encoded_params = _encoded(params)
        counts = self.counts[endpoint.path]
        for item in items:
            identities = tuple(identities_of(endpoint, item))
            uuid = str(item.get("uuid", ""))  # not text only if unknown fields are ignored
            counts.repeated += self._is_repeated(endpoint.path, uuid, identities)
            counts.out_of_order += self._is_out_of_order(endpoint.path, item.get("eventargs"), identities)
            stored = StoredItem(endpoint.path, uuid, identities, encoded_params, _encoded(item), now_ms)
            self._items.append(stored)
            self._unread.append(stored)
        counts.stored += len(items)

    def find(self, query: ItemQuery) -> list[dict[str, Any]]:
        """Return the latest items that match, in the order in which they were stored."""
        matching = filter(query.matches, reversed(self._items))
        found = [item.report() for item in islice(matching, min(query.limit, KEPT_ITEMS))]
        found.reverse()
        return found

    def latest(self, count: int) -> list[StoredItem]:
        """Return the latest items, the newest first."""
        return list(islice(reversed(self._items), count))

    def take_unread(self, most: int) -> list[StoredItem]:
        """Return the oldest items that this has not returned before."""
        return [self._unread.popleft() for _ in range(min(most, len(self._unread)))]

    @property
    def unread(self) -> int:
        """How many items `take_unread` has still to return."""
        return len(self._unread)

    def bodies(self) -> Iterator[bytes]:
        """Every kept item as JSON, in the order in which they were stored."""
        return (item.body for item in self._items)

    def report(self) -> dict[str, Any]:
        """Return the counts, in total and by endpoint."""
        by_endpoint = {path: asdict(counts) for path, counts in self.counts.items()}
        totals = {name: sum(counts[name] for counts in by_endpoint.values()) for name in asdict(EndpointCounts())}
        return {**totals, "by_endpoint": by_endpoint}

    def _is_repeated(self, path: str, uuid: str, identities: tuple[str, ...]) -> bool:
        if not uuid:
            return False
        key = "\0".join((path, uuid, *identities))
        if key in self._seen:
            return True
        self._seen.add(key)
        return False

    def _is_out_of_order(self, path: str, arguments: object, identities: tuple[str, ...]) -> bool:
        seq = arguments.get("seq") if isinstance(arguments, dict) else None
        if not isinstance(seq, (int, float)):
            return False
        out_of_order = False
        for identity in identities:
            key = f"{path}\0{identity}"
            out_of_order = out_of_order or seq < self._last_seq.get(key, seq)
            self._last_seq[key] = seq
        return out_of_order


def _encoded(value: object) -> bytes:
    """Return JSON as a copy: what orjson itself returns keeps 4 KiB of memory, however short it is."""
    return bytes(memoryview(orjson.dumps(value)))

"""The list of faults that are switched on: which of them a request hits, and how often each has hit.

A request meets the faults of its endpoint in the order of the list. One that ends the request is the last that it
meets. `count` limits how many requests a fault hits. `share` hits a fraction of the requests, drawn from a generator
with a fixed seed, so that a test run is repeatable. Example: of `[latency, reset, status 500]` a request meets the
latency and the reset; the status is reached once the reset's `count` is used up.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from connector.sandbox.faults import Fault, RefuseFault, RequestFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from connector.sandbox.validation import RefusalError

_SEED = 20201116

_FaultT = TypeVar("_FaultT", bound=Fault)


class FaultList:
    """The faults of one sandbox."""

    def __init__(self) -> None:
        self._next = 1
        self.replace([])

    def replace(self, faults: Iterable[Fault]) -> None:
        """Replace the whole list; hits and random draws start again."""
        self.faults: list[Fault] = []
        self._hits: list[int] = []
        self._numbers: list[int] = []
        for fault in faults:
            self.add(fault)
        self._random = random.Random(_SEED)  # noqa: S311 - repeatable draws, not a secret

    def add(self, fault: Fault) -> None:
        """Append a fault; the hits of the others stay."""
        self.faults.append(fault)
        self._hits.append(0)
        self._numbers.append(self._next)
        self._next += 1

    def remove(self, index: int) -> None:
        """Remove one fault; the hits of the others stay. Raises IndexError."""
        del self.faults[index]
        del self._hits[index]
        del self._numbers[index]

    def number_at(self, index: int) -> int:
        """Return the number of a fault, which no other one ever has; its place changes. Raises IndexError."""
        return self._numbers[index]

    def hit(self, endpoint: str, body: bytes = b"") -> list[RequestFault]:
        """Return and count the faults that a request meets, in order; only the last may end it."""
        met: list[RequestFault] = []
        for index, fault in self._due(endpoint, RequestFault):  # type: ignore[type-abstract]
            if fault.match and not any(map(fault.matches, _items(body))):
                continue
            self._hits[index] += 1
            met.append(fault)
            if fault.ends_request:
                break
        return met

    def refuse_items(self, endpoint: str, items: Sequence[object]) -> dict[int, RefusalError]:
        """Return the refusals of the items that match, by position, and count each fault that found one."""
        refused: dict[int, RefusalError] = {}
        for index, fault in self._due(endpoint, RefuseFault):
            found = [position for position, item in enumerate(items) if fault.matches(item)]
            self._hits[index] += bool(found)
            for position in found:
                refused.setdefault(position, fault.refusal(f"data[{position}]"))
        return refused

    def report(self) -> list[dict[str, Any]]:
        """The list as it was put, each entry with its `hits`."""
        return [{**fault.to_json(), "hits": hits} for fault, hits in zip(self.faults, self._hits, strict=True)]

    def _due(self, endpoint: str, kind: type[_FaultT]) -> Iterator[tuple[int, _FaultT]]:
        for index, fault in enumerate(self.faults):
            if not isinstance(fault, kind) or not fault.covers(endpoint):
                continue
            if fault.count is not None and self._hits[index] >= fault.count:
                continue
            if fault.share >= 1 or self._random.random() < fault.share:
                yield index, fault


def _items(body: bytes) -> Sequence[object]:
    """Return the items of a body that was not validated yet; none if it has no `data`."""
    try:
        items: object = orjson.loads(body)["data"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ()
    return items if isinstance(items, list) else ()

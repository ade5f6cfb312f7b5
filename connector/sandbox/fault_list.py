"""The list of faults that are switched on: which of them a request hits, and how often each has hit.

A request meets the faults of its endpoint in the order of the list. One that ends the request is the last that it
meets. `count` limits how many requests a fault hits. `share` hits a fraction of the requests, drawn from a generator
with a fixed seed, so that a test run is repeatable. Example: of `[latency, reset, status 500]` a request meets the
latency and the reset; the status is reached once the reset's `count` is used up.
"""

from __future__ import annotations

import functools
import operator
import random
from dataclasses import dataclass
from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from connector.sandbox.faults import KINDS, Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pydantic_core import ErrorDetails

_SEED = 20201116


@dataclass(slots=True)
class _Entry:
    fault: Fault
    hits: int = 0


class FaultList:
    """The faults of one sandbox."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._random = _new_random()

    @property
    def faults(self) -> list[Fault]:
        """The faults, in order."""
        return [entry.fault for entry in self._entries]

    def replace(self, faults: Iterable[Fault]) -> None:
        """Replace the whole list; hits and random draws start again."""
        self._entries = [_Entry(fault) for fault in faults]
        self._random = _new_random()

    def add(self, fault: Fault) -> None:
        """Append a fault; the hits of the others stay."""
        self._entries.append(_Entry(fault))

    def needs_items(self, endpoint: str) -> bool:
        """Whether `hit` has to know the items of a request to this endpoint."""
        return any(fault.match for fault in self.faults if not fault.acts_on_items and fault.covers(endpoint))

    def hit(self, endpoint: str, items: Sequence[object] = ()) -> list[Fault]:
        """Return and count the faults that a request meets, in order; only the last may end it."""
        met: list[Fault] = []
        for entry in self._due(endpoint, acts_on_items=False):
            if entry.fault.match and not any(map(entry.fault.matches, items)):
                continue
            entry.hits += 1
            met.append(entry.fault)
            if entry.fault.ends_request:
                break
        return met

    def hit_items(self, endpoint: str, items: Sequence[object]) -> dict[int, Fault]:
        """Return, by position, the items that faults refuse, and count each fault that found one."""
        refused: dict[int, Fault] = {}
        for entry in self._due(endpoint, acts_on_items=True):
            found = [position for position, item in enumerate(items) if entry.fault.matches(item)]
            entry.hits += bool(found)
            for position in found:
                refused.setdefault(position, entry.fault)
        return refused

    def report(self) -> list[dict[str, Any]]:
        """The list as it was put, each entry with its `hits`."""
        return [{**entry.fault.to_json(), "hits": entry.hits} for entry in self._entries]

    def _due(self, endpoint: str, *, acts_on_items: bool) -> Iterator[_Entry]:
        for entry in self._entries:
            fault = entry.fault
            if fault.acts_on_items is not acts_on_items or not fault.covers(endpoint):
                continue
            if fault.count is not None and entry.hits >= fault.count:
                continue
            if fault.share >= 1 or self._random.random() < fault.share:
                yield entry


def parse_faults(text: bytes) -> list[Fault]:
    """Parse the body of `PUT /_sandbox/faults`. Raise ValueError with every error, one per line."""
    try:
        return _adapter().validate_json(text)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise ValueError("\n".join(map(_describe, found))) from error


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the list."""
    return _adapter().json_schema()


def _adapter() -> TypeAdapter[list[Fault]]:
    """Build the list's type from the kinds that are registered now: a union that `kind` decides."""
    kinds: Any = functools.reduce(operator.or_, KINDS.values())
    entries: Any = GenericAlias(list, (Annotated[kinds, Field(discriminator="kind")],))
    return TypeAdapter(entries)


def _describe(error: ErrorDetails) -> str:
    """Return `place: message` for one error; pydantic's place is (index, kind, field, …)."""
    place = error["loc"]
    match error["type"]:
        case "union_tag_not_found":
            return f"{place[0]}.kind: Field required"
        case "union_tag_invalid":
            return f"{place[0]}.kind: Input should be {error['ctx']['expected_tags']}"
        case "missing":
            return f"{place[0]}: a fault of kind '{place[1]}' needs '{place[2]}'"
    where = ".".join(map(str, (*place[:1], *place[2:]))) or "faults"
    return f"{where}: {error['msg'].removeprefix('Value error, ')}"


def _new_random() -> random.Random:
    return random.Random(_SEED)  # noqa: S311 - repeatable draws, not a secret

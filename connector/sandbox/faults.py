"""Misbehaviour on order: the list of `PUT /_sandbox/faults`.

The faults of a request are those that speak of its endpoint, in the order of the list, each with its own
luck. `latency` lets the request go on to the next fault; any other kind ends it. `refuse` acts where the
items are judged: those that match are refused as if they broke a rule.

`count` is how many requests a fault hits before it is spent. `share` is a fraction of requests, drawn from a
generator with a fixed seed, so that a test that fails fails again.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from connector.sandbox.documents import ENDPOINTS, TOKEN_ENDPOINT

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = Literal["status", "code", "latency", "hang", "reset", "truncate", "html", "refuse"]

_SEED = 20201116
_MAX_LATENCY_MS = 600_000


class Fault(BaseModel):
    """One entry of the list, exactly as it was put."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Kind
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    """For `status`; for `code`, `html` and `refuse` the HTTP status if it is not 200."""
    code: Annotated[str, Field(min_length=1)] | int | None = None
    """For `code` and `refuse`: the reply's code."""
    ms: Annotated[int, Field(ge=0, le=_MAX_LATENCY_MS)] | None = None
    retry_after: Annotated[int, Field(ge=0)] | Annotated[str, Field(min_length=1)] | None = None
    """The header, in seconds or as a date."""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    count: Annotated[int, Field(ge=1)] | None = None
    endpoint: str | None = None
    match: dict[str, str | int | float | bool] | None = None
    """Field (dotted) and value: the fault speaks of items, or of requests with an item, that have all of them."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        known = [*ENDPOINTS, TOKEN_ENDPOINT]
        needed = {"status": self.status, "code": self.code, "latency": self.ms}
        if self.kind in needed and needed[self.kind] is None:
            name = "ms" if self.kind == "latency" else self.kind
            raise ValueError(f"a fault of kind '{self.kind}' needs '{name}'")
        if self.endpoint is not None and self.endpoint not in known:
            raise ValueError(f"unknown endpoint '{self.endpoint}', one of {', '.join(known)}")
        if self.endpoint == TOKEN_ENDPOINT and (self.kind == "refuse" or self.match):
            raise ValueError("the token endpoint has no items to refuse or to match")
        return self

    def matches(self, item: object) -> bool:
        """Whether an item has every field that `match` names, with its value; text forms are compared."""
        return all(_same(_find(item, path), value) for path, value in (self.match or {}).items())


class Faults:
    """The list, and how often each of it has hit."""

    def __init__(self) -> None:
        self.entries: Sequence[Fault] = ()
        self._hits: list[int] = []
        self._random = random.Random(_SEED)  # noqa: S311  luck for tests, not a secret

    def put(self, entries: Sequence[Fault]) -> None:
        """Replace the whole list; counts and luck start again."""
        self.entries = tuple(entries)
        self._hits = [0] * len(self.entries)
        self._random = random.Random(_SEED)  # noqa: S311  luck for tests, not a secret

    def needs_items(self, endpoint: str) -> bool:
        """Whether any fault of this endpoint looks into the items before they are judged."""
        return any(entry.match for entry in self.entries if entry.kind != "refuse" and _of(entry, endpoint))

    def hit(self, endpoint: str, items: Sequence[object] = ()) -> list[Fault]:
        """Give the faults that this request meets, in order, and count them; at most the last ends it."""
        met: list[Fault] = []
        for index, entry in enumerate(self.entries):
            if entry.kind == "refuse" or not self._due(index, endpoint):
                continue
            if entry.match and not any(entry.matches(item) for item in items):
                continue
            self._hits[index] += 1
            met.append(entry)
            if entry.kind != "latency":
                break
        return met

    def refused(self, endpoint: str, items: Sequence[object]) -> dict[int, Fault]:
        """Give the items, by position, that `refuse` faults choose, and count those faults."""
        chosen: dict[int, Fault] = {}
        for index, entry in enumerate(self.entries):
            if entry.kind != "refuse" or not self._due(index, endpoint):
                continue
            found = [position for position, item in enumerate(items) if entry.matches(item)]
            self._hits[index] += bool(found)
            for position in found:
                chosen.setdefault(position, entry)
        return chosen

    def report(self) -> list[dict[str, Any]]:
        """The list as it was put, each with its `hits`."""
        return [
            {**entry.model_dump(exclude_unset=True), "hits": hits}
            for entry, hits in zip(self.entries, self._hits, strict=True)
        ]

    def _due(self, index: int, endpoint: str) -> bool:
        entry = self.entries[index]
        if not _of(entry, endpoint) or (entry.count is not None and self._hits[index] >= entry.count):
            return False
        return entry.share >= 1 or self._random.random() < entry.share


_LIST = TypeAdapter(list[Fault])


def parse(text: bytes) -> list[Fault]:
    """Read the body of a PUT. Raises ValueError with every complaint, one a line."""
    try:
        return _LIST.validate_json(text)
    except ValidationError as error:
        raise ValueError("\n".join(explain(error, "faults"))) from error


def explain(error: ValidationError, whole: str) -> list[str]:
    """Say what pydantic found, as `place: complaint`; `whole` names the document itself."""
    return [
        f"{'.'.join(map(str, entry['loc'])) or whole}: {entry['msg'].removeprefix('Value error, ')}"
        for entry in error.errors(include_url=False, include_input=False)
    ]


def _of(entry: Fault, endpoint: str) -> bool:
    return endpoint == entry.endpoint if entry.endpoint else endpoint != TOKEN_ENDPOINT


def _find(item: object, path: str) -> object:
    for part in path.split("."):
        if isinstance(item, list) and part.isdigit() and int(part) < len(item):
            item = item[int(part)]
        elif isinstance(item, dict):
            item = item.get(part)
        else:
            return None
    return item


def _same(found: object, value: object) -> bool:
    return found is not None and (found == value or _text(found) == _text(value))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

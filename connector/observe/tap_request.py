"""What a listener of `/tap` asks for: the query of its request, checked."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from connector.core.errors import ConnectorError
from connector.core.record import Outcome
from connector.core.sink import VerdictKind
from connector.settings.problems import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

ENDED: Final = tuple(outcome.value for outcome in Outcome)
TRIES: Final = tuple(kind.value for kind in VerdictKind if kind is not VerdictKind.DELIVERED)
"""Verdicts of requests that have delivered nothing: their items are sent again, or become dead letters."""
OUTCOMES: Final = (*ENDED, *TRIES)
DEFAULT_RATE: Final = 10.0
"""Items per second."""
MAX_RATE: Final = 1000.0
HASH_DIGITS: Final = 16
"""The fewest hex digits of a value's sha256 that are accepted."""
_HASH: Final = re.compile(rf"[0-9a-f]{{{HASH_DIGITS},64}}")
_MOST_PARAMETERS: Final = 100
_MOST_PROBLEMS: Final = 3
_NAMES: Final = ("route", "target", "outcome", "value_hash", "sample", "rate")


class TapRefusedError(ConnectorError):
    """A request to listen is refused; `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class TapRequest:
    """What is wanted; an empty set lets all pass."""

    routes: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()
    outcomes: frozenset[str] = frozenset()
    value_hash: str = ""
    """The first digits of the sha256 of a value that the record or the item must hold; empty: any."""
    sample: float = 1.0
    """The share of items that is shown."""
    rate: float = DEFAULT_RATE
    """How many items are shown per second, at most."""


def parse(query: Iterable[tuple[str, str]], routes: Collection[str], targets: Collection[str]) -> TapRequest:
    """Return what a query asks for. Raises TapRefusedError that names what is wrong with it: the first few, if many."""
    given: dict[str, list[str]] = {}
    for name, value in islice(query, _MOST_PARAMETERS):
        given.setdefault(name, []).append(value)
    names = (("route", routes), ("target", targets), ("outcome", OUTCOMES))
    unknown = chain(_unknown_parameters(given), *(_unknown(name, given.get(name, ()), known) for name, known in names))
    problems = list(islice(unknown, _MOST_PROBLEMS))
    value_hash = _only(given, "value_hash", problems).lower()
    if value_hash and not _HASH.fullmatch(value_hash):
        problems.append(f"value_hash: expected at least {HASH_DIGITS} hex digits of the value's sha256")
    sample = _number(given, "sample", 1.0, (1.0, "a share, more than 0 and at most 1"), problems)
    rate = _number(given, "rate", DEFAULT_RATE, (MAX_RATE, f"items per second, at most {MAX_RATE:.0f}"), problems)
    if problems:
        raise TapRefusedError(400, "; ".join(problems))
    asked = {f"{name}s": frozenset(given.get(name, ())) for name in ("route", "target", "outcome")}
    return TapRequest(**asked, value_hash=value_hash, sample=sample, rate=rate)


def _unknown_parameters(given: Iterable[str]) -> Iterator[str]:
    for name in given:
        if name not in _NAMES:
            yield f"unknown parameter '{name[:80]}'{did_you_mean(name[:80], _NAMES)}"


def _unknown(name: str, values: Iterable[str], allowed: Collection[str]) -> Iterator[str]:
    for value in values:
        if value not in allowed:
            hint = did_you_mean(value[:80], allowed)
            yield f"{name}: no such {name} '{value[:80]}'{hint or '; there are ' + ', '.join(sorted(allowed))}"


def _only(given: dict[str, list[str]], name: str, problems: list[str]) -> str:
    values = given.get(name, [""])
    if len(values) > 1:
        problems.append(f"{name}: given more than once")
    return values[0]


def _number(
    given: dict[str, list[str]], name: str, default: float, bound: tuple[float, str], problems: list[str]
) -> float:
    text = _only(given, name, problems)
    if not text:
        return default
    most, meaning = bound
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= most:
        problems.append(f"{name}: expected {meaning}")
    return number

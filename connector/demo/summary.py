"""What the demo ends with: the law of conservation in numbers, and whether the platform has everything.

The connector's own count is held against what the generator knows and what the platform stored: three parties
that share no code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from rich.console import Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import RenderableType

_LAW = "consumed = delivered + skipped + dead-lettered + released + in flight"
_NAMES = {"dead_lettered": "dead-lettered", "in_flight": "in flight"}
OUTCOMES = ("delivered", "skipped", "dead_lettered", "released", "in_flight")


@dataclass(slots=True)
class Expected:
    """What the generator knows: how each order that it sent should end."""

    delivered: set[str] = field(default_factory=set)
    skipped: int = 0
    dead_lettered: int = 0
    sample: tuple[str, bytes] | None = None
    """One order that should be delivered, and its record."""

    @property
    def sent(self) -> int:
        """How many orders were sent."""
        return len(self.delivered) + self.skipped + self.dead_lettered

    def count(self, name: str) -> int | None:
        """How many orders should have an outcome; None where nothing was foretold."""
        counts = {
            "consumed": self.sent,
            "delivered": len(self.delivered),
            "skipped": self.skipped,
            "dead_lettered": self.dead_lettered,
            "in_flight": 0,
        }
        return counts.get(name)


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that the demo has seen."""

    expected: Expected
    records: Mapping[str, int]
    """The connector's own count, from its /status."""
    stored: frozenset[str]
    """The ids of all orders that the platform stored."""
    after: bytes
    """The platform's event of the sample."""
    stats: Mapping[str, Any]
    dead_letters: Sequence[Mapping[str, str]]
    exit_code: int | None
    """What the connector ended with; None if it goes on."""
    seconds: float

    @property
    def missing(self) -> frozenset[str]:
        """The orders that the platform should have and has not."""
        return frozenset(self.expected.delivered - self.stored)

    @property
    def unwanted(self) -> frozenset[str]:
        """The orders that the platform should not have and has."""
        return self.stored - self.expected.delivered

    def disagreements(self) -> list[str]:
        """Everything that does not agree, in words; nothing: all is well."""
        found = []
        if self.records["consumed"] != sum(self.records[name] for name in OUTCOMES):
            found.append("the law of conservation does not hold")
        for name in ("delivered", "skipped", "dead_lettered", "in_flight"):
            expected = self.expected.count(name)
            if self.records[name] != expected:
                found.append(f"{name}: {self.records[name]}, expected {expected}")
        if self.missing:
            found.append(f"the platform misses {len(self.missing)} orders, {min(self.missing)} among them")
        if self.unwanted:
            found.append(f"the platform has {len(self.unwanted)} orders that it should not have")
        if len(self.dead_letters) != self.records["dead_lettered"]:
            found.append(f"the dead-letter topic holds {len(self.dead_letters)} records")
        if self.exit_code:
            found.append(f"the connector ended with exit code {self.exit_code}")
        return found


def take_stock(bodies: Iterable[bytes], sample: tuple[str, bytes] | None) -> tuple[frozenset[str], bytes]:
    """Read what the platform stored: the ids of all orders, and the event of the sample (`{}` if it is not there)."""
    ids: set[str] = set()
    after = b"{}"
    for body in bodies:
        order_id = orjson.loads(body)["eventargs"]["c_order"]
        ids.add(order_id)
        if sample is not None and order_id == sample[0]:
            after = body
    return frozenset(ids), after


def render(result: Result) -> RenderableType:
    """The summary, as tables for stdout."""
    verdict = result.disagreements()
    words = Text("All numbers agree.", "bold green")
    if verdict:
        words = Text("The numbers do not agree:\n" + "\n".join(f"- {line}" for line in verdict), "bold red")
    return Group("", _LAW, _law(result), "", _platform(result), "", _sample(result), "", words)


def _law(result: Result) -> Table:
    table = Table("records", "", "", "expected")
    for sign, name in zip(("", "=", "+", "+", "+", "+"), ("consumed", *OUTCOMES), strict=True):
        expected = result.expected.count(name)
        table.add_row(
            _NAMES.get(name, name), sign, f"{result.records[name]:,}", "" if expected is None else f"{expected:,}"
        )
    for column in table.columns[2:]:
        column.justify = "right"
    return table


def _platform(result: Result) -> Table:
    table = Table("the platform", "", title=f"after {result.seconds:.1f} s")
    stats = result.stats
    reasons = ", ".join(sorted(letter.get("dl-reason", "?") for letter in result.dead_letters))
    for name, value in (
        ("events stored", f"{stats['stored']:,}"),
        ("missing", f"{len(result.missing):,}"),
        ("came twice", f"{stats['repeated']:,}"),
        ("out of order for one customer", f"{stats['out_of_order']:,}"),
        ("requests", f"{stats['requests']:,}"),
        ("… of which refused", f"{stats['refused']:,}"),
        ("tokens given", f"{stats['tokens']['requests']:,}"),
        ("dead letters, by reason", reasons or "none"),
    ):
        table.add_row(name, value)
    table.columns[1].justify = "right"
    return table


def _sample(result: Result) -> Table:
    table = Table("the record in Kafka", "the event on the platform", title="one record before and after")
    _, before = result.expected.sample or ("", b"{}")
    table.add_row(Text(_pretty(before), overflow="fold"), Text(_pretty(result.after), overflow="fold"))
    return table


def _pretty(json: bytes) -> str:
    return orjson.dumps(orjson.loads(json), option=orjson.OPT_INDENT_2).decode()

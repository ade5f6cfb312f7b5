"""The demo's summary: the records by outcome, and whether the platform has everything.

The connector's counts are compared with what the generator expects and with what the platform stored: three parties
that share no code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from rich.console import Group
from rich.table import Table
from rich.text import Text

from connector.demo.orders import ExpectedOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import RenderableType

    from connector.demo.orders import Order

_CONSERVATION = "consumed = delivered + skipped + dead-lettered + released + in flight"
_TITLES = {"dead_lettered": "dead-lettered", "in_flight": "in flight"}
OUTCOMES = ("delivered", "skipped", "dead_lettered", "released", "in_flight")


@dataclass(slots=True)
class Expected:
    """The outcomes that the orders sent so far should have."""

    delivered: set[str] = field(default_factory=set)
    skipped: int = 0
    dead_lettered: int = 0
    sample: tuple[str, bytes] | None = None
    """The id and the record of one order that should be delivered."""

    def add(self, order: Order) -> None:
        """Count an order that is sent."""
        match order.expected:
            case ExpectedOutcome.DELIVERED:
                self.delivered.add(order.order_id)
                self.sample = self.sample or (order.order_id, order.value)
            case ExpectedOutcome.SKIPPED:
                self.skipped += 1
            case ExpectedOutcome.DEAD_LETTERED:
                self.dead_lettered += 1

    @property
    def sent(self) -> int:
        """How many orders were sent."""
        return len(self.delivered) + self.skipped + self.dead_lettered

    def count(self, name: str) -> int | None:
        """Return how many orders should have this outcome; None if any number is right."""
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
    """Everything that the summary compares and shows."""

    expected: Expected
    records: Mapping[str, int]
    """The connector's records by outcome, from its /status."""
    stored: frozenset[str]
    """The ids of all orders that the platform stored."""
    after: bytes
    """The platform's event of the sample."""
    stats: Mapping[str, Any]
    dead_letters: Sequence[Mapping[str, str]]
    exit_code: int | None
    """The connector's exit code; None if it keeps running."""
    seconds: float

    @property
    def missing(self) -> frozenset[str]:
        """The orders that the platform should have stored and has not."""
        return frozenset(self.expected.delivered - self.stored)

    @property
    def unexpected(self) -> frozenset[str]:
        """The orders that the platform has stored and should not have."""
        return self.stored - self.expected.delivered

    def disagreements(self) -> list[str]:
        """Return a sentence for each number that does not agree; empty if all agree."""
        found = []
        if self.records["consumed"] != sum(self.records[name] for name in OUTCOMES):
            found.append("the law of conservation does not hold")
        for name in ("delivered", "skipped", "dead_lettered", "in_flight"):
            expected = self.expected.count(name)
            if self.records[name] != expected:
                found.append(f"{name}: {self.records[name]}, expected {expected}")
        if self.missing:
            found.append(f"orders that the platform misses: {len(self.missing)}, for example {min(self.missing)}")
        if self.unexpected:
            found.append(f"orders that the platform should not have: {len(self.unexpected)}")
        if len(self.dead_letters) != self.records["dead_lettered"]:
            found.append(f"records in the dead-letter topic: {len(self.dead_letters)}")
        if self.exit_code:
            found.append(f"the connector ended with exit code {self.exit_code}")
        return found


def read_store(bodies: Iterable[bytes], sample: tuple[str, bytes] | None) -> tuple[frozenset[str], bytes]:
    """Return the ids of all orders in the store, and the event of the sample (`{}` if it is missing)."""
    ids: set[str] = set()
    after = b"{}"
    for body in bodies:
        order_id = orjson.loads(body)["eventargs"]["c_order"]
        ids.add(order_id)
        if sample is not None and order_id == sample[0]:
            after = body
    return frozenset(ids), after


def render(result: Result) -> RenderableType:
    """Return the summary as tables."""
    disagreements = result.disagreements()
    conclusion = Text("All numbers agree.", "bold green")
    if disagreements:
        lines = "\n".join(f"- {line}" for line in disagreements)
        conclusion = Text(f"The numbers do not agree:\n{lines}", "bold red")
    return Group(
        "",
        _CONSERVATION,
        _records_table(result),
        "",
        _platform_table(result),
        "",
        _sample_table(result),
        "",
        conclusion,
    )


def as_json(result: Result) -> str:
    """Return the summary as a JSON document, without the record and its event: for scripts."""
    disagreements = result.disagreements()
    document = {
        "agrees": not disagreements,
        "disagreements": disagreements,
        "seconds": round(result.seconds, 1),
        "records": {name: result.records[name] for name in ("consumed", *OUTCOMES)},
        "expected": {name: result.expected.count(name) for name in ("consumed", *OUTCOMES)},
        "platform": {
            "stored": result.stats["stored"],
            "missing": len(result.missing),
            "repeated": result.stats["repeated"],
            "out_of_order": result.stats["out_of_order"],
            "requests": result.stats["requests"],
            "refused": result.stats["refused"],
        },
        "dead_letters": sorted(letter.get("dl-reason", "?") for letter in result.dead_letters),
        "exit_code": result.exit_code,
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def _records_table(result: Result) -> Table:
    table = Table("records", "", "", "expected")
    for sign, name in zip(("", "=", "+", "+", "+", "+"), ("consumed", *OUTCOMES), strict=True):
        expected = result.expected.count(name)
        table.add_row(
            _TITLES.get(name, name), sign, f"{result.records[name]:,}", "" if expected is None else f"{expected:,}"
        )
    for column in table.columns[2:]:
        column.justify = "right"
    return table


def _platform_table(result: Result) -> Table:
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


def _sample_table(result: Result) -> Table:
    table = Table("the record in Kafka", "the event on the platform", title="one record before and after")
    _, before = result.expected.sample or ("", b"{}")
    table.add_row(Text(_pretty(before), overflow="fold"), Text(_pretty(result.after), overflow="fold"))
    return table


def _pretty(json: bytes) -> str:
    return orjson.dumps(orjson.loads(json), option=orjson.OPT_INDENT_2).decode()

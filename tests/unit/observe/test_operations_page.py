"""docs/operations.md: its tables are those of the code."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import orjson
import pytest

from connector.core.events import (
    CommitAnswered,
    ConfigReload,
    DeadLettered,
    Event,
    ReasonCleared,
    ReasonCode,
    ReasonRaised,
    Rebalanced,
    RetentionGap,
    TokenRenewed,
)
from connector.core.sink import VerdictKind
from connector.language.message import verbatim
from connector.observe.log import configure
from connector.observe.metric_table import METRICS
from connector.observe.metrics import Metrics
from connector.observe.status import to_document
from tests.unit.observe.examples import offsets_of, record, request, status

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = (Path(__file__).parents[3] / "docs/operations.md").read_text(encoding="utf-8")


def rows_of(heading: str) -> list[list[str]]:
    """Return the cells of the rows of the first table under a heading, without its head."""
    _, found, rest = PAGE.partition(f"\n## {heading}\n")
    assert found, heading
    lines = [line for line in rest.partition("\n## ")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def names_in(text: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", text))


def test_each_reason_has_its_row() -> None:
    codes = [row[0].strip("`") for row in rows_of("Reasons of `/readyz`")]
    assert sorted(codes) == sorted(get_args(ReasonCode))


def test_the_table_of_metrics_is_that_of_the_code() -> None:
    expected = [
        [f"`{one.name}`", one.kind, " ".join(f"`{label}`" for label in one.labels), one.meaning.removesuffix(".")]
        for one in METRICS
    ]
    assert rows_of("Metrics") == expected


def test_the_metrics_of_the_process_that_are_named_exist() -> None:
    body = Metrics().render("", status())[0].decode()
    named = [name for name in names_in(PAGE) if name.startswith(("process_", "python_"))]
    assert named
    assert all(f"\n{name}" in body for name in named)


def test_each_key_of_the_status_is_named_in_its_row() -> None:
    document: dict[str, Any] = orjson.loads(orjson.dumps(to_document(status())))
    rows = {name: row[1] for row in rows_of("`/status`") for name in names_in(row[0])}
    assert rows.keys() == document.keys()
    for key, value in document.items():
        parts = value if isinstance(value, list) else [value]
        keys = {name for part in parts if isinstance(part, dict) for name in part}
        known = set() if key == "reasons" else keys
        assert known <= names_in(rows[key]), key


def lines_of(*events: Event) -> Iterator[dict[str, Any]]:
    stream = io.BytesIO()
    log = configure("json", "info", stream)
    for event in events:
        log.on(event)
    return map(orjson.loads, stream.getvalue().splitlines())


@pytest.mark.usefixtures("restored_logging")
def test_each_line_of_the_log_has_its_row_with_its_fields() -> None:
    offsets = offsets_of([record(1)])
    changes = {"settings": "platform.auth"}
    comes_and_goes: list[Event] = [
        ReasonRaised("topic_missing", "orders", verbatim("create it")),
        ReasonCleared("topic_missing", "orders"),
    ]
    events: list[Event] = [
        ReasonCleared("starting", ""),
        *comes_and_goes * 4,
        request(import_batch="b1"),
        request(VerdictKind.AGAIN, detail="no answer"),
        DeadLettered("orders", "bad_time", 1, offsets, "purchases", "eventtime", "expected a time"),
        *(Rebalanced(kind, ["orders[0]"], unsettled=1) for kind in ("assigned", "revoked", "lost")),
        TokenRenewed("ok", expires_in_s=7200.0),
        TokenRenewed("failed", "503"),
        CommitAnswered("failed", "not the leader"),
        RetentionGap("orders", 0, 12),
        ConfigReload("ok", "ab" * 32, changes=changes),
        ConfigReload("refused", "ab" * 32, errors=["wrong"]),
    ]
    rows = {name: row for row in rows_of("The log") for name in names_in(row[0])}
    seen = set()
    for line in lines_of(*events):
        row = rows[line["event"]]
        seen.add(line["event"])
        fields = line.keys() - {"at", "level", "event", *changes}
        assert fields <= names_in(row[2]), line
        assert line["level"] in row[1], line
    assert rows.keys() - seen == {"started", "stopped"}, "these two are written by the application"

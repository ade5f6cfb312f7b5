"""The status page: the facts of `/status` and `/readyz` as HTML tables."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

from connector.observe.status import totals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.observe.snapshot import PartitionStatus, Reason, Status, TargetStatus

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin-bottom: 1.5rem } caption { text-align: left; font-weight: 600 }
th, td { padding: .2rem .8rem; border-bottom: 1px solid #ddd; text-align: left; font-variant-numeric: tabular-nums }
"""
_LINKS = ("/status", "/metrics", "/readyz", "/livez")


def render(status: Status, reasons: Sequence[Reason]) -> str:
    """Return the page; every text in it is escaped."""
    state = "ready" if status.ready else "not ready"
    tables = (
        _table("Not ready because", [{**asdict(one), "since": _time(one.since)} for one in reasons]),
        _table("Records", [totals(status)]),
        _table("Targets", [_target(one) for one in status.targets]),
        _table("Partitions", [_partition(one) for one in status.partitions]),
    )
    links = " · ".join(f'<a href="{link}">{link}</a>' for link in _LINKS)
    config = f"{status.config_file} ({status.config_id})"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">'
        f"<title>tuzhan-connector: {state}</title><style>{_STYLE}</style></head><body>"
        f"<h1>tuzhan-connector: {state}</h1>"
        f"<p>{escape(status.version)}, {escape(status.state)}, up {status.uptime_s:.0f} s, config {escape(config)}</p>"
        f"<p>{links}</p>{''.join(tables)}</body></html>"
    )


def _target(one: TargetStatus) -> dict[str, object]:
    return {
        "target": one.name,
        "endpoint": one.endpoint,
        "state": one.state.value,
        "reason": one.reason,
        "requests in flight": f"{one.in_flight} of {one.in_flight_limit}",
        "queued": one.queued,
        "suspects": one.suspects,
        "since": _time(one.since),
        "tries": one.attempts,
        "next try": None if one.next_try_s is None else f"{one.next_try_s:.0f} s",
        "last reply": one.last_reply,
    }


def _partition(one: PartitionStatus) -> dict[str, object]:
    return {
        "partition": f"{one.topic}[{one.partition}]",
        "lag": one.lag,
        "committed": one.committed,
        "in flight": one.in_flight,
        "oldest unsettled": f"{one.oldest_unsettled_s:.1f} s",
        "paused": "paused" if one.paused else "",
    }


def _table(caption: str, rows: Sequence[Mapping[str, object]]) -> str:
    """Return a table whose columns are named by the keys of its rows; empty if there is no row."""
    if not rows:
        return ""
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in rows[0])
    body = "".join(f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row.values())}</tr>" for row in rows)
    return f"<table><caption>{caption}</caption><tr>{head}</tr>{body}</table>"


def _cell(value: object) -> str:
    return "–" if value is None else escape(str(value))


def _time(since: float) -> str:
    return datetime.fromtimestamp(since, UTC).isoformat(sep=" ", timespec="seconds")

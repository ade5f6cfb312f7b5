"""The status page: the facts of `/status` and `/readyz` as HTML tables."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

from connector.observe.status import totals

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from connector.observe.health import Readiness
    from connector.observe.status import Status

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin-bottom: 1.5rem } caption { text-align: left; font-weight: 600 }
th, td { padding: .2rem .8rem; border-bottom: 1px solid #ddd; text-align: left; font-variant-numeric: tabular-nums }
"""
_LINKS = ("/status", "/metrics", "/readyz", "/livez")


def render(status: Status, readiness: Readiness) -> str:
    """Return the page; every text in it is escaped."""
    state = "ready" if readiness.ready else "not ready"
    records = totals(status)
    tables = (
        _table("Not ready because", ("code", "target", "since", "remedy"), _reasons(readiness)),
        _table("Records", tuple(records), [tuple(records.values())]),
        _table(
            "Targets",
            ("target", "endpoint", "state", "reason", "requests in flight", "queued", "last reply"),
            _targets(status),
        ),
        _table(
            "Partitions",
            ("partition", "lag", "committed", "in flight", "oldest unsettled", "paused"),
            _partitions(status),
        ),
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


def _reasons(readiness: Readiness) -> list[tuple[object, ...]]:
    return [(reason.code, reason.target, _time(reason.since), reason.remedy) for reason in readiness.reasons]


def _targets(status: Status) -> list[tuple[object, ...]]:
    return [
        (one.name, one.endpoint, one.state.value, one.reason, one.in_flight, one.queued, one.last_reply)
        for one in status.targets
    ]


def _partitions(status: Status) -> list[tuple[object, ...]]:
    return [
        (
            f"{one.topic}[{one.partition}]",
            one.lag,
            one.committed,
            one.in_flight,
            f"{one.oldest_unsettled_s:.1f} s",
            "paused" if one.paused else "",
        )
        for one in status.partitions
    ]


def _table(caption: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    body = "".join(f"<tr>{''.join(f'<td>{_cell(cell)}</td>' for cell in row)}</tr>" for row in rows)
    if not body:
        return ""
    names = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in head)
    return f"<table><caption>{escape(caption)}</caption><tr>{names}</tr>{body}</table>"


def _cell(value: object) -> str:
    return "–" if value is None else escape(str(value))


def _time(since: float) -> str:
    return datetime.fromtimestamp(since, UTC).isoformat(sep=" ", timespec="seconds")

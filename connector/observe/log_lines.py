"""The log line of each event: its level, its text, its fields. `log.py` writes it.

Levels
- debug: frequent and normal.
- info: normal outcomes and states, and every request.
- warning: what an operator may have to look into. A repeated failure is a warning once a minute and info in between
  (`rate_limiter.py`).
- error: lost data.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, assert_never

from connector.core.events import (
    CommitAnswered,
    DeadLettered,
    ItemsSettled,
    Notice,
    ReasonCleared,
    ReasonRaised,
    Rebalanced,
    RequestDone,
    RetentionGap,
    TokenRenewed,
)
from connector.core.sink import VerdictKind
from connector.observe.rate_limiter import RateLimiter
from connector.observe.scrub import scrub

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from connector.core.events import Event
    from connector.core.record import Record

DEBUG, INFO, WARNING, ERROR = logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR
Value = str | float | dict[str, str]
Fields = dict[str, Value | None]
_REASON_LEVELS = {"starting": INFO, "draining": INFO, "records_lost": ERROR}
"""Every start and every stop has the first two; any other reason is a warning."""
RESERVED = ("event", "at", "level")
"""The fields of every line; a field of a `Notice` with one of these names gets an underscore at its end."""

_PARTITION = itemgetter(0, 1)
_OFFSET = itemgetter(2)


@dataclass(frozen=True, slots=True)
class Line:
    """One line to write; `level` is the standard library's number."""

    level: int
    event: str
    fields: Mapping[str, Value]


class LineFormatter:
    """Formats events as lines; remembers which failures and reasons were logged.

    `clock` is monotonic seconds. Lines below `threshold` (the standard library's number) are not built.
    """

    def __init__(self, clock: Callable[[], float], threshold: int) -> None:
        self._clock = clock
        self._threshold = threshold
        self._limiter = RateLimiter()
        self._remedies: dict[tuple[str, str], str] = {}
        """The remedy last logged of each active reason, by code and target."""

    def format(self, event: Event) -> Line | None:  # noqa: C901, PLR0911 - one case per event
        """Return the line of `event`, or None if it has none at this level."""
        match event:
            case RequestDone():
                return self._request(event)
            case ItemsSettled():
                return self._items_settled(event)
            case DeadLettered():
                return self._dead_lettered(event)
            case ReasonRaised():
                return self._reason_raised(event)
            case ReasonCleared():
                return self._reason_cleared(event)
            case Rebalanced():
                return self._rebalanced(event)
            case CommitAnswered():
                return self._commit_answered(event)
            case TokenRenewed():
                return self._token_renewed(event)
            case RetentionGap():
                return self._retention_gap(event)
            case Notice():
                return self._notice(event)
            case _:
                assert_never(event)

    def _request(self, event: RequestDone) -> Line | None:
        fields: Fields = {"target": event.target, "verdict": event.verdict.value, "items": len(event.records)}
        level = INFO
        if event.verdict is not VerdictKind.DELIVERED:
            level, repeated = self._rate_limit((event.target, event.verdict, event.http_status, event.code))
            fields["repeated"] = repeated
        if level < self._threshold:
            return None  # before the ranges are built: they cost more than all the rest
        fields["offsets"] = offset_ranges(event.records)
        fields["ms"] = round(event.seconds * 1000, 1)
        fields["bytes"] = event.body_bytes
        fields["http_status"] = event.http_status
        fields["code"] = scrub(event.code)
        fields["detail"] = scrub(event.detail)
        fields["import_batch"] = event.import_batch
        return self._line(level, "request", fields)

    def _items_settled(self, event: ItemsSettled) -> Line | None:
        items = sum(event.by_route.values())
        return self._line(
            DEBUG, "items settled", {"target": event.target, "outcome": event.outcome.value, "items": items}
        )

    def _dead_lettered(self, event: DeadLettered) -> Line | None:
        level, repeated = self._rate_limit(("dead-lettered", event.route, event.reason))
        fields: Fields = {"route": event.route, "reason": event.reason, "count": event.count, "repeated": repeated}
        if level < self._threshold:
            return None
        return self._line(level, "dead-lettered", {**fields, "offsets": offset_ranges(event.records)})

    def _reason_raised(self, event: ReasonRaised) -> Line | None:
        key = (event.code, event.target)
        if self._remedies.get(key) == event.remedy:
            return None
        self._remedies[key] = event.remedy
        fields: Fields = {"code": event.code, "target": event.target, "remedy": scrub(event.remedy)}
        return self._failure(_REASON_LEVELS.get(event.code, WARNING), "not ready", fields, key)

    def _reason_cleared(self, event: ReasonCleared) -> Line | None:
        key = (event.code, event.target)
        self._limiter.reset(key)
        if self._remedies.pop(key, None) is None:
            return None
        return self._line(INFO, "not-ready reason cleared", {"code": event.code, "target": event.target})

    def _rebalanced(self, event: Rebalanced) -> Line | None:
        level = WARNING if event.kind == "lost" else INFO
        fields: Fields = {"partitions": " ".join(event.partitions), "unsettled": event.unsettled or None}
        return self._line(level, f"partitions {event.kind}", fields)

    def _commit_answered(self, event: CommitAnswered) -> Line | None:
        if event.result == "ok":
            return self._line(DEBUG, "commit ok", {})
        # During a rebalance commits are refused by the hundred, and repeated.
        level = DEBUG if event.result == "refused" else WARNING
        return self._failure(level, f"commit {event.result}", {"detail": scrub(event.detail)}, event.result)

    def _token_renewed(self, event: TokenRenewed) -> Line | None:
        if event.result == "ok":
            return self._line(INFO, "token renewed", {"expires_in_s": event.expires_in_s})
        return self._failure(WARNING, "token renewal failed", {"detail": scrub(event.detail)}, "token")

    def _retention_gap(self, event: RetentionGap) -> Line | None:
        fields: Fields = {"partition": f"{event.topic}[{event.partition}]", "records": event.records}
        return self._line(ERROR, "records lost to retention", fields)

    def _notice(self, event: Notice) -> Line | None:
        fields: Fields = {
            f"{name}_" if name in RESERVED else name: scrub(value) if isinstance(value, str) else value
            for name, value in event.fields.items()
        }
        return self._line(level_number(event.level), scrub(event.message), fields)

    def _rate_limit(self, key: Hashable) -> tuple[int, int | None]:
        """Return WARNING and the number suppressed before (None: none) if this failure is admitted, else INFO."""
        suppressed = self._limiter.admit(key, self._clock())
        return (INFO, None) if suppressed is None else (WARNING, suppressed or None)

    def _failure(self, level: int, event: str, fields: Fields, key: Hashable) -> Line | None:
        """Return a line at `level`; at info at most if the same failure was logged within the last minute."""
        limited, repeated = self._rate_limit(key)
        return self._line(min(level, INFO) if limited == INFO else level, event, {**fields, "repeated": repeated})

    def _line(self, level: int, event: str, fields: Fields) -> Line | None:
        if level < self._threshold:
            return None
        return Line(level, event, {name: value for name, value in fields.items() if value not in (None, "")})


def level_number(name: str) -> int:
    """Return the number that the standard library has for a level such as `warning`."""
    return logging.getLevelNamesMapping()[name.upper()]


def offset_ranges(records: Sequence[Record]) -> dict[str, str]:
    """Return the offsets of each partition as ascending ranges; partitions sorted by topic and number.

    Offsets 100 to 599 and 601 of one partition: ``{"shop.orders[3]": "100-599,601"}``. Each record counts once,
    however many items it became.
    """
    # A batch holds mostly whole stretches of one partition, so the work per record is left to C: `groupby`, `map`,
    # one comparison with a `range`. Only offsets with gaps are sorted and walked through.
    offsets: dict[tuple[str, int], list[int]] = {}
    for partition, stretch in groupby(records, _PARTITION):
        offsets.setdefault(partition, []).extend(map(_OFFSET, stretch))
    return {f"{topic}[{number}]": _spans(offsets[topic, number]) for topic, number in sorted(offsets)}


def _spans(offsets: list[int]) -> str:
    first, last = offsets[0], offsets[-1]
    if last - first == len(offsets) - 1 and offsets == list(range(first, last + 1)):
        return _span(first, last)
    ascending = sorted(set(offsets))
    spans: list[str] = []
    first = last = ascending[0]
    for offset in ascending[1:]:
        if offset != last + 1:
            spans.append(_span(first, last))
            first = offset
        last = offset
    return ",".join([*spans, _span(first, last)])


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"

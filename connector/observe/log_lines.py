"""The log line of each event: its level, its text, its fields. `log.py` writes it.

Levels
- debug: frequent and normal.
- info: normal outcomes and states, and every request.
- warning: what an operator may have to look into. A repeated failure is a warning once a minute (`rate_limiter.py`); in
  between it is debug, or info if it tells how records end: a request, dead letters. A reason not to be ready has a line
  when it is raised, when its remedy changes (the same one, but for its numbers, once a minute), and when it is cleared.
- error: lost data.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import TYPE_CHECKING, assert_never

from connector.core.events import (
    HARMLESS,
    CommitAnswered,
    ConfigReload,
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
from connector.core.record import config_id
from connector.core.sink import VerdictKind
from connector.language.message import in_language
from connector.observe.rate_limiter import WINDOW_S, RateLimiter, without_numbers
from connector.observe.scrub import scrub

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from connector.core.events import Event, Offsets
    from connector.core.record import TopicPartition
    from connector.language.choice import Language

DEBUG, INFO, WARNING, ERROR = logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR
Fields = dict[str, str | float | dict[str, str] | None]
_REASON_LEVELS = {"draining": INFO, "records_lost": ERROR}
"""Every stop has the first; any other reason is a warning, unless it is expected."""
MAX_RAISED = 3
"""How often a reason may come within a minute before it counts as one that comes and goes."""
RESERVED = ("event", "at", "level")
"""The fields of every line; a field of a `Notice` with one of these names gets an underscore at its end."""


class Log:
    """Listener that writes the log line of each event; remembers which failures and reasons it has written.

    `write` takes a level (the standard library's number), the line's text, and its fields by keyword; it never raises.
    Lines below `threshold` are not built. `clock` counts seconds. Remedies and errors of a config are in `language`.
    """

    def __init__(
        self,
        write: Callable[..., object],
        threshold: int,
        clock: Callable[[], float] = time.monotonic,
        language: Language = "en",
    ) -> None:
        self._write = write
        self._threshold = threshold
        self._clock = clock
        self._language = language
        self._limiter = RateLimiter()
        self._reasons: dict[tuple[str, str], tuple[str | None, RateLimiter]] = {("starting", ""): (None, RateLimiter())}
        """Of each active reason, by code and target: the remedy last written, and the limiter of its remedies."""
        self._raised: dict[tuple[str, str], deque[float]] = {}
        """When each reason was raised the last times."""
        self._flapping: set[tuple[str, str]] = set()

    def become(self, other: Log) -> None:
        """Write as another log does from now on; what was written last stays known."""
        self._write, self._threshold = other._write, other._threshold

    def on(self, event: Event) -> None:  # noqa: C901, PLR0912 - one case per event
        """Write the line of `event`, if it has one at this level; never raises."""
        match event:
            case RequestDone():
                self._request(event)
            case ItemsSettled(target, outcome, by_route):
                items = sum(by_route.values())
                self._line(DEBUG, "items settled", {"target": target, "outcome": outcome.value, "items": items})
            case DeadLettered():
                self._dead_lettered(event)
            case ReasonRaised():
                self._reason_raised(event)
            case ReasonCleared(code, target):
                self._reason_cleared(code, target)
            case Rebalanced(kind, partitions, unsettled):
                fields: Fields = {"partitions": " ".join(partitions), "unsettled": unsettled or None}
                self._line(WARNING if kind == "lost" else INFO, f"partitions {kind}", fields)
            case CommitAnswered("ok"):
                self._line(DEBUG, "commit ok", {})
            case CommitAnswered(result, detail):
                # During a rebalance commits are refused by the hundred, and repeated.
                level = DEBUG if result == "refused" else WARNING
                self._failure(level, f"commit {result}", {"detail": scrub(detail)})
            case TokenRenewed("ok", _, expires_in_s):
                self._line(INFO, "token renewed", {"expires_in_s": expires_in_s})
            case TokenRenewed(_, detail):
                self._failure(WARNING, "token renewal failed", {"detail": scrub(detail)})
            case RetentionGap(topic, partition, records):
                fields = {"partition": f"{topic}[{partition}]", "records": records}
                self._line(ERROR, "records lost to retention", fields)
            case ConfigReload("ok", sha256, _, changes):
                fields = {"config": config_id(sha256), "changes": "" if changes else "none"}
                fields.update((name, scrub(names)) for name, names in changes.items())
                self._line(INFO, "config reloaded", fields)
            case ConfigReload(_, sha256, errors):
                told = "; ".join(in_language(error, self._language) for error in errors)
                fields = {"config": config_id(sha256), "errors": scrub(told)}
                self._line(WARNING, "config refused: the one before stays in use", fields)
            case Notice():
                self._notice(event)
            case _:
                assert_never(event)

    def _request(self, event: RequestDone) -> None:
        level, repeated = INFO, None
        if event.verdict is not VerdictKind.DELIVERED:
            kind = (event.target, event.verdict, event.http_status, event.code)
            level, repeated = self._limit(WARNING, kind, otherwise=INFO)
        if level < self._threshold:
            return  # before the ranges are built: they cost more than all the rest
        fields: Fields = {
            "target": event.target,
            "verdict": event.verdict.value,
            "items": len(event.items),
            "repeated": repeated,
            "offsets": offset_ranges(event.offsets),
            "ms": round(event.seconds * 1000, 1),
            "bytes": event.body_bytes,
            "http_status": event.http_status,
            "code": scrub(event.code),
            "detail": scrub(event.detail),
            "import_batch": event.import_batch,
        }
        self._line(level, "request", fields)

    def _dead_lettered(self, event: DeadLettered) -> None:
        level, repeated = self._limit(WARNING, ("dead-lettered", event.route, event.reason), otherwise=INFO)
        if level < self._threshold:
            return  # for the same reason
        fields: Fields = {
            "route": event.route,
            "target": event.target,
            "reason": event.reason,
            "field": scrub(event.field),
            "detail": scrub(event.detail),
            "count": event.count,
            "repeated": repeated,
            "offsets": offset_ranges(event.offsets),
        }
        self._line(level, "dead-lettered", fields)

    def _reason_cleared(self, code: str, target: str) -> None:
        if self._reasons.pop((code, target), None) is None or (code, target) in self._flapping:
            return
        self._line(INFO, "not-ready reason cleared", {"code": code, "target": target})
        if not self._reasons:
            self._line(INFO, "ready", {})

    def _is_flapping(self, event: ReasonRaised) -> bool:
        """Return whether a reason has come and gone so often within a minute that it has no more lines."""
        key, now = (event.code, event.target), self._clock()
        if key in self._reasons and key not in self._flapping:
            return False
        raised = self._raised.setdefault(key, deque(maxlen=MAX_RAISED))
        if len(raised) < MAX_RAISED or now - raised[0] >= WINDOW_S:
            if key not in self._reasons:
                raised.append(now)
            self._flapping.discard(key)
            return False
        if key not in self._flapping:
            self._flapping.add(key)
            fields = self._reason(event)
            self._line(WARNING, "not ready: comes and goes, /readyz has the present state", fields)
        return True

    def _reason_raised(self, event: ReasonRaised) -> None:
        if event.code in HARMLESS:
            return  # it has a line of its own
        key = (event.code, event.target)
        if self._is_flapping(event):
            self._reasons.setdefault(key, (None, RateLimiter()))
            return
        written, limiter = self._reasons.setdefault(key, (None, RateLimiter()))
        if event.remedy == written:
            return
        suppressed = limiter.admit(without_numbers(event.remedy), self._clock())
        if suppressed is not None:
            self._reasons[key] = (event.remedy, limiter)
            level = INFO if event.is_expected else _REASON_LEVELS.get(event.code, WARNING)
            fields = self._reason(event)
            self._line(level, "not ready", {**fields, "repeated": suppressed or None})

    def _reason(self, event: ReasonRaised) -> Fields:
        remedy = scrub(in_language(event.remedy, self._language))
        return {"code": event.code, "target": event.target, "remedy": remedy}

    def _notice(self, event: Notice) -> None:
        fields: Fields = {
            f"{name}_" if name in RESERVED else name: scrub(value) if isinstance(value, str) else value
            for name, value in event.fields.items()
        }
        write = self._line if event.level == "info" else self._failure
        write(level_number(event.level), scrub(event.message), fields)

    def _limit(self, level: int, key: Hashable, otherwise: int) -> tuple[int, int | None]:
        """Return `level` and how many were suppressed before (None: none) if this is admitted; else `otherwise`."""
        suppressed = self._limiter.admit(key, self._clock())
        return (otherwise, None) if suppressed is None else (level, suppressed or None)

    def _failure(self, level: int, event: str, fields: Fields) -> None:
        """Write a line at `level`; at debug if it was written within the last minute, whatever its numbers."""
        level, repeated = self._limit(level, without_numbers(f"{event} {fields}"), otherwise=DEBUG)
        self._line(level, event, {**fields, "repeated": repeated})

    def _line(self, level: int, event: str, fields: Fields) -> None:
        if level >= self._threshold:
            self._write(level, event, **{name: value for name, value in fields.items() if value not in (None, "")})


def level_number(name: str) -> int:
    """Return the number that the standard library has for a level such as `warning`."""
    return logging.getLevelNamesMapping()[name.upper()]


def offset_ranges(offsets: Offsets) -> dict[str, str]:
    """Return the offsets of each partition as ascending ranges; partitions sorted by topic and number.

    Offsets 100 to 599 and 601 of one partition: ``{"shop.orders[3]": "100-599,601"}``. Each record counts once,
    however many items it became.
    """
    # A batch holds mostly whole stretches of one partition, so the work per record is left to C: one comparison with a
    # `range`. Only offsets with gaps are sorted and walked through.
    of_partition: dict[TopicPartition, list[int]] = {}
    for partition, stretch in offsets:
        of_partition.setdefault(partition, []).extend(stretch)
    return {str(partition): _spans(found) for partition, found in sorted(of_partition.items())}


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

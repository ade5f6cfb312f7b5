"""Which line each event becomes: its level, its words, its fields. Knows nothing of how lines are written.

Levels: an outcome or a state that is as it should be is info; what an operator may have to look into is a warning;
data that is gone is an error. A failure that repeats itself is info until its minute is over (`repeats.py`).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

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
from connector.observe.ranges import ranges
from connector.observe.repeats import Repeats
from connector.observe.scrub import scrub

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from connector.core.events import Event

DEBUG, INFO, WARNING, ERROR = logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR
Value = str | float | dict[str, str]
Fields = dict[str, Value | None]
_LEVELS: dict[Literal["info", "warning", "error"], int] = {"info": INFO, "warning": WARNING, "error": ERROR}
_PASSING = ("starting", "draining")
"""Reasons that every start and every stop have."""
RESERVED = ("event", "at", "level")


@dataclass(frozen=True, slots=True)
class Line:
    """One line to be: `level` is the standard library's number."""

    level: int
    event: str
    fields: Mapping[str, Value]


class Lines:
    """Makes lines of events; remembers what it has warned of. `clock` is monotonic seconds."""

    def __init__(self, clock: Callable[[], float], threshold: int) -> None:
        self._clock = clock
        self._threshold = threshold
        self._repeats = Repeats()
        self._raised: dict[tuple[str, str], str] = {}

    def of(self, event: Event) -> Line | None:
        """Give the line, or None if there is nothing to say at this level."""
        match event:
            case RequestDone():
                return self._request(event)
            case DeadLettered():
                return self._dead_lettered(event)
            case ReasonRaised() | ReasonCleared():
                return self._reason(event)
            case RetentionGap():
                fields: Fields = {"partition": f"{event.topic}[{event.partition}]", "records": event.records}
                return self._line(ERROR, "records lost to retention", fields)
            case Notice():
                return self._noted(event)
            case _:
                return self._background(event)

    def _background(self, event: ItemsSettled | Rebalanced | CommitAnswered | TokenRenewed) -> Line | None:
        match event:
            case ItemsSettled():
                settled: Fields = {"target": event.target, "outcome": event.outcome.value}
                return self._line(DEBUG, "items settled", {**settled, "items": sum(event.by_route.values())})
            case Rebalanced():
                moved: Fields = {"partitions": " ".join(event.partitions), "unsettled": event.unsettled or None}
                return self._line(WARNING if event.kind == "lost" else INFO, f"partitions {event.kind}", moved)
            case CommitAnswered(result="ok"):
                return self._line(DEBUG, "commit ok", {})
            case CommitAnswered():
                # Refused is the way of a rebalance: it comes by the hundred, and the commit is repeated.
                level = DEBUG if event.result == "refused" else WARNING
                return self._failure(level, f"commit {event.result}", {"detail": scrub(event.detail)}, event.result)
            case TokenRenewed(result="ok"):
                return self._line(INFO, "token renewed", {"expires_in_s": event.expires_in_s})
            case TokenRenewed():
                return self._failure(WARNING, "token renewal failed", {"detail": scrub(event.detail)}, "token")

    def _request(self, event: RequestDone) -> Line | None:
        fields: Fields = {"target": event.target, "verdict": event.verdict.value, "items": len(event.records)}
        level = INFO
        if event.verdict is not VerdictKind.DELIVERED:
            level, repeated = self._weigh((event.target, event.verdict, event.http_status, event.code))
            fields["repeated"] = repeated
        if level < self._threshold:
            return None
        fields["offsets"] = ranges(event.records)
        fields["ms"] = round(event.seconds * 1000, 1)
        fields["bytes"] = event.body_bytes
        fields["http_status"] = event.http_status
        fields["code"] = scrub(event.code)
        fields["detail"] = scrub(event.detail)
        fields["import_batch"] = event.import_batch
        return self._line(level, "request", fields)

    def _dead_lettered(self, event: DeadLettered) -> Line | None:
        level, repeated = self._weigh(("dead-lettered", event.route, event.reason))
        fields: Fields = {"route": event.route, "reason": event.reason, "count": event.count, "repeated": repeated}
        if level < self._threshold:
            return None
        return self._line(level, "dead-lettered", {**fields, "offsets": ranges(event.records)})

    def _reason(self, event: ReasonRaised | ReasonCleared) -> Line | None:
        key = (event.code, event.target)
        fields: Fields = {"code": event.code, "target": event.target}
        level = INFO if event.code in _PASSING else WARNING
        if isinstance(event, ReasonCleared):
            self._repeats.forget(key)
            known = self._raised.pop(key, None)
            return None if known is None else self._line(INFO, "no longer in the way of readiness", fields)
        if self._raised.get(key) == event.remedy:
            return None
        self._raised[key] = event.remedy
        if event.code == "records_lost":
            level = ERROR
        return self._failure(level, "not ready", {**fields, "remedy": scrub(event.remedy)}, key)

    def _noted(self, event: Notice) -> Line | None:
        fields: Fields = {
            f"{name}_" if name in RESERVED else name: scrub(value) if isinstance(value, str) else value
            for name, value in event.fields.items()
        }
        return self._line(_LEVELS[event.level], scrub(event.message), fields)

    def _weigh(self, key: Hashable) -> tuple[int, int | None]:
        """Warning and how many were held back, if this failure is worth one; else info."""
        repeated = self._repeats.tell(key, self._clock())
        return (INFO, None) if repeated is None else (WARNING, repeated or None)

    def _failure(self, level: int, event: str, fields: Fields, key: Hashable) -> Line | None:
        """A line that comes again is written at info at most, until its minute is over."""
        weighed, repeated = self._weigh(key)
        return self._line(min(level, INFO) if weighed == INFO else level, event, {**fields, "repeated": repeated})

    def _line(self, level: int, event: str, fields: Fields) -> Line | None:
        if level < self._threshold:
            return None
        return Line(level, event, {name: value for name, value in fields.items() if value not in (None, "")})

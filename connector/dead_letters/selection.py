"""Which dead letters a command is about: the filters of the command line."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from connector.core.errors import UsageError
from connector.core.letters import REASONS, Letter, read_letter
from connector.core.wording import counted
from connector.language.message import NOTHING, message
from connector.settings.types import DEFAULT_ZONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from connector.kafka.topic_reader import TopicReader

_AGO: Final = re.compile(r"(\d{1,6})([smhd])", re.ASCII)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Filters:
    """What letters must have; an empty tuple or None lets all pass."""

    routes: Sequence[str] = ()
    reasons: Sequence[str] = ()
    topics: Sequence[str] = ()
    """Where the records came from."""
    since_ms: int | None = None
    """When the letters were produced, at the earliest."""

    @property
    def since(self) -> str:
        """`since_ms` as text that follows `dead letters`; empty without it."""
        if self.since_ms is None:
            return ""
        return f" since {datetime.fromtimestamp(self.since_ms / 1000, UTC).isoformat(timespec='seconds')}"

    def match(self, letter: Letter) -> bool:
        """Return whether the letter is one of those."""
        return (
            (not self.routes or letter.route in self.routes)
            and (not self.reasons or letter.reason in self.reasons)
            and (not self.topics or letter.record.topic in self.topics)
            and (self.since_ms is None or letter.produced_ms is None or letter.produced_ms >= self.since_ms)
        )


def parse_filters(
    routes: Sequence[str], reasons: Sequence[str], topics: Sequence[str], since: str | None, now: datetime
) -> Filters:
    """Return the filters that the command line asks for. Raises UsageError for what can't be one."""
    for reason in reasons:
        if reason not in REASONS:
            close = difflib.get_close_matches(reason, REASONS, n=1)
            hint = message("did you mean '{name}'? ", name=close[0]) if close else NOTHING
            told = message(
                "no such reason: '{reason}'; {hint}The reasons are {reasons}",
                reason=reason,
                hint=hint,
                reasons=", ".join(REASONS),
            )
            raise UsageError("--reason", told)
    return Filters(routes, reasons, topics, None if since is None else since_ms(since, now))


def since_ms(text: str, now: datetime) -> int:
    """Return the time of `2h` (ago) or of an ISO 8601 time, in unix milliseconds. Raises UsageError."""
    ago = _AGO.fullmatch(text.strip())
    try:
        if ago is not None:
            time = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        else:
            time = datetime.fromisoformat(text.strip())
        time = time if time.tzinfo is not None else time.replace(tzinfo=ZoneInfo(DEFAULT_ZONE))
        return max(0, int(time.astimezone(UTC).timestamp() * 1000))
    except (ValueError, OverflowError):
        told = message(
            "expected 30m, 2h, 7d or a time such as 2024-01-31T08:00 (without an offset: {zone}), got '{given}'",
            zone=DEFAULT_ZONE,
            given=text,
        )
        raise UsageError("--since", told) from None


def none_matches(looked_at: int, since: str = "") -> str:
    """Return what is said if letters were read, and the filters let none pass; `since` is that of the filters."""
    return f"looked at {counted(looked_at, 'dead letter')}{since}: none matches"


def foreign_records(count: int) -> str:
    """Return what is said of records of the topic that are no dead letters."""
    kinds = "record of the topic is no dead letter", "records of the topic are no dead letters"
    return f"{counted(count, *kinds)}: something else writes to it"


@dataclass(slots=True)
class Read:
    """How many records of the topic were read; changed while `letters` is iterated."""

    letters: int = 0
    foreign: int = 0
    """Records of the topic that are no dead letters."""


def letters(
    reader: TopicReader, filters: Filters, read: Read, starts: Mapping[int, int] | None = None
) -> Iterator[Letter]:
    """Yield the letters that match, the oldest first; `starts` is where to start if no time is given."""
    places = reader.starts_at(filters.since_ms)
    if starts is not None:
        places = {partition: max(first, starts.get(partition, 0)) for partition, first in places.items()}
    for record in reader.records(places):
        letter = read_letter(record)
        if letter is None:
            read.foreign += 1
            continue
        read.letters += 1
        if filters.match(letter):
            yield letter

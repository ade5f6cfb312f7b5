"""The last ten minutes, as the charts of the status page show them: pure, in seconds since 1970."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from connector.observe.status import totals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.observe.snapshot import Status

SAMPLE_S: Final = 5.0
KEPT_S: Final = 600.0
TREND_S: Final = 60.0
"""Over how long the change of the lag is measured."""
NEARLY_S: Final = 5.0
"""A lag of what is settled in so many seconds counts as none: commits follow a little later."""
STALLED_S: Final = 15.0
"""After so many seconds in which nothing was settled, how fast the lag fell before says nothing any more."""
MOST_S: Final = 30 * 86_400.0
"""What would take longer does not catch up."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The connector at one moment."""

    at: float
    consumed: int
    settled: int
    """Delivered, skipped and dead-lettered, since the process started."""
    lag: int | None
    """See `lag_of`."""


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Whether the process keeps up, and how long it takes to."""

    state: Literal["unknown", "caught_up", "catching_up", "behind"]
    seconds: float | None = None
    """With `catching_up`: until no record waits, if things go on like this."""


class History:
    """Keeps a sample for every SAMPLE_S of the last KEPT_S."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=round(KEPT_S / SAMPLE_S) + 1)
        self._partitions: frozenset[tuple[str, int]] = frozenset()
        self._assigned_at = 0.0
        """The first sample of these partitions. The lag of others is no measure of how fast theirs falls."""

    @property
    def samples(self) -> Sequence[Sample]:
        """What is kept, the newest last."""
        return tuple(self._samples)

    def add(self, at: float, status: Status) -> None:
        """Keep what a snapshot says, which was taken at `at`."""
        partitions = frozenset((one.topic, one.partition) for one in status.partitions)
        if partitions != self._partitions:
            self._partitions, self._assigned_at = partitions, at
        counts = totals(status)
        settled = counts["delivered"] + counts["skipped"] + counts["dead_lettered"]
        self._samples.append(Sample(at, counts["consumed"], settled, lag_of(status)))

    def catch_up(self) -> CatchUp:
        """Return whether the process keeps up.

        Example: 60,000 records waited a minute ago, and 40,000 do now: 20,000 a minute, so two minutes more.
        """
        known = [sample for sample in self._samples if sample.lag is not None and sample.at >= self._assigned_at]
        if len(known) < 2 or known[-1] is not self._samples[-1]:
            return CatchUp("unknown")
        last = known[-1]
        first = next(sample for sample in known if sample.at >= last.at - TREND_S)
        if first is last:
            return CatchUp("unknown")
        now, before = last.lag or 0, first.lag or 0
        settled_lately = (last.settled - known[-2].settled) / (last.at - known[-2].at)  # per second
        if now <= NEARLY_S * settled_lately:
            return CatchUp("caught_up")
        settled = [sample.settled for sample in known if sample.at <= last.at - STALLED_S]
        if now >= before or settled[-1:] == [last.settled]:
            return CatchUp("behind")
        seconds = now * (last.at - first.at) / (before - now)
        return CatchUp("catching_up", seconds) if seconds <= MOST_S else CatchUp("behind")


def lag_of(status: Status) -> int | None:
    """Return the lag of all partitions together; None if there is none, or that of one is not known any more."""
    if not status.partitions or any(reason.code == "kafka_unreachable" for reason in status.reasons):
        return None
    lags = [partition.lag for partition in status.partitions]
    known = [lag for lag in lags if lag is not None]
    return sum(known) if len(known) == len(lags) else None

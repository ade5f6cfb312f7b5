"""The letters of one replay in the order of time, each with what becomes of it, and how many there are of each kind."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from connector.core.letters import read_letter
from connector.core.record import DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from connector.core.letters import Letter
    from connector.core.record import Record
    from connector.dead_letters.planning import Left, Plan, Planner
    from connector.dead_letters.replayed import Replayed
    from connector.dead_letters.selection import Filters
    from connector.kafka.topic_reader import TopicReader

Kind = tuple[str, str]
"""A letter's route and reason."""
_BREATH: Final = 1000


@dataclass(slots=True)
class Tally:
    """How many letters were planned, and what was found besides."""

    sent: Counter[Kind] = field(default_factory=Counter)
    """Letters of which something is sent."""
    skipped: Counter[Kind] = field(default_factory=Counter)
    """Letters that the config skips today."""
    failing: Counter[Kind] = field(default_factory=Counter)
    """Letters that would be dead letters again, because the mapping fails."""
    left: Counter[Kind] = field(default_factory=Counter)
    targets: Counter[str] = field(default_factory=Counter)
    """Items by target, the dead letters left out."""
    failures: Counter[str] = field(default_factory=Counter)
    """Letters in `failing` by today's reason."""
    left_because: Counter[Left] = field(default_factory=Counter)
    looked_at: int = 0
    """Letters that were read, whether or not they match."""
    replayed_before: int = 0
    """Letters that match and were read, but were replayed before."""
    unread: int = 0
    """Offsets before the first one that is read: all there was replayed before; what of it matches is not known."""
    foreign: int = 0
    """Records of the topic that are no dead letters."""

    @property
    def selected(self) -> int:
        """How many letters a replay handles: all but those that are left."""
        return self.sent.total() + self.skipped.total() + self.failing.total()

    @property
    def kinds(self) -> list[Kind]:
        """The kinds of the letters, the most frequent first."""
        return [kind for kind, _ in (self.sent + self.skipped + self.failing + self.left).most_common()]

    def add(self, plan: Plan) -> None:
        """Count a letter."""
        kind = (plan.letter.route, plan.letter.reason)
        if plan.left is not None:
            self.left[kind] += 1
            self.left_because[plan.left] += 1
            return
        self.targets.update(item.target for item in plan.items if item.target != DEAD_LETTERS)
        if plan.failure:
            self.failing[kind] += 1
            self.failures[plan.failure] += 1
        elif plan.items:
            self.sent[kind] += 1
        else:
            self.skipped[kind] += 1


class LetterFeed:
    """Yields the plans of the letters that match, up to the ends that the reader saw. Blocking; used by one thread."""

    def __init__(
        self, reader: TopicReader, planner: Planner, filters: Filters, replayed: Mapping[int, Replayed]
    ) -> None:
        self._reader = reader
        self._planner = planner
        self._filters = filters
        self._replayed = replayed
        self.tally = Tally()

    def plans(self, limit: int | None = None) -> Iterator[Plan | None]:
        """Yield at most `limit` plans that are no `left`, all others too; and None now and then, when none comes."""
        asked = self._reader.starts_at(self._filters.since_ms)
        starts = {partition: max(start, self._replayed[partition].start) for partition, start in asked.items()}
        self.tally.unread = sum(start - asked[partition] for partition, start in starts.items())
        quiet = 0
        for record in self._reader.records(starts):
            letter = self._selected(record)
            if letter is None:
                quiet += 1
                if quiet % _BREATH == 0:
                    yield None
                continue
            plan = self._planner.plan(letter)
            if plan.left is None and self.tally.selected == limit:
                return
            self.tally.add(plan)
            if plan.left is None:
                self._replayed[record.partition].select(record.offset)
            yield plan

    def _selected(self, record: Record) -> Letter | None:
        """Return the letter that a record is; None if it is to be passed over."""
        letter, replayed = read_letter(record), self._replayed[record.partition]
        replayed.on_read(record.offset, is_letter=letter is not None)
        if letter is None:
            self.tally.foreign += 1
            return None
        self.tally.looked_at += 1
        before = replayed.is_done(record.offset)
        if not self._filters.match(letter):
            return None
        self.tally.replayed_before += before
        return None if before else letter

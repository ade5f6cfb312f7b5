"""The dead-letter topic in memory, in place of the producer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connector.core.record import DEAD_LETTERS
from connector.core.sink import Verdict, VerdictKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.record import Item
    from tests.simulation.member import Member


@dataclass(eq=False)
class Letters:
    """The topic: what it has acknowledged, in order."""

    available: bool = True
    acknowledged: list[tuple[Member, Item]] = field(default_factory=list)

    def sink(self, member: Member) -> LetterSink:
        """Return a process's producer."""
        return LetterSink(self, member)


class LetterSink:
    """In place of `DeadLetterSink`: single letters may fail."""

    def __init__(self, letters: Letters, member: Member) -> None:
        self._letters = letters
        self._member = member

    is_ready = True

    async def ready(self) -> None:
        """Return at once."""

    def on_emptied(self) -> None:
        """Do nothing."""

    async def send(self, items: Sequence[Item]) -> Verdict:
        """Produce each item; wait for the acknowledgements."""
        observer, random = self._member.surroundings.observer, self._member.world.random
        observer.on_send(self._member, DEAD_LETTERS, items)
        await asyncio.sleep(random.uniform(0.0, 0.2))
        done = frozenset(place for place in range(len(items)) if self._letters.available or random.random() < 0.2)
        self._letters.acknowledged += [(self._member, items[place]) for place in sorted(done)]
        kind = VerdictKind.DELIVERED if len(done) == len(items) else VerdictKind.AGAIN
        verdict = Verdict(kind, detail="letters", done=frozenset() if kind is VerdictKind.DELIVERED else done)
        observer.on_verdict(self._member, DEAD_LETTERS, items, verdict)
        return verdict

    def item_sizes(self, items: Sequence[Item]) -> list[int]:
        """Return about the size of each message."""
        return [len(item.record.value or b"") + 1_000 for item in items]

    def request_overhead(self, params: bytes) -> int:
        """Return 0."""
        del params
        return 0

    def close(self) -> None:
        """Do nothing."""

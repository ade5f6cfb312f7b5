"""Which letters of one partition were replayed, and what the replay's group commits for it. Pure.

Theory of operation
1. A letter is done once all that became of it has an outcome: delivered, skipped, or a new dead letter. Letters that a
   filter passes over and those that are left stay open.
2. So what is done is no prefix of the partition: it is a `Progress`, whose offset and map are committed as one value.
   Whatever is selected next time, what is done is not sent again.
3. Offsets that hold no letter (deleted, transaction markers, foreign records) are done.

Example: letters 0 to 5, of which 1 and 4 are of the route that is replayed.

    read 0 to 5, selected 1 and 4    committed: offset 0, nothing ahead
    1 and 4 are delivered            committed: offset 0, and 1 and 4 ahead
    later, without a filter          0, 2, 3 and 5 are selected; then: offset 6
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from connector.core.progress import Progress, SettledBefore, progress_of

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_RANGES: Final = 12_000
"""More do not fit into a commit's metadata; what lies beyond is sent again, with the same uuid."""


class Replayed:
    """One partition of the dead-letter topic, in one replay."""

    def __init__(self, first: int, end: int, committed: Progress | None, *, again: bool = False) -> None:
        """`first` and `end` are the partition's; with `again`, letters that are done are replayed all the same."""
        known = committed if committed is not None and committed.offset <= end else Progress(first)
        self.progress = known.advanced_to(first)
        """What is done, as far as it is known."""
        before = Progress(first) if again else self.progress
        self.start = before.offset
        """Where reading starts."""
        self._before = SettledBefore(before.offset, before.ahead)
        self._selected: deque[int] = deque()
        self._next: int | None = None
        """The offset after the last record that was read."""
        self._holes: list[range] = []

    @property
    def open(self) -> int:
        """How many letters were selected and are not known to be done."""
        return len(self._selected)

    def is_done(self, offset: int) -> bool:
        """Return whether the letter at an offset was replayed before. Offsets are asked for in rising order."""
        return self._before.meets(offset)

    def on_read(self, offset: int, *, is_letter: bool) -> None:
        """Called with every record that is read, in order."""
        if self._next is not None and offset > self._next:
            self._holes.append(range(self._next, offset))
        if not is_letter:
            self._holes.append(range(offset, offset + 1))
        self._next = offset + 1

    def select(self, offset: int) -> None:
        """Called with a letter that is sent, after `on_read`."""
        self._selected.append(offset)

    def update(self, lease: Progress, on_done: Callable[[int], None]) -> Progress:
        """Return what is done, now that the lease has come to this progress; `on_done` is called with each new offset.

        The lease tracks the selected letters only.
        """
        settled = SettledBefore(lease.offset, lease.ahead)
        open_: deque[int] = deque()
        done = self._holes
        for offset in self._selected:
            if offset < lease.offset or settled.meets(offset):
                done.append(range(offset, offset + 1))
                on_done(offset)
            else:
                open_.append(offset)
        self._selected, self._holes = open_, []
        if done:
            progress = progress_of(self.progress.offset, (*self.progress.ahead, *done))
            self.progress = Progress(progress.offset, progress.ahead[:MOST_RANGES])
        return self.progress

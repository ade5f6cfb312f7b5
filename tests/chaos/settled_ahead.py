"""What a committed offset and its metadata say to be settled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.commit_metadata import decode

if TYPE_CHECKING:
    from tests.chaos.watching import Committed


def settled_ahead(committed: Committed) -> tuple[range, ...]:
    """Return the offsets above the committed one that its metadata says to be settled."""
    return decode(committed.metadata, committed.offset).ahead


def covers(committed: Committed, offset: int) -> bool:
    """Whether the record need not be sent again by a lease that starts there."""
    return offset < committed.offset or any(offset in span for span in settled_ahead(committed))

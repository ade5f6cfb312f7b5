"""How much is handed over to the loop before it has processed it: few chunks, of few bytes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.ledger import Lease
    from connector.core.record import Record

Chunk = list[tuple["Lease", "Sequence[Record]"]]
"""The records of one `consume` call, by lease. The first entry of a new lease has no records."""

MAX_QUEUED_CHUNKS: Final = 4
MAX_QUEUED_BYTES: Final = 4 << 20
MAX_CHUNK_RECORDS: Final = 1000
CHUNK_BYTES: Final = 1 << 20
"""What a chunk should hold at most; one whose records are larger than the last ones were may hold more."""


def size_of(chunk: Chunk) -> int:
    """Return the bytes of the keys and the values."""
    return sum([len(one.value or b"") + len(one.key or b"") for _, records in chunk for one in records])


class ChunkSize:
    """How many records to fetch at once, so that a chunk of large records is not a thousand times as large."""

    def __init__(self) -> None:
        self.records = MAX_CHUNK_RECORDS

    def observe(self, chunk: Chunk, size: int) -> None:
        """Called with each chunk and its bytes: the next records are expected to be as large."""
        count = sum([len(records) for _, records in chunk])
        if count:
            self.records = max(1, min(MAX_CHUNK_RECORDS, CHUNK_BYTES * count // max(size, 1)))


class Places:
    """What may be under way from the thread to the loop: `take` is called by the thread, `give_back` on the loop.

    Needs no lock: each count is written by one of the two, and read by the other.
    """

    def __init__(self) -> None:
        self._chunks_taken = self._bytes_taken = 0
        self._chunks_returned = self._bytes_returned = 0
        self._returned = threading.Event()

    def take(self, size: int, timeout_s: float) -> bool:
        """Take a place for a chunk of `size` bytes; wait for it at most `timeout_s`, return whether there was one.

        A chunk that is larger than all that is allowed passes alone.
        """
        self._returned.clear()
        if not self._has_room(size):
            self._returned.wait(timeout_s)  # one place may not be enough: the caller tries again
            if not self._has_room(size):
                return False
        self._chunks_taken += 1
        self._bytes_taken += size
        return True

    def give_back(self, size: int) -> None:
        """Called when a chunk of `size` bytes has been processed."""
        self._chunks_returned += 1
        self._bytes_returned += size
        self._returned.set()

    def _has_room(self, size: int) -> bool:
        chunks = self._chunks_taken - self._chunks_returned
        queued_bytes = self._bytes_taken - self._bytes_returned
        return not chunks or (chunks < MAX_QUEUED_CHUNKS and queued_bytes + size <= MAX_QUEUED_BYTES)

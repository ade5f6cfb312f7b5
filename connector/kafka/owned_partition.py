"""One owned partition: its lease, and how far its records were handed over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector.core.ledger import Lease
    from connector.core.progress import Progress
    from connector.core.record import Record


@dataclass(slots=True)
class OwnedPartition:
    """A lease and how far it was handed over."""

    lease: Lease
    next_offset: int
    """The offset after the last record handed over."""
    began_with: Progress
    """What was settled before the lease began."""
    first_offset: int | None = None
    """The offset of the first record handed over."""
    last_timestamp_ms: int | None = None
    """The timestamp of the last record handed over; None if there is none."""

    def drop_duplicates(self, records: list[Record]) -> list[Record]:
        """Return the records that were not handed over yet, and count them as handed over.

        Raises RuntimeError if a record precedes the first one of the lease: it would be lost.
        """
        if records[0].offset < self.next_offset:
            if self.first_offset is None or records[0].offset < self.first_offset:
                started = f"the lease had started at {self.next_offset}"
                raise RuntimeError(f"{self.lease.partition}: received offset {records[0].offset} after {started}")
            records = [record for record in records if record.offset >= self.next_offset]
        if records:
            if self.first_offset is None:
                self.first_offset = records[0].offset
            self.next_offset = records[-1].offset + 1
            self.last_timestamp_ms = records[-1].timestamp_ms
        return records

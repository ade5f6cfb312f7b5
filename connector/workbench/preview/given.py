"""The records of a preview, wherever they are from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.record import Record
    from connector.mapping.json_values import Json


@dataclass(frozen=True, slots=True)
class Given:
    """One record to preview."""

    record: Record
    """Its value is what the decoder gets; None for a tombstone, and for a value that is decoded already."""
    is_decoded: bool = False
    decoded: Json = None
    """What the decoder would yield, if `is_decoded`: it is passed over."""
    line: int | None = None
    """Of the file that it is from."""

    @property
    def place(self) -> str:
        """Where it is from: ``shop.orders[3]@41``, or ``line 7``."""
        if self.line is not None:
            return f"line {self.line}"
        record = self.record
        return f"{record.topic}[{record.partition}]@{record.offset}"

    @property
    def is_tombstone(self) -> bool:
        """Whether it has no value, so that no route makes anything of it."""
        return self.decoded is None if self.is_decoded else self.record.value is None


@dataclass(frozen=True, slots=True)
class Read:
    """The records that were read, and what they are."""

    givens: Sequence[Given]
    """The oldest first."""
    description: str
    """What they are: ``the newest 50 records of shop.orders``."""
    notes: Sequence[str] = ()
    """What else there is to say of the source."""
    cluster_id: str = "preview"
    """Of the Kafka cluster, which is part of the uuids that the connector computes."""

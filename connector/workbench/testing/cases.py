"""What a file of mapping tests holds, once nothing is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.workbench.testing.models import DEFAULT_TIMESTAMP_MS

if TYPE_CHECKING:
    from connector.config.documents import Document
    from connector.core.record import Record
    from connector.mapping.json_values import Json
    from connector.workbench.testing.mappings import TestedMapping
    from connector.workbench.testing.models import DeadLetterExpected, ItemExpected


@dataclass(frozen=True, slots=True)
class Case:
    """One test. At most one of `expected` and `dead_letter` is there; neither: it says nothing yet (`--update`)."""

    index: int
    """In the file's `tests`."""
    name: str
    record: Record
    """Its value is what the decoder gets; None for a tombstone."""
    is_decoded: bool
    decoded: Json
    """What the routes get, if `is_decoded`: the decoder is passed over."""
    expected: tuple[ItemExpected | DeadLetterExpected, ...] | None = None
    dead_letter: DeadLetterExpected | None = None

    @property
    def has_default_time(self) -> bool:
        """Whether the record's timestamp is the default."""
        return self.record.timestamp_ms == DEFAULT_TIMESTAMP_MS


@dataclass(frozen=True, slots=True)
class CaseFile:
    """One file of tests."""

    document: Document
    mapping: TestedMapping
    cases: tuple[Case, ...]
    value_files: tuple[str, ...]
    """The files that hold values of records."""

    @property
    def file(self) -> str:
        """As it was given, or found."""
        return self.document.file

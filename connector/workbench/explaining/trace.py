"""What a mapping did to one record, step by step: an observer that is compiled in (`connector.mapping.location`).

Each observed part that is computed becomes a step; what it computed on the way are the steps inside it. So a trace is
what the compiled mapping did, in its order, and nothing is evaluated a second time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connector.core.record import WHOLE, RecordPart
from connector.mapping.elements import ElementRecord, RowRecord

if TYPE_CHECKING:
    from connector.core.record import Record
    from connector.mapping.json_values import Json
    from connector.mapping.location import Part
    from connector.mapping.lookup import Getter
    from connector.settings.problems import Path


@dataclass(slots=True)
class Step:
    """One part of a route, computed once."""

    part: Part
    path: Path
    """In the config."""
    text: str
    """Of a reference; empty for other parts."""
    of: RecordPart
    """The row and the element that it was computed for."""
    result: Json = None
    error: Exception | None = None
    """MappingError, ConversionError or SkipItem, if it has no result."""
    looked_in: tuple[Json, Record] | None = None
    """What a reference that found nothing was looked up in."""
    steps: list[Step] = field(default_factory=list)

    @property
    def keys(self) -> Path:
        """The place in the route."""
        return self.path[2:]


class Trace:
    """Collects the steps of one record."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        """Those that are in no other one."""
        self._open: list[Step] = []

    def clear(self) -> None:
        """Forget the steps: another route or record follows."""
        self.steps = []
        self._open = []

    def observe(self, part: Part, path: Path, get: Getter, text: str) -> Getter:
        """Return `get`, which leaves a step now: an `Observe` of the mapping."""

        def traced(value: Json, record: Record) -> Json:
            step = Step(part, path, text, part_of(record))
            (self._open[-1].steps if self._open else self.steps).append(step)
            self._open.append(step)
            try:
                step.result = get(value, record)
            except Exception as error:
                step.error = error
                raise
            else:
                if text and step.result is None:
                    step.looked_in = value, record
            finally:
                self._open.pop()
            return step.result

        return traced


def part_of(record: Record) -> RecordPart:
    """Return which part of a record a getter sees."""
    element = record.position if isinstance(record, ElementRecord) else None
    row = record.row if isinstance(record, RowRecord) and record.change is not None else None
    return WHOLE if element is None and row is None else RecordPart(row, element)

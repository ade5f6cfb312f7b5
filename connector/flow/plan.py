"""What one config makes of records: an immutable value, of which the pipeline follows one at a time.

A plan is exchanged for another between two stretches of records. The items that were mapped by the earlier one end as
they are: in the targets that have them, which may be no part of the new plan any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from connector.core.record import DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from connector.core.record import Item, Record
    from connector.flow.target import Target


class Mapper(Protocol):
    """Turns records into items."""

    def of_topic(self, topic: str) -> Callable[[Record], Sequence[Item]]:
        """Return the function that returns the items of a record of this topic, in route order; none means skipped.

        Pure; a failed mapping is an item too. Called once for each lease and plan.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Compared by identity."""

    mapper: Mapper
    target_names_of: Callable[[str], Collection[str]]
    """Returns the names of the targets that records of a topic may go to; none if no route reads it."""
    targets: Mapping[str, Target]
    """By name, the dead letters among them."""
    config: str = ""
    """The short name of the config's contents, which each dead letter carries."""

    def targets_of(self, topic: str) -> tuple[Target, ...]:
        """Return the targets that records of a topic may go to, the dead letters among them."""
        return tuple(self.targets[name] for name in {DEAD_LETTERS, *self.target_names_of(topic)})

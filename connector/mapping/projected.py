"""What a decoded record is on the fast way: objects that hold what the mapping reads, and nothing else."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec


class Projected(msgspec.Struct, gc=False):
    """An object of a record, without the entries that no reference names; one that is missing or null is None.

    It is read as a dict is, so that code that follows paths need not know it; no value of the language is ever one.
    """

    attributes: ClassVar[dict[str, str]] = {}
    """The attribute of each entry."""

    def get(self, name: str) -> Any:  # noqa: ANN401 - JSON is anything
        """Return an entry; None if it is missing."""
        attribute = self.attributes.get(name)
        return None if attribute is None else getattr(self, attribute)

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - JSON is anything
        return getattr(self, self.attributes[name])

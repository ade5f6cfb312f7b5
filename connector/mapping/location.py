"""A key of the config file that is being compiled, and the field that it belongs to."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from connector.mapping.lookup import Getter
from connector.settings.problems import Path as Keys

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.language.message import Message
    from connector.mapping.expressions import Value
    from connector.mapping.lookup import Path
    from connector.settings.problems import Code, Problems

Part = Literal["condition", "entry", "identity", "reference", "where", "value", "word"]
"""A part of a route whose results can be observed: one operator of `where`, an entry of a `map` or its `otherwise`, an
identity rule, a reference; a table of conditions, a value, a value after one of its words was applied. The last three
are observed where they depend on the record."""
Observe = Callable[[Part, Keys, Getter, str], Getter]
"""Called at compile time for each part, with its place in the file, what computes it, and its text if it is a
reference (a template has several at one place); returns what takes the place of the getter, and may watch it. Only the
general way of a mapping calls it."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What the values at a place may use besides the record, and where they count."""

    route: str = ""
    has_item: bool = False
    """Whether `$item` and `$index` mean something: inside `for_each` and `each`."""
    element: Path | None = None
    """The path to what `$item` refers to, if `for_each` names a list of the record; what is read of it is added to
    `reads`. None: whatever holds the element is read as a whole."""
    has_change: bool = False
    """Whether `$change` means something: a topic of the route has an envelope."""
    change_reads: set[str] = dataclasses.field(default_factory=set)
    """What is read of `$change`."""
    envelope: str = ""
    """The envelope that all topics of the route have; empty if they differ, or have none."""
    one_value: bool = False
    """Whether a list is wrong here, whatever its elements are converted to."""
    omitted: Counter[tuple[str, str]] = dataclasses.field(default_factory=Counter)
    """Values that `on_error: omit` left out, by route and field; counted for each record."""
    reads: set[Path] = dataclasses.field(default_factory=set)
    """The paths into the decoded record that are read; () is all of it. What reads a record adds its paths: the rest
    may not be decoded."""
    observe: Observe | None = None
    """None in a connector that runs: then nothing of it is in the compiled mapping."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where a problem is reported: the path of a key, and the field name that dead letters use for it."""

    problems: Problems
    path: Keys
    field: str = ""
    scope: Scope = dataclasses.field(default_factory=Scope)

    def at(self, *keys: str | int) -> Location:
        """Return a key below this one that belongs to the same field."""
        return Location(self.problems, (*self.path, *keys), self.field, self.scope)

    def under(self, key: str | int) -> Location:
        """Return a key below this one that is a field of its own."""
        name = f"{self.field}.{key}" if self.field else str(key)
        return Location(self.problems, (*self.path, key), name, self.scope)

    def named(self, name: str) -> Location:
        """Return the same key with another field name."""
        return Location(self.problems, self.path, name, self.scope)

    def with_item(self, element: Path | None = None) -> Location:
        """Return the same key, inside `for_each` or `each`, whose element is at a path of the record."""
        scope = replace(self.scope, has_item=True, element=element, one_value=False)
        return Location(self.problems, self.path, self.field, scope)

    def of_one_value(self, *, one: bool = True) -> Location:
        """Return the same key, for a value that must not be a list, or for one that may be one."""
        return Location(self.problems, self.path, self.field, replace(self.scope, one_value=one))

    def observed(self, part: Part, value: Value, text: str = "") -> Value:
        """Return the value of a part at this key as the observer, if there is one, wants it computed."""
        if self.scope.observe is None or (value.constant and part in ("where", "value", "word")):
            return value
        get = self.scope.observe(part, self.path, value.get, text)
        return replace(value, get=get, constant=False, inlined=None)

    def add(self, message: Message, code: Code, *, at_key: bool = False) -> None:
        """Report a problem with the value of this key, or with the key itself."""
        self.problems.add(self.path, message, code, at_key=at_key)

    def unknown_key(self, allowed: Iterable[str]) -> None:
        """Report that this key is not one of those allowed."""
        self.problems.unknown_key(self.path, allowed)

"""Functions of a record, written out: what makes the mapping as fast as if it were written by hand.

A compiled value is a function around a function around a function, and in Python each call costs as much as what
most of them do. So a value also knows itself as an *expression*, and a table of values becomes one function whose
source holds the expressions of all:

    def table(value, record):
        if value.__class__ is not dict:
            return otherwise(value, record)
        v0 = value.get('title')
        v1 = k0(i.get('fen') if (i := value.get('price')).__class__ is dict else step(i, 'fen'))
        if v0 is None or v1 is None:
            return some((v0, v1))
        return {'c_goods': v0, 'c_price': v1}

Expressions are written by this program alone: names out of the file stand in them as literals (`repr`), everything
else as a name for an object. For what is no object at the top, the functions themselves are called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from connector.core.record import Record
from connector.mapping.location import Json
from connector.mapping.references import Getter, nothing, step

if TYPE_CHECKING:
    from collections.abc import Sequence


class Call(NamedTuple):
    """An expression: a function of other expressions."""

    function: Callable[..., Json]
    arguments: tuple[Expression, ...]


class Same(NamedTuple):
    """An expression: always this object."""

    literal: Json


Expression = str | Call | Same
"""Python that finds one value, with the names `value` (an object of JSON) and `record`; text is taken as it is."""

BodyWriter = Callable[[Json, Record, dict[str, Json]], dict[str, Json]]
"""Gives a new table: the entries of another one, and after them those that were found."""

RECORD: tuple[Expression, ...] = ("value", "record")


def path_expression(names: Sequence[str]) -> Expression | None:
    """The expression for one or two names of a path; None for more: a function does them as well."""
    if len(names) == 1:
        return f"value.get({names[0]!r})"
    if len(names) == 2:
        outer, inner = names
        return f"(i.get({inner!r}) if (i := value.get({outer!r})).__class__ is dict else step(i, {inner!r}))"
    return None


def function(expression: Expression, otherwise: Getter) -> Getter:
    """One value as one function; `otherwise` is what finds it in anything but an object."""
    writer = _Writer({"otherwise": otherwise})
    returned = writer.text(expression)
    get: Getter = writer.compiled(
        "value, record",
        "    if value.__class__ is not dict:",
        "        return otherwise(value, record)",
        f"    return {returned}",
    )
    return get


def table(entries: Sequence[tuple[str, Expression]], otherwise: Getter) -> Getter:
    """A table of values as one function; None if nothing is found."""
    if not entries:
        return nothing
    names = tuple(name for name, _ in entries)

    def some(found: tuple[Json, ...]) -> Json:
        return {name: each for name, each in zip(names, found, strict=True) if each is not None} or None

    writer = _Writer({"otherwise": otherwise, "some": some})
    get: Getter = writer.compiled(
        "value, record",
        "    if value.__class__ is not dict:",
        "        return otherwise(value, record)",
        *writer.entries(entries),
    )
    return get


def completed(entries: Sequence[tuple[str, Expression]], otherwise: BodyWriter) -> BodyWriter:
    """The same, as a function that puts the values behind those of a table that is given."""
    names = tuple(name for name, _ in entries)

    def some(found: tuple[Json, ...], head: dict[str, Json]) -> Json:
        return head | {name: each for name, each in zip(names, found, strict=True) if each is not None}

    writer = _Writer({"otherwise": otherwise, "some": some})
    complete: BodyWriter = writer.compiled(
        "value, record, head",
        "    if value.__class__ is not dict:",
        "        return otherwise(value, record, head)",
        *writer.entries(entries, head="head"),
    )
    return complete


class _Writer:
    """Writes one function, and names the objects in it."""

    def __init__(self, names: dict[str, object]) -> None:
        self._names = {"step": step, **names}

    def text(self, expression: Expression) -> str:
        """An expression as source."""
        if isinstance(expression, str):
            return expression
        if isinstance(expression, Same):
            return self._name(expression.literal)
        arguments = ", ".join(self.text(argument) for argument in expression.arguments)
        return f"{self._name(expression.function)}({arguments})"

    def entries(self, entries: Sequence[tuple[str, Expression]], head: str = "") -> list[str]:
        """The lines that find all values and return a table: of all of them, or, slower, of some."""
        found = [f"v{index}" for index in range(len(entries))]
        lines = [f"    {each} = {self.text(entry)}" for each, (_, entry) in zip(found, entries, strict=True)]
        if found:
            lines.append(f"    if {' or '.join(f'{each} is None' for each in found)}:")
            lines.append(f"        return some(({', '.join(found)},){', ' + head if head else ''})")
        pairs = [f"{name!r}: {each}" for each, (name, _) in zip(found, entries, strict=True)]
        lines.append(f"    return {{{', '.join([f'**{head}', *pairs] if head else pairs)}}}")
        return lines

    def _name(self, thing: object) -> str:
        name = f"k{len(self._names)}"
        self._names[name] = thing
        return name

    def compiled(self, arguments: str, *lines: str) -> Callable[..., Json]:
        """The function of these lines."""
        source = "\n".join((f"def written({arguments}):", *lines))
        exec(compile(source, "<mapping>", "exec"), self._names)  # noqa: S102 - of our own making, see above
        written = self._names["written"]
        assert callable(written)  # noqa: S101 - the source defines it
        return written

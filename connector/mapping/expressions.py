"""Compiled values, and the expressions by which generated code computes the same.

A compiled value is a closure around a closure, and in Python a call costs about as much as what most of these closures
do. So a value also has an *expression*: data from which codegen.py and generated/ write straight Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from connector.mapping.lookup import Getter, nothing

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.core.record import Record
    from connector.mapping.json_values import Json


class Call(NamedTuple):
    """An expression: a call of a function with other expressions as arguments."""

    function: Callable[..., Json]
    arguments: tuple[Expression, ...]


class Constant(NamedTuple):
    """An expression: the same object for every record."""

    literal: Json


class Reference(NamedTuple):
    """An expression: an entry of the decoded record, of the element that `$item` refers to, or of `$change`."""

    names: tuple[str, ...]
    get: Getter
    root: Literal["value", "element", "change"] = "value"


class Object(NamedTuple):
    """An expression: an object of values, without those that are None; None if it is empty."""

    entries: tuple[tuple[str, Expression], ...]
    get: Getter


class Template(NamedTuple):
    """An expression: text, a part, text, a part, …, text; None if one of the parts is missing or blank."""

    texts: tuple[str, ...]
    parts: tuple[Expression, ...]
    get: Getter


class Usual(NamedTuple):
    """For which values a step is short-cut, and the source of what it yields for them.

    In `condition` and `result`, `{0}` is the value before the step and `{1}` is `bound`.
    """

    kind: type | None
    """The class of the value; None: any but NoneType."""
    condition: str = ""
    result: str = "{0}"
    bound: object = None
    text: bool = False
    """Whether the result is always text that is not blank."""
    may_fail: bool = False
    """Whether the result may raise ConversionError: then the step is called, which knows what becomes of it."""


NOT_BLANK = "{0} and not {0}.isspace()"
"""The condition that text is not blank."""


class Step(NamedTuple):
    """An expression: a step applied to a value, with a short cut for what is usual."""

    value: Expression
    usual: Usual
    function: Callable[..., Json]
    more: tuple[str, ...] = ()


class Among(NamedTuple):
    """An expression: whether the text form of a value is one of these."""

    value: Expression
    texts: frozenset[str]


class Joined(NamedTuple):
    """An expression: conditions, joined by `and` or `or`; `not` stands before a single one."""

    word: str
    conditions: tuple[Expression, ...]


Expression = str | Call | Constant | Reference | Object | Template | Step | Among | Joined
"""How generated code computes one value.

Text is Python source that uses `value` (the decoded record), `record`, `position` (of an element in its list)
and `number` (of a part of the record).
"""

RECORD: tuple[Expression, ...] = ("value", "record")
BARE_RECORD: Expression = "(record)"
"""The record alone: in `for_each`, without the element, which takes time to put beside it."""


@dataclass(frozen=True, slots=True)
class Value:
    """One compiled value; a constant one yields `literal` for every record."""

    get: Getter
    constant: bool = False
    literal: Json = None
    inlined: Expression | None = None
    """Computes the same as `get` for a record that is an object; None: call `get`."""

    @property
    def expression(self) -> Expression:
        """The value as a part of generated code."""
        if self.constant:
            return Constant(self.literal)
        return Call(self.get, RECORD) if self.inlined is None else self.inlined

    def then(self, step: Callable[..., Json], *more: str, usual: Usual | None = None) -> Value:
        """Return the value that `step` makes of this one; `more` ("value", "record") is passed to the step as well.

        Where `usual` holds, generated code has its result and does not call the step, which would return the same.
        """
        get = self.get
        expression = self.expression
        inlined = Call(step, (expression, *more)) if usual is None else _merged(Step(expression, usual, step, more))
        match more:
            case ("value", "record"):
                return Value(lambda value, record: step(get(value, record), value, record), inlined=inlined)
            case ("record",):
                return Value(lambda value, record: step(get(value, record), record), inlined=inlined)
            case _:
                return Value(lambda value, record: step(get(value, record)), inlined=inlined)


def _merged(outer: Step) -> Step:
    """Return one step for two, where what is usual for both can be told by one look at the value.

    `as: timestamp` for the field `time` is three steps, each of which lets the usual integer through.
    """
    inner = outer.value
    if not isinstance(inner, Step) or inner.usual.may_fail:
        return outer
    one, two = inner.usual, outer.usual
    if one.result == "{0}" and one.bound is None and one.kind is two.kind:
        conditions = [each for usual in (one, two) for each in usual.condition.split(" and ") if each]
        usual = two._replace(condition=" and ".join(dict.fromkeys(conditions)), text=one.text or two.text)
    elif one.text and two.kind is str and two.condition in ("", NOT_BLANK) and two.result == "{0}":
        usual = one
    else:
        return outer
    more = RECORD if inner.more or outer.more else ()
    return Step(inner.value, usual, _composed(inner, outer), more)  # type: ignore[arg-type] # RECORD is of text


def _composed(inner: Step, outer: Step) -> Callable[..., Json]:
    first, second = inner.function, outer.function
    if not inner.more and not outer.more:
        return lambda got: second(first(got))

    def both(got: Json, value: Json, record: Record) -> Json:
        given = {"value": value, "record": record}
        found = first(got, *(given[name] for name in inner.more))
        return second(found, *(given[name] for name in outer.more))

    return both


def constant(literal: Json) -> Value:
    """Return a value that is the same for every record."""
    return Value(lambda _value, _record: literal, constant=True, literal=literal)


MISSING = Value(nothing)
"""A value that is never there: stands for one that could not be compiled."""

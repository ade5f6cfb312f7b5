"""Code generation: one Python function per object instead of nested closures.

A compiled value is a closure around a closure, and in Python a call costs about as much as what most of these closures
do. So a value also has an *expression*, and an object of values becomes one function whose source contains the
expressions of all of them. `{c_goods: $.title, c_price: {from: $.price.fen, multiply: 0.01}}` becomes

    def generated(value, record):
        if value.__class__ is not dict:
            return otherwise(value, record)
        v0 = value.get('title')
        v1 = k3((i.get('fen') if (i := value.get('price')).__class__ is dict else step(i, 'fen')))
        if v0 is None or v1 is None:
            return some((v0, v1,))
        return {'c_goods': v0, 'c_price': v1}

Nothing from the config file is ever executed: names from the file appear as literals (`repr`), every object is bound
to a generated name such as k3. Where the decoded record is not an object, `otherwise` calls the closures instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from connector.core.record import Record
from connector.mapping.json_values import Json, text_form
from connector.mapping.lookup import Getter, nothing, step

if TYPE_CHECKING:
    from collections.abc import Sequence


class Call(NamedTuple):
    """An expression: a call of a function with other expressions as arguments."""

    function: Callable[..., Json]
    arguments: tuple[Expression, ...]


class Constant(NamedTuple):
    """An expression: the same object for every record."""

    literal: Json


class Reference(NamedTuple):
    """An expression: an entry of the decoded record."""

    names: tuple[str, ...]
    get: Getter


class Object(NamedTuple):
    """An expression: an object of values, without those that are None; None if it is empty."""

    entries: tuple[tuple[str, Expression], ...]
    get: Getter


class Usual(NamedTuple):
    """How a step is short-cut: the source of a test, and of the result if it holds; otherwise the step is called.

    In the test, `{0}` computes the value before the step and stands there once, first; `{2}` is that value again, and
    `{1}` is `bound`. In the result, `{0}` is the value.
    """

    test: str
    result: str = "{0}"
    bound: object = None


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


Expression = str | Call | Constant | Reference | Object | Step | Among | Joined
"""How generated code computes one value; text is Python source that uses `value` (a dict) and `record`."""

BodyWriter = Callable[[Json, Record, dict[str, Json]], dict[str, Json]]
"""Returns a new object: the entries of the given one, then the values found for a record."""

RECORD: tuple[Expression, ...] = ("value", "record")


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
        inlined = Call(step, (expression, *more)) if usual is None else Step(expression, usual, step, more)
        match more:
            case ("value", "record"):
                return Value(lambda value, record: step(get(value, record), value, record), inlined=inlined)
            case ("record",):
                return Value(lambda value, record: step(get(value, record), record), inlined=inlined)
            case _:
                return Value(lambda value, record: step(get(value, record)), inlined=inlined)

    def compiled(self) -> Getter:
        """Return the value as one function."""
        return self.get if self.constant else generate_getter(self.expression, self.get)


def constant(literal: Json) -> Value:
    """Return a value that is the same for every record."""
    return Value(lambda _value, _record: literal, constant=True, literal=literal)


MISSING = Value(nothing)
"""A value that is never there: stands for one that could not be compiled."""


def path_expression(names: Sequence[str], value: str = "value") -> str | None:
    """Return the expression for a path of one or two names; None for longer ones, where a closure is as fast."""
    if len(names) == 1:
        if value == "value":
            return f"value.get({names[0]!r})"
        return f"(i.get({names[0]!r}) if (i := {value}).__class__ is dict else step(i, {names[0]!r}))"
    if len(names) == 2 and value == "value":
        outer, inner = names
        return f"(i.get({inner!r}) if (i := value.get({outer!r})).__class__ is dict else step(i, {inner!r}))"
    return None


def generate_getter(expression: Expression, otherwise: Getter) -> Getter:
    """Return one value as one function; `otherwise` is called for records that are not objects."""
    source = Source({"otherwise": otherwise})
    returned = source.expression(expression)
    get: Getter = source.function("value, record", [f"    return {returned}"])
    return get


def generate_object(entries: Sequence[tuple[str, Expression]], otherwise: Getter) -> Getter:
    """Return an object of values as one function, which returns None if no value is found."""
    return _generate_object(entries, otherwise, "value, record") if entries else nothing


def generate_body(entries: Sequence[tuple[str, Expression]], otherwise: BodyWriter) -> BodyWriter:
    """Return a function that appends the values of a record to the entries of an object."""
    return _generate_object(entries, otherwise, "value, record, head")


def _generate_object(
    entries: Sequence[tuple[str, Expression]], otherwise: Callable[..., Json], parameters: str
) -> Callable[..., Json]:
    """Generate a function that computes all values and returns an object of those that are not None."""

    def some(found: tuple[Json, ...], head: dict[str, Json] | None = None) -> Json:
        made = {name: each for (name, _), each in zip(entries, found, strict=True) if each is not None}
        return made or None if head is None else head | made

    has_head = parameters.endswith("head")
    source = Source({"otherwise": otherwise, "some": some})
    found = [f"v{index}" for index in range(len(entries))]
    lines = [f"    {each} = {source.expression(entry)}" for each, (_, entry) in zip(found, entries, strict=True)]
    if found:
        lines.append(f"    if {' or '.join(f'{each} is None' for each in found)}:")
        lines.append(f"        return some(({', '.join(found)},){', head' if has_head else ''})")
    pairs = [f"{name!r}: {each}" for each, (name, _) in zip(found, entries, strict=True)]
    lines.append(f"    return {{{', '.join(['**head', *pairs] if has_head else pairs)}}}")
    return source.function(parameters, lines)


class Source:
    """The source of one function, and the objects that its names are bound to."""

    def __init__(self, names: dict[str, object]) -> None:
        self.names = {"step": step, "text_form": text_form, **names}
        self._locals = 0

    def expression(self, expression: Expression) -> str:
        """Return the source of an expression."""
        match expression:
            case str():
                source = expression
            case Constant():
                source = self.bind(expression.literal)
            case Reference():
                source = self.reference(expression)
            case Object():
                source = self.expression(Call(expression.get, RECORD))
            case Step():
                source = self._step(expression)
            case Among() | Joined():
                source = self._condition(expression)
            case Call():
                arguments = ", ".join(self.expression(argument) for argument in expression.arguments)
                source = f"{self.bind(expression.function)}({arguments})"
        return source

    def _step(self, expression: Step) -> str:
        value, (test, result, bound), function, more = expression
        local = self.local()
        operands = (local, "" if bound is None else self.bind(bound))
        # The test comes first in a conditional expression, and its first operand is the value.
        first = test.format(f"({local} := {self.expression(value)})", operands[1], local)
        otherwise = f"{self.bind(function)}({', '.join((local, *more))})"
        return f"({result.format(*operands)} if {first} else {otherwise})"

    def local(self) -> str:
        """Return a new name of a local variable."""
        self._locals += 1
        return f"i{self._locals}"

    def _condition(self, expression: Among | Joined) -> str:
        if isinstance(expression, Among):
            found = f"(t if (t := {self.expression(expression.value)}).__class__ is str else text_form(t))"
            return f"({found} in {self.bind(expression.texts)})"
        conditions = [self.expression(each) for each in expression.conditions]
        return f"(not {conditions[0]})" if expression.word == "not" else f"({f' {expression.word} '.join(conditions)})"

    def reference(self, reference: Reference) -> str:
        """Return the source of a reference into a record that is a dict."""
        return path_expression(reference.names) or self.expression(Call(reference.get, RECORD))

    def bind(self, thing: object) -> str:
        """Return a name of the source that is bound to an object."""
        name = f"k{len(self.names)}"
        self.names[name] = thing
        return name

    def function(self, parameters: str, lines: Sequence[str]) -> Callable[..., Json]:
        """Return the function with this body."""
        source = "\n".join(
            (
                f"def generated({parameters}):",
                "    if value.__class__ is not dict:",
                f"        return otherwise({parameters})",
                *lines,
            )
        )
        exec(compile(source, "<mapping>", "exec"), self.names)  # noqa: S102 - see the top of the file
        generated = self.names["generated"]
        assert callable(generated)  # noqa: S101 - the source defines it
        return generated

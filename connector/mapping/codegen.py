"""Code generation: Python source of expressions, and one function per object instead of nested closures.

`{c_goods: $.title, c_price: {from: $.price.fen, multiply: 0.01}}` becomes

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
from typing import TYPE_CHECKING

from connector.core.record import Record
from connector.mapping.elements import number_of, position_of
from connector.mapping.expressions import (
    NOT_BLANK,
    RECORD,
    Among,
    Call,
    Constant,
    Expression,
    Joined,
    Object,
    Reference,
    Step,
    Template,
)
from connector.mapping.json_values import Json, text_form
from connector.mapping.lookup import Getter, nothing, step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.mapping.expressions import Value

BodyWriter = Callable[[Json, Record, dict[str, Json]], dict[str, Json]]
"""Returns a new object: the entries of the given one, then the values found for a record."""


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


def compiled(value: Value) -> Getter:
    """Return a value as one function."""
    return value.get if value.constant else generate_getter(value.expression, value.get)


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


_OF_PARTS = {"position": position_of, "number": number_of}


def _in_f_string(text: str) -> str:
    """Return text as it is written within the single quotes of an f-string."""
    in_single_quotes = repr(text + '"')[1:-2]  # the added one makes `repr` choose single quotes
    return in_single_quotes.replace("{", "{{").replace("}", "}}")


class Source:
    """The source of one function, and the objects that its names are bound to."""

    def __init__(self, names: dict[str, object]) -> None:
        self.names = {"step": step, "text_form": text_form, **names}
        self._locals = 0

    def expression(self, expression: Expression) -> str:
        """Return the source of an expression."""
        match expression:
            case "position" | "number":
                source = self.call(_OF_PARTS[expression], ("record",))
            case str():
                source = expression
            case Constant():
                source = self.bind(expression.literal)
            case Reference():
                source = self.reference(expression)
            case Object():
                source = self.call(expression.get, RECORD)
            case Step():
                source = self._step(expression)
            case Template():
                source = self._template(expression)
            case Among() | Joined():
                source = self._condition(expression)
            case Call():
                source = self.call(expression.function, expression.arguments)
        return source

    def call(self, function: Callable[..., Json], arguments: Sequence[Expression]) -> str:
        """Return the source of a call."""
        return f"{self.bind(function)}({', '.join(self.expression(argument) for argument in arguments)})"

    def _step(self, expression: Step) -> str:
        value, usual, function, more = expression
        if usual.may_fail:
            return self.call(function, (value, *more))
        local = self.local()
        test, result = self.usual(expression, local)
        return f"({result} if {test} else {self.call(function, (local, *more))})"

    def usual(self, step: Step, local: str) -> tuple[str, str]:
        """Return the test of a step's short cut, which assigns its operand to `local`, and its result."""
        kind, condition, result, bound = step.usual[:4]
        operands = (local, "" if bound is None else self.bind(bound))
        found = f"({local} := {self.expression(step.value)})"
        test = f"{found} is not None" if kind is None else f"{found}.__class__ is {kind.__name__}"
        return (f"{test} and {condition.format(*operands)}" if condition else test), result.format(*operands)

    def _template(self, template: Template) -> str:
        """Text that is not blank and integers are put in as they are; anything else is left to the template."""
        parts, tests = [], []
        for part in template.parts:
            local = self.local()
            test = f"({local} := {self.expression(part)}).__class__ is str and {NOT_BLANK.format(local)}"
            tests.append(f"({test} or {local}.__class__ is int)")
            parts.append(local)
        first, *texts = [_in_f_string(text) for text in template.texts]
        filled = first + "".join(f"{{{part}}}{text}" for part, text in zip(parts, texts, strict=True))
        return f"(f'{filled}' if {' and '.join(tests)} else {self.call(template.get, RECORD)})"

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
        if reference.root == "change":
            return self.call(reference.get, RECORD)
        root = "value" if reference.root == "value" else "record.element"
        if not reference.names:
            return root
        return path_expression(reference.names, root) or self.call(reference.get, RECORD)

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

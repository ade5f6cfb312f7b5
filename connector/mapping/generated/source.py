"""The source of a topic's module: its names, its blocks of lines, and values computed over projected records."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from connector.core.record import Item
from connector.mapping.codegen import Source
from connector.mapping.elements import at_element, at_row
from connector.mapping.errors import ConversionError
from connector.mapping.expressions import RECORD, Constant, Object, Reference, Step
from connector.mapping.json_values import encode_json
from connector.mapping.projection import attributes_of, is_attribute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from connector.mapping.expressions import Expression
    from connector.mapping.json_values import Json
    from connector.mapping.lookup import Path
    from connector.mapping.projection import Node

_NOT_IN_COMMENTS = re.compile(r"[^\w.$ -]")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_]")


_NAMES: dict[str, object] = {
    "ConversionError": ConversionError,
    "Item": Item,
    "NotJson": msgspec.DecodeError,
    "ValidationError": msgspec.ValidationError,
    "at_element": at_element,
    "at_row": at_row,
    "encode": encode_json,
}
"""What each module uses by its own name."""


class ConversionKey(NamedTuple):
    """A conversion of what a reference finds."""

    names: tuple[str, ...]
    convert: Callable[[Json], Json]


def conversion_key(expression: Expression) -> ConversionKey | None:
    """Return which conversion of a record's entry an expression is, if that is all."""
    if not isinstance(expression, Step) or not isinstance(expression.value, Reference):
        return None
    convert = expression.usual.bound
    if expression.value.root != "value" or not expression.usual.may_fail or not callable(convert):
        return None
    return ConversionKey(expression.value.names, convert)


class Block:
    """Lines of a function, each with the name of the field that it computes."""

    def __init__(self, indent: int) -> None:
        self._indent = "    " * indent
        self.lines: list[tuple[str, str]] = []

    def add(self, *lines: str, field: str = "") -> None:
        """Append lines, which compute a field: a failure in them is reported with it."""
        self.lines += [(f"{self._indent}{line}", field) for line in lines]

    def comment(self, text: str) -> None:
        """Append a comment."""
        self.add(f"# {_NOT_IN_COMMENTS.sub('_', text)}")


class TopicSource(Source):
    """The source of a topic's module, written function by function."""

    def __init__(self, root: Node, identities: Iterable[Expression], *, of_rows: bool = False) -> None:
        """Begin the module of routes that have these identities; `of_rows`: they map rows of changes."""
        super().__init__(_NAMES)
        self._root = root
        self._of_rows = of_rows
        self.conversions = Counter(key for each in identities if (key := conversion_key(each)) is not None)
        self.remembering: dict[ConversionKey, Callable[[Json], Json]] = {}
        """Conversions that several routes have for an identity: each remembers its last result."""
        self._bound: dict[int, str] = {}
        """The names of objects, by id: `names` keeps them alive."""
        self.elements: Node | None = None
        """What is read of the elements of `for_each`, while a function over them is written; None: all of them."""
        self.in_loop = False
        """Whether what is written now is computed for each element."""
        self.lines: list[str] = []
        self.fields: dict[int, str] = {}
        """The field that a line computes, by the number of the line."""

    def add(self, *lines: str) -> None:
        """Append lines at the top level."""
        self.lines += lines

    def add_block(self, block: Block) -> None:
        """Append the lines of a block."""
        for line, field in block.lines:
            self.lines.append(line)
            if field:
                self.fields[len(self.lines)] = field

    def named(self, thing: object, name: str) -> str:
        """Return a name, made of `name`, that is bound to an object."""
        name = f"{_NOT_IN_NAMES.sub('_', name)}_{len(self.names)}"
        name = name if name[0].isalpha() else f"k_{name}"
        self.names[name] = thing
        return name

    def bind(self, thing: object) -> str:
        """Return a name that is bound to an object, and resembles its own if it is a function or a class."""
        if id(thing) not in self._bound:
            self._bound[id(thing)] = self.named(thing, getattr(thing, "__name__", "k").strip("<>"))
        return self._bound[id(thing)]

    def expression(self, expression: Expression) -> str:
        """Return the source of an expression."""
        if expression == "number" and self._of_rows:
            return "row"
        if expression in ("position", "number"):  # the same, where there are no rows of a change
            return "position" if self.in_loop else "0"
        if expression == "record" and self.in_loop:
            return "at_element(record, element, position)"
        if expression == "record" and self._of_rows:
            return "at_row(record, change, row)"
        return super().expression(expression)

    def reference(self, reference: Reference) -> str:
        """Return the source of a reference into a projected record: attributes, each behind a look at the class."""
        if reference.root == "change":
            return f"change.{reference.names[0]}" if self._of_rows else "None"
        if reference.root == "value":
            return self._path(reference.names[1:], *self._entry(reference.names[0]))
        return self._path(reference.names, "element", self.elements)

    def _entry(self, name: str) -> tuple[str, Node]:
        return f"value.{self._root.struct.attributes[name]}", self._root.names[name]

    def _path(self, names: Sequence[str], found: str, node: Node | None) -> str:
        for name in names:
            known = node is not None and not node.whole
            local = self.local()
            if name.isdecimal():
                test, read = f"is list and len({local}) > {int(name)}", f"{local}[{int(name)}]"
            elif node is not None and known:
                test, read = f"is {self.bind(node.struct)}", f"{local}.{node.struct.attributes[name]}"
            else:
                test, read = "is dict", f"{local}.get({name!r})"
            found = f"({read} if ({local} := {found}).__class__ {test} else step({local}, {name!r}))"
            if node is not None:
                node = (node.elements if name.isdecimal() else node.names[name]) if known else None
        return found

    def node_at(self, path: Path) -> Node | None:
        """Return the place of a path that ends in EVERY; None if something above it is read as a whole."""
        node: Node | None = self._root
        for name in path[:-1]:
            if node is None or node.whole:
                return None
            node = node.elements if str(name).isdecimal() else node.names[str(name)]
        return None if node is None or node.whole else node.elements

    def entry(self, block: Block, name: str, expression: Expression, field: str) -> str:
        """Append what computes a value, and return what holds it: a local variable, or a constant."""
        if isinstance(expression, Constant):
            return self.named(expression.literal, name)
        local = f"v_{_NOT_IN_NAMES.sub('_', name)}_{self.local()}"
        if not isinstance(expression, Object):
            block.add(f"{local} = {self.expression(expression)}", field=field)
        elif not is_struct(expression):
            block.add(f"{local} = {self.call(expression.get, RECORD)}", field=field)
        else:
            found = [
                (each, self.entry(block, each, of, f"{field}.{each}" if field else each))
                for each, of in expression.entries
            ]
            block.add(f"{local} = {self.table(name, expression, found)}")
        return local

    def table(self, title: str, expression: Object, found: Sequence[tuple[str, str]]) -> str:
        """Return what makes an object of values; None if it has no entries."""
        sure = any(isinstance(of, Constant) and of.literal is not None for _, of in expression.entries)
        return self.object(title, found, doubtful=not sure)

    def object(self, title: str, found: Sequence[tuple[str, str]], *, doubtful: bool = False) -> str:
        """Return what makes an object of the entries that are not None; a `doubtful` one is None if it has none."""
        if not found:
            return "None"
        made = f"{self.struct(title, [name for name, _ in found])}({', '.join(each for _, each in found)})"
        return f"None if {' and '.join(f'{each} is None' for _, each in found)} else {made}" if doubtful else made

    def struct(self, title: str, names: Iterable[str]) -> str:
        """Return the name of a new struct with these entries, which is encoded without those that are None."""
        attributes = attributes_of(names)
        title = _NOT_IN_NAMES.sub("_", f"a_{title}")
        fields: list[tuple[str, Any, None]] = [(attribute, Any, None) for attribute in attributes.values()]
        rename = {attribute: name for name, attribute in attributes.items()}
        return self.named(msgspec.defstruct(title, fields, rename=rename, omit_defaults=True, gc=False), title)


def is_struct(expression: Object) -> bool:
    """Return whether the entries of an object can be those of a struct."""
    return all(is_attribute(each) for each, _ in expression.entries)

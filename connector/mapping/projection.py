"""The projection of a topic: the tree of all that its routes read, and the decoder of exactly that.

A place where an object is read becomes a struct of the names that are read there. Records of any other shape are no
error: the type of such a place takes a list, text, a number or null as well. What no reference names is skipped
by the decoder and never becomes a Python object.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from connector.decode.json import BYTE_ORDER_MARK
from connector.mapping.lookup import EVERY, Path
from connector.mapping.projected import Projected

if TYPE_CHECKING:
    from collections.abc import Iterable

Decode = Callable[[bytes], Any]
"""Returns the struct of a record's value; None if there is none. May raise an error of any kind."""

_NOT_IN_ATTRIBUTES = re.compile(r"[^A-Za-z0-9_]")
_NOT_IN_NAMES = re.compile(r'["\\\x00-\x1f\ud800-\udfff]')
"""msgspec takes no such names of fields."""
_RESERVED = frozenset(dir(Projected)) | {"attributes"}


class Node:
    """One place of the tree."""

    def __init__(self) -> None:
        self.whole = False
        """It is read as it is, with all that is below."""
        self.names: dict[str, Node] = {}
        self.elements: Node | None = None
        """What is read of the elements of a list that stands here."""
        self.struct: type[Projected] = Projected

    def add(self, path: Path) -> None:
        """Add what a reference reads below this place."""
        if not path:
            self.whole = True
            return
        name, rest = path[0], path[1:]
        if name is EVERY or str(name).isdecimal():
            self.elements = self.elements or Node()
            self.elements.add(rest)
        if isinstance(name, str):
            if is_attribute(name):
                self.names.setdefault(name, Node()).add(rest)
            else:
                self.whole = True

    def type(self, title: str) -> Any:  # noqa: ANN401 - a type
        """Return the type to decode this place to; `title` becomes the name of its struct."""
        if self.whole:
            return Any
        attributes = attributes_of(self.names)
        fields = [
            (attributes[name], node.type(f"{title}_{attributes[name]}"), None) for name, node in self.names.items()
        ]
        struct: Any = msgspec.defstruct(
            title,
            fields,
            bases=(Projected,),
            namespace={"attributes": attributes},
            rename={attribute: name for name, attribute in attributes.items()},
            gc=False,
        )
        self.struct = struct
        element: Any = Any if self.elements is None else self.elements.type(f"{title}_element")
        return struct | list[element] | str | int | float | bool | None


def is_attribute(name: str) -> bool:
    """Return whether a name can be one of a struct."""
    return _NOT_IN_NAMES.search(name) is None


def attributes_of(names: Iterable[str]) -> dict[str, str]:
    """Return an attribute for each name that resembles it."""
    attributes: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        attribute = _NOT_IN_ATTRIBUTES.sub("_", name)
        if not attribute[:1].isalpha() or keyword.iskeyword(attribute) or attribute in _RESERVED:
            attribute = f"f_{attribute}"
        while attribute in taken:
            attribute += "_"
        taken.add(attribute)
        attributes[name] = attribute
    return attributes


def project(paths: Iterable[Path]) -> Node | None:
    """Return the tree of what is read; None if records are read as a whole."""
    root = Node()
    for path in paths:
        root.add(path)
    return None if root.whole else root


def after_mark(decode: Decode) -> Decode:
    """Return a function that decodes what stands after a byte order mark; None for anything else."""

    def decode_after_mark(value: bytes) -> Any:  # noqa: ANN401 - a struct
        if not value.startswith(BYTE_ORDER_MARK):
            return None
        try:
            return decode(value.removeprefix(BYTE_ORDER_MARK))
        except Exception:  # noqa: BLE001 - the general way finds out what is wrong
            return None

    return decode_after_mark


def decoder(root: Node) -> Decode:
    """Return a function that decodes an object to `root.struct`; it raises an error of any kind for anything else."""
    root.type("record")
    return msgspec.json.Decoder(root.struct).decode

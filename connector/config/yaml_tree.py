"""A YAML file as plain data, with the position of every key and value.

ruamel.yaml reads the text (YAML 1.2) and yields events; what they mean is decided here, by the rules of the core
schema and no others: `NO` and `12:30` are text, `010` is ten. A key is always text, as it is written. Nothing is
built from tags. Three steps, each of which keeps positions:

    events -> nodes      anchors are bound: an alias is the node itself
    nodes -> data        by path: an alias is expanded where it stands, `<<` is merged, a key given twice is noted
    data  -> Tree        a path of the data leads to the place in the file where its text stands

Positions are 1-based and count characters. What breaks YAML itself raises `YamlError`; what is merely wrong in it
(a key given twice) is noted, so that everything else is still reported at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from connector.config.yaml_scalars import Position, YamlError, key_text, place_of, refuse_tag, scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.settings.problems import Path

MAX_DEPTH = 60
MAX_VALUES = 100_000


class Repeated(NamedTuple):
    """A key that its table has already; the first one counts."""

    path: Path
    position: Position
    first: Position


@dataclass(slots=True)
class Tree:
    """The file as data (tables, lists, text, numbers, true, false, None), and where each part stands."""

    data: dict[str, object]
    keys: dict[Path, Position] = field(default_factory=dict)
    values: dict[Path, Position] = field(default_factory=dict)
    repeated: list[Repeated] = field(default_factory=list)

    def position(self, path: Path, *, at_key: bool = False) -> Position:
        """Where `path` stands; of what is not in the file, where the nearest table around it is named."""
        if path in self.values:
            return self.keys[path] if at_key and path in self.keys else self.values[path]
        for length in range(len(path) - 1, 0, -1):
            around = path[:length]
            if around in self.values:
                return self.keys.get(around) or self.values[around]
        return self.values.get((), Position(1, 1))


class _Node:
    """One value of the file: `content` is a scalar, a list of nodes, or a list of (key, its place, node)."""

    __slots__ = ("content", "position")

    def __init__(self, position: Position) -> None:
        self.position = position
        self.content: object = None


class _Table(list[tuple[str, Position, bool, _Node]]):
    """The entries of a table: key, its place, whether it is a merge, value."""


def read_tree(text: str) -> Tree:
    """Read one document whose root is a table.

    Raises:
        MarkedYAMLError: the text is not YAML.
        YamlError: it is empty, has several documents, its root is no table, or it has what no config has.

    """
    root = _Composer(text).document()
    if root is None or root.content is None:
        raise YamlError("the file is empty: kafka, platform, targets and routes are required", Position(1, 1))
    if not isinstance(root.content, _Table):
        raise YamlError("the file must be a table: kafka:, platform:, targets:, routes:", root.position)
    expansion = _Expansion()
    data = expansion.table((), root)
    repeated = {item.position: item for item in expansion.repeated}
    return Tree(data, expansion.keys, {**expansion.values, (): root.position}, list(repeated.values()))


def events(text: str) -> Iterator[object]:
    """Parse a text into ruamel's events.

    Raises:
        MarkedYAMLError: the text is not YAML, with the place.
        YamlError: it is not, and ruamel stumbles over it without a word; the place is that of the last event.

    """
    place = Position(1, 1)
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            place = place_of(event)
            yield event
    except MarkedYAMLError:
        raise
    except (YAMLError, ValueError, OverflowError, AssertionError) as error:
        message = "not YAML from here on: an escape like \\U that stands for no character, or a wrong %YAML"
        raise YamlError(message, place) from error


class _Composer:
    """Builds nodes from events; lives for one file."""

    def __init__(self, text: str) -> None:
        self._events = events(text)
        self._anchors: dict[str, _Node] = {}

    def document(self) -> _Node | None:
        root: _Node | None = None
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                if root is not None:
                    raise YamlError("a config is one document: remove the '---'", place_of(event))
                root = self._node(next(self._events), 0)
        return root

    def _node(self, event: object, depth: int) -> _Node:
        place = place_of(event)
        if depth > MAX_DEPTH:
            raise YamlError(f"nested deeper than {MAX_DEPTH} levels", place)
        if isinstance(event, AliasEvent):
            if event.anchor not in self._anchors:
                raise YamlError(f"no anchor &{event.anchor} stands above; text that begins with * needs quotes", place)
            return self._anchors[event.anchor]
        node = _Node(place)
        if isinstance(event, ScalarEvent):
            node.content = scalar(event, place)
        else:
            refuse_tag(event, place)
            node.content = self._items(event, depth)
        anchor = getattr(event, "anchor", None)
        if anchor:
            self._anchors[anchor] = node
        return node

    def _items(self, start: object, depth: int) -> object:
        if isinstance(start, MappingStartEvent):
            return self._entries(depth)
        assert isinstance(start, SequenceStartEvent)  # noqa: S101 - ruamel yields no other event here
        found = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            found.append(self._node(event, depth + 1))
        return found

    def _entries(self, depth: int) -> _Table:
        table = _Table()
        while not isinstance(event := next(self._events), MappingEndEvent):
            place = place_of(event)
            if not isinstance(event, ScalarEvent):
                raise YamlError("a key must be text; quote it if it begins with *, { or [", place)
            if event.value == "" and not event.style:
                raise YamlError("a key is missing before the ':'", place)
            is_merge = event.value == "<<" and not event.style
            key = key_text(event, place)
            table.append((key, place, is_merge, self._node(next(self._events), depth + 1)))
        return table


class _Expansion:
    """Turns nodes into data by path, and notes where each path stands; lives for one file."""

    def __init__(self) -> None:
        self._left = MAX_VALUES
        self.repeated: list[Repeated] = []
        self.keys: dict[Path, Position] = {}
        self.values: dict[Path, Position] = {}

    def value(self, path: Path, node: _Node) -> object:
        self._spend(node)
        self.values[path] = node.position
        if isinstance(node.content, _Table):
            return self.table(path, node)
        if isinstance(node.content, list):
            return [self.value((*path, index), item) for index, item in enumerate(node.content)]
        return node.content

    def table(self, path: Path, node: _Node) -> dict[str, object]:
        data: dict[str, object] = {}
        for key, (place, value) in self._entries(path, node).items():
            self.keys[*path, key] = place
            data[key] = self.value((*path, key), value)
            if data[key] is None and value.position.line > place.line:
                self.values[*path, key] = place  # an empty value has no place of its own
        return data

    def _entries(self, path: Path, node: _Node) -> dict[str, tuple[Position, _Node]]:
        """The entries with those that are merged in: a table's own keys win, then what is merged first."""
        assert isinstance(node.content, _Table)  # noqa: S101 - the caller has looked
        own: dict[str, tuple[Position, _Node]] = {}
        merged: dict[str, tuple[Position, _Node]] = {}
        for key, place, is_merge, value in node.content:
            if is_merge:
                for source in self._merge_sources(value):
                    merged = {**self._entries(path, source), **merged}
            elif key in own:
                self.repeated.append(Repeated((*path, key), place, own[key][0]))
            else:
                own[key] = (place, value)
        return {**merged, **own}

    def _merge_sources(self, node: _Node) -> list[_Node]:
        content = node.content
        sources = [node] if isinstance(content, _Table) else content
        if not isinstance(sources, list) or not all(isinstance(item.content, _Table) for item in sources):
            raise YamlError("'<<' takes a table or a list of tables: <<: *anchor", node.position)
        for source in sources:
            self._spend(source)
        return sources

    def _spend(self, node: _Node) -> None:
        self._left -= 1
        if self._left < 0:
            raise YamlError(f"the aliases expand to more than {MAX_VALUES:,} values", node.position)

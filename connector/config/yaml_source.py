"""A YAML file as plain data, with the place of every key and value.

ruamel.yaml composes the text (YAML 1.2) into nodes that know where they begin and end, and binds aliases: an alias is
the node of its anchor. What the nodes mean is decided here, by the rules of the core schema and no others: `NO` and
`12:30` are text, `010` is ten. Nothing is built from tags. A key is text, as it is written. On the way from nodes to
data `<<` is merged and aliases are expanded, up to a limit.

A path leads to the text that its value comes from: for aliases and merges, that of the anchor.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.composer import MaxDepthExceededError
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.tag import Tag

from connector.config import punctuation
from connector.config.source_text import Slip
from connector.config.yaml_scalars import UNTAGGED, YamlError, key_text, refuse_tag, scalar_value
from connector.config.yaml_slips import explain, unreadable_character, unreadable_escape
from connector.language.message import message, verbatim
from connector.settings.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ruamel.yaml.nodes import Node

    from connector.config.source_text import SourceText
    from connector.language.message import Message
    from connector.settings.problems import Path

MAX_DEPTH: Final = 60
MAX_VALUES: Final = 100_000


class Span(NamedTuple):
    """Where a key or a value stands in the text: `text[start:end]`."""

    start: int
    end: int


@dataclass(slots=True)
class YamlSource:
    """A file as data (dict, list, str, int, float, bool, None), and where each part of it stands."""

    data: dict[str, object]
    keys: dict[Path, Span] = field(default_factory=dict)
    values: dict[Path, Span] = field(default_factory=dict)
    scalars: set[Path] = field(default_factory=set)
    """The paths at which a text, a number, true, false or null is written, and not a table, a list or nothing."""
    repeated: dict[Span, tuple[Path, Span]] = field(default_factory=dict)
    """Keys that their table has already: the place of each, its path, and the place of the first, which counts."""
    problems: list[Problem] = field(default_factory=list)
    """Scalars that mean nothing here: tagged ones, numbers that JSON does not have."""
    misread: list[tuple[Path, Slip]] = field(default_factory=list)
    """What is YAML and means something else than its author thinks, with its path."""

    def span(self, path: Path, *, at_key: bool = False) -> Span:
        """Return where `path` stands; if it is not in the file, the key of the nearest table around it."""
        if path in self.values:
            return self.keys[path] if at_key and path in self.keys else self.values[path]
        for length in range(len(path) - 1, 0, -1):
            around = path[:length]
            if around in self.values:
                return self.keys.get(around) or self.values[around]
        return self.values[()]


def read_yaml(source: SourceText, keys: Sequence[str] = ()) -> YamlSource:
    """Read one document whose root is a table; `keys` are those that it must have, for the message that it is none.

    Raises:
        YamlError: the text is not YAML, or no config has such a structure; for the first such place.
            Bad scalars and repeated keys are in the result, as problems.

    """
    slip = unreadable_character(source.text)
    if slip is not None:
        raise YamlError(slip.message, slip.index)
    root = _compose(source)
    if root is None or (isinstance(root, ScalarNode) and scalar_value(root) is None):
        raise YamlError(message("the file is empty: {keys} are required", keys=_listed(keys)), 0)
    if not isinstance(root, MappingNode):
        told = message("expected a table with the keys {keys}", keys=_listed(keys))
        default = Slip(_span(root).start, told)
        slip = punctuation.for_colon(source.text, *_span(root)) or default
        raise YamlError(slip.message, slip.index)
    reader = _Reader(source.text)
    data = reader.value((), root)
    assert isinstance(data, dict)  # noqa: S101 - what a MappingNode becomes
    return replace(reader.result, data=data)


def _listed(keys: Sequence[str]) -> Message:
    *names, last = keys or ("",)
    return message("{names} and {last}", names=", ".join(names), last=last) if names else verbatim(last)


class _UntaggedResolver(VersionedResolver):
    """Leaves nodes without a tag untagged, where ruamel derives one from their text by rules of its own."""

    def resolve(self, kind: object, value: object, implicit: object) -> Tag:  # noqa: ARG002 - ruamel's signature
        return Tag(suffix=UNTAGGED)


def _parser() -> YAML:
    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver = _UntaggedResolver
    yaml.max_depth = MAX_DEPTH
    return yaml


def _compose(source: SourceText) -> Node | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ReusedAnchorWarning)  # YAML allows it: an alias means the last one above
            return _parser().compose(source.text)  # type: ignore[no-any-return]
    except MaxDepthExceededError as error:
        told = message("nested deeper than {depth} levels", depth=MAX_DEPTH)
        raise YamlError(told, error.problem_mark.index) from error
    except MarkedYAMLError as error:
        slip = explain(source, error, _first_error)
        raise YamlError(slip.message, slip.index) from error
    except (YAMLError, ValueError, OverflowError, AssertionError) as error:  # ruamel gives no place
        slip = unreadable_escape(source.text)
        raise YamlError(slip.message, slip.index) from error


def _first_error(text: str) -> int | None:
    """Return the index at which `text` stops being YAML (0 if ruamel does not say); None if it is YAML to its end."""
    try:
        for _event in _parser().parse(text):
            pass
    except MarkedYAMLError as error:
        return int((error.problem_mark or error.context_mark).index)
    except (YAMLError, ValueError, OverflowError, AssertionError):
        return 0
    return None


def _span(node: Node) -> Span:
    return Span(node.start_mark.index, node.end_mark.index)


class _Reader:
    """Turns nodes into data, path by path; lives for one file."""

    def __init__(self, text: str) -> None:
        self.result = YamlSource({})
        self._text = text
        self._left = MAX_VALUES
        self._open: set[int] = set()

    def value(self, path: Path, node: Node) -> object:
        self._spend(node)
        self.result.values[path] = _span(node)
        if isinstance(node, ScalarNode):
            if not node.style:
                self._note(path, punctuation.around_reference(self._text, *_span(node)))
            if node.start_mark.index < node.end_mark.index:
                self.result.scalars.add(path)
            return self._scalar(path, node)
        self._enter(node)
        data: object
        if isinstance(node, MappingNode):
            data = self._table(path, node)
        else:
            data = [self.value((*path, index), item) for index, item in enumerate(node.value)]
        self._open.discard(id(node))
        return data

    def _table(self, path: Path, node: MappingNode) -> dict[str, object]:
        data: dict[str, object] = {}
        for key, (key_node, value_node) in self._entries(path, node).items():
            inner = (*path, key)
            self.result.keys[inner] = _span(key_node)
            data[key] = self.value(inner, value_node)
            if data[key] is None and not value_node.value:
                self.result.values[inner] = _span(key_node)  # an empty value has no place of its own
        return data

    def _entries(self, path: Path, node: MappingNode) -> dict[str, tuple[ScalarNode, Node]]:
        """The entries with those that are merged in: a table's own keys win, then what is merged first."""
        own: dict[str, tuple[ScalarNode, Node]] = {}
        merged: dict[str, tuple[ScalarNode, Node]] = {}
        for key_node, value_node in node.value:
            key = key_text(key_node)
            if key == "<<" and not key_node.style:
                for source in _merge_sources(value_node):
                    self._spend(source)
                    self._enter(source)
                    merged = {**self._entries(path, source), **merged}
                    self._open.discard(id(source))
            elif key in own:
                self.result.repeated[_span(key_node)] = ((*path, key), _span(own[key][0]))
            else:
                own[key] = (key_node, value_node)
                if node.flow_style and not key_node.style:
                    end = key_node.end_mark.index
                    has_colon = ":" in self._text[end : value_node.start_mark.index]
                    self._note((*path, key), None if has_colon else punctuation.for_colon(self._text, *_span(key_node)))
        return {**merged, **own}

    def _scalar(self, path: Path, node: ScalarNode) -> object:
        try:
            return scalar_value(node)
        except YamlError as error:
            self.result.problems.append(Problem(path, error.message, "yaml_syntax"))
            return node.value

    def _note(self, path: Path, slip: Slip | None) -> None:
        if slip is not None:
            self.result.misread.append((path, slip))

    def _enter(self, node: Node) -> None:
        """Refuse tags, and a node inside itself: the aliases of one would expand forever."""
        refuse_tag(node, frozenset({UNTAGGED}))
        if id(node) in self._open:
            told = message("the anchor &{name} holds an alias of itself", name=node.anchor)
            raise YamlError(told, node.start_mark.index)
        self._open.add(id(node))

    def _spend(self, node: Node) -> None:
        self._left -= 1
        if self._left < 0:
            told = message("more than {number:,} values, aliases expanded", number=MAX_VALUES)
            raise YamlError(told, node.start_mark.index)


def _merge_sources(node: Node) -> list[MappingNode]:
    sources: list[Node] = node.value if isinstance(node, SequenceNode) else [node]
    tables = [source for source in sources if isinstance(source, MappingNode)]
    if len(tables) < len(sources):
        told = message("'<<' takes a table or a list of tables: <<: *anchor")
        raise YamlError(told, node.start_mark.index)
    return tables

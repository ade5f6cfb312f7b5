"""What a scalar of a YAML file means: the core schema of YAML 1.2, and no other rule.

`NO`, `12:30` and `2024-01-01` are text, `010` is ten. Numbers that JSON does not have, and tags, are refused.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from ruamel.yaml.nodes import ScalarNode

from connector.language.message import message

if TYPE_CHECKING:
    from ruamel.yaml.nodes import Node

    from connector.language.message import Message

UNTAGGED: Final = "?"
"""The tag of nodes that have none in the file."""
_STRING_TAGS: Final = frozenset({UNTAGGED, "tag:yaml.org,2002:str"})
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT: Final = re.compile(r"[-+]?[0-9]+")
_BASED_INT: Final = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


class YamlError(Exception):
    """The text is not the YAML of a config. The message is one line and shows no secret."""

    def __init__(self, told: Message, index: int) -> None:
        super().__init__(told)
        self.message = told
        self.index = index
        """Where in the text."""


def refuse_tag(node: Node, allowed: frozenset[str]) -> None:
    """Raise YamlError if a node has a tag that is not `allowed`."""
    if str(node.tag) not in allowed:
        tag = str(node.tag).replace("tag:yaml.org,2002:", "!!")
        told = message("tags are not allowed: remove '{tag}', or quote the text", tag=tag)
        raise YamlError(told, node.start_mark.index)


def key_text(node: Node) -> str:
    """Return a key as it is written, so that `010` and `1` find what a record has; `True` is `true`."""
    if not isinstance(node, ScalarNode):
        raise YamlError(message("a key must be text: quote it if it begins with {{ or ["), node.start_mark.index)
    if not node.value and not node.style:
        raise YamlError(message("a key is missing before the ':'"), node.start_mark.index)
    refuse_tag(node, _STRING_TAGS)
    if not node.style and node.value in _BOOL:
        return str(node.value).lower()
    return _characters(node)


def scalar_value(node: ScalarNode) -> object:
    """Return a value: text if it is quoted, else what it means by the core schema of YAML 1.2."""
    refuse_tag(node, _STRING_TAGS)
    text = str(node.value)
    if node.style or str(node.tag) != UNTAGGED:
        return _characters(node)
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text) or _BASED_INT.fullmatch(text):
        number = int(text, 10 if _INT.fullmatch(text) else 0) if len(text) <= 64 else 1 << 64
        if not -(1 << 63) <= number < 1 << 64:
            raise YamlError(message("an integer beyond 64 bits: quote it if it is text"), node.start_mark.index)
        return number
    if _FLOAT.fullmatch(text):
        fraction = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        if not math.isfinite(fraction):
            raise YamlError(message("not a number in JSON: quote it if it is text"), node.start_mark.index)
        return fraction
    return text


def _characters(node: ScalarNode) -> str:
    """Return the text of a node, which must consist of whole characters."""
    text = str(node.value)
    if _SURROGATE.search(text):
        told = message("half a character (\\ud800 to \\udfff): write the character itself")
        raise YamlError(told, node.start_mark.index)
    return text

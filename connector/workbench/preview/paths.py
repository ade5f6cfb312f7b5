"""The paths that a value has, written as references, and the one that a reference without a find may have meant."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

from connector.mapping.lookup import parsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connector.mapping.json_values import Json

_MOST_PATHS: Final = 2000
_MOST_DEPTH: Final = 12
_MOST_ELEMENTS: Final = 3
_PLAIN: Final = re.compile(r'[^\s."\[\]{}*\\]+')
_ROOT: Final = re.compile(r"^\$\w*\.?")
_LAST: Final = re.compile(r"[^.]*$")
_SAME_LAST: Final = 0.4
"""What it counts that the last names are the same: the commonest slip is a level that is missing."""
_LEAST: Final = 0.65
_NUMBER: Final = re.compile(r"\.\d+(?=\.|$)")


def existing_paths(root: str, value: Json) -> list[str]:
    """Return the paths of a value to what is not empty; `root` stands for the value itself: `$`."""
    found: list[str] = []
    for path in _paths(root, value, 0):
        if len(found) >= _MOST_PATHS:
            break
        found.append(path)
    return found


def is_empty(value: Json) -> bool:
    """Return whether a value is as good as none: null, blank text, a list or an object without anything in it."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, list | dict) and not value)


def _paths(at: str, value: Json, depth: int) -> Iterator[str]:
    if value.__class__ is str:
        value = parsed(value)  # a path walks into text that holds JSON
    if depth >= _MOST_DEPTH:
        return
    if isinstance(value, dict):
        entries = [(segment(name), each) for name, each in value.items()]
    elif isinstance(value, list):
        first = list(enumerate(value[:_MOST_ELEMENTS]))
        entries = [(name, each) for index, each in first for name in ("*", str(index))]
    else:
        return
    for name, each in entries:
        if not is_empty(each):
            yield f"{at}.{name}"
            yield from _paths(f"{at}.{name}", each, depth + 1)


def segment(name: str) -> str:
    """Return a name as a part of a reference: in quotes, if it needs them."""
    if _PLAIN.fullmatch(name):
        return name
    escaped = re.sub(r'(["\\])', r"\\\1", name)
    return f'"{escaped}"'


def nearest(wanted: str, existing: Iterable[str]) -> str:
    """Return the path that is most like the wanted one; empty if none is like it."""
    matcher = SequenceMatcher(None)
    matcher.set_seq2(_folded(wanted))
    best, most = "", _LEAST
    one_element = _NUMBER.search(wanted) is not None
    for path in dict.fromkeys(existing):
        if one_element and ".*" in path:
            continue
        matcher.set_seq1(_folded(path))
        bonus = _SAME_LAST if _folded(_last(path)) == _folded(_last(wanted)) else 0.0
        if matcher.real_quick_ratio() + bonus > most and (score := matcher.ratio() + bonus) > most:
            best, most = path, score
    return best


def _last(path: str) -> str:
    found = _LAST.search(path)
    return found[0] if found is not None else path


def _folded(text: str) -> str:
    return _ROOT.sub("", text).lower().replace("_", "").replace("-", "")

"""Which event keys a route may make: what is known of it before any record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connector.mapping.errors import MappingError
from connector.mapping.expressions import Usual, Value
from connector.mapping.json_values import text_form
from connector.mapping.references import is_reference, literal_text
from connector.mapping.vocabulary import DEAD_LETTER, SKIP
from connector.mapping.words.converting import CONVERTING
from connector.settings.types import InterpolatedStr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connector.mapping.json_values import Json
    from connector.settings.problems import Path as Keys

_CHANGING = ("extract", *CONVERTING)
"""Words between `default` and `map`."""


@dataclass(slots=True)
class PossibleKeys:
    """The event keys that a piece of the language may yield."""

    known: dict[str, Keys] = field(default_factory=dict)
    """Those that the file names, with their places below the event key's own."""
    closed: bool = True
    """Whether there are no others: none comes out of a record."""

    def add(self, other: PossibleKeys) -> None:
        """Add those of a part."""
        self.known |= {key: place for key, place in other.known.items() if key not in self.known}
        self.closed = self.closed and other.closed


def possible_keys(raw: Json, at: Keys = ()) -> PossibleKeys:
    """Return the event keys that may come out of a value."""
    if isinstance(raw, dict):
        return _of_words(raw, at)
    if is_reference(raw) or isinstance(raw, list):
        return PossibleKeys(closed=False)
    text = literal_text(raw) if isinstance(raw, str) else text_form(raw)
    return PossibleKeys({} if text is None or not text.strip() else {text: at})


def _of_words(raw: Mapping[str, Json], at: Keys) -> PossibleKeys:
    if "literal" in raw:
        text = text_form(raw["literal"])
        return PossibleKeys({} if text is None else {text: (*at, "literal")})
    default = possible_keys(None)
    if "default" in raw:
        default = _of_fallback(raw["default"], (*at, "default"))
    if not isinstance(raw.get("map"), dict):
        sure = not any(word in raw for word in _CHANGING)
        return PossibleKeys(default.known if sure else {}, closed=False)
    found = PossibleKeys()
    for key, result in raw["map"].items():
        found.add(possible_keys(result, (*at, "map", key)))
    if "otherwise" in raw:
        found.add(_of_fallback(raw["otherwise"], (*at, "otherwise")))
    else:  # a default is looked up in the table first
        looked_up = {text_form(key) for key in raw["map"]}
        default.known = {key: place for key, place in default.known.items() if key not in looked_up}
        found.add(default)
    return found


def _of_fallback(raw: Json, at: Keys) -> PossibleKeys:
    if raw in (SKIP, DEAD_LETTER) and not isinstance(raw, InterpolatedStr):
        return PossibleKeys()
    return possible_keys(raw, at)


def defined(value: Value, keys: frozenset[str], lacking: Mapping[str, str]) -> Value:
    """Return the event key of a route, which must be among those that are defined.

    `lacking` has, of keys among them, an argument that is required and that no line of the route makes.
    """
    return value.then(_hold_key(keys, lacking), usual=Usual(str, "{0} in {1}", bound=keys - lacking.keys(), text=True))


def _hold_key(keys: frozenset[str], lacking: Mapping[str, str]) -> Callable[[Json], Json]:
    def hold_key(key: Json) -> Json:
        text = key if key.__class__ is str else text_form(key)
        if text is None or not text or text.isspace():  # a missing key has a reason of its own
            return key
        if text not in keys:
            raise MappingError("event_undefined", "event_key", "`events` defines no event with this key")
        if text in lacking:
            detail = f"{text} requires this argument (`events`), and the route does not map it"
            raise MappingError("item_invalid", f"eventargs.{lacking[text]}", detail)
        return key

    return hold_key

"""The text form of a scalar: what `string` yields, `map` looks up and `where` compares."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector.mapping.location import Json

_EXACT_BELOW = 1e16


def text_form(value: Json) -> str | None:
    """The text of a scalar as people write it (true, 12, 12 for 12.0, 0.5); None for null, lists and objects."""
    kind = value.__class__
    if kind is str:
        return value  # type: ignore[no-any-return]
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        return str(value)
    if kind is float:
        whole = value.is_integer() and abs(value) < _EXACT_BELOW
        return str(int(value)) if whole else repr(value)
    return str(value) if isinstance(value, str) else None

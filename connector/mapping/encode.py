"""From what was mapped to JSON: once per item."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import orjson

from connector.mapping.errors import MappingError

if TYPE_CHECKING:
    from connector.mapping.location import Json


def encode(mapped: dict[str, Json]) -> bytes:
    """Compact JSON, integers beyond 64 bits included. Raises MappingError if it can't be."""
    try:
        return orjson.dumps(mapped)
    except orjson.JSONEncodeError:
        pass  # an integer beyond 64 bits, most likely: the standard library writes it, slower
    try:
        return json.dumps(mapped, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (ValueError, TypeError, RecursionError) as error:
        detail = f"the item can't be written as JSON ({type(error).__name__})"
        raise MappingError("item_invalid", "", detail) from error

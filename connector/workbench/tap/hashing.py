"""The hash of a value, by which the records of one customer are found without the value being sent or shown.

It keeps the value out of URLs, histories and screens. It does not make it secret: whoever has the hash of a mobile
number can try all of them.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from connector.mapping.lookup import parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.mapping.json_values import Json


def value_hash(text: str) -> str:
    """Return the sha256 of a value as text, in hex: what `printf %s VALUE | sha256sum` prints."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def holds(value: Json, wanted: str) -> bool:
    """Return whether a text or a number in a decoded value has a hash that begins with `wanted`."""
    return any(value_hash(text).startswith(wanted) for text in _texts(value))


def _texts(value: Json) -> Iterator[str]:
    """Yield the texts and numbers of a value, also of JSON in a text."""
    stack = [value]
    while stack:
        each = stack.pop()
        if isinstance(each, dict):
            stack.extend(each.values())
        elif isinstance(each, list):
            stack.extend(each)
        elif isinstance(each, str):
            yield each
            if (held := parsed(each)) is not None:
                stack.append(held)
        elif each is not None and not isinstance(each, bool):
            yield str(each)

"""What the tables of the language share.

Each table (words, conversions, operators) holds everything about its entries: the code, the meaning, the JSON Schema
and examples. The compiler, the schema and docs/mapping.md are made from the tables; a test runs the examples.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from connector.mapping.json_values import Json

Schema = dict[str, Any]
"""A fragment of JSON Schema."""

SKIP = "$skip"
DEAD_LETTER = "$dead_letter"


class Example(NamedTuple):
    """A piece of config as YAML, a decoded record, and the result.

    The result of a value is what it yields; None if the field is left out; SKIP or DEAD_LETTER if the item ends so.
    The result of a condition is true or false.
    """

    config: str
    record: Json
    result: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One entry of a table: a key of the language."""

    name: str
    doc: str
    schema: Schema = field(default_factory=dict)
    examples: tuple[Example, ...] = ()

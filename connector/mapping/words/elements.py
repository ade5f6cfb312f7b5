"""The words for the elements of a list: `each` and `value`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.language.message import message
from connector.mapping.elements import at_element, elements_of
from connector.mapping.expressions import MISSING, Value
from connector.mapping.references import is_reference
from connector.mapping.vocabulary import DEAD_LETTER, Example
from connector.mapping.words.word import Operands, Word

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.core.record import Record
    from connector.mapping.json_values import Json
    from connector.mapping.location import Location


def compile_list_source(raw: Json, location: Location, compile_value: Callable[[Json, Location], Value]) -> Value:
    """Compile what stands beside `each` and `for_each`: a value that may be a list."""
    value = compile_value(raw, location) if isinstance(raw, dict) or is_reference(raw) else None
    if value is None or (value.constant and value is not MISSING):
        location.add(message("expected a reference to a list, like $.items"), "bad_reference")
        return MISSING
    return value


def _each(_value: Value, words: Operands) -> Value:
    raw_list, at_list = words.of("each")
    elements = compile_list_source(raw_list, at_list.of_one_value(one=False), words.compile)
    if "value" not in words:
        told = message("missing, required together with {name}", name="`each`")
        words.location.at("value").add(told, "missing_key")
        return MISSING
    raw, location = words.of("value")
    get = words.compile_structure(raw, location.with_item()).get
    field = words.location.field

    def make(got: Json, value: Json, record: Record) -> Json:
        found = (
            get(value, at_element(record, element, position)) for position, element in elements_of(got, "each", field)
        )
        return [each for each in found if each is not None] or None

    return elements.then(make, "value", "record")


def _value(value: Value, words: Operands) -> Value:
    """Check that `each` stands beside the word; `each` compiles it."""
    if "each" not in words:
        words.location.at("value").add(message("`value` belongs to `each`"), "bad_value", at_key=True)
    return value


_STRUCTURE = {"$ref": "#/$defs/Structure"}

TABLE = (
    Word(
        name="each",
        doc="A reference to a list, or words that yield one: `value` is computed for each of its elements. What is"
        " missing is left out; a missing list is missing.",
        schema={"anyOf": [{"type": "string", "pattern": r"^\$"}, {"$ref": "#/$defs/Words"}]},
        examples=(
            Example("{each: $.lines, value: $item.sku}", {"lines": [{"sku": "a"}, {}, {"sku": "b"}]}, ["a", "b"]),
            Example("{each: {from: $.a, as: split}, value: $item}", {"a": "x, y"}, ["x", "y"]),
            Example("{each: $.a, value: $item, as: joined}", {"a": ["x", "y"]}, "x,y"),
            Example("{each: $.a, value: $item}", {}, None),
            Example("{each: $.a, value: $item}", {"a": {"b": 1}}, DEAD_LETTER),
        ),
        compile=_each,
        source=True,
    ),
    Word(
        name="value",
        doc="With `each`: a value, or a table of values, lists and tables among them; `$item` is the element, `$index`"
        " its position from 0. A table is left out if it has references and all of them are missing.",
        schema=_STRUCTURE,
        examples=(
            Example(
                '{each: $.a, value: {name: $item.n, no: {template: "{$.id}-{$index}"}}}',
                {"id": 7, "a": [{"n": "x"}, {"n": "y"}]},
                [{"name": "x", "no": "7-0"}, {"name": "y", "no": "7-1"}],
            ),
            Example(
                "{each: $.a, value: {name: $item.n, kind: sku}}", {"a": [{}, {"n": 1}]}, [{"name": 1, "kind": "sku"}]
            ),
            Example(
                "{each: $.a, value: {of: {each: $item, value: $item}}}",
                {"a": [[1, 2], [3]]},
                [{"of": [1, 2]}, {"of": [3]}],
            ),
        ),
        compile=_value,
    ),
)

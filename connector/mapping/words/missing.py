"""The words for missing values: `default` and `required`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.mapping.codegen import Value
from connector.mapping.errors import MappingError
from connector.mapping.vocabulary import DEAD_LETTER, SKIP, Example
from connector.mapping.words.word import VALUE_SCHEMA, Operands, Word

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.core.record import Record
    from connector.mapping.json_values import Json
    from connector.mapping.lookup import Getter


def _default(value: Value, words: Operands) -> Value:
    return value if words.default is None else Value(with_default(value.get, words.default))


def _required(value: Value, words: Operands) -> Value:
    wanted, location = words.of("required")
    if not isinstance(wanted, bool):
        location.add("expected true or false", "wrong_type")
    return value.then(required(location.field)) if wanted is True else value


def with_default(get: Getter, default: Getter) -> Getter:
    """Return a getter that falls back to `default` for a missing value."""

    def found(value: Json, record: Record) -> Json:
        got = get(value, record)
        return default(value, record) if got is None else got

    return found


def required(field: str) -> Callable[[Json], Json]:
    """Return a step that sends the record to the dead letters if the value is missing."""

    def demand(got: Json) -> Json:
        if got is None:
            raise MappingError("value_missing", field, "a required value is missing")
        return got

    return demand


TABLE = (
    Word(
        name="default",
        doc="Used if the value is missing, or is not in `map`. $skip: no item. $dead_letter: a dead letter.",
        schema=VALUE_SCHEMA,
        examples=(
            Example("{from: $.a, default: none}", {}, "none"),
            Example("{from: $.a, default: $.b}", {"b": 5}, 5),
            Example("{from: $.a, default: $skip}", {}, SKIP),
        ),
        compile=_default,
    ),
    Word(
        name="required",
        doc="true: a missing value sends the record to the dead letters. Otherwise the field is left out.",
        schema={"type": "boolean"},
        examples=(Example("{from: $.a, required: true}", {}, DEAD_LETTER),),
        compile=_required,
    ),
)

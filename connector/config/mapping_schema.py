"""The JSON Schema of the mapping language: what may stand under a route's `where`, `identity` and `fields`.

Everything comes from the tables of the language and of the endpoints. The schema is more lenient than the check at
start, which knows the route's endpoint; it never refuses what the check accepts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.mapping.conditions import COMBINATIONS
from connector.mapping.conversions import OPTIONS, taking
from connector.mapping.identity import KEYS
from connector.mapping.operators import OPERATORS
from connector.mapping.references import FORMS
from connector.mapping.words import SOURCES, WORDS
from connector.tuzhan.endpoints import ENDPOINTS

if TYPE_CHECKING:
    from connector.mapping.vocabulary import Schema, Term

_VALUE: Schema = {"$ref": "#/$defs/Value"}
_CONDITIONS: Schema = {"$ref": "#/$defs/Conditions"}
_SCALAR: Schema = {"type": ["string", "number", "boolean", "null"]}
_REFERENCE: Schema = {"type": "string", "pattern": r"^\$"}


def definitions() -> dict[str, Schema]:
    """Return the definitions that the other schemas refer to."""
    return {
        "Value": {
            "description": f"A literal, a reference ({', '.join(FORMS)}; $$ for a literal $), or an object of words",
            "anyOf": [_SCALAR, {"type": "array", "items": _VALUE}, {"$ref": "#/$defs/Words"}],
        },
        "Words": _words(),
        "Table": {
            "description": "A table of values, or one value that yields an object",
            "anyOf": [
                {"$ref": "#/$defs/Words"},
                {"type": "object", "additionalProperties": {"anyOf": [_VALUE, {"$ref": "#/$defs/Table"}]}},
                _REFERENCE,
            ],
        },
        "Conditions": _conditions(),
        "Identity": {
            "description": "One identity of the person that the record is about",
            "type": "object",
            "required": ["type", "value"],
            "additionalProperties": False,
            "properties": {
                key: {"description": doc, **({"type": "string"} if key == "type" else _VALUE)}
                for key, doc in KEYS.items()
            },
        },
    }


def _described(terms: dict[str, Term]) -> Schema:
    return {name: {"description": term.doc, **term.schema} for name, term in terms.items()}


def _words() -> Schema:
    return {
        "description": "A value that is made of the record, step by step",
        "type": "object",
        "additionalProperties": False,
        "properties": _described({**WORDS}),
        "oneOf": [{"required": [source]} for source in SOURCES],
        "dependentSchemas": {option: _beside(taking(option)) for option in OPTIONS}
        | {"otherwise": {"required": ["map"]}, "literal": {"maxProperties": 1}},
    }


def _beside(conversions: tuple[str, ...]) -> Schema:
    named = {"enum": list(conversions)}
    either = {"description": "One that takes the option", "anyOf": [named, {"type": "array", "contains": named}]}
    return {"required": ["as"], "properties": {"as": either}}


def _conditions() -> Schema:
    listed = {"type": "array", "items": _CONDITIONS, "minItems": 1}
    operators = {"type": "object", "additionalProperties": False, "minProperties": 1}
    return {
        "description": f"reference: condition, all of which must hold; {', '.join(COMBINATIONS)} combine",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: {"description": doc, **(_CONDITIONS if name == "not" else listed)}
            for name, doc in COMBINATIONS.items()
        },
        "patternProperties": {
            _REFERENCE["pattern"]: {
                "description": f"A scalar: equal; a list: one of; or an object of {', '.join(OPERATORS)}",
                "anyOf": [
                    OPERATORS["eq"].schema,
                    OPERATORS["in"].schema,
                    {**operators, "properties": _described({**OPERATORS})},
                ],
            }
        },
    }


def parameters() -> dict[str, Schema]:
    """Return the schemas of `public_params`; the descriptions name the endpoints that take each of them."""
    found: dict[str, Schema] = {}
    for endpoint in ENDPOINTS.values():
        for parameter in endpoint.parameters:
            allowed = f" ({', '.join(map(str, parameter.allowed))})" if parameter.allowed else ""
            need = ", required" if parameter.required else ""
            _describe(found, parameter.name, f"{endpoint.path}: {parameter.kind}{allowed}{need}", _VALUE)
    return found


def fields() -> dict[str, Schema]:
    """Return the schemas of `fields`; the descriptions name the endpoints that take each of them."""
    found: dict[str, Schema] = {}
    for endpoint in ENDPOINTS.values():
        for item_field in endpoint.fields:
            allowed = f" ({', '.join(item_field.allowed)})" if item_field.allowed else ""
            by_kind: dict[str, Schema] = {
                "object": {"$ref": "#/$defs/Table"},
                "custom_fields": {"anyOf": [_VALUE, {"type": "array", "items": {"$ref": "#/$defs/Table"}}]},
            }
            schema = by_kind.get(item_field.kind, _VALUE)
            _describe(found, item_field.name, f"{endpoint.path}: {item_field.kind}{allowed}", schema)
    return found


def _describe(found: dict[str, Schema], name: str, line: str, schema: Schema) -> None:
    described = found.setdefault(name, {"description": "", **schema})
    described["description"] += ("; " if described["description"] else "") + line

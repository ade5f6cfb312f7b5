"""The JSON Schema of the mapping language: what may stand under a route's `where`, `identity` and `fields`.

Everything comes from the tables of the language and of the endpoints. The schema is more lenient than the check at
start, which knows the route's endpoint; it never refuses what the check accepts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.config.source_text import SourceText
from connector.config.yaml_source import read_yaml
from connector.mapping.conditions import COMBINATIONS
from connector.mapping.conversions import OPTIONS, taking
from connector.mapping.identity import KEYS
from connector.mapping.operators import OPERATORS
from connector.mapping.references import FORMS
from connector.mapping.words import SOURCES, WORDS
from connector.mapping.words.converting import CONVERTING
from connector.tuzhan.endpoints import ENDPOINTS, Parameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connector.mapping.vocabulary import Schema, Term
    from connector.tuzhan.endpoints import ItemField

_MAX_EXAMPLES = 3
_VALUE: Schema = {"$ref": "#/$defs/Value"}
_CONDITIONS: Schema = {"$ref": "#/$defs/Conditions"}
_TABLE: Schema = {"$ref": "#/$defs/Table"}
_STRUCTURE: Schema = {"$ref": "#/$defs/Structure"}
_BY_KIND: dict[str, Schema] = {
    "object": _TABLE,
    "objects": {"$ref": "#/$defs/Structure"},
    "custom_fields": {"anyOf": [_VALUE, {"type": "array", "items": _TABLE}]},
}
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
        "Structure": {
            "description": "A value, or a table or a list of such",
            "anyOf": [
                _SCALAR,
                {"type": "array", "items": _STRUCTURE},
                {"type": "object", "additionalProperties": _STRUCTURE},
                {"$ref": "#/$defs/Words"},
            ],
        },
        "Table": {
            "description": "A table of values, or one value that yields an object",
            "anyOf": [
                {"$ref": "#/$defs/Words"},
                {"type": "object", "additionalProperties": {"anyOf": [_VALUE, _TABLE]}},
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
    return {name: {"description": term.doc, **term.schema, **_examples(term)} for name, term in terms.items()}


def _examples(term: Term) -> Schema:
    """Return what stands beside a word or an operator in its examples."""
    found: list[object] = []
    for example in term.examples:
        for each in _beside_key(read_yaml(SourceText(example.config)).data, term.name):
            if each not in found:
                found.append(each)
    return {"examples": found[:_MAX_EXAMPLES]} if found else {}


def _beside_key(data: object, key: str) -> Iterator[object]:
    if isinstance(data, dict):
        if key in data:
            yield data[key]
        for each in data.values():
            yield from _beside_key(each, key)


def _words() -> Schema:
    return {
        "description": "A value that is made of the record, step by step",
        "type": "object",
        "additionalProperties": False,
        "properties": _described({**WORDS}),
        "oneOf": [{"required": [source]} for source in SOURCES],
        "dependentSchemas": {option: _beside(taking(option)) for option in OPTIONS}
        | {"on_error": {"anyOf": [{"required": [word]} for word in CONVERTING]}}
        | {"each": {"required": ["value"]}, "value": {"required": ["each"]}}
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
    return _by_name((endpoint.path, each) for endpoint in ENDPOINTS.values() for each in endpoint.parameters)


def fields() -> dict[str, Schema]:
    """Return the schemas of `fields`; the descriptions name the endpoints that take each of them."""
    return _by_name((endpoint.path, each) for endpoint in ENDPOINTS.values() for each in endpoint.fields)


def _by_name(entries: Iterable[tuple[str, Parameter | ItemField]]) -> dict[str, Schema]:
    found: dict[str, Schema] = {}
    for path, each in entries:
        allowed = f" ({', '.join(map(str, each.allowed))})" if each.allowed else ""
        required = ", required" if isinstance(each, Parameter) and each.required else ""
        described = found.setdefault(each.name, {"description": "", **_BY_KIND.get(each.kind, _VALUE)})
        separator = "; " if described["description"] else ""
        described["description"] += f"{separator}{path}: {each.kind}{allowed}{required}"
    return found

"""The mapping language as JSON Schema: what editors complete under a route's `where`, `identity` and `fields`.

It says which words there are and what they mean. It is more lenient than the check at start, which knows the
endpoint; it never refuses what the check accepts.
"""

from __future__ import annotations

from typing import Any

from connector.tuzhan.endpoints import ENDPOINTS

Schema = dict[str, Any]

_VALUE: Schema = {"$ref": "#/$defs/Value"}
_CONDITIONS: Schema = {"$ref": "#/$defs/Conditions"}
_SCALAR: Schema = {"type": ["string", "number", "boolean", "null"]}
_REFERENCE: Schema = {"type": "string", "pattern": r"^\$"}

CONVERSIONS = (
    *("string", "integer", "number", "boolean", "trim", "phone", "timestamp", "date", "split", "joined"),
    *("list", "json", "uuid", "md5", "sha256", "lower", "upper"),
)

WORDS: Schema = {
    "from": {
        "description": "A reference, or a list of references: the first that is present, not null and not blank",
        "anyOf": [_REFERENCE, {"type": "array", "items": _REFERENCE, "minItems": 1}],
    },
    "template": {
        "description": "Text with {reference} inside; a missing part makes the whole value missing",
        "type": "string",
    },
    "literal": {"description": "An object or a list, meant as it stands"},
    "default": {"description": "Used when nothing was found; $skip and $dead_letter too", **_VALUE},
    "required": {
        "description": "true: nothing found sends the record to the dead letters; otherwise the field is left out",
        "type": "boolean",
    },
    "as": {
        "description": "One conversion or a list of them, one after the other",
        "anyOf": [
            {"enum": list(CONVERSIONS)},
            {"type": "array", "items": {"enum": list(CONVERSIONS)}, "minItems": 1},
        ],
    },
    "unit": {"description": "With as: timestamp: what a number counts", "enum": ["s", "ms", "us", "ns", "days"]},
    "zone": {
        "description": "With as: timestamp or date: the zone of text without an offset; default Asia/Shanghai",
        "type": "string",
    },
    "multiply": {"description": "Exact decimal arithmetic: 0.01 makes yuan of fen", "type": ["number", "string"]},
    "round": {"description": "So many decimals", "type": ["integer", "string"]},
    "map": {
        "description": "Look the value up in a table; text forms are compared: 1 finds '1'",
        "type": "object",
        "additionalProperties": _VALUE,
    },
    "otherwise": {"description": "For what is not in the table of map; $skip and $dead_letter too", **_VALUE},
}

_OPERAND = {"eq": "equals", "ne": "does not equal", "gt": "more than", "gte": "at least", "lt": "less than"}
OPERATORS: Schema = {
    **{name: {"description": f"The value {words}", **_SCALAR} for name, words in _OPERAND.items()},
    "lte": {"description": "The value at most", **_SCALAR},
    "in": {"description": "One of these", "type": "array", "items": _SCALAR},
    "not_in": {"description": "None of these", "type": "array", "items": _SCALAR},
    "exists": {"description": "true: present and not null; false: not so", "type": ["boolean", "string"]},
    "matches": {"description": "A regular expression that is found in the text", "type": "string"},
    "contains": {"description": "The text holds this text, or the list this element", **_SCALAR},
}

_IDENTITY_LINE: Schema = {
    "description": "One identity of the person that the record is about",
    "type": "object",
    "required": ["type", "value"],
    "additionalProperties": False,
    "properties": {
        "type": {
            "description": "phone, openid, unionid, uid; v2 endpoints: any that the platform has configured;"
            " older audience endpoints: audienceUserId, identityId",
            "type": "string",
        },
        "value": {"description": "Absent, blank or impossible to convert: counts as not there", **_VALUE},
        "platform": {"description": "v2: gzh, contentminiapp, workwechat, …", **_VALUE},
        "mpid": {"description": "v2: the id of the official account or mini program", **_VALUE},
        "isWeChatEcosystem": {"description": "v2: default by platform", **_VALUE},
    },
}

DEFINITIONS: dict[str, Schema] = {
    "Value": {
        "description": "A literal, a reference ($.a.b, $key, $headers.x, $topic, $partition, $offset, $timestamp;"
        " $$ for a literal $), or an object of from, as, map, …",
        "anyOf": [_SCALAR, {"type": "array", "items": _VALUE}, {"$ref": "#/$defs/Words"}],
    },
    "Words": {
        "description": "A value that is made of the record, step by step",
        "type": "object",
        "additionalProperties": False,
        "properties": WORDS,
        "anyOf": [{"required": ["from"]}, {"required": ["template"]}, {"required": ["literal"]}],
    },
    "Table": {
        "description": "A table of values, or one value that yields an object",
        "anyOf": [
            {"$ref": "#/$defs/Words"},
            {"type": "object", "additionalProperties": {"anyOf": [_VALUE, {"$ref": "#/$defs/Table"}]}},
            _REFERENCE,
        ],
    },
    "Conditions": {
        "description": "reference: condition, all of which must hold; any, all and not combine",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "any": {"description": "One of these must hold", "type": "array", "items": _CONDITIONS},
            "all": {"description": "All of these must hold", "type": "array", "items": _CONDITIONS},
            "not": {"description": "This must not hold", **_CONDITIONS},
        },
        "patternProperties": {
            r"^\$": {
                "description": "A scalar: equals; a list: one of; or an object of eq, ne, gt, matches, …",
                "anyOf": [
                    _SCALAR,
                    {"type": "array", "items": _SCALAR},
                    {"type": "object", "additionalProperties": False, "minProperties": 1, "properties": OPERATORS},
                ],
            }
        },
    },
    "Identity": _IDENTITY_LINE,
}


def parameters() -> dict[str, Schema]:
    """What may stand under `public_params`, with the endpoints that take it."""
    found: dict[str, Schema] = {}
    for endpoint in ENDPOINTS.values():
        for parameter in endpoint.parameters:
            allowed = f" ({', '.join(map(str, parameter.allowed))})" if parameter.allowed else ""
            need = ", required" if parameter.required else ""
            _describe(found, parameter.name, f"{endpoint.path}: {parameter.kind}{allowed}{need}", _VALUE)
    return found


def fields() -> dict[str, Schema]:
    """What may stand under `fields`, with the endpoints that take it."""
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

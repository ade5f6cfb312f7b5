"""The JSON Schema of the file (draft 2020-12), with which editors complete and check it.

The settings are derived from the models, the mapping language from `mapping_schema`. Every setting may be a `${…}`.
"""

from __future__ import annotations

from typing import Any, Literal

import orjson

from connector.config import mapping_schema
from connector.config.schema_chinese import translated
from connector.config.schema_shapes import SETTING, VARIABLE, VARIABLE_PATTERN, tighten
from connector.mapping.words import WORDS
from connector.settings.models import ARGUMENT_TYPES, Config
from connector.settings.types import duration_text, size_text
from connector.tuzhan.endpoints import DEFAULT_PARAMETERS, ENDPOINTS

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_VARIABLE_DEFINITION: Schema = {
    "description": "${NAME}, ${NAME:-default}, ${NAME:?message}: the environment; ${file:/path}: a file's content",
    "type": "string",
    "pattern": VARIABLE_PATTERN,
}
_ENDINGS = r"\.([Yy][Aa]?[Mm][Ll]|[Jj][Ss][Oo][Nn]|[Cc][Ss][Vv]|[Tt][Ss][Vv]|[Tt][Xx][Tt])$"
_EVENTS_FILE: Schema = {
    "description": "A file with the events, as YAML or as a table (CSV); or an event of this name",
    "anyOf": [
        {"type": "string", "pattern": _ENDINGS},
        VARIABLE,
        {"$ref": "#/$defs/EventDefinition"},
    ],
}
_NARROW = frozenset({"enum", "const", "pattern"})
_DROPPED = ("title", "format", "writeOnly", "exclusiveMinimum")
"""Keywords of pydantic's that an editor does not use, or that are wrong for text with a unit."""


Language = Literal["en", "zh"]


def schema_text(language: Language = "en") -> str:
    """Return the schema as JSON text, with descriptions in English or Chinese."""
    schema = json_schema()
    return orjson.dumps(schema if language == "en" else translated(schema), option=orjson.OPT_INDENT_2).decode()


def json_schema() -> Schema:
    """Return the schema as data."""
    generated = Config.model_json_schema(mode="validation")
    definitions: dict[str, Schema] = generated["$defs"]
    for table in (generated, *definitions.values()):
        table["properties"] = {name: _setting(schema) for name, schema in table["properties"].items()}
        table.pop("title", None)
    for section in generated["properties"].values():
        if "$ref" in section:
            section["description"] = definitions[section["$ref"].removeprefix("#/$defs/")]["description"]
    _put_in_mapping_language(definitions)
    _put_in_short_arguments(definitions)
    generated["properties"]["events"]["properties"] = {"file": _EVENTS_FILE}
    tighten(generated)
    _allow_nothing(generated)
    return {
        "$schema": DIALECT,
        "title": "tuzhan-connector",
        **generated,
        "$defs": {**definitions, **mapping_schema.definitions(), "Variable": _VARIABLE_DEFINITION},
    }


def _allow_nothing(generated: Schema) -> None:
    """Let a table be empty, all its lines commented out, where nothing in it is required."""
    definitions: dict[str, Schema] = generated["$defs"]
    optional = {name for name, each in definitions.items() if "required" not in each} - {"Auth"}
    for table in (generated, *definitions.values()):
        for name, schema in table["properties"].items():
            if schema.get("type") == "object" and name != "targets":
                schema["type"] = ["object", "null"]
            for holder, key in ((table["properties"], name), (schema, "additionalProperties")):
                held = holder.get(key)
                if isinstance(held, dict) and held.get("$ref", "").removeprefix("#/$defs/") in optional:
                    described = {"description": held["description"]} if "description" in held else {}
                    holder[key] = {**described, "anyOf": [{"$ref": held["$ref"]}, {"type": "null"}]}


def _put_in_mapping_language(definitions: dict[str, Schema]) -> None:
    target, route = definitions["Target"]["properties"], definitions["Route"]["properties"]
    target["endpoint"]["anyOf"] = [{"enum": list(ENDPOINTS)}, VARIABLE]
    target["public_params"]["description"] += f": {orjson.dumps(dict(DEFAULT_PARAMETERS)).decode()}"
    params = {"properties": mapping_schema.parameters(), "additionalProperties": {"$ref": "#/$defs/Value"}}
    target["public_params"].update(params)
    route["public_params"].update(params)
    route["where"] = {"description": route["where"]["description"], "$ref": "#/$defs/Conditions"}
    route["for_each"] = {"description": route["for_each"]["description"], **WORDS["each"].schema}
    route["event_key"] = {"description": route["event_key"]["description"], "$ref": "#/$defs/Value"}
    route["identity"]["items"] = {"$ref": "#/$defs/Identity"}
    route["fields"].update(
        {
            "properties": mapping_schema.fields(),
            "additionalProperties": {"anyOf": [{"$ref": "#/$defs/Value"}, {"$ref": "#/$defs/Table"}]},
        }
    )


def _put_in_short_arguments(definitions: dict[str, Schema]) -> None:
    """Let a type stand for an argument of an event that has nothing else."""
    args = definitions["EventDefinition"]["properties"]["args"]
    argument = args["additionalProperties"]
    args["additionalProperties"] = {"anyOf": [{"enum": list(ARGUMENT_TYPES)}, VARIABLE, argument]}


def _setting(schema: Schema) -> Schema:
    """Return the schema of one property as it is written in the file, where `${…}` is allowed too."""
    schema = {key: value for key, value in schema.items() if key not in _DROPPED}
    outer: Schema = {key: schema.pop(key) for key in ("description", "default", "examples") if key in schema}
    outer = {key: value for key, value in outer.items() if not (key == "default" and value is None)}
    if isinstance(outer.get("default"), dict):
        del outer["default"]  # a table: its own keys have their defaults
    if "default" in outer and not isinstance(outer["default"], str):
        outer["default"] = _as_written(outer["default"], str(schema.get("pattern", "")))
    return {**outer, **_allowing_variable(schema)}


def _allowing_variable(schema: Schema) -> Schema:
    schema = {key: value for key, value in schema.items() if key not in _DROPPED}
    for nested in ("items", "additionalProperties"):
        if isinstance(schema.get(nested), dict):
            schema[nested] = _allowing_variable(schema[nested])
    if "anyOf" in schema:
        alternatives = [_allowing_variable(each) for each in schema["anyOf"]]
        return {**schema, "anyOf": alternatives}
    scalar = schema.get("type") in ("integer", "number", "boolean") or (_NARROW & schema.keys())
    if not scalar and (schema.get("type") == "string" or "string" in schema.get("type", ())):
        return {**schema, "pattern": SETTING}
    return {"anyOf": [schema, VARIABLE]} if scalar else schema


def _as_written(value: object, pattern: str) -> object:
    """Return a default as it is written in the file: seconds and bytes with their units."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return value
    if "ms|s" in pattern:
        return duration_text(value)
    if "KiB" in pattern:
        return size_text(int(value))
    return value

"""What the check at start refuses for its shape alone, as parts of the JSON Schema: so that editors underline it too.

The models know types and bounds; these are the rules of `checks` and of `settings.types` that a schema can tell without
other sections, the environment or files. A value with `${…}` may become anything and is never refused.
"""

from __future__ import annotations

from typing import Any, Final

from connector.config.registry_checks import OWNED_BY_REGISTRY
from connector.core.record import DEAD_LETTERS
from connector.settings.kafka_properties import CLASSIC_PROTOCOL_ONLY, OWNED_PROPERTIES
from connector.settings.models import ARGUMENT_TYPES

Schema = dict[str, Any]

VARIABLE: Final[Schema] = {"$ref": "#/$defs/Variable"}
VARIABLE_PATTERN: Final = r"\$\{(?:file:|[A-Za-z_][A-Za-z0-9_]*(?:\}|:-|:\?))"
SETTING: Final = rf"^(?!\$(?![${{]))(?![\s\S]*(?:^|[^$])(?!{VARIABLE_PATTERN})\$\{{)"
"""Text of a setting: `$$x` is `$x`, `${NAME}` a variable, and `$x` a reference, for which a setting has no record."""
_HTTP: Final = "[Hh][Tt][Tt][Pp]"
_ADDRESS: Final = rf"{_HTTP}[Ss]?://[^\s@?#/]+(/[^\s?#]*)?"
_LOOPBACK: Final = r"([Ll][Oo][Cc][Aa][Ll][Hh][Oo][Ss][Tt]|127\.\d+\.\d+\.\d+)(?=[:/]|$)|\["
_TOPIC: Final = r"^[A-Za-z0-9._-]{1,249}$"
_HOST_PATTERN: Final = (
    r"^(\*|(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?)$"
)
_DATE: Final = r"^\d{4}-?((0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])|W\d\d)"

_PATTERNS: Final = {
    ("Platform", "base_url"): rf"^{_ADDRESS}$",
    ("SchemaRegistry", "url"): rf"^\s*{_ADDRESS}(\s*,\s*{_ADDRESS})*\s*$",
    ("Admin", "listen"): r"^(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]/]+):\d{1,5}$",
    ("DeadLetter", "topic"): _TOPIC,
    **dict.fromkeys([("Auth", name) for name in ("app_id", "app_secret", "token", "token_file")], r"\S"),
}
"""By definition and property: what its text must match."""


def tighten(schema: Schema) -> None:
    """Add the rules to a schema that was made of the models."""
    definitions: dict[str, Schema] = schema["$defs"]
    for (name, key), pattern in _PATTERNS.items():
        definitions[name]["properties"][key]["allOf"] = [_matching(pattern)]
    definitions["Auth"].update(_one_way_to_a_token())
    definitions["Platform"].update(_no_plain_http())
    kafka, route = definitions["Kafka"]["properties"], definitions["Route"]["properties"]
    kafka["start_from"]["anyOf"][1] = {"anyOf": [{"type": "string", "pattern": _DATE}, VARIABLE]}
    kafka["properties"].update(_properties(OWNED_PROPERTIES))
    kafka["properties"].update(
        {
            "if": {"properties": {"group.protocol": {"pattern": "^[Cc][Oo][Nn][Ss]"}}, "required": ["group.protocol"]},
            "then": {"propertyNames": {"not": {"enum": list(CLASSIC_PROTOCOL_ONLY)}}},
        }
    )
    definitions["SchemaRegistry"]["properties"]["properties"].update(_properties(OWNED_BY_REGISTRY))
    topic = {"anyOf": [{"pattern": r"^\^"}, {"pattern": _TOPIC}, VARIABLE]}
    route["topics"]["items"]["allOf"] = [topic]
    definitions["Admin"]["properties"]["allowed_hosts"]["items"]["allOf"] = [_matching(_HOST_PATTERN)]
    sections = schema["properties"]
    sections["decode"]["propertyNames"] = {"anyOf": [{"pattern": r"^\^"}, {"pattern": _TOPIC}]}
    sections["targets"]["propertyNames"] = {"not": {"const": DEAD_LETTERS}}
    _tighten_events(sections["events"], definitions)


def _matching(pattern: str) -> Schema:
    return {"anyOf": [{"pattern": pattern}, VARIABLE]}


def _properties(owned: Any) -> Schema:  # noqa: ANN401 - a table by name
    return {"propertyNames": {"not": {"enum": list(owned)}}}


def _one_way_to_a_token() -> Schema:
    names = ("app_id", "app_secret", "token", "token_file")
    ways = (("app_id", "app_secret"), ("token",), ("token_file",))
    text, absent = {"type": "string"}, {"type": "null"}
    return {
        "anyOf": [
            {"required": list(way), "properties": {name: text if name in way else absent for name in names}}
            for way in ways
        ]
    }


def _no_plain_http() -> Schema:
    elsewhere = {"anyOf": [{"not": {"pattern": rf"^{_HTTP}://(?!{_LOOPBACK})"}}, VARIABLE]}
    return {
        "if": {"properties": {"allow_http": {"const": False}}},
        "then": {"properties": {"base_url": elsewhere}},
    }


def _tighten_events(events: Schema, definitions: dict[str, Schema]) -> None:
    events.update(
        {
            "minProperties": 1,
            "propertyNames": {"pattern": r"\S"},
            "if": {"properties": {"file": {"type": "string"}}, "required": ["file"]},
            "then": {"maxProperties": 1},
        }
    )
    definitions["EventDefinition"]["properties"]["args"]["propertyNames"] = {"pattern": r"\S"}
    others = [name for name in ARGUMENT_TYPES if name != "string"]
    definitions["EventArgument"].update(
        {
            "if": {"properties": {"type": {"enum": others}}, "required": ["type"]},
            "then": {"properties": {"max_length": {"type": "null"}}},
        }
    )

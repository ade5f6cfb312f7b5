"""Validates a request against the documents' tables; every function returns the first error, or None.

An error names the place (`data[3].eventargs.c_goods`; below, relative to the item) and the rule, never the value. This
runs for every item of every request, in the demo's process too, so a valid field costs one dict lookup and one type
check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.sandbox.documents import (
    CUSTOM_FIELD,
    FIRST_MILLISECOND,
    IDENTITY,
    MAX_ITEMS,
    RETIRED_IDENTITY,
    Endpoint,
    Field,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.sandbox.switches import Switches

Json = dict[str, Any]

_SCALARS = (str, int, float, bool)
_TYPE_NAMES = {"string": "text", "integer": "an integer", "boolean": "true or false"}
_TYPES = {"string": str, "integer": int, "boolean": bool}


def validate_envelope(endpoint: Endpoint, body: object, switches: Switches) -> str | None:
    """Validate publicParams and the number of items."""
    if not isinstance(body, dict):
        return "the body must be an object"
    for name in body:
        if name not in {"publicParams", "data"}:
            return f"{name} is not documented"
    params = body.get("publicParams")
    if not isinstance(params, dict):
        return "publicParams must be an object"
    return _validate_data(body.get("data"), switches) or _validate_params(endpoint, params, switches)


def validate_item(endpoint: Endpoint, params: Json, item: object, switches: Switches) -> str | None:
    """Validate one item, given its request's publicParams."""
    if not isinstance(item, dict):
        return " must be an object"
    return (
        _validate_object(endpoint.item, endpoint.retired, item, switches)
        or _validate_time(item, switches)
        or _validate_flat_identity(endpoint, params, item, switches)
    )


def identities_of(endpoint: Endpoint, item: Json) -> list[str]:
    """Return every identity of a valid item, as `type:value`."""
    if endpoint.identities:
        return [f"{name}:{item[name]}" for name in endpoint.identities if item.get(name)]
    return [f"{entry['identityType']}:{entry['identityValue']}" for entry in item["identities"]]


def _validate_data(data: object, switches: Switches) -> str | None:
    if not isinstance(data, list):
        return "data must be an array"
    if len(data) > MAX_ITEMS:
        return f"data holds {len(data)} items, at most {MAX_ITEMS} are allowed"
    return "data is empty" if not data and switches.empty_data == "refuse" else None


def _validate_params(endpoint: Endpoint, params: Json, switches: Switches) -> str | None:
    for name, value in params.items():
        field = endpoint.params.get(name)
        if field is not None:
            error = _validate_value(field, name, value, switches)
            if error is not None:
                return f"publicParams{error}"
        elif switches.unknown_public_params == "refuse":
            return f"publicParams.{name} is not documented"
    for name, field in endpoint.params.items():
        if field.required and name not in params:
            return f"publicParams.{name} is missing"
    if params.get("matchingType") == 2 and "identifyWay" in endpoint.params and "identifyWay" not in params:
        return "publicParams.identifyWay is missing: fuzzy matching needs it"
    return None


def _validate_object(
    fields: Mapping[str, Field], retired: Mapping[str, str], content: Json, switches: Switches
) -> str | None:
    for name, value in content.items():
        field = fields.get(name)
        if field is not None:
            error = _validate_value(field, name, value, switches)
        elif name in retired:
            error = f".{name} is retired: send {retired[name]}"
        else:
            error = f".{name} is not documented" if switches.unknown_fields == "refuse" else None
        if error is not None:
            return error
    return _find_missing_field(fields, content, switches)


def _validate_value(field: Field, name: str, value: object, switches: Switches) -> str | None:
    match field.kind:
        case "string" | "integer" | "boolean" as kind:
            return _validate_scalar(field, kind, name, value)
        case "arguments":
            return _validate_arguments(value, switches)
        case "identities":
            return _validate_identities(value, switches)
        case "custom_fields":
            return _validate_entries(name, CUSTOM_FIELD, {}, value, switches)
        case "strings":
            valid = isinstance(value, list) and all(isinstance(text, str) for text in value)
            return None if valid else f".{name} must be an array of text"


def _validate_scalar(field: Field, kind: str, name: str, value: object) -> str | None:
    if type(value) is not _TYPES[kind]:
        return f".{name} must be {_TYPE_NAMES[kind]}"
    if field.allowed and value not in field.allowed:
        return f".{name} must be one of {', '.join(sorted(map(str, field.allowed)))}"
    if field.max_length is not None and len(str(value)) > field.max_length:
        return f".{name} is longer than {field.max_length} characters"
    return None


def _find_missing_field(fields: Mapping[str, Field], item: Json, switches: Switches) -> str | None:
    for name, field in fields.items():
        if field.required and item.get(name) in (None, ""):
            if name == "eventKey" and "identities" not in fields and switches.event_key_missing == "ignore":
                continue
            return f".{name} is missing"
    return None


def _validate_time(item: Json, switches: Switches) -> str | None:
    if switches.seconds == "refuse" and item.get("time", FIRST_MILLISECOND) < FIRST_MILLISECOND:
        return ".time must be milliseconds"
    return None


def _validate_flat_identity(endpoint: Endpoint, params: Json, item: Json, switches: Switches) -> str | None:
    if not endpoint.identities:
        return None
    if not any(item.get(name) for name in endpoint.identities):
        return " has no identity" if switches.identity_missing == "refuse" else None
    kind = item.get("identityType")
    exact = params.get("matchingType") == 1
    if kind is None:
        needed = exact and endpoint.exact_needs_identity_type
        return ".identityType is missing: exact matching needs it" if needed else None
    if endpoint.identity_types is None:
        return None
    field = endpoint.identity_types.get(kind)
    if field is None:
        return f".identityType must be one of {', '.join(sorted(endpoint.identity_types))}"
    return f".{field} is missing: identityType selects it" if exact and not item.get(field) else None


def _validate_arguments(value: object, switches: Switches) -> str | None:
    if type(value) is not dict:
        return ".eventargs must be an object"
    if switches.nested_eventargs == "refuse":
        for name, argument in value.items():
            if not isinstance(argument, _SCALARS):
                return f".eventargs.{name} must be text, a number or a boolean"
    return None


def _validate_identities(value: object, switches: Switches) -> str | None:
    if not isinstance(value, list) or not value:
        return ".identities must be an array with at least one entry"
    error = _validate_entries("identities", IDENTITY, RETIRED_IDENTITY, value, switches)
    if error is not None:
        return error
    for index, entry in enumerate(value):
        if "mpid" in entry and "isWeChatEcosystem" not in entry:
            return f".identities[{index}].isWeChatEcosystem is missing: mpid needs it"
    return None


def _validate_entries(
    name: str, fields: Mapping[str, Field], retired: Mapping[str, str], value: object, switches: Switches
) -> str | None:
    if not isinstance(value, list):
        return f".{name} must be an array"
    for index, entry in enumerate(value):
        error = _validate_object(fields, retired, entry, switches) if isinstance(entry, dict) else " must be an object"
        if error is not None:
            return f".{name}[{index}]{error}"
    return None

"""Validates a request against the documents' tables. Every function raises RefusalError at the first error.

An error names the place (`data[3].eventargs.c_goods`) and the rule, never the value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.sandbox.documents import EVENT_V1, FIRST_MILLISECOND, MAX_ITEMS, Endpoint, Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.sandbox.switches import Reaction, Switches

Json = dict[str, Any]

_TYPES: Mapping[str, tuple[type, str]] = {
    "string": (str, "text"),
    "integer": (int, "an integer"),
    "boolean": (bool, "true or false"),
}

_DEPARTMENT = ("wxDeptId", "thirdDeptId", "deptId")


class RefusalError(Exception):
    """A request is refused for its content."""

    def __init__(self, message: str, status: int | None = None, code: str = "400") -> None:
        super().__init__(message)
        self.status = status
        """The HTTP status of the reply; None: the one of the switch `refused_status`."""
        self.code = code


def validate_envelope(endpoint: Endpoint, body: object, switches: Switches) -> None:
    """Validate publicParams and the number of items."""
    if not isinstance(body, dict):
        raise RefusalError("the body must be an object")
    for name in body:
        if name not in {"publicParams", "data"}:
            raise RefusalError(f"{name} is not documented")
    params, data = body.get("publicParams"), body.get("data")
    if not isinstance(params, dict):
        raise RefusalError("publicParams must be an object")
    if not isinstance(data, list):
        raise RefusalError("data must be an array")
    if len(data) > MAX_ITEMS:
        raise RefusalError(f"data holds {len(data)} items, at most {MAX_ITEMS} are allowed")
    if not data and switches.empty_data == "refuse":
        raise RefusalError("data is empty")
    _validate_object(endpoint.params, "publicParams", params, switches, switches.unknown_public_params)
    if params.get("matchingType") == 2 and "identifyWay" in endpoint.params and "identifyWay" not in params:
        raise RefusalError("publicParams.identifyWay is missing: fuzzy matching needs it")


def validate_item(endpoint: Endpoint, params: Json, place: str, content: object, switches: Switches) -> None:
    """Validate the item at `place`, given its request's publicParams."""
    item = _validate_object(endpoint.item, place, content, switches, switches.unknown_fields)
    in_seconds = "time" in endpoint.item and item.get("time", FIRST_MILLISECOND) < FIRST_MILLISECOND
    if in_seconds and switches.seconds == "refuse":
        raise RefusalError(f"{place}.time must be milliseconds")
    if endpoint is EVENT_V1 and switches.event_key_missing == "refuse" and not item.get("eventKey"):
        raise RefusalError(f"{place}.eventKey is missing")
    if endpoint.department and item.get("categoryType") == "2" and not any(item.get(name) for name in _DEPARTMENT):
        raise RefusalError(f"{place} has none of {', '.join(_DEPARTMENT)}: categoryType 2 needs one")
    if endpoint.identities:
        _validate_flat_identity(endpoint, params, place, item, switches)


def identities_of(endpoint: Endpoint, item: Json) -> list[str]:
    """Return every identity of a valid item, as `type:value`."""
    if endpoint.identities:
        return [f"{name}:{item[name]}" for name in endpoint.identities if item.get(name)]
    return [f"{entry['identityType']}:{entry['identityValue']}" for entry in item["identities"]]


def _validate_object(
    fields: Mapping[str, Field], place: str, content: object, switches: Switches, unknown: Reaction
) -> Json:
    if not isinstance(content, dict):
        raise RefusalError(f"{place} must be an object")
    for name, value in content.items():
        field = fields.get(name)
        if field is not None:
            _validate_value(field, f"{place}.{name}", value, switches)
        elif unknown == "refuse":
            raise RefusalError(f"{place}.{name} is not documented")
    for name, field in fields.items():
        if field.required and content.get(name) in (None, ""):
            raise RefusalError(f"{place}.{name} is missing")
        if field.needs and name in content and field.needs not in content:
            raise RefusalError(f"{place}.{field.needs} is missing: {name} needs it")
    return content


def _validate_value(field: Field, place: str, value: object, switches: Switches) -> None:
    match field.kind:
        case "objects":
            if not isinstance(value, list) or (field.required and not value):
                raise RefusalError(f"{place} must be an array{' with at least one entry' * field.required}")
            for index, entry in enumerate(value):
                _validate_object(field.entries, f"{place}[{index}]", entry, switches, switches.unknown_fields)
        case "any_objects":
            if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
                raise RefusalError(f"{place} must be an array of objects")
        case "arguments":
            _validate_arguments(place, value, switches)
        case "strings":
            if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
                raise RefusalError(f"{place} must be an array of text")
        case "retired":
            raise RefusalError(f"{place} is retired: send {field.replacement}")
        case _:
            _validate_scalar(field, place, value)


def _validate_scalar(field: Field, place: str, value: object) -> None:
    expected, description = _TYPES[field.kind]
    if type(value) is not expected:
        raise RefusalError(f"{place} must be {description}")
    if field.allowed and value not in field.allowed:
        raise RefusalError(f"{place} must be one of {', '.join(sorted(map(str, field.allowed)))}")
    if field.max_length is not None and len(str(value)) > field.max_length:
        raise RefusalError(f"{place} is longer than {field.max_length} characters")


def _validate_arguments(place: str, value: object, switches: Switches) -> None:
    if not isinstance(value, dict):
        raise RefusalError(f"{place} must be an object")
    for name, argument in value.items():
        if switches.nested_eventargs == "refuse" and not isinstance(argument, str | int | float | bool):
            raise RefusalError(f"{place}.{name} must be text, a number or a boolean")


def _validate_flat_identity(endpoint: Endpoint, params: Json, place: str, item: Json, switches: Switches) -> None:
    if not any(item.get(name) for name in endpoint.identities):
        if switches.identity_missing == "refuse":
            raise RefusalError(f"{place} has no identity")
        return
    kind = item.get("identityType")
    exact = params.get("matchingType") == 1
    if kind is None:
        if exact and endpoint.exact_needs_identity_type:
            raise RefusalError(f"{place}.identityType is missing: exact matching needs it")
    elif endpoint.identity_types is not None:
        selected = endpoint.identity_types.get(kind)
        if selected is None:
            raise RefusalError(f"{place}.identityType must be one of {', '.join(sorted(endpoint.identity_types))}")
        if exact and not item.get(selected):
            raise RefusalError(f"{place}.{selected} is missing: identityType selects it")

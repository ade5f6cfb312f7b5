"""A route's `fields`: the fields that the endpoint takes, each value checked against the kind of its field.

What is known at start is checked at start; what depends on the record is checked when the item is made. A text field
takes any scalar, as its text form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.language.message import message
from connector.mapping.codegen import generate_object
from connector.mapping.custom_fields import compile_custom_fields
from connector.mapping.errors import ConversionError, MappingError
from connector.mapping.expressions import Object, Value
from connector.mapping.inspection import reads_record, report_type
from connector.mapping.kinds import KINDS, Kind, checked, report_undocumented
from connector.mapping.plan.route import ARGUMENTS
from connector.mapping.values import compile_structure, compile_value, looks_like_words
from connector.tuzhan.endpoints import ENDPOINTS, Endpoint, ItemField, Requirement

if TYPE_CHECKING:
    from connector.core.record import Record
    from connector.mapping.conversions.conversion import Convert
    from connector.mapping.json_values import Json
    from connector.mapping.location import Location
    from connector.mapping.plan import RoutePlan

_EVENT_KEYS = frozenset({"eventKey", "eventId"})
_IDENTITIES = frozenset(
    {"identities", "identityType"}.union(
        flat.field for endpoint in ENDPOINTS.values() for flat in (endpoint.flat_identities or {}).values()
    )
)


def compile_fields(
    raw: dict[str, Json],
    endpoint: Endpoint,
    location: Location,
    *,
    allow_unknown: bool,
    plan: RoutePlan | None = None,
) -> dict[str, Value]:
    """Compile the fields in the order of the endpoint's document, unknown ones last, or report what is wrong.

    `plan` says what the arguments of the route's events must be.
    """
    compiled: dict[str, Value] = {}
    for name in (*(field.name for field in endpoint.fields if field.name in raw), *raw):
        if name in compiled:
            continue
        field = endpoint.field(name)
        at = location.under(name)
        if field is not None:
            compiled[name] = _compile_field(field, raw[name], at, plan if name == ARGUMENTS else None)
        elif name in _EVENT_KEYS or name in _IDENTITIES or not allow_unknown:
            _refuse(name, endpoint, at)
        else:
            compiled[name] = compile_value(raw[name], at)
    for field in endpoint.fields:
        if field.essential:
            _warn_if_optional(field.name, raw.get(field.name), location.under(field.name))
    for requirement in endpoint.requirements:
        _require(requirement, compiled, location)
    if plan is not None and ARGUMENTS not in raw:
        plan.report_missing((), location.under(ARGUMENTS))
    return compiled


def _warn_if_optional(name: str, raw: Json, location: Location) -> None:
    """Report a field without which an item says nothing, if it may be missing."""
    sure = isinstance(raw, dict) and (raw.get("required") is True or "default" in raw or "otherwise" in raw)
    if raw is None:
        location.add(message("without {name} an item says nothing", name=name), "suspicious")
    elif not sure and reads_record(raw):
        told = message(
            "not required: where {name} is missing, an item is sent that says nothing; add `required: true`", name=name
        )
        location.add(told, "suspicious")


def _require(requirement: Requirement, compiled: dict[str, Value], location: Location) -> None:
    """Let the field that has the requirement fail, at start if it is known then, where none of the others is there."""
    value = compiled.get(requirement.field)
    if value is None or (value.constant and value.literal != requirement.value):
        return
    others = [compiled[name] for name in requirement.one_of if name in compiled]
    if value.constant and not others:
        location.under(requirement.one_of[0]).add(requirement.reason, "missing_key")

    def check(got: Json, value: Json, record: Record) -> Json:
        if got == requirement.value and all(other.get(value, record) is None for other in others):
            raise MappingError("value_missing", requirement.one_of[0], requirement.reason)
        return got

    compiled[requirement.field] = value.then(check, "value", "record")


def _refuse(name: str, endpoint: Endpoint, location: Location) -> None:
    if name in _EVENT_KEYS and endpoint.kind == "event":
        told = message("'{name}' is not a field: map it by `event_key` of the route, beside `fields`", name=name)
        location.add(told, "unknown_key", at_key=True)
    elif name in _IDENTITIES:
        told = message("'{name}' is not a field: map it by `identity` of the route, beside `fields`", name=name)
        location.add(told, "unknown_key", at_key=True)
    elif name in _EVENT_KEYS:
        told = message("{endpoint} has no field '{name}': drop it", endpoint=endpoint.path, name=name)
        location.add(told, "not_for_this_endpoint", at_key=True)
    else:
        report_undocumented("field", name, endpoint, location)


def _compile_field(field: ItemField, raw: Json, location: Location, plan: RoutePlan | None) -> Value:
    if field.kind == "object" and isinstance(raw, dict) and not looks_like_words(raw):
        values = {str(key): compile_value(each, location.under(key)) for key, each in raw.items()}
        return _table(values if plan is None else plan.arguments(values, raw, location))
    if field.kind == "custom_fields":
        value = compile_custom_fields(raw, location)
        report_type(raw, field.kind, location)
        return value
    at = location.of_one_value(one=KINDS[field.kind].one_value)
    compiled = compile_structure(raw, at) if field.kind == "objects" else compile_value(raw, at)
    value = checked(compiled, KINDS[field.kind], location)
    report_type(raw, field.kind, location)
    if field.allowed or field.max_characters:
        value = checked(value, Kind(type(None), _limit(field)), location, "bad_value")
    return value if plan is None else plan.whole(value, location)


def _limit(field: ItemField) -> Convert:
    """Return a check of a text against the values or the length that the document allows."""
    names, number = ", ".join(field.allowed), field.max_characters or 0

    def limit(text: Json) -> Json:
        if not isinstance(text, str):  # a constant that is reported already
            return text
        if field.allowed and text not in field.allowed:
            raise ConversionError("expected one of {names}", names=names)
        if not field.allowed and len(text) > number:
            raise ConversionError("expected at most {number} characters", number=number)
        return text

    return limit


def _table(values: dict[str, Value]) -> Value:
    getters = [(name, value.get) for name, value in values.items()]

    def get_table(value: Json, record: Record) -> Json:
        return {name: got for name, get in getters if (got := get(value, record)) is not None} or None

    entries = tuple((name, value.expression) for name, value in values.items())
    get = generate_object(entries, get_table)
    return Value(get, inlined=Object(entries, get))

"""`customFields` of `audience/info/batchAdd` (document 002): a list of {configId, configName, values}."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.language.message import message
from connector.mapping.errors import MappingError
from connector.mapping.expressions import MISSING, Value
from connector.mapping.inspection import report_type
from connector.mapping.json_values import type_name
from connector.mapping.kinds import KINDS, checked, converted
from connector.mapping.values import compile_value
from connector.tuzhan.endpoints import CUSTOM_FIELD_KEYS

if TYPE_CHECKING:
    from connector.core.record import Record
    from connector.mapping.json_values import Json
    from connector.mapping.location import Location
    from connector.mapping.lookup import Getter


def compile_custom_fields(raw: Json, location: Location) -> Value:
    """Compile a list of tables, or one value that yields such a list; an empty list is missing."""
    if isinstance(raw, list):
        entries = [_entry(each, location.at(index)) for index, each in enumerate(raw)]
        return Value(
            lambda value, record: [made for get in entries if (made := get(value, record)) is not None] or None
        )
    if isinstance(raw, dict) and "each" in raw and isinstance(raw.get("value"), dict):
        for key in raw["value"]:
            if key not in CUSTOM_FIELD_KEYS:
                location.at("value", key).unknown_key(CUSTOM_FIELD_KEYS)
    value = compile_value(raw, location)
    if value.constant and value.literal is not None:
        told = message("expected a list of {{configId, configName, values}}, or a reference to one")
        location.add(told, "wrong_type")
    name = location.field

    def checked_list(got: Json) -> Json:
        if got is None:
            return None
        if got.__class__ is not list:
            raise MappingError("item_invalid", name, f"expected a list, got {type_name(got)}")
        return [_checked(each, name) for each in got if each is not None] or None

    return value.then(checked_list)


def _entry(raw: Json, location: Location) -> Getter:
    """Compile one table; it is left out if it has references and all of them are missing."""
    if not isinstance(raw, dict):
        location.add(message("expected a table of configId, configName and values"), "wrong_type")
        return MISSING.get
    values: dict[str, Value] = {}
    for key, each in raw.items():
        if key in CUSTOM_FIELD_KEYS:
            at = location.at(key).named(f"{location.field}.{key}")
            values[key] = checked(compile_value(each, location.at(key)), KINDS[CUSTOM_FIELD_KEYS[key]], at)
            report_type(each, CUSTOM_FIELD_KEYS[key], location.at(key))
        else:
            location.at(key).unknown_key(CUSTOM_FIELD_KEYS)
    fixed = all(value.constant for value in values.values())
    entries = [(key, values[key]) for key in CUSTOM_FIELD_KEYS if key in values]

    def get_entry(value: Json, record: Record) -> Json:
        made = {}
        found = fixed
        for key, each in entries:
            got = each.get(value, record)
            if got is not None and got != []:
                made[key] = got
                found = found or not each.constant
        return made if found else None

    return get_entry


def _checked(entry: Json, field: str) -> dict[str, Json]:
    if entry.__class__ is not dict:
        raise MappingError("item_invalid", field, f"expected an object as an element, got {type_name(entry)}")
    unknown = entry.keys() - CUSTOM_FIELD_KEYS.keys()
    if unknown:
        detail = f"an element has {len(unknown)} entries other than {', '.join(CUSTOM_FIELD_KEYS)}"
        raise MappingError("item_invalid", field, detail)
    return {
        key: converted(KINDS[kind], entry[key], f"{field}.{key}")
        for key, kind in CUSTOM_FIELD_KEYS.items()
        if entry.get(key) is not None
    }

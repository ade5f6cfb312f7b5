"""`customFields` of `audience/info/batchAdd` (document 002): a list of {configId, configName, values}."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.mapping.conversions.numbers import integer
from connector.mapping.errors import ConversionError, MappingError, type_name
from connector.mapping.json_values import text_form
from connector.mapping.references import Getter, nothing
from connector.mapping.values import Value, compile_value
from connector.tuzhan.endpoints import CUSTOM_FIELD_KEYS

if TYPE_CHECKING:
    from connector.core.record import Record
    from connector.mapping.location import Json, Location


def compile_custom_fields(raw: Json, location: Location) -> Getter:
    """A list of tables, or one value that yields such a list; empty is missing."""
    if isinstance(raw, list):
        return _list([_entry(each, location.at(index)) for index, each in enumerate(raw)])
    value = compile_value(raw, location)
    if value.constant and value.literal is not None:
        location.add("a list of {configId, configName, values}, or a reference to one", "wrong_type")
    name, get = location.field, value.get

    def get_list(value: Json, record: Record) -> Json:
        got = get(value, record)
        if got is None:
            return None
        if got.__class__ is not list:
            raise MappingError("item_invalid", name, f"a list is wanted here, not {type_name(got)}")
        return [_checked(each, name) for each in got if each is not None] or None

    return get_list


def _list(entries: list[Getter]) -> Getter:
    def get_list(value: Json, record: Record) -> Json:
        return [made for entry in entries if (made := entry(value, record)) is not None] or None

    return get_list


def _entry(raw: Json, location: Location) -> Getter:
    """One object; left out if it has references and all came to nothing."""
    if not isinstance(raw, dict):
        location.add("a table of configId, configName and values", "wrong_type")
        return nothing
    values: dict[str, Value] = {}
    for key, each in raw.items():
        if key in CUSTOM_FIELD_KEYS:
            values[key] = compile_value(each, location.at(key))
            _check_constant(key, values[key], location.at(key))
        else:
            location.at(key).unknown_key(CUSTOM_FIELD_KEYS)
    fixed = all(value.constant for value in values.values())
    name = location.field

    def get_entry(value: Json, record: Record) -> Json:
        made = {}
        found = fixed
        for key, each in values.items():
            got = each.get(value, record)
            if got is not None and got != []:
                made[key] = got
                found = found or not each.constant
        return _checked(made, name) if found else None

    return get_entry


def _check_constant(key: str, value: Value, location: Location) -> None:
    if not value.constant or value.literal is None:
        return
    try:
        _held(key, value.literal, location.field)
    except MappingError as failure:
        location.add(failure.detail, "wrong_type")


def _checked(entry: Json, field: str) -> dict[str, Json]:
    if entry.__class__ is not dict:
        raise MappingError("item_invalid", field, f"an element is {type_name(entry)}, not an object")
    unknown = entry.keys() - CUSTOM_FIELD_KEYS.keys()
    if unknown:
        detail = f"an element has {len(unknown)} entries that are none of {', '.join(CUSTOM_FIELD_KEYS)}"
        raise MappingError("item_invalid", field, detail)
    return {key: _held(key, entry[key], field) for key in CUSTOM_FIELD_KEYS if entry.get(key) is not None}


def _held(key: str, value: Json, field: str) -> Json:
    """A value as its key wants it: a whole number, text, or a list of texts (one scalar is a list of one)."""
    kind = CUSTOM_FIELD_KEYS[key]
    try:
        if kind == "integer":
            return integer(value)
    except ConversionError as error:
        raise MappingError("item_invalid", f"{field}.{key}", str(error)) from error
    if kind == "texts":
        elements = value if isinstance(value, list) else [value]
        return [_text(each, f"{field}.{key}") for each in elements if each is not None]
    return _text(value, f"{field}.{key}")


def _text(value: Json, field: str) -> str:
    text = text_form(value)
    if text is None:
        raise MappingError("item_invalid", field, f"text is wanted here, not {type_name(value)}")
    return text

"""`publicParams`: the defaults, what the target names over them, and what the route names over that.

Only a route's may depend on the record. Each combination is checked and encoded once: the ones that depend on
nothing at start, others when they first turn up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from connector.core.record import Record
from connector.mapping.conversions.numbers import boolean, integer
from connector.mapping.encode import encode
from connector.mapping.errors import ConversionError, MappingError, type_name
from connector.mapping.json_values import text_form
from connector.mapping.location import Json
from connector.mapping.values import Value, compile_value, constant
from connector.settings.problems import did_you_mean
from connector.settings.types import InterpolatedStr
from connector.tuzhan.endpoints import (
    DEFAULT_PARAMETERS,
    ENDPOINTS,
    EXACT_MATCHING,
    FUZZY_MATCHING,
    Endpoint,
    Parameter,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.mapping.location import Location

_MOST_COMBINATIONS = 1024
"""A parameter that differs with every record would make a batch of each; it must not make memory grow, too."""


class EncodedParams(NamedTuple):
    """One combination: as JSON, and whether it asks for exact matching."""

    json: bytes
    exact: bool


ParamsGetter = Callable[[Json, Record], EncodedParams]


@dataclass(frozen=True, slots=True)
class ParamValue:
    """One parameter of a target or a route, and where it stands."""

    value: Value
    location: Location


def compile_named(
    raw: Mapping[str, Json], endpoint: Endpoint, location: Location, *, allow_unknown: bool, per_record: bool
) -> dict[str, ParamValue]:
    """Compile what a target or a route (`per_record`) names; what is wrong is noted."""
    named: dict[str, ParamValue] = {}
    for name, each in raw.items():
        at = location.at(name).named(f"public_params.{name}")
        parameter = endpoint.parameter(name)
        if parameter is None and not allow_unknown:
            _refuse(name, endpoint, at)
            continue
        value = compile_value(each, at)
        if value.constant:
            value = _constant(each, value, parameter, at)
        elif not per_record:
            at.add("only a route's public_params may depend on the record", "bad_reference")
        named[name] = ParamValue(value, at)
    return named


def _refuse(name: str, endpoint: Endpoint, location: Location) -> None:
    others = [other.path for other in ENDPOINTS.values() if other.parameter(name) is not None]
    if others:
        message = f"{endpoint.path} has no parameter '{name}' ({', '.join(others)}): drop it"
        location.add(message, "not_for_this_endpoint", at_key=True)
        return
    names = [parameter.name for parameter in endpoint.parameters]
    hint = did_you_mean(name, names) or f": {endpoint.path} has {', '.join(names)}"
    location.add(f"unknown key{hint}", "unknown_key", at_key=True)


def _constant(raw: Json, value: Value, parameter: Parameter | None, location: Location) -> Value:
    if parameter is None or value.literal is None:
        return value
    try:
        held = _held(parameter, value.literal, lenient=isinstance(raw, InterpolatedStr))
    except ConversionError as error:
        location.add(str(error), "wrong_type")
        return value
    if parameter.allowed and held not in parameter.allowed:
        location.add(_allowed(parameter), "bad_value")
    return constant(held)


def _allowed(parameter: Parameter) -> str:
    return f"'{parameter.name}' is one of {', '.join(str(each) for each in parameter.allowed)}"


def _held(parameter: Parameter, value: Json, *, lenient: bool) -> Json:
    """A value as the parameter wants it; lenient: text is turned into it. Raises ConversionError."""
    if parameter.kind == "text":
        text = text_form(value)
        if text is None:
            raise ConversionError(f"text is wanted here, not {type_name(value)}")
        return text
    wanted, convert = (bool, boolean) if parameter.kind == "boolean" else (int, integer)
    if not lenient and value.__class__ is not wanted:
        raise ConversionError(f"{type_name(wanted())} is wanted here, not {type_name(value)}")
    return convert(value)


def resolver(endpoint: Endpoint, named: Mapping[str, ParamValue]) -> ParamsGetter | EncodedParams:
    """What gives a record's publicParams; at once, if they depend on nothing.

    `named` are those of the target with those of the route laid over them. What is missing or contradicts is
    raised as MappingError, here or when the function is called.
    """
    values = {name: constant(default) for name, default in DEFAULT_PARAMETERS.items()}
    values.update((name, each.value) for name, each in named.items())
    dynamic = [(name, value.get) for name, value in values.items() if not value.constant]
    fixed = {name: value.literal for name, value in values.items()}
    if not dynamic:
        return _encode(endpoint, fixed)
    known: dict[tuple[tuple[type, Json], ...], EncodedParams] = {}

    def resolve(value: Json, record: Record) -> EncodedParams:
        found = [(name, get(value, record)) for name, get in dynamic]
        key = tuple((got.__class__, got if got.__hash__ else repr(got)) for _, got in found)
        encoded = known.get(key)
        if encoded is None:
            if len(known) >= _MOST_COMBINATIONS:
                known.clear()
            encoded = known[key] = _encode(endpoint, {**fixed, **dict(found)})
        return encoded

    return resolve


def _encode(endpoint: Endpoint, values: Mapping[str, Json]) -> EncodedParams:
    made: dict[str, Json] = {}
    for name, value in values.items():
        if value is None:
            continue
        field = f"public_params.{name}"
        parameter = endpoint.parameter(name)
        try:
            made[name] = value if parameter is None else _held(parameter, value, lenient=True)
        except ConversionError as error:
            raise MappingError("item_invalid", field, str(error)) from error
        if parameter is not None and parameter.allowed and made[name] not in parameter.allowed:
            raise MappingError("item_invalid", field, _allowed(parameter))
    _check_complete(endpoint, made)
    return EncodedParams(encode(made), made.get("matchingType") == EXACT_MATCHING)


def _check_complete(endpoint: Endpoint, made: Mapping[str, Json]) -> None:
    for parameter in endpoint.parameters:
        if parameter.required and parameter.name not in made:
            raise MappingError("value_missing", f"public_params.{parameter.name}", _required(endpoint, parameter))
    fuzzy = made.get("matchingType") == FUZZY_MATCHING
    if fuzzy and endpoint.parameter("identifyWay") is not None and "identifyWay" not in made:
        detail = f"{endpoint.path} requires 'identifyWay' (1 or 2) for fuzzy matching (matchingType 2)"
        raise MappingError("value_missing", "public_params.identifyWay", detail)


def _required(endpoint: Endpoint, parameter: Parameter) -> str:
    values = f" ({' or '.join(str(each) for each in parameter.allowed)})" if parameter.allowed else ""
    return f"{endpoint.path} requires the parameter '{parameter.name}'{values}, which has no default"

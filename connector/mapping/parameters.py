"""`publicParams`: the defaults, overridden by the target, overridden by the route.

Only a route's parameters may depend on the record. Each combination is checked and encoded once: constant ones at
start, others when they first occur.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from connector.core.record import Record
from connector.language.message import message
from connector.mapping.errors import MappingError
from connector.mapping.expressions import Value, constant
from connector.mapping.inspection import report_type
from connector.mapping.json_values import Json, encode, type_name
from connector.mapping.kinds import KINDS, checked, converted, report_undocumented
from connector.mapping.values import compile_value
from connector.mapping.wording import either_of
from connector.settings.types import InterpolatedStr
from connector.tuzhan.endpoints import (
    DEFAULT_PARAMETERS,
    EXACT_MATCHING,
    FUZZY_MATCHING,
    Endpoint,
    Parameter,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.language.message import Message
    from connector.mapping.location import Location

_MAX_CACHED_COMBINATIONS = 1024
"""A parameter that differs in every record makes a batch of each; it must not make memory grow as well."""

_CONTAINERS = frozenset({list, dict})


class EncodedParams(NamedTuple):
    """One combination of parameters: as JSON, and whether it asks for exact matching."""

    json: bytes
    exact: bool


ParamsGetter = Callable[[Json, Record], EncodedParams]
"""Returns the parameters for a record. May raise MappingError and SkipItem."""


@dataclass(frozen=True, slots=True)
class ParamValue:
    """One parameter of a target or a route, and where it stands."""

    value: Value
    location: Location


def compile_params(
    raw: Mapping[str, Json], endpoint: Endpoint, location: Location, *, allow_unknown: bool, per_record: bool
) -> dict[str, ParamValue]:
    """Compile the parameters of a target, or of a route (`per_record`), or report what is wrong with them."""
    params: dict[str, ParamValue] = {}
    for name, each in raw.items():
        at = location.at(name).named(f"public_params.{name}")
        parameter = endpoint.parameter(name)
        if parameter is None and not allow_unknown:
            report_undocumented("parameter", name, endpoint, at)
            continue
        value = compile_value(each, at.of_one_value(one=parameter is not None))
        if value.constant:
            value = _constant(each, value, parameter, at)
        elif not per_record:
            at.add(message("only the public_params of a route may depend on the record"), "bad_reference")
        elif parameter is not None:
            report_type(each, parameter.kind, at)
        params[name] = ParamValue(value, at)
    return params


def _constant(raw: Json, value: Value, parameter: Parameter | None, location: Location) -> Value:
    if parameter is None or value.literal is None:
        return value
    kind = KINDS[parameter.kind]
    as_written = kind.type is not str and not isinstance(raw, InterpolatedStr)
    if as_written and value.literal.__class__ is not kind.type:
        told = message("expected {what}, got {kind}", what=type_name(kind.type()), kind=type_name(value.literal))
        location.add(told, "wrong_type")
        return value
    value = checked(value, kind, location)
    if isinstance(value.literal, kind.type) and not _allows(parameter, value.literal):
        location.add(_expected(parameter), "bad_value")
    return value


def _allows(parameter: Parameter, value: Json) -> bool:
    return not parameter.allowed or value in parameter.allowed


def _expected(parameter: Parameter) -> Message:
    return message("expected one of {names}", names=", ".join(str(each) for each in parameter.allowed))


def params_getter(endpoint: Endpoint, params: Mapping[str, ParamValue]) -> ParamsGetter | EncodedParams:
    """Return what gives a record's publicParams; the parameters themselves if they are the same for every record.

    `params` are those of the target, overridden by those of the route. Raises MappingError, here or when the function
    is called, if a parameter is missing or not allowed.
    """
    values = {name: constant(default) for name, default in DEFAULT_PARAMETERS.items()}
    values.update((name, each.value) for name, each in params.items())
    dynamic = [(name, value.get) for name, value in values.items() if not value.constant]
    fixed = {name: value.literal for name, value in values.items()}
    if not dynamic:
        return _encode(endpoint, fixed)
    known: dict[tuple[tuple[type, Json], ...], EncodedParams] = {}

    def get(value: Json, record: Record) -> EncodedParams:
        found = [(name, get_one(value, record)) for name, get_one in dynamic]
        if any(got.__class__ in _CONTAINERS for _, got in found):  # wrong for every documented parameter; not hashable
            return _encode(endpoint, {**fixed, **dict(found)})
        key = tuple((got.__class__, got) for _, got in found)
        encoded = known.get(key)
        if encoded is None:
            if len(known) >= _MAX_CACHED_COMBINATIONS:
                known.clear()
            encoded = known[key] = _encode(endpoint, {**fixed, **dict(found)})
        return encoded

    return get


def _encode(endpoint: Endpoint, values: Mapping[str, Json]) -> EncodedParams:
    made: dict[str, Json] = {}
    for name, value in values.items():
        if value is None:
            continue
        parameter, field = endpoint.parameter(name), f"public_params.{name}"
        made[name] = value if parameter is None else converted(KINDS[parameter.kind], value, field)
        if parameter is not None and not _allows(parameter, made[name]):
            raise MappingError("item_invalid", field, _expected(parameter))
    _check_complete(endpoint, made)
    return EncodedParams(encode(made), made.get("matchingType") == EXACT_MATCHING)


def _check_complete(endpoint: Endpoint, made: Mapping[str, Json]) -> None:
    for parameter in endpoint.parameters:
        if parameter.required and parameter.name not in made:
            detail = required_message(endpoint, parameter)
            raise MappingError("value_missing", f"public_params.{parameter.name}", detail)
    fuzzy = made.get("matchingType") == FUZZY_MATCHING
    if fuzzy and endpoint.parameter("identifyWay") is not None and "identifyWay" not in made:
        detail = message(
            "{endpoint} requires 'identifyWay' (1 or 2) for fuzzy matching (matchingType 2)", endpoint=endpoint.path
        )
        raise MappingError("value_missing", "public_params.identifyWay", detail)


def report_useless_identify_way(params: Mapping[str, ParamValue]) -> None:
    """Report an `identifyWay` beside a matchingType that is never fuzzy."""
    way, matching = params.get("identifyWay"), params.get("matchingType")
    literal = DEFAULT_PARAMETERS["matchingType"] if matching is None else matching.value.literal
    if way is not None and way.value.literal is not None and literal == EXACT_MATCHING:
        way.location.add(message("only fuzzy matching uses it: set matchingType: 2, or drop it"), "bad_value")


def required_message(endpoint: Endpoint, parameter: Parameter) -> Message:
    """Return the message for a missing parameter."""
    allowed = [str(each) for each in parameter.allowed]
    values = message(" ({values})", values=either_of(allowed)) if allowed else ""
    return message(
        "{endpoint} requires '{name}'{values}, which has no default",
        endpoint=endpoint.path,
        name=parameter.name,
        values=values,
    )

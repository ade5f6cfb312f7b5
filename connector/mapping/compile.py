"""From targets and routes, as the config has them, to a mapping; everything that is wrong is noted at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.mapping.conditions import compile_where
from connector.mapping.errors import MappingError
from connector.mapping.fields import compile_fields
from connector.mapping.identity import compile_identity
from connector.mapping.location import Location
from connector.mapping.mapper import CompiledMapping, Subscribed
from connector.mapping.parameters import EncodedParams, ParamsGetter, ParamValue, compile_named, resolver
from connector.mapping.route import CompiledRoute
from connector.mapping.values import compile_value
from connector.tuzhan.endpoints import DEFAULT_PARAMETERS, ENDPOINTS, Endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.mapping.values import Value
    from connector.settings.models import Route, Target
    from connector.settings.problems import Problems


def compile_mapping(
    targets: Mapping[str, Target], routes: Sequence[tuple[int, Route]], problems: Problems
) -> CompiledMapping | None:
    """Compile the mapping, or note what is wrong with it and return None.

    `targets` have known endpoints; `routes`, which come with their positions in the file, lead to these targets and
    read topics whose patterns are regular expressions: names are the loader's to check.
    """
    before = len(problems.errors)
    compiler = _Compiler(targets, problems)
    subscribed = [
        Subscribed(route.topics, compiled)
        for index, route in routes
        if (compiled := compiler.route(route, Location(problems, ("routes", index)))) is not None
    ]
    compiler.check_required([route for _, route in routes])
    return CompiledMapping(subscribed) if len(problems.errors) == before else None


class _Compiler:
    """Compiles routes against the targets, whose own public_params are compiled first, once."""

    def __init__(self, targets: Mapping[str, Target], problems: Problems) -> None:
        self._targets = targets
        self._problems = problems
        self._params = {
            name: self._target_params(target, Location(problems, ("targets", name, "public_params")))
            for name, target in targets.items()
        }

    def _target_params(self, target: Target, location: Location) -> dict[str, ParamValue]:
        return compile_named(
            target.public_params,
            ENDPOINTS[target.endpoint],
            location,
            allow_unknown=target.allow_unknown,
            per_record=False,
        )

    def route(self, route: Route, location: Location) -> CompiledRoute | None:
        """Compile one route; None if its publicParams can't be."""
        target = self._targets[route.to]
        endpoint = ENDPOINTS[target.endpoint]
        params = self._resolver(route, endpoint, target, location.at("public_params"))
        where = None if route.where is None else compile_where(route.where, location.at("where"))
        identity = compile_identity(route.identity, endpoint, location.at("identity"))
        event_key = _event_key(route, endpoint, location.at("event_key").named("event_key"))
        fields = compile_fields(route.fields, endpoint, location.at("fields"), allow_unknown=target.allow_unknown)
        if params is None:
            return None
        return CompiledRoute(
            name=route.name,
            target=route.to,
            endpoint=endpoint,
            ordering=target.ordering or endpoint.default_ordering,
            where=where,
            params=params,
            identity=identity,
            skip_without_identity=route.identity_missing == "$skip",
            event_key=event_key,
            fields=fields,
        )

    def _resolver(
        self, route: Route, endpoint: Endpoint, target: Target, location: Location
    ) -> ParamsGetter | EncodedParams | None:
        own = compile_named(
            route.public_params, endpoint, location, allow_unknown=target.allow_unknown, per_record=True
        )
        named = {**self._params[route.to], **own}
        try:
            return resolver(endpoint, named)
        except MappingError as failure:
            self._note_incomplete(failure, route, endpoint, named, location)
            return None

    def _note_incomplete(
        self, failure: MappingError, route: Route, endpoint: Endpoint, named: dict[str, ParamValue], location: Location
    ) -> None:
        """Note what is missing from one combination; a value that is wrong by itself was noted where it stands."""
        name = failure.field.removeprefix("public_params.")
        parameter = endpoint.parameter(name)
        if failure.reason != "value_missing":
            if not self._problems.errors:
                location.add(failure.detail, "bad_value")
            return
        if name in named:
            named[name].location.add(failure.detail, "missing_key")
        elif parameter is None or not parameter.required:  # what is required is told once, by check_required
            self._params_place(route, location).at(name).add(failure.detail, "missing_key")

    def _params_place(self, route: Route, location: Location) -> Location:
        """Whose public_params lack something: the route's if it names any, else the target's."""
        return location if route.public_params else Location(self._problems, ("targets", route.to, "public_params"))

    def check_required(self, routes: Sequence[Route]) -> None:
        """Note each required parameter that neither a target nor every route to it names."""
        for name, target in self._targets.items():
            endpoint = ENDPOINTS[target.endpoint]
            feeding = [route for route in routes if route.to == name]
            for parameter in endpoint.parameters:
                named = {*DEFAULT_PARAMETERS, *self._params[name]}
                if not parameter.required or parameter.name in named:
                    continue
                lacking = [route.name for route in feeding if parameter.name not in route.public_params]
                if feeding and not lacking:
                    continue
                whose = f"; route '{lacking[0]}' names none" if lacking and len(lacking) < len(feeding) else ""
                values = " or ".join(str(each) for each in parameter.allowed)
                message = f"{endpoint.path} requires '{parameter.name}' ({values}), which has no default{whose}"
                path = ("targets", name, "public_params", parameter.name)
                self._problems.add(path, message, "missing_key")


def _event_key(route: Route, endpoint: Endpoint, location: Location) -> Value | None:
    if endpoint.kind == "audience":
        if route.event_key is not None:
            message = f"{endpoint.path} takes no events: drop `event_key`"
            location.add(message, "not_for_this_endpoint", at_key=True)
        return None
    if route.event_key is None:
        location.add(f"{endpoint.path} requires an event key", "missing_key")
        return None
    value = compile_value(route.event_key, location)
    if value.constant and (isinstance(value.literal, (list, dict)) or not str(value.literal).strip()):
        location.add("an event key is text", "wrong_type")
    return value

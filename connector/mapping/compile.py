"""From targets and routes, as the config has them, to a mapping; everything that is wrong is noted at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from connector.config.problems import did_you_mean
from connector.mapping.conditions import compile_where
from connector.mapping.failures import UnmappableError
from connector.mapping.fields import compile_fields
from connector.mapping.identity import compile_identity
from connector.mapping.mapper import CompiledMapping, Subscribed
from connector.mapping.parameters import Encoded, Named, Resolve, compile_named, resolver
from connector.mapping.place import Place
from connector.mapping.route import CompiledRoute
from connector.mapping.values import compile_value
from connector.platform.endpoints import DEFAULT_PARAMETERS, ENDPOINTS, NOT_YET, Endpoint

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from connector.config.models import Ordering, Route, Target
    from connector.config.problems import Problems
    from connector.mapping.references import Getter


def compile_mapping(
    targets: Mapping[str, Target],
    routes: Sequence[tuple[int, Route]],
    problems: Problems,
    *,
    defined_targets: Collection[str] = (),
) -> CompiledMapping | None:
    """Compile the mapping, or note what is wrong with it and return None.

    `routes` come with their positions in the file. `defined_targets` are names that the file defines but that
    are not in `targets`, because something else is wrong with them: a route to one of them is left alone.
    """
    before = len(problems.errors)
    compiler = _Compiler(targets, problems)
    subscribed = [
        Subscribed(route.topics, compiled)
        for index, route in routes
        if (compiled := compiler.route(route, Place(problems, ("routes", index)), defined_targets)) is not None
    ]
    for index, route in routes:
        _check_topics(route, Place(problems, ("routes", index, "topics")))
    compiler.check_required([route for _, route in routes])
    return CompiledMapping(subscribed) if len(problems.errors) == before else None


def ordering_of(target: Target, endpoint: Endpoint) -> Ordering:
    """What a target's items must not overtake: as configured, else by the endpoint's kind."""
    return target.ordering or ("identity" if endpoint.kind == "audience" else "none")


class _Compiler:
    """Compiles routes against the targets, whose own public_params are compiled first, once."""

    def __init__(self, targets: Mapping[str, Target], problems: Problems) -> None:
        self._targets = targets
        self._problems = problems
        self._endpoints: dict[str, Endpoint] = {}
        self._params: dict[str, dict[str, Named]] = {}
        for name, target in targets.items():
            self._target(name, target, Place(problems, ("targets", name)))

    def _target(self, name: str, target: Target, place: Place) -> None:
        endpoint = ENDPOINTS.get(target.endpoint)
        if endpoint is None:
            _no_endpoint(target.endpoint, place.at("endpoint"))
            return
        self._endpoints[name] = endpoint
        self._params[name] = compile_named(
            target.public_params,
            endpoint,
            place.at("public_params"),
            allow_unknown=target.allow_unknown,
            per_record=False,
        )

    def route(self, route: Route, place: Place, defined: Collection[str]) -> CompiledRoute | None:
        """Compile one route; None if it leads nowhere or its publicParams can't be."""
        endpoint = self._endpoints.get(route.to)
        if endpoint is None:
            if route.to not in self._targets and route.to not in defined:
                hint = did_you_mean(route.to, self._targets)
                place.at("to").add(f"no target is named '{route.to}'{hint}", "unknown_name")
            return None
        target = self._targets[route.to]
        params = self._resolver(route, endpoint, target, place.at("public_params"))
        where = None if route.where is None else compile_where(route.where, place.at("where"))
        identity = compile_identity(route.identity, endpoint, place.at("identity"))
        event_key = _event_key(route, endpoint, place.at("event_key").named("event_key"))
        fields = compile_fields(route.fields, endpoint, place.at("fields"), allow_unknown=target.allow_unknown)
        if params is None:
            return None
        return CompiledRoute(
            name=route.name,
            target=route.to,
            endpoint=endpoint,
            ordering=ordering_of(target, endpoint),
            where=where,
            params=params,
            identity=identity,
            skip_without_identity=route.identity_missing == "$skip",
            event_key=event_key,
            fields=fields,
        )

    def _resolver(self, route: Route, endpoint: Endpoint, target: Target, place: Place) -> Resolve | Encoded | None:
        before = len(self._problems.errors)
        own = compile_named(route.public_params, endpoint, place, allow_unknown=target.allow_unknown, per_record=True)
        named = {**self._params[route.to], **own}
        try:
            return resolver(endpoint, named)
        except UnmappableError as failure:
            name = failure.field.removeprefix("public_params.")
            required = endpoint.parameter(name)
            # a required parameter that is not named anywhere is told once, by check_required
            if len(self._problems.errors) == before and not (required and required.required and name not in named):
                at = named[name].place if name in named else self._params_place(route.to, own, place).at(name)
                at.add(failure.detail, "missing_key" if failure.reason == "value_missing" else "bad_value")
            return None

    def _params_place(self, target: str, own: dict[str, Named], place: Place) -> Place:
        """Whose public_params lack something: the route's if it names any, else the target's."""
        return place if own else Place(self._problems, ("targets", target, "public_params"))

    def check_required(self, routes: Sequence[Route]) -> None:
        """Note each required parameter that neither a target nor every route to it names."""
        for name, endpoint in self._endpoints.items():
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


def _no_endpoint(path: str, place: Place) -> None:
    bare = path.strip("/").removeprefix("api/open/").removeprefix("api/integrate/")
    if bare in NOT_YET:
        place.add(f"the endpoint {bare} is not supported yet", "bad_value")
        return
    hint = did_you_mean(bare, ENDPOINTS) or f": one of {', '.join(ENDPOINTS)}"
    place.add(f"no such endpoint{hint}", "bad_value")


def _event_key(route: Route, endpoint: Endpoint, place: Place) -> Getter | None:
    if endpoint.kind == "audience":
        if route.event_key is not None:
            message = f"{endpoint.path} takes no events: drop `event_key`"
            place.add(message, "not_for_this_endpoint", at_key=True)
        return None
    if route.event_key is None:
        place.add(f"{endpoint.path} requires an event key", "missing_key")
        return None
    value = compile_value(route.event_key, place)
    if value.constant and (isinstance(value.literal, (list, dict)) or not str(value.literal).strip()):
        place.add("an event key is text", "wrong_type")
    return value.get


def _check_topics(route: Route, place: Place) -> None:
    for index, topic in enumerate(route.topics):
        if not topic.startswith("^"):
            continue
        try:
            re.compile(topic)
        except re.error as error:
            place.at(index).add(f"not a regular expression: {error.msg} at position {error.pos}", "bad_value")

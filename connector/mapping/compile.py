"""From targets and routes, as the config has them, to a mapping; every problem is reported at once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from connector.language.message import joined, message, verbatim
from connector.mapping.changes import envelope_of, report_changes
from connector.mapping.errors import MappingError
from connector.mapping.events import compile_event_key
from connector.mapping.fields import compile_fields
from connector.mapping.identity import compile_identity
from connector.mapping.inspection import report_unreachable
from connector.mapping.location import Location, Scope
from connector.mapping.mapper import CompiledMapping
from connector.mapping.parameters import (
    EncodedParams,
    compile_params,
    params_getter,
    report_useless_identify_way,
    required_message,
)
from connector.mapping.plan import TrackingPlan
from connector.mapping.plan.route import ARGUMENTS
from connector.mapping.references import mentions_item
from connector.mapping.route import CompiledRoute
from connector.mapping.splitting import compile_where_and_split
from connector.tuzhan.endpoints import DEFAULT_PARAMETERS, ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.mapping.location import Observe
    from connector.mapping.parameters import ParamsGetter, ParamValue
    from connector.settings.models import Decode, EventDefinition, Route, Target
    from connector.settings.problems import Problems
    from connector.tuzhan.endpoints import Endpoint


def compile_mapping(  # noqa: PLR0913 - the sections of a config that make a mapping
    targets: Mapping[str, Target],
    routes: Sequence[tuple[int, Route]],
    problems: Problems,
    observe: Observe | None = None,
    decode: Mapping[str, Decode] | None = None,
    *,
    events: Mapping[str, EventDefinition | None] | None = None,
) -> CompiledMapping | None:
    """Return the compiled mapping; None if there are errors, which are added to `problems`.

    The caller has checked names: the endpoints of `targets` exist, `routes` (each with its position in the file) lead
    to these targets, and their topic patterns are regular expressions, as those of `decode` are. A mapping that is
    observed gives the same items by its general way, and takes longer. Without `decode`, because something is wrong
    with it, it is not checked that `$change` has a meaning. `events` is the tracking plan, in which None stands for a
    definition that is broken; without one, events are not checked.
    """
    before = len(problems.errors)
    plan = None if events is None else TrackingPlan(events)
    compiler = _Compiler(targets, problems, plan)
    omitted: Counter[tuple[str, str]] = Counter()
    compiled = []
    for index, route in routes:
        envelopes = {envelope_of(topic, decode or {}) or "" for topic in route.topics}
        has_change = decode is None or envelopes != {""}
        envelope = "" if len(envelopes) > 1 else next(iter(envelopes))
        scope = Scope(route.name, has_change=has_change, envelope=envelope, omitted=omitted, observe=observe)
        location = Location(problems, ("routes", index), scope=scope)
        compiled.append(compiler.route(route, location))
        report_changes(route, decode or {}, location)
    compiler.check_required([route for _, route in routes])
    if plan is not None:
        plan.report_unused(problems)
    if len(problems.errors) > before:
        return None
    return CompiledMapping([route for route in compiled if route is not None], omitted, decode or {})


class _Compiler:
    """Compiles routes; the public_params of their targets are compiled first, once."""

    def __init__(self, targets: Mapping[str, Target], problems: Problems, plan: TrackingPlan | None) -> None:
        self._targets = targets
        self._problems = problems
        self._plan = plan
        self._params = {
            name: compile_params(
                target.public_params,
                ENDPOINTS[target.endpoint],
                self._target_location(name),
                allow_unknown=target.allow_unknown,
                per_record=False,
            )
            for name, target in targets.items()
        }

    def _target_location(self, name: str) -> Location:
        return Location(self._problems, ("targets", name, "public_params"))

    def route(self, route: Route, location: Location) -> CompiledRoute | None:
        """Compile one route; None if its publicParams can't be compiled."""
        target = self._targets[route.to]
        endpoint = ENDPOINTS[target.endpoint]
        where, split, element = compile_where_and_split(route, location)
        if route.for_each is not None:
            location = location.with_item(element)
        params = self._route_params(route, endpoint, target, location.at("public_params"))
        identity = compile_identity(route.identity, endpoint, location.at("identity"))
        event_key = compile_event_key(route, endpoint, location.at("event_key").named("event_key"))
        report_unreachable(route.event_key, route.where, location.at("event_key"))
        for name, each in route.public_params.items():
            report_unreachable(each, route.where, location.at("public_params", name))
        plan = None
        if self._plan is not None and event_key is not None:
            plan = self._plan.route(route, event_key, location)
            event_key = plan.event_key
        fields = compile_fields(
            route.fields, endpoint, location.at("fields"), allow_unknown=target.allow_unknown, plan=plan
        )
        if params is None:
            return None
        reads = location.scope.reads
        if element is not None and not any(path[: len(element)] == element for path in reads):
            reads.add(element)  # nothing but their number matters
        return CompiledRoute(
            name=route.name,
            topics=route.topics,
            target=route.to,
            endpoint=endpoint,
            ordering=target.ordering or endpoint.default_ordering,
            split=split,
            where=where,
            params=params,
            identity=identity,
            skip_without_identity=route.identity_missing == "$skip",
            event_key=event_key,
            fields=fields,
            element=element,
            varying=_varying(route, planned=plan is not None),
            paths=frozenset(reads),
            reads_before="before" in location.scope.change_reads,
        )

    def _route_params(
        self, route: Route, endpoint: Endpoint, target: Target, location: Location
    ) -> ParamsGetter | EncodedParams | None:
        own = compile_params(
            route.public_params, endpoint, location, allow_unknown=target.allow_unknown, per_record=True
        )
        params = {**self._params[route.to], **own}
        report_useless_identify_way(params)
        try:
            return params_getter(endpoint, params)
        except MappingError as error:
            self._report(error, route, endpoint, params, location if route.public_params else None)
            return None

    def _report(
        self,
        error: MappingError,
        route: Route,
        endpoint: Endpoint,
        params: Mapping[str, ParamValue],
        location: Location | None,
    ) -> None:
        """Report what is missing from a combination; values that are wrong by themselves are already reported."""
        at, told = location or self._target_location(route.to), verbatim(error.detail)
        name = error.field.removeprefix("public_params.")
        parameter = endpoint.parameter(name)
        if error.reason != "value_missing":
            if not self._problems.errors:
                at.add(told, "bad_value")
        elif name in params:
            params[name].location.add(told, "missing_key")
        elif parameter is None or not parameter.required:  # a required one is reported once, by check_required
            at.at(name).add(told, "missing_key")

    def check_required(self, routes: Sequence[Route]) -> None:
        """Report each required parameter that is missing from a target and from some route that feeds it."""
        for name, target in self._targets.items():
            endpoint = ENDPOINTS[target.endpoint]
            feeding = [route for route in routes if route.to == name]
            for parameter in endpoint.parameters:
                if not parameter.required or parameter.name in {*DEFAULT_PARAMETERS, *self._params[name]}:
                    continue
                lacking = [route.name for route in feeding if parameter.name not in route.public_params]
                if feeding and not lacking:
                    continue
                some = bool(lacking) and len(lacking) < len(feeding)
                hint = message("; route '{route}' does not set it", route=lacking[0]) if some else ""
                told = joined("", [required_message(endpoint, parameter), hint])
                self._target_location(name).at(parameter.name).add(told, "missing_key")


def _varying(route: Route, *, planned: bool) -> frozenset[str]:
    """Return what `for_each` computes for each element: names of fields, dotted ones of tables, and of other keys.

    What is counted when it is computed (`on_error`) is among it. With a tracking plan (`planned`), what is allowed as
    an argument may depend on the event key.
    """
    parts: dict[str, object] = {"identity": route.identity, "public_params": route.public_params}
    parts |= {"event_key": route.event_key, **route.fields}
    for name, raw in route.fields.items():
        if isinstance(raw, dict):
            parts |= {f"{name}.{key}": each for key, each in raw.items()}
    varying = {name for name, raw in parts.items() if mentions_item(raw) or _counts(raw)}
    if planned and "event_key" in varying:
        varying |= {name for name in parts if name.partition(".")[0] == ARGUMENTS}
    return frozenset(varying)


def _counts(raw: object) -> bool:
    if isinstance(raw, dict):
        return "on_error" in raw or any(_counts(each) for each in raw.values())
    return isinstance(raw, list) and any(_counts(each) for each in raw)

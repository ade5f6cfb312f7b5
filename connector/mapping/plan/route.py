"""A route, held against the tracking plan: what is known at start is reported, the rest becomes steps."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from connector.language.message import message
from connector.mapping.errors import MappingError
from connector.mapping.inspection import reads_record, report_yield
from connector.mapping.plan.argument_types import TYPES, violation
from connector.mapping.plan.arguments import (
    held,
    held_as_a_whole,
    held_by_key,
    hold_arguments,
)
from connector.mapping.plan.event_keys import PossibleKeys, defined, possible_keys
from connector.mapping.values import compile_value, looks_like_words
from connector.mapping.wording import either_type
from connector.settings.problems import Problems, did_you_mean
from connector.settings.types import InterpolatedStr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from connector.mapping.expressions import Value
    from connector.mapping.json_values import Json
    from connector.mapping.location import Location
    from connector.settings.models import EventArgument, EventDefinition, Route

ARGUMENTS = "eventargs"
"""The field of an event that holds its arguments."""


@dataclass(slots=True)
class TrackingPlan:
    """The events that are defined, and which of them the routes make."""

    events: Mapping[str, EventDefinition | None]
    """By event key; None: the definition is broken, so nothing is known of its arguments."""
    used: set[str] = field(default_factory=set)
    open: bool = False
    """Whether some route takes its event key from the record: it may make any event."""

    def route(self, route: Route, event_key: Value, location: Location) -> RoutePlan:
        """Return a route's part of the plan; an event key that is not defined is reported. `location`: the route's."""
        keys = possible_keys(route.event_key)
        self.used |= keys.known.keys()
        self.open = self.open or not keys.closed
        at = location.at("event_key")
        for key, place in keys.known.items():
            if key not in self.events:
                literal = _at(route.event_key, place)
                hint = "" if isinstance(literal, InterpolatedStr) else did_you_mean(key, self.events)
                told = message("no event of `events` has this key{hint}", hint=hint)
                at.at(*place).add(told, "undefined_event")
                self.used |= {each for each in self.events if f"'{each}'" in hint}  # it is meant, and misspelt
        return RoutePlan(self.events, keys, route, event_key, location)

    def report_unused(self, problems: Problems) -> None:
        """Report definitions of events that no route makes."""
        if not self.open:
            for key in self.events.keys() - self.used:
                problems.add(("events", key), message("no route makes this event"), "suspicious", at_key=True)


class RoutePlan:
    """The events that one route may make, and what their arguments must be."""

    def __init__(
        self,
        events: Mapping[str, EventDefinition | None],
        keys: PossibleKeys,
        route: Route,
        event_key: Value,
        location: Location,
    ) -> None:
        self._events = {key: event for key, event in events.items() if event is not None}
        self._all = frozenset(events)
        self._keys = keys
        self._route = route
        self._event_key = event_key
        self._location = location
        self._certain = {key: self._events[key] for key in keys.known if key in self._events}
        """Events that the route makes, for all that is known."""
        self._possible = self._certain if keys.closed else self._events
        named = keys.known.keys() if keys.closed else events.keys()
        self._judges = bool(self._possible) and named <= self._events.keys()
        """Whether all definitions are known: what is wrong with them, or missing, is reported already."""

    @property
    def event_key(self) -> Value:
        """The event key, held against the plan where that depends on the record."""
        if self._keys.closed:
            return self._event_key
        mapped = self._route.fields.get(ARGUMENTS, {})
        lacking: dict[str, str] = {}
        if isinstance(mapped, dict) and not looks_like_words(mapped):
            for key, event in self._events.items():
                missing = [name for name, each in event.args.items() if each.required and mapped.get(name) is None]
                if missing:
                    lacking[key] = missing[0]
        return defined(self._event_key, self._all, lacking)

    def arguments(self, values: Mapping[str, Value], raw: Mapping[str, Json], at: Location) -> dict[str, Value]:
        """Return a table of arguments, each held against the plan."""
        if not self._judges:
            self._report_unknown(values, at)
            return dict(values)
        self.report_missing({name for name, value in values.items() if not _is_null(value)}, at)
        return {name: self._argument(name, value, raw[name], at.under(name)) for name, value in values.items()}

    def _report_unknown(self, values: Iterable[str], at: Location) -> None:
        """Report arguments that no event at all has: which events are meant is not known."""
        if len(self._events) == len(self._all):
            names = {name: None for event in self._events.values() for name in event.args}
            for name in values:
                if name not in names:
                    hint = did_you_mean(name, names)
                    told = message("no event of `events` has such an argument{hint}", hint=hint)
                    at.under(name).add(told, "undefined_event", at_key=True)

    def report_missing(self, mapped: Iterable[str], at: Location) -> None:
        """Report arguments that are required and not mapped."""
        names = set(mapped)
        for key, event in self._certain.items() if self._judges else ():
            for name, argument in event.args.items():
                if argument.required and name not in names:
                    told = message("{key} requires this argument (`events`), and the route does not map it", key=key)
                    at.under(name).add(told, "missing_key")

    def whole(self, value: Value, at: Location) -> Value:
        """Return arguments that are one value, held against the plan."""
        if not self._judges:
            return value
        if value.constant:
            for key, event in self._certain.items():
                try:
                    hold_arguments(value.literal, key, event, at.field)
                except MappingError as error:
                    at.add(message("{field}: {detail}", field=error.field, detail=error.detail), "wrong_type")
            if self._keys.closed:
                return value
        return held_as_a_whole(value, self._key_again, self._possible, at.field)

    def _argument(self, name: str, value: Value, raw: Json, at: Location) -> Value:
        rules = {key: event.args.get(name) for key, event in self._possible.items()}
        if not any(rules.values()):
            self._report_undefined(name, at)
            return value
        if value.constant:
            if self._constant(value, rules, at):
                return value
        else:
            self._report_what_is_known(raw, rules, at)
        first, *others = dict.fromkeys(rules.values())
        if first is not None and not others:
            return held(value, first, at.field)
        return held_by_key(value, self._key_again, rules, at.field)

    def _report_undefined(self, name: str, at: Location) -> None:
        names = dict.fromkeys(each for event in self._possible.values() for each in event.args)
        events = [*self._possible]
        hint = did_you_mean(name, names)
        if len(events) == 1:
            told = message("{key} has no such argument in `events`{hint}", key=events[0], hint=hint)
        elif self._keys.closed:
            keys = ", ".join(events)
            told = message("none of {keys} has such an argument in `events`{hint}", keys=keys, hint=hint)
        else:
            told = message("no event of `events` has such an argument{hint}", hint=hint)
        at.add(told, "undefined_event", at_key=True)

    def _constant(self, value: Value, rules: Mapping[str, EventArgument | None], at: Location) -> bool:
        """Report a constant that an event does not take; return whether there is nothing left to check."""
        if value.literal is None:
            return True
        for key in self._certain:
            rule = rules[key]
            if rule is None:
                told = message("{key} has no such argument in `events`, and this one is in every event", key=key)
                at.add(told, "undefined_event", at_key=True)
                return True
            broken = violation(value.literal, rule)
            if broken is not None:
                unquoted = rule.type == "string" and isinstance(value.literal, bool | int | float)
                hint = message(": quote it") if unquoted else ""
                told = message("{told} (`events`: {key}){hint}", told=broken.told, key=key, hint=hint)
                at.add(told, "wrong_type")
                return True
        return self._keys.closed

    def _report_what_is_known(self, raw: Json, rules: Mapping[str, EventArgument | None], at: Location) -> None:
        """Report a value that never yields what its events take, or that one of them does not have."""
        types = {rule.type for rule in rules.values() if rule is not None}
        accepted = frozenset[type]().union(*(TYPES[each].classes for each in types))
        words = either_type(sorted(TYPES[each].words for each in types))
        report_yield(raw, accepted, message("{words} (`events`)", words=words), at)
        if self._keys.closed and reads_record(raw):
            for key in (key for key, rule in rules.items() if rule is None):
                told = message(
                    "{key} has no such argument in `events`: with it, such an event becomes a dead letter", key=key
                )
                at.add(told, "suspicious", at_key=True)

    @cached_property
    def _key_again(self) -> Value:
        """The event key once more: to compute it counts nothing, and is watched by nobody."""
        location = self._location.at("event_key").named("event_key")
        scope = replace(location.scope, omitted=Counter(), observe=None)
        return compile_value(self._route.event_key, replace(location, problems=Problems(), scope=scope))


def _is_null(value: Value) -> bool:
    return value.constant and value.literal is None


def _at(raw: Json, place: Iterable[str | int]) -> Json:
    for key in place:
        raw = raw[key]
    return raw

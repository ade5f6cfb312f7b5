"""From the routes of a config and what was seen of their events to the definitions of a tracking plan. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from connector.mapping.events import PLACEHOLDER
from connector.mapping.inspection import known_type
from connector.mapping.plan.event_keys import possible_keys
from connector.mapping.plan.route import ARGUMENTS
from connector.mapping.references import is_reference
from connector.mapping.values import looks_like_words
from connector.settings.types import InterpolatedStr
from connector.tuzhan.endpoints import ENDPOINTS
from connector.workbench.init.fields import is_plain_name
from connector.workbench.init.lines import slug
from connector.workbench.init.values import is_code, looks_like_code
from connector.workbench.tracking_plan.observing import SeenArgument, SeenEvent, SeenEvents, json_type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.mapping.json_values import Json
    from connector.settings.models import ArgumentType, Config, Route

_MOST_KEYS: Final = 200
"""Of one route, out of records."""
_MOST_ARGUMENTS: Final = 200
"""Of one event, out of records."""
_NUMBERS: Final = ("multiply", "round")
_DATES: Final = frozenset({"date", "timestamp"})
_TYPES: Final[Mapping[type, ArgumentType]] = {
    str: "string", int: "integer", float: "number", bool: "boolean", list: "array",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlannedArgument:
    """The proposed definition of an argument."""

    type: ArgumentType
    required: bool
    seen: int
    """In so many of the events."""
    others: int = 0
    """So many values are of another type."""
    is_guessed: bool = False
    """Neither a value nor the mapping says its type."""


@dataclass(slots=True)
class PlannedEvent:
    """The proposed definition of an event."""

    routes: list[str]
    events: int = 0
    """So many were seen."""
    args: dict[str, PlannedArgument] = field(default_factory=dict)
    is_placeholder: bool = False
    """The route takes its event keys from records, and none was seen."""


@dataclass(slots=True)
class Plan:
    """The proposed definitions, by event key."""

    events: dict[str, PlannedEvent] = field(default_factory=dict)
    keys_left_out: int = 0
    """So many event keys out of records may be personal data, or are too many."""
    arguments_left_out: int = 0
    """So many names of arguments out of records, likewise."""


def event_routes(config: Config) -> list[Route]:
    """Return the routes that make events."""
    return [route for route in config.routes if ENDPOINTS[config.targets[route.to].endpoint].kind == "event"]


def propose(config: Config, seen: SeenEvents) -> Plan:
    """Return a definition of each event that the routes name, or were seen to make."""
    plan = Plan()
    sources: dict[str, list[_Source]] = {}
    for route in event_routes(config):
        for key, source in _sources(route, seen.get(route.name, {}), plan).items():
            sources.setdefault(key, []).append(source)
    plan.events = {key: _event(own) for key, own in sources.items()}
    return plan


@dataclass(frozen=True, slots=True)
class _Source:
    """One route as it makes events of one key."""

    route: str
    mapped: Mapping[str, Json]
    """The arguments that it names, as the config has them."""
    seen: SeenEvent
    elsewhere: Mapping[str, SeenArgument]
    """The arguments in all of its events."""
    is_placeholder: bool = False


def _sources(route: Route, seen: Mapping[str, SeenEvent], plan: Plan) -> dict[str, _Source]:
    raw = route.fields.get(ARGUMENTS)
    mapped = raw if isinstance(raw, dict) and not looks_like_words(raw) else {}
    mapped = {str(name): each for name, each in mapped.items() if each is not None}
    elsewhere: dict[str, SeenArgument] = {}
    for event in seen.values():
        for name, argument in event.args.items():
            elsewhere.setdefault(name, SeenArgument()).merge(argument)
    known = possible_keys(route.event_key).known
    keys = [*known]
    for key in seen:
        if key in known:
            continue
        if len(keys) < len(known) + _MOST_KEYS and (is_code(key) or looks_like_code(key)):
            keys.append(key)
        else:
            plan.keys_left_out += 1
    if not keys:
        name = f"{PLACEHOLDER}_{slug(route.name) or 'event'}"
        return {name: _Source(route.name, mapped, SeenEvent(), elsewhere, is_placeholder=True)}
    return {key: _Source(route.name, mapped, _plain(seen.get(key), mapped, plan), elsewhere) for key in keys}


def _plain(seen: SeenEvent | None, mapped: Mapping[str, Json], plan: Plan) -> SeenEvent:
    """Return what was seen without names of arguments that may be data."""
    if seen is None:
        return SeenEvent()
    kept = [name for name in seen.args if name in mapped or _is_harmless(name)][: len(mapped) + _MOST_ARGUMENTS]
    plan.arguments_left_out += len(seen.args) - len(kept)
    return SeenEvent(seen.events, {name: seen.args[name] for name in kept})


def _is_harmless(name: str) -> bool:
    """Whether a name out of a record may be written: no data, and no formula of a spreadsheet."""
    return is_plain_name(name) and name == name.strip() and not name.startswith(("=", "+", "-", "@"))


def _event(sources: list[_Source]) -> PlannedEvent:
    names = dict.fromkeys(name for each in sources for name in (*each.mapped, *each.seen.args))
    return PlannedEvent(
        [each.route for each in sources],
        sum(each.seen.events for each in sources),
        {name: _argument(name, sources) for name in names},
        is_placeholder=all(each.is_placeholder for each in sources),
    )


def _argument(name: str, sources: list[_Source]) -> PlannedArgument:
    having, pool = SeenArgument(), SeenArgument()
    for each in sources:
        having.merge(each.seen.args.get(name, SeenArgument()))
        pool.merge(each.elsewhere.get(name, SeenArgument()))
    required = having.seen > 0 and all(
        each.seen.args[name].seen == each.seen.events if name in each.seen.args
        else not each.seen.events and name in each.mapped
        for each in sources
    )  # fmt: skip
    values = having if having.seen else pool
    said = [_said_type(each.mapped[name]) for each in sources if name in each.mapped]
    of_mapping = said[0] if said and len(set(said)) == 1 else None
    if not values.seen:
        return PlannedArgument(of_mapping or "string", required, 0, is_guessed=of_mapping is None)
    if of_mapping is not None and _agrees(of_mapping, values):
        return PlannedArgument(of_mapping, required, having.seen)
    [(most, _)] = values.types.most_common(1)
    if values.all_are("date") and most == "string":
        return PlannedArgument("date", required, having.seen)
    if len(values.types) > 1 and "string" in values.types:
        most = "string"  # it can be made of any scalar
    return PlannedArgument(most, required, having.seen, others=values.seen - values.types[most])


def _agrees(kind: ArgumentType, values: SeenArgument) -> bool:
    return values.all_are(kind) and not (kind == "string" and values.all_are("date"))


def _said_type(raw: Json) -> ArgumentType | None:
    """Return the type of the values that a piece of the language yields; None if it does not say so."""
    if isinstance(raw, dict) and looks_like_words(raw):
        chain = raw.get("as")
        last = chain[-1] if isinstance(chain, list) and chain else chain
        is_settled = not any(word in raw for word in (*_NUMBERS, "map", "otherwise"))
        if is_settled and isinstance(last, str) and last in _DATES:
            return "date"
    elif isinstance(raw, dict | list):
        return json_type(raw)
    elif not is_reference(raw):
        return json_type(str(raw) if isinstance(raw, InterpolatedStr) else raw)
    made = known_type(raw)
    return None if made is None else _TYPES[made]

"""Why a record becomes what it becomes: for each route and part of the record, the steps and the outcome."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from connector.core.record import DEAD_LETTERS, WHOLE, RecordPart
from connector.mapping import compile_mapping
from connector.mapping.errors import SkipItem
from connector.settings.problems import Problems
from connector.workbench.explaining.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from connector.core.record import Item, Record
    from connector.decode.decoding import BuildFormat
    from connector.mapping.json_values import Json
    from connector.mapping.route import CompiledRoute
    from connector.settings.models import Config, Route
    from connector.workbench.explaining.trace import Step

Outcome = Literal["item", "dead_letter", "skipped", "not_wanted"]


@dataclass(frozen=True, slots=True)
class PartExplanation:
    """What one route made of a record, or of a row or an element of it."""

    part: RecordPart
    steps: Sequence[Step]
    """In the order in which the mapping took them."""
    outcome: Outcome
    item: Item | None = None
    """The item, or the dead letter."""


@dataclass(frozen=True, slots=True)
class RouteExplanation:
    """What one route made of a record."""

    route: Route
    index: int
    """In the config."""
    compiled: CompiledRoute
    before: Sequence[Step]
    """What was computed of the whole record, before it was split: conditions, and the list of `for_each`."""
    parts: Sequence[PartExplanation]
    """Without any, `before` says why."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a config makes of a record."""

    config: Config
    record: Record
    value: Json
    """As it was decoded."""
    undecodable: str
    """Why the value can't be decoded; empty if it can be."""
    routes: Sequence[RouteExplanation]
    """Those that read the topic."""
    other_routes: Sequence[Route]
    """Those that do not."""


class Explainer:
    """Explains records by a sound config. `formats` has each format that the config uses."""

    def __init__(self, config: Config, cluster_id: str, formats: Mapping[str, BuildFormat]) -> None:
        self._config = config
        self._trace = Trace()
        fed = {route.to for route in config.routes}
        targets = {name: target for name, target in config.targets.items() if name in fed}
        routes = list(enumerate(config.routes))
        mapping = compile_mapping(
            targets, routes, Problems(), self._trace.observe, config.decode, events=config.events or None
        )
        running = compile_mapping(targets, routes, Problems(), decode=config.decode, events=config.events or None)
        assert mapping is not None  # noqa: S101 - the config is sound
        assert running is not None  # noqa: S101 - the same
        self._mapping = mapping
        self._decoding_of = mapping.decodings(formats)
        self._mapper = mapping.mapper(cluster_id, projected=False, formats=formats)
        self._running = running.mapper(cluster_id, formats=formats)
        """Maps as `run` does, which does not decode what no route reads: bytes there need not be UTF-8."""

    def explain(self, record: Record) -> Explanation:
        """Return what becomes of a record, and why."""
        compiled = self._mapping.routes_of(record.topic)
        by_name = {route.name: (index, route) for index, route in enumerate(self._config.routes)}
        reading = {route.name for route in compiled}
        others = [route for route in self._config.routes if route.name not in reading]
        if record.value is None or not compiled:
            return Explanation(self._config, record, None, "", (), others)
        broken = _decode_failure(self._mapper.items(record))
        if broken and not _decode_failure(self._running.items(record)):
            record = record.replace(value=_repaired(record.value))
            broken = _decode_failure(self._mapper.items(record))
        if broken:
            return Explanation(self._config, record, None, broken, (), others)
        value = self._decoding_of(record.topic).read(record)
        explained = [self._route(record, each, *by_name[each.name]) for each in compiled]
        return Explanation(self._config, record, value, "", explained, others)

    def _route(self, record: Record, compiled: CompiledRoute, index: int, route: Route) -> RouteExplanation:
        self._trace.clear()
        skipped = self._mapper.skipped.total()
        items = list(self._mapper.items_of_route(record, compiled))
        steps = _first_of_each(self._trace.steps)
        splits = route.for_each is not None or route.transform is not None
        before = [step for step in steps if splits and _is_before(step)]
        inside = [step for step in steps if not (splits and _is_before(step))]
        found = [step.of for step in inside] + [item.part for item in items if item.part != WHOLE]
        one_row = len({part.row for part in found if part.row is not None}) < 2
        steps_of: dict[RecordPart, list[Step]] = {}
        for step in inside:
            steps_of.setdefault(RecordPart(None if one_row else step.of.row, step.of.element), []).append(step)
        item_of = {item.part: item for item in reversed(items)}
        skips_all = not steps_of and self._mapper.skipped.total() > skipped  # a transform that returned nothing
        parts = dict.fromkeys([*steps_of, *([WHOLE] if skips_all else ()), *reversed(item_of)])
        explained = [_explained(part, steps_of.get(part, ()), item_of.get(part)) for part in parts]
        return RouteExplanation(route, index, compiled, before, explained)


def _decode_failure(items: Sequence[Item]) -> str:
    """Return why a record can't be decoded; empty if it can be."""
    return next((item.failure.detail for item in items if not item.route and item.failure is not None), "")


def _repaired(value: bytes) -> bytes:
    """Return JSON without what can't be decoded, in places that no route reads: wrong bytes, numbers beyond floats."""

    def number(text: str) -> float | None:
        found = float(text)
        return None if math.isinf(found) else found

    try:
        return json.dumps(json.loads(value.decode(errors="replace"), parse_float=number)).encode()
    except (ValueError, RecursionError):
        return value


def _is_before(step: Step) -> bool:
    """Return whether a step was taken before a record was split."""
    return step.of.element is None and step.keys[0] in ("where", "for_each")


def _first_of_each(steps: Iterable[Step]) -> list[Step]:
    """Return the steps without those that were taken twice: an identity is asked again to say why there is none."""
    seen: dict[tuple[object, ...], Step] = {}
    for step in steps:
        seen.setdefault((step.part, step.path, step.text, step.of), step)
    return list(seen.values())


def _explained(part: RecordPart, steps: Sequence[Step], item: Item | None) -> PartExplanation:
    if item is not None:
        return PartExplanation(part, steps, "dead_letter" if item.target == DEAD_LETTERS else "item", item)
    wanted = all(step.result for step in steps if step.part == "where" and step.error is None)
    skipped = any(isinstance(step.error, SkipItem) for step in steps) or wanted
    return PartExplanation(part, steps, "skipped" if skipped else "not_wanted")

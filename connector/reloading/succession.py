"""Which targets of a config go on in the next one, and whose items must not be overtaken. Pure.

The rules
1. A target *goes on*, with all that it holds, if the next config has one of its name, endpoint and ordering. Every
   other one retires: it ends what it holds, and gets nothing new.
2. An ordered target gives a *stream* away if a route (by its name) or a topic that fed it does not feed it any more.
   An ordered target that is fed by what fed another one succeeds that one, and so does a target of the same name, or,
   where a target is gone, one of the same endpoint: later items wait there for earlier ones that share an order key.
3. A target that gives a stream away but is still there retires too, and a new one of its name succeeds it: so what has
   to be waited for only gets less.
4. Order keys of different kinds (identity, Kafka key) can't be compared: such a succession needs a restart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.tuzhan.endpoints import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.settings.models import Config, Ordering


@dataclass(frozen=True, slots=True)
class Succession:
    """What becomes of the targets, by their names."""

    going_on: frozenset[str]
    succeeded: Mapping[str, tuple[str, ...]]
    """By the name of a target of the next config: those of this one whose items its own must not overtake."""
    conflicts: tuple[str, ...]
    """The targets of the next config that would have to wait for order keys of another kind."""


@dataclass(frozen=True, slots=True)
class _Target:
    name: str
    endpoint: str
    ordering: Ordering
    streams: frozenset[tuple[str, str]]

    @property
    def is_ordered(self) -> bool:
        return self.ordering != "none"

    def is_like(self, other: _Target | None) -> bool:
        return other is not None and (self.endpoint, self.ordering) == (other.endpoint, other.ordering)


def succession(now: Config, following: Config) -> Succession:
    """Return what becomes of the targets of the config of `now` when `following` takes over."""
    before, after = _targets(now), _targets(following)
    pairs = [
        (earlier, later)
        for earlier in before.values()
        for later in after.values()
        if earlier.is_ordered and later.is_ordered and _succeeds(later, earlier, before, after)
    ]
    retiring = {earlier.name for earlier, later in pairs if earlier.name != later.name}
    going_on = {name for name, one in before.items() if one.is_like(after.get(name)) and name not in retiring}
    succeeded: dict[str, tuple[str, ...]] = {}
    for earlier, later in pairs:
        if earlier.name not in going_on:
            succeeded[later.name] = (*succeeded.get(later.name, ()), earlier.name)
    conflicts = sorted({later.name for earlier, later in pairs if earlier.ordering != later.ordering})
    return Succession(frozenset(going_on), succeeded, tuple(conflicts))


def _succeeds(later: _Target, earlier: _Target, before: Mapping[str, _Target], after: Mapping[str, _Target]) -> bool:
    if later.name == earlier.name:
        return True
    given = earlier.streams - (after[earlier.name].streams if earlier.name in after else frozenset())
    taken = later.streams - (before[later.name].streams if later.name in before else frozenset())
    is_gone = earlier.name not in after and later.name not in before
    return bool(given & taken) or (is_gone and later.endpoint == earlier.endpoint)


def _targets(config: Config) -> dict[str, _Target]:
    streams: dict[str, set[tuple[str, str]]] = {name: set() for name in config.targets}
    for route in config.routes:
        streams[route.to] |= {("route", route.name), *(("topic", topic) for topic in route.topics)}
    return {
        name: _Target(
            name,
            target.endpoint,
            target.ordering or ENDPOINTS[target.endpoint].default_ordering,
            frozenset(streams[name]),
        )
        for name, target in config.targets.items()
    }

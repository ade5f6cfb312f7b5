"""What differs between the config of now and the next one: for the log, and what needs a restart. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, SecretStr

from connector.reloading.succession import succession
from connector.settings.models import REGISTRY_FORMATS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.settings.models import Config

MAX_NAMES = 20
"""How many names of one kind a line of the log has."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs."""

    told: Mapping[str, str]
    """For the log: names by what became of them (`routes_added`), and the `settings` that differ, as paths."""
    need_restart: tuple[str, ...]
    """The paths of settings that can't change while the process runs."""


def changes(now: Config, following: Config) -> Changes:
    """Return what differs between the config of `now` and the one that is to take over."""
    told = {
        **_by_name("routes", {one.name: one for one in now.routes}, {one.name: one for one in following.routes}),
        **_by_name("targets", now.targets, following.targets),
        **_by_name("events", now.events, following.events),
    }
    settings = _settings(now, following)
    if settings:
        told["settings"] = _names(settings)
    return Changes(told, _restarts(now, following, settings))


def _settings(now: Config, following: Config) -> list[str]:
    found = [f"decode.{name}" for name in _different(now.decode, following.decode)]
    for section in ("kafka", "platform", "dead_letter", "admin", "log"):
        one, other = getattr(now, section), getattr(following, section)
        found += [f"{section}.{name}" for name in type(one).model_fields if _differ(one, other, name)]
    return [*found, *(["shutdown_timeout"] if _differ(now, following, "shutdown_timeout") else [])]


def _restarts(now: Config, following: Config, settings: list[str]) -> tuple[str, ...]:
    registry = any(one.format in REGISTRY_FORMATS for config in (now, following) for one in config.decode.values())
    fixed = [
        name for name in settings if name.startswith(("kafka.", "admin.")) or (name.startswith("decode.") and registry)
    ]
    if now.dead_letter_topic != following.dead_letter_topic:
        fixed.append("dead_letter.topic")
    return (*fixed, *(f"targets.{name}.ordering" for name in succession(now, following).conflicts))


def _by_name(kind: str, now: Mapping[str, Any], following: Mapping[str, Any]) -> dict[str, str]:
    both = now.keys() & following.keys()
    found = {
        "added": [name for name in following if name not in now],
        "removed": [name for name in now if name not in following],
        "changed": [name for name in _different(now, following) if name in both],
    }
    return {f"{kind}_{what}": _names(names) for what, names in found.items() if names}


def _names(names: list[str]) -> str:
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")


def _different(now: Mapping[str, Any], following: Mapping[str, Any]) -> list[str]:
    names = dict.fromkeys([*now, *following])
    return [name for name in names if _text(now.get(name)) != _text(following.get(name))]


def _differ(one: object, other: object, name: str) -> bool:
    return _text(getattr(one, name)) != _text(getattr(other, name))


def _text(value: object) -> str:
    """Return what tells values apart, 1 and true and 1.0 too. It may hold secrets: it is compared, and never shown."""
    return json.dumps(value.model_dump() if isinstance(value, BaseModel) else value, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return value.model_dump() if isinstance(value, BaseModel) else str(value)

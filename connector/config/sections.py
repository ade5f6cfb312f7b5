"""The file's sections, each checked on its own: a broken `kafka` does not hide a broken route."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from connector.config.messages import list_expected, report, table_expected
from connector.settings.models import (
    Admin,
    Config,
    DeadLetter,
    Decode,
    Kafka,
    Log,
    Platform,
    PositiveDuration,
    Route,
    Target,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from connector.settings.problems import Path, Problems

_M = TypeVar("_M", bound=BaseModel)
_K = TypeVar("_K", str, int)
_SINGLE: tuple[tuple[str, type[BaseModel]], ...] = (
    ("kafka", Kafka),
    ("platform", Platform),
    ("dead_letter", DeadLetter),
    ("admin", Admin),
    ("log", Log),
)
_REQUIRED = ("kafka", "platform", "targets", "routes")


@dataclass(slots=True)
class Sections:
    """The sections that are sound; of a broken one nothing is here, and what is wrong with it was noted."""

    data: Mapping[str, object]
    """The whole file as data."""
    single: dict[str, BaseModel] = field(default_factory=dict)
    """kafka, platform, dead_letter, admin, log: those that are in the file."""
    decode: dict[str, Decode] = field(default_factory=dict)
    targets: dict[str, Target] = field(default_factory=dict)
    routes: list[tuple[int, Route]] = field(default_factory=list)
    """With their positions in the file."""
    shutdown_timeout: float | None = None

    def get(self, model: type[_M]) -> _M | None:
        """The section of that model, if it is sound; with defaults only, if it is not in the file."""
        name = next(name for name, candidate in _SINGLE if candidate is model)
        found = self.single.get(name)
        if isinstance(found, model):
            return found
        return model() if name not in self.data and name not in _REQUIRED else None

    def config(self) -> Config:
        """The whole, if nothing was wrong."""
        parts: dict[str, object] = {
            **self.single,
            "decode": self.decode,
            "targets": self.targets,
            "routes": [route for _index, route in self.routes],
        }
        if self.shutdown_timeout is not None:
            parts["shutdown_timeout"] = self.shutdown_timeout
        return Config.model_construct(_fields_set=set(self.data), **parts)


def read_sections(data: Mapping[str, object], problems: Problems) -> Sections:
    """Check each section, each target and each route on its own."""
    sections = Sections(data)
    for key in data.keys() - Config.model_fields.keys():
        problems.unknown_key((key,), Config.model_fields)
    for name in _REQUIRED:
        if name not in data:
            problems.add((name,), "missing, required", "missing_key")
    for name, model in _SINGLE:
        if name in data:
            sections.single.update(_sound(model, (), [(name, data[name])], problems))
    sections.decode = _sound(Decode, ("decode",), _table(data, "decode", problems, required=False), problems)
    sections.targets = _sound(Target, ("targets",), _table(data, "targets", problems, required=True), problems)
    sections.routes = list(_sound(Route, ("routes",), _list(data, "routes", problems), problems).items())
    sections.shutdown_timeout = _shutdown_timeout(data, problems)
    return sections


def _sound(model: type[_M], around: Path, entries: Iterable[tuple[_K, object]], problems: Problems) -> dict[_K, _M]:
    """The entries that are sound, as models."""
    found: dict[_K, _M] = {}
    for key, raw in entries:
        try:
            found[key] = model.model_validate(raw)
        except ValidationError as error:
            report(error, model, (*around, key), problems)
    return found


def _table(
    data: Mapping[str, object], name: str, problems: Problems, *, required: bool
) -> Iterator[tuple[str, object]]:
    raw = data.get(name)
    if name not in data or (raw is None and not required):
        return
    if not isinstance(raw, dict):
        problems.add((name,), table_expected(raw), "wrong_type")
    elif not raw and required:
        problems.add((name,), "must not be empty", "bad_value")
    else:
        yield from raw.items()


def _list(data: Mapping[str, object], name: str, problems: Problems) -> Iterator[tuple[int, object]]:
    raw = data.get(name)
    if name not in data:
        return
    if not isinstance(raw, list):
        problems.add((name,), list_expected(raw), "wrong_type")
    elif not raw:
        problems.add((name,), "must not be empty", "bad_value")
    else:
        yield from enumerate(raw)


def _shutdown_timeout(data: Mapping[str, object], problems: Problems) -> float | None:
    if "shutdown_timeout" not in data:
        return None
    adapter: TypeAdapter[float] = TypeAdapter(PositiveDuration)
    try:
        return adapter.validate_python(data["shutdown_timeout"])
    except ValidationError as error:
        report(error, Config, ("shutdown_timeout",), problems)
        return None

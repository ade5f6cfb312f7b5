"""The file's sections, each target and each route checked on its own: a broken `kafka` does not hide a broken route."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from connector.config.messages import report
from connector.language.message import message
from connector.settings.models import Config
from connector.settings.types import A_LIST, A_TABLE, expected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo

    from connector.settings.models import Decode, EventDefinition, Route, Target
    from connector.settings.problems import Path, Problems

_M = TypeVar("_M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Sections:
    """The file, and as much of it as is sound; what is wrong with the rest has been reported."""

    data: Mapping[str, object]
    """The whole file as data."""
    sound: dict[str, Any] = field(default_factory=dict)
    """By section: its value; of a table or list of models, the sound ones by key or index."""

    def get(self, model: type[_M]) -> _M | None:
        """Return the section of that model if it is sound; with its defaults if it is not in the file."""
        name, info = next((name, info) for name, info in Config.model_fields.items() if info.annotation is model)
        if name not in self.data and not info.is_required():
            return info.get_default(call_default_factory=True)  # type: ignore[no-any-return]
        return self.sound.get(name)

    @property
    def decode(self) -> dict[str, Decode]:
        """The sound entries of `decode`."""
        return self.sound.get("decode", {})  # type: ignore[no-any-return]

    @property
    def targets(self) -> dict[str, Target]:
        """The sound targets."""
        return self.sound.get("targets", {})  # type: ignore[no-any-return]

    @property
    def routes(self) -> list[tuple[int, Route]]:
        """The sound routes, with their indices in the file."""
        return list(self.sound.get("routes", {}).items())

    @property
    def events(self) -> dict[str, EventDefinition | None] | None:
        """The tracking plan, where None stands for each definition that is broken; None if there is no plan."""
        raw = self.data.get("events")
        sound: dict[str, EventDefinition] = self.sound.get("events", {})
        return {key: sound.get(key) for key in raw} if raw and isinstance(raw, dict) else None

    def config(self) -> Config:
        """Return the whole, once nothing is wrong."""
        lists = {name for name, info in Config.model_fields.items() if get_origin(info.annotation) is list}
        parts = {name: [*part.values()] if name in lists else part for name, part in self.sound.items()}
        return Config.model_construct(_fields_set=set(self.data), **parts)


def read_sections(data: Mapping[str, object], problems: Problems) -> Sections:
    """Check each part of the file on its own."""
    sections = Sections(data)
    for key in data.keys() - Config.model_fields.keys():
        problems.unknown_key((key,), Config.model_fields)
    for name, info in Config.model_fields.items():
        if name not in data:
            if info.is_required():
                problems.add((name,), message("missing, required"), "missing_key")
        elif get_origin(info.annotation) in {dict, list}:
            sections.sound[name] = _entries(name, info, data[name], problems)
        else:
            kind = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
            sections.sound.update(_sound(kind, (), {name: data[name]}, problems))
    return sections


def _entries(name: str, info: FieldInfo, raw: object, problems: Problems) -> dict[Any, Any]:
    """Return the sound entries of a table or a list of models, by key or index."""
    container: type = get_origin(info.annotation)  # type: ignore[assignment]
    if raw is None and not info.is_required():
        return {}
    if not isinstance(raw, dict | list) or not isinstance(raw, container):
        problems.add((name,), expected(A_TABLE if container is dict else A_LIST, raw), "wrong_type")
        return {}
    if not raw and info.is_required():
        problems.add((name,), message("must not be empty"), "bad_value")
    entries = dict(enumerate(raw)) if isinstance(raw, list) else raw
    return _sound(get_args(info.annotation)[-1], (name,), entries, problems)


def _sound(kind: Any, around: Path, entries: Mapping[Any, object], problems: Problems) -> dict[Any, Any]:  # noqa: ANN401
    """Return the entries that are sound, validated as `kind`."""
    adapter = TypeAdapter(kind)
    found = {}
    for key, raw in entries.items():
        try:
            found[key] = adapter.validate_python(raw)
        except ValidationError as error:
            report(error, kind, (*around, key), problems)
    return found

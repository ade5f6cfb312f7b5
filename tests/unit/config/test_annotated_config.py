"""config/connector.yaml says that it has every key with its default: so it does, for all settings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import pytest

from connector.config.loading import load
from connector.config.schema import json_schema
from connector.config.source_text import SourceText
from connector.config.yaml_source import read_yaml
from connector.settings.kafka_properties import OWNED_PROPERTIES
from connector.settings.models import Config, Model
from connector.tuzhan.endpoints import DEFAULT_PARAMETERS, ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.settings import problems

FILE = Path(__file__).parents[3] / "config" / "connector.yaml"
TEXT = FILE.read_text(encoding="utf-8")
VARIABLES = {"TUZHAN_APP_ID": "app", "TUZHAN_APP_SECRET": "not-a-real-secret"}

# Every setting that is commented out, put in: `# rate_limit: 50/s` becomes `rate_limit: 50/s`.
SOURCE = SourceText(re.sub(r"^( +)# (?=[\w.]+: )", r"\1", TEXT, flags=re.MULTILINE))
READ = read_yaml(SOURCE)


class Setting:
    """One key of the config: where it may stand (`*`: any name or index), and its JSON Schema."""

    def __init__(self, pattern: tuple[str, ...], annotation: Any, schema: dict[str, Any]) -> None:  # noqa: ANN401
        self.pattern = pattern
        self.annotation = annotation
        self.schema = schema

    def paths(self) -> list[problems.Path]:
        """Where the file has it."""
        return [path for path in READ.keys if len(path) == len(self.pattern) and all(map(fits, path, self.pattern))]

    def values(self) -> list[object]:
        """Its values in the file, `${NAME:-default}` standing for the default."""
        return [unwrapped(at(path)) for path in self.paths()]


def fits(key: str | int, pattern: str) -> bool:
    return pattern in {"*", key}


def at(path: problems.Path) -> object:
    data: Any = READ.data
    for key in path:
        data = data[key]
    return data


def unwrapped(value: object) -> object:
    variable = re.fullmatch(r"\$\{\w+:-(.*)\}", value) if isinstance(value, str) else None
    return value if variable is None else variable[1]


def settings(model: type[Model], pattern: tuple[str, ...] = ()) -> Iterator[Setting]:
    """Every key of a model and of the models inside it."""
    schema = json_schema() if model is Config else json_schema()["$defs"][model.__name__]
    for name, info in model.model_fields.items():
        yield Setting((*pattern, name), info.annotation, schema["properties"][name])
        many = ("*",) if get_origin(info.annotation) in {dict, list} else ()
        for inner in (info.annotation, *get_args(info.annotation)):
            if isinstance(inner, type) and issubclass(inner, Model):
                yield from settings(inner, (*pattern, name, *many))


SETTINGS = list(settings(Config))
WITH_DEFAULT = [setting for setting in SETTINGS if "default" in setting.schema]


def name_of(setting: Setting) -> str:
    return ".".join(setting.pattern)


def test_the_walk_finds_settings_of_every_depth() -> None:
    names = {name_of(setting) for setting in SETTINGS}
    assert {"shutdown_timeout", "kafka.group_id", "platform.retry.first", "targets.*.batch.max_wait"} <= names
    assert len(WITH_DEFAULT) > 15


@pytest.mark.parametrize("setting", SETTINGS, ids=name_of)
def test_every_setting_is_in_the_file(setting: Setting) -> None:
    assert setting.paths()


@pytest.mark.parametrize("setting", WITH_DEFAULT, ids=name_of)
def test_every_default_is_in_the_file_and_called_so(setting: Setting) -> None:
    assert setting.schema["default"] in setting.values()
    lines = [SOURCE.line(SOURCE.position(READ.keys[path].start).line) for path in around(setting)]
    assert any("default" in line.lower() for line in lines), lines


def around(setting: Setting) -> list[problems.Path]:
    """Where the setting stands, and the tables around it."""
    return [
        path[:length] for path in setting.paths() for length in range(1, len(path) + 1) if path[:length] in READ.keys
    ]


@pytest.mark.parametrize("setting", SETTINGS, ids=name_of)
def test_every_choice_is_in_the_file(setting: Setting) -> None:
    annotations = (setting.annotation, *get_args(setting.annotation))
    choices = [choice for each in annotations if get_origin(each) is Literal for choice in get_args(each)]
    assert [choice for choice in choices if not re.search(rf"(?<![\w$]){re.escape(choice)}\b", TEXT)] == []


def test_the_default_parameters_are_in_the_file() -> None:
    assert any(
        item.items() >= DEFAULT_PARAMETERS.items()
        for item in Setting(("targets", "*", "public_params"), None, {}).values()
        if isinstance(item, dict)
    )


def test_every_endpoint_and_every_owned_property_is_in_the_file() -> None:
    aliases = {"metadata.broker.list", "auto.commit.enable"}
    assert [name for name in [*ENDPOINTS, *OWNED_PROPERTIES] if name not in TEXT and name not in aliases] == []


def test_what_is_commented_out_is_sound_too(tmp_path: Path) -> None:
    exclude_each_other = r"^    (app_id|app_secret|token|group\.protocol|transform):"
    text = re.sub(exclude_each_other, r"    # \1:", SOURCE.text, flags=re.MULTILINE)
    text = re.sub(r"\$\{(?:file:|KAFKA_USERNAME|REGISTRY_CREDENTIALS)[^}]*\}", "x", text)
    (tmp_path / "connector.yaml").write_text(text, encoding="utf-8")
    assert load(tmp_path / "connector.yaml", VARIABLES).config.platform.rate_limit == 50.0

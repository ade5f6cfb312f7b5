"""The schemas that lie in the repository, and their Chinese descriptions."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from connector.config import schema_chinese
from connector.config.schema import Language, json_schema, schema_text

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parents[3] / "config"


@pytest.mark.parametrize(("name", "language"), [("connector.schema.json", "en"), ("connector.schema.zh.json", "zh")])
def test_the_schema_in_the_repository_is_current(name: str, language: Language) -> None:
    command = f"tuzhan-connector schema --lang {language} > config/{name}"
    assert (FOLDER / name).read_text(encoding="utf-8") == schema_text(language) + "\n", command


def descriptions(schema: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Yield the descriptions; not what a property of that name is."""
    if isinstance(schema, dict):
        if isinstance(schema.get("description"), str):
            yield schema["description"]
        for each in schema.values():
            yield from descriptions(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from descriptions(each)


def test_every_description_is_there_in_chinese_and_no_other() -> None:
    english = set(descriptions(json_schema()))
    translated = {text: schema_chinese.in_chinese(text) for text in english}
    assert set(schema_chinese.CHINESE) <= english
    words = re.compile("[\u4e00-\u9fff]")
    assert [text for text, chinese in translated.items() if not words.search(chinese) and text[:3] != "v2:"] == []
    with pytest.raises(KeyError):
        schema_chinese.in_chinese("A new setting")


def test_names_in_backticks_and_numbers_are_the_same_in_both_languages() -> None:
    for english, chinese in schema_chinese.CHINESE.items():
        for part in re.findall(r"`[^`]+`|\d+", english):
            assert part in chinese, english


def test_the_chinese_schema_differs_in_its_descriptions_alone() -> None:
    def bare(schema: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(schema, dict):
            return {
                key: bare(each) for key, each in schema.items() if not (key == "description" and isinstance(each, str))
            }
        return [bare(each) for each in schema] if isinstance(schema, list) else schema

    assert bare(json.loads(schema_text("zh"))) == bare(json.loads(schema_text("en")))


def test_defaults_and_examples_keep_to_the_schema_itself() -> None:
    schema = json_schema()
    count = 0
    for path, each in tables(schema):
        for value in (*each.get("examples", ()), *([each["default"]] if "default" in each else ())):
            rule = {"$defs": schema["$defs"], "allOf": [each]}
            assert Draft202012Validator(rule).is_valid(value), (path, value)
            count += 1
    assert count > 60


def tables(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ANN401 - JSON
    """Yield each schema with examples or a default."""
    if isinstance(schema, dict):
        if isinstance(schema.get("examples"), list) or ("default" in schema and "description" in schema):
            yield path, schema
        for key, each in schema.items():
            if key not in ("examples", "default"):
                yield from tables(each, f"{path}.{key}")
            elif isinstance(each, dict) and "description" in each:  # the word `default`
                yield f"{path}.{key}", each
    elif isinstance(schema, list):
        for index, each in enumerate(schema):
            yield from tables(each, f"{path}[{index}]")

"""docs/cdc.md: its examples do what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from connector.config.source_text import SourceText
from connector.config.yaml_source import read_yaml
from connector.core.record import Record
from connector.mapping import compile_mapping
from connector.settings.models import Decode, Route, Target
from connector.settings.problems import Problems

PAGE = (Path(__file__).parents[2] / "docs" / "cdc.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(yaml|json)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
TARGETS = {"events": "event/v2/batchAdd", "tags": "audience/tag/batchAdd"}


def examples() -> list[tuple[dict[str, Any], bytes, list[dict[str, Any]]]]:
    """Return each record of the page with the config before it and the items after it."""
    found, config, record = [], {}, b""
    for language, text in BLOCKS:
        if language == "yaml":
            config = read_yaml(SourceText(text)).data
        elif not record:
            record = text.encode()
        else:
            found.append((config, record, json.loads(text)))
            record = b""
    assert not record
    return found


def contains(whole: dict[str, Any], part: dict[str, Any]) -> bool:
    return all(whole.get(name) == each for name, each in part.items())


@pytest.mark.parametrize(("config", "value", "expected"), examples())
def test_an_example_becomes_what_the_page_says(
    config: dict[str, Any], value: bytes, expected: list[dict[str, Any]]
) -> None:
    problems = Problems()
    params = {"tags": {"public_params": {"optType": "add"}}}
    mapping = compile_mapping(
        {name: Target.model_validate({"endpoint": path, **params.get(name, {})}) for name, path in TARGETS.items()},
        [(index, Route.model_validate(each)) for index, each in enumerate(config["routes"])],
        problems,
        decode={topic: Decode.model_validate(each) for topic, each in config["decode"].items()},
    )
    assert mapping is not None, problems.found
    assert problems.found == []
    topic = config["routes"][0]["topics"][0].replace("^shop[.]", "shop.")
    items = mapping.mapper("cluster").items(Record(topic, 0, 0, 1605490617000, None, value, ()))
    assert [item.failure for item in items] == [None] * len(expected)
    for item, part in zip(items, expected, strict=True):
        assert contains(json.loads(item.body), part)
    if b'"d"' in value:
        assert b'"optType":"delete"' in items[0].params


def test_the_page_has_examples_of_both_systems() -> None:
    envelopes = [each["envelope"] for config, _, _ in examples() for each in config["decode"].values()]
    assert set(envelopes) == {"canal", "debezium"}
    assert len(envelopes) >= 4

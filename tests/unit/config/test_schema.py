from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from connector.config.schema import DIALECT, json_schema, schema_text
from tests.unit.config.files import SOUND, changed, read
from tests.unit.config.test_sound import BIG

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted(
    path
    for path in [*(ROOT / "config").rglob("*.yaml"), ROOT / "compose" / "connector.yaml"]
    if "tests" not in path.relative_to(ROOT).parts
)


def complaints(text: str) -> list[str]:
    found = Draft202012Validator(json_schema()).iter_errors(read(text).data)
    return [f"{error.json_path}: {error.message}" for error in found]


def test_it_is_a_json_schema_and_says_which() -> None:
    schema = json.loads(schema_text())
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == DIALECT


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_configs_of_this_repository_keep_to_it(path: Path) -> None:
    assert complaints(path.read_text()) == []


@pytest.mark.parametrize("text", [SOUND, BIG], ids=["small", "big"])
def test_sound_configs_keep_to_it(text: str) -> None:
    assert complaints(text) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  group_id: shop\n", "  group_id: shop\n  groupid: x\n"),
        ("  group_id: shop\n", ""),
        ("platform:\n", "plattform: {}\nplatform:\n"),
        ("event/v2/batchAdd\n", "event/v2/batchAdd\n    batch: {max_record: 1}\n"),
        ("event/v2/batchAdd\n", "event/v2/batchAdd\n    batch: {max_wait: 1}\n"),
        ("event/v2/batchAdd\n", "event/v2/batchAdd\n    max_in_flight: many\n"),
        ("event/v2/batchAdd\n", "event/v2/batchAdd\n    ordering: keys\n"),
        ("event/v2/batchAdd", "event/v3/batchAdd"),
        ("    to: purchases\n", ""),
        ("    to: purchases\n", "    to: purchases\n    for_each: [$.items]\n"),
        ("    to: purchases\n", "    to: purchases\n    where: {status: PAID}\n"),
        ("    to: purchases\n", "    to: purchases\n    where: {$.status: {equals: PAID}}\n"),
        ("value: $.mobile", "valeu: $.mobile"),
        ("time: $.paid_at", "time: {from: $.paid_at, ass: timestamp}"),
        ("time: $.paid_at", "time: {from: $.paid_at, as: timestmp}"),
        ("time: $.paid_at", "time: {from: paid_at}"),
    ],
)
def test_editors_underline_what_the_check_refuses(old: str, new: str) -> None:
    assert complaints(changed(old, new)) != []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("event/v2/batchAdd\n", "event/v2/batchAdd\n    max_in_flight: ${N}\n    allow_unknown: ${X:-true}\n"),
        ("event/v2/batchAdd\n", "event/v2/batchAdd\n    batch: {max_wait: '${WAIT}', max_bytes: 1MiB}\n"),
        ("event/v2/batchAdd\n", "event/v2/batchAdd\n    ordering: ${ORDERING}\n"),
        ("event/v2/batchAdd", "${ENDPOINT}"),
        ("platform:\n", "log: {level: '${LEVEL:-info}'}\nplatform:\n"),
        ("  group_id: shop\n", "  group_id: shop\n  start_from: ${START}\n"),
        ("  group_id: shop\n", "  group_id: shop\n  start_from: 2024-01-31T00:00:00+08:00\n"),
    ],
)
def test_every_setting_may_be_a_variable(old: str, new: str) -> None:
    assert complaints(changed(old, new)) == []


def properties(schema: object, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every property that the schema has anywhere, with where it stands."""
    if isinstance(schema, list):
        return [item for index, each in enumerate(schema) for item in properties(each, f"{path}[{index}]")]
    if not isinstance(schema, dict):
        return []
    found = []
    own = schema.get("properties")
    if isinstance(own, dict) and not ("type" in own and isinstance(own["type"], str)):
        found += [(f"{path}.{name}", each) for name, each in own.items() if isinstance(each, dict)]
    return found + [item for key, each in schema.items() for item in properties(each, f"{path}.{key}")]


def test_every_property_tells_an_editor_what_it_is() -> None:
    everything = properties(json_schema())
    assert len(everything) > 80
    assert [path for path, each in everything if not each.get("description")] == []


def test_defaults_are_shown_as_the_file_has_them() -> None:
    definitions = json_schema()["$defs"]
    assert definitions["Batching"]["properties"]["max_bytes"]["default"] == "900KiB"
    assert definitions["Batching"]["properties"]["max_wait"]["default"] == "200ms"
    assert definitions["Queue"]["properties"]["max_bytes"]["default"] == "64MiB"
    assert definitions["Platform"]["properties"]["request_timeout"]["default"] == "10s"
    assert definitions["Batching"]["properties"]["max_records"]["default"] == 500

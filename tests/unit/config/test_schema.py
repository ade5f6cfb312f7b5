from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from connector.config.schema import DIALECT, json_schema, schema_text
from connector.config.yaml_scalars import YamlError
from tests.unit.config import (
    test_broken_settings,
    test_broken_targets_and_routes,
    test_broken_yaml,
    test_events,
)
from tests.unit.config.files import ENVIRON, SOUND, Broken, changed, checked, read
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


CORPUS = [
    broken
    for each in (test_broken_settings, test_broken_targets_and_routes, test_broken_yaml, test_events)
    for broken in each.TABLE
]
NOT_BY_SHAPE = {
    "a variable that is not set": "the environment",
    "a variable with its own message": "the environment",
    "a misspelt variable": "the environment",
    "a variable that is no rate": "the environment",
    "a secret file that is not there": "files",
    "a directory for a file": "files",
    "a transform that does not exist": "Python",
    "a broken regular expression": "the syntax of regular expressions",
    "a first wait that is longer than the longest": "two values compared",
    "a format that needs a registry, without one": "another section",
    "a target that nothing feeds": "another section, and only a warning",
    "a target that is not there": "another section",
    "the dead-letter topic as a source": "another section",
    "a field that the endpoint does not have": "another section: allow_unknown of the target",
    "two routes of one name": "another route",
    "an event without its key": "another section: the endpoint of the target",
    "an event key that is not defined": "another section",
    "a key given twice": "what YAML is, before it is data",
    "a tag": "what YAML is, before it is data",
    "a number beyond 64 bits": "what YAML is, before it is data",
}
"""What `check` refuses for another reason than its shape: which knowledge that takes, which no schema has."""


@pytest.mark.parametrize("broken", CORPUS, ids=lambda broken: broken.name)
def test_whatever_the_check_refuses_for_its_shape_the_schema_refuses(broken: Broken) -> None:
    try:
        found = complaints(broken.text)
    except YamlError:
        return  # an editor's YAML parser says so
    assert (found == []) == (broken.name in NOT_BY_SHAPE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        *[("routes:\n", f"{section}:\nroutes:\n") for section in ("dead_letter", "admin", "log", "decode", "events")],
        ("event/v2/batchAdd\n", "event/v2/batchAdd\n    batch:\n    queue:\n    public_params:\n"),
        ("platform:\n", "platform:\n  retry:\n  rate_limit:\n"),
        ("  group_id: shop\n", "  group_id: shop\n  properties:\n  schema_registry:\n"),
        ("platform:\n", "decode:\n  shop.orders:\n  ^x\\.: {charset: gb18030}\nplatform:\n"),
        ('{app_id: app, app_secret: "${SECRET}"}', '{token: "${SECRET}", app_id: }'),
        ('{app_id: app, app_secret: "${SECRET}"}', "{token_file: /nowhere/yet}"),
        ('{app_id: app, app_secret: "${SECRET}"}', '{app_id: $$app, app_secret: "$${x"}'),
        *[
            ("  auth:", f"  base_url: {url}\n  auth:")
            for url in (
                *("http://localhost:9100/api/open", "http://127.0.0.1:9100", "http://[::1]:9100/api/open/"),
                *("HTTPS://a.example/x@y", "${URL}", "https://${HOST}/api", "http://LOCALHOST"),
            )
        ],
        ("  auth:", "  base_url: http://sandbox:9100/api/open\n  allow_http: true\n  auth:"),
        ("  auth:", "  base_url: http://sandbox:9100/api/open\n  allow_http: ${ALLOW}\n  auth:"),
        *[
            ("  group_id: shop\n", f"  group_id: shop\n  start_from: {start}\n")
            for start in ("latest", "2024-01-31", "'20240131'")
        ],
        ("topics: [shop.orders]", "topics: [^shop\\.o(rders|ld)$, '${TOPIC}', 'a.${X:-b}']"),
        ("  group_id: shop\n", "  group_id: shop\n  properties: {session.timeout.ms: 6000, a: $$b, c: true}\n"),
        ("routes:\n", "admin: {listen: '[::1]:0'}\nroutes:\n"),
        ("routes:\n", "dead_letter: {refused_alone_for: 0.5s}\nroutes:\n"),
        ("routes:\n", "events: {c_buy: }\nroutes:\n"),
        ("routes:\n", "events: {c_buy: {name: x, args: {a: string, b: {type: date}, c: '${T}'}}}\nroutes:\n"),
        ("routes:\n", "events: {file: {name: x}, c_buy: {}}\nroutes:\n"),
        ("routes:\n", "events: {file: ../plan.CSV}\nroutes:\n"),
    ],
)
def test_what_the_check_accepts_the_schema_does(old: str, new: str, tmp_path: Path) -> None:
    text = changed(old, new)
    environ = {**ENVIRON, "URL": "https://a", "HOST": "a", "ALLOW": "true", "TOPIC": "x", "T": "string"}
    (tmp_path.parent / "plan.CSV").write_text("event,argument,type\nc_buy,x,string\n")
    assert checked(tmp_path, text, environ).errors() == ()
    assert complaints(text) == []


def properties(schema: object, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every property that the schema has anywhere, with where it stands."""
    if isinstance(schema, list):
        return [item for index, each in enumerate(schema) for item in properties(each, f"{path}[{index}]")]
    if not isinstance(schema, dict):
        return []
    found = []
    own = schema.get("properties")
    if isinstance(own, dict) and not ("type" in own and isinstance(own["type"], str | list)):
        found += [(f"{path}.{name}", each) for name, each in own.items() if isinstance(each, dict)]
    return found + [item for key, each in schema.items() for item in properties(each, f"{path}.{key}")]


def test_every_property_tells_an_editor_what_it_is() -> None:
    everything = [
        (path, each)
        for path, each in properties(json_schema())
        if not any(rule in path for rule in (".anyOf", ".if", ".then"))  # a rule on properties that are described
    ]
    assert len(everything) > 80
    assert [path for path, each in everything if not each.get("description")] == []


def test_defaults_are_shown_as_the_file_has_them() -> None:
    definitions = json_schema()["$defs"]
    assert definitions["Batching"]["properties"]["max_bytes"]["default"] == "900KiB"
    assert definitions["Batching"]["properties"]["max_wait"]["default"] == "200ms"
    assert definitions["Queue"]["properties"]["max_bytes"]["default"] == "64MiB"
    assert definitions["Platform"]["properties"]["request_timeout"]["default"] == "10s"
    assert definitions["Batching"]["properties"]["max_records"]["default"] == 500

"""The recipes are sound, tested whole, and make items that the platform's rules accept."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from connector.config.loading import load
from connector.core.record import Record
from connector.sandbox.platform import APP_ID, APP_SECRET, Sandbox
from connector.sandbox.server import running_sandbox
from tests.acceptance.test_cli_check import command

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "config/examples/recipes"
RECIPES = sorted(FOLDER.glob("*.yaml"))
SENT_MS = 1_717_381_231_000
VARIABLES = {"TUZHAN_APP_ID": "app", "TUZHAN_APP_SECRET": "secret"}


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """The report of all tests in config/, without any variable of a platform."""
    done = command(ROOT, "test", "config", "--json")
    assert done.stderr == ""
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_all_tests_of_the_repository_s_mappings_pass(report: dict[str, Any]) -> None:
    assert [test["name"] for test in report["tests"] if test["outcome"] != "passed"] == []


def test_the_tests_of_each_recipe_reach_all_of_it(report: dict[str, Any]) -> None:
    missed = {each["config"]: each["missed"] for each in report["coverage"]}
    names = [str(path.relative_to(ROOT)) for path in RECIPES]
    assert [(name, missed.get(name)) for name in names] == [(name, []) for name in names]
    assert len(names) == 8


def test_the_tests_of_the_annotated_config_reach_all_that_can_be_reached(report: dict[str, Any]) -> None:
    [missed] = [each["missed"] for each in report["coverage"] if each["config"] == "config/connector.yaml"]
    assert [each["path"] for each in missed] == ["routes[0].event_key.otherwise"]  # `where` lets nothing else through


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_shows_a_record_and_what_becomes_of_it(path: Path) -> None:
    record, shown, *params = _json_in_comments(path.read_text(encoding="utf-8"))
    loaded = load(path, VARIABLES)
    value = json.dumps(record).encode()
    [item] = loaded.mapping.mapper("cluster").items(Record(loaded.mapping.topics[0], 0, 0, SENT_MS, None, value, ()))
    made = json.loads(item.body)
    if "uuid" not in shown:
        made.pop("uuid", None)
    assert made == shown
    assert params in ([], [json.loads(item.params)])


def _json_in_comments(text: str) -> list[Any]:
    """Return the JSON documents in the comments, each of which may go over several lines."""
    blocks = re.findall(r"^#   (\{.*(?:\n#    .*)*)", text, re.MULTILINE)
    return [json.loads(re.sub(r"\n#", "\n", block)) for block in blocks]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_platform_s_rules_accept_all_items_of_a_recipe(path: Path, report: dict[str, Any]) -> None:
    targets = load(path, VARIABLES).config.targets
    of_recipe = [test for test in report["tests"] if test["config"] == str(path.relative_to(ROOT))]
    made = [each for test in of_recipe for each in test["made"] if "item" in each]
    requests = [
        (targets[each["target"]].endpoint, {"publicParams": each["public_params"], "data": [each["item"]]})
        for each in made
    ]
    assert len(requests) > 1
    assert asyncio.run(_replies(requests)) == ["200"] * len(requests)


async def _replies(requests: Iterable[tuple[str, dict[str, Any]]]) -> list[str]:
    """Return the code of the sandbox's reply to each request, or why it refused."""
    async with running_sandbox(Sandbox()) as base_url, httpx.AsyncClient(base_url=f"{base_url}/api/open/") as http:
        query = {"instanceAppid": APP_ID, "instanceSecrect": APP_SECRET}
        token = (await http.get("app/getOrgAccessToken", params=query)).json()["data"]["orgAccessToken"]
        replies = [await http.post(path, json=body, headers={"X-Token": token}) for path, body in requests]
        return [each["code"] if each["code"] == "200" else each["msg"] for each in (reply.json() for reply in replies)]

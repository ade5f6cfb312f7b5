"""Imports point one way: words <- pure <- edges <- flow <- root; and a foreign library lives at one edge.

What is imported for types only counts too: it is a dependency of the one who reads it.
"""

from __future__ import annotations

import ast
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import connector

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

LAYERS = ("words", "pure", "edges", "flow", "root")

# The first pattern that fits a module says its layer; a module that fits none is an error.
PLACES = (
    ("connector", "words"),
    ("connector.errors", "words"),
    ("connector.record", "words"),
    ("connector.sink", "words"),
    ("connector.config", "words"),
    ("connector.config.models", "words"),
    ("connector.config.problems", "words"),
    ("connector.config.scalars", "words"),
    ("connector.observe", "words"),
    ("connector.observe.events", "words"),
    ("connector.observe.status", "words"),
    ("connector.observe.metric_table", "words"),
    ("connector.ledger", "pure"),
    ("connector.ordering", "pure"),
    ("connector.batching", "pure"),
    ("connector.retry", "pure"),
    ("connector.pacing", "pure"),
    ("connector.decode*", "pure"),
    ("connector.mapping*", "pure"),
    ("connector.platform", "pure"),
    ("connector.platform.endpoints", "pure"),
    ("connector.platform.renewal", "pure"),
    ("connector.platform.replies", "pure"),
    ("connector.observe.counting", "pure"),
    ("connector.observe.health", "pure"),
    ("connector.observe.log_lines", "pure"),
    ("connector.observe.page", "pure"),
    ("connector.observe.ranges", "pure"),
    ("connector.observe.repeats", "pure"),
    ("connector.observe.scrub", "pure"),
    ("connector.config.*", "edges"),
    ("connector.kafka*", "edges"),
    ("connector.observe.*", "edges"),
    ("connector.platform.*", "edges"),
    ("connector.web", "edges"),
    ("connector.delivery", "flow"),
    ("connector.pipeline", "flow"),
    ("connector.target", "flow"),
    ("connector.__main__", "root"),
    ("connector.app", "root"),
    ("connector.cli", "root"),
    ("connector.demo*", "root"),
    ("connector.sandbox*", "root"),
    ("connector.snapshot", "root"),
    ("connector.tasks", "root"),
)

# Who may import which foreign library; a library that is not named may not be imported at all.
HOMES = {
    "aiohttp": ("connector.platform.client",),
    "confluent_kafka": ("connector.kafka.*", "connector.demo*"),
    "httpx": ("connector.platform.client",),
    "httpx_aiohttp": ("connector.platform.client",),
    "orjson": ("connector.*",),
    "prometheus_client": ("connector.observe.metrics",),
    "pydantic": ("connector.config.*", "connector.sandbox.*"),
    "pydantic_core": ("connector.config.*",),
    "rich": ("connector.demo*",),
    "ruamel": ("connector.config.*",),
    "starlette": ("connector.web", "connector.observe.admin", "connector.sandbox.*"),
    "structlog": ("connector.observe.log",),
    "typer": ("connector.cli",),
    "uvicorn": ("connector.web", "connector.sandbox.*"),
}
MAY_SEE_THE_SANDBOX = ("connector.cli", "connector.demo*", "connector.sandbox*")

ROOT = Path(connector.__file__).parent


def sources() -> dict[str, Path]:
    """Every module of the connector, by its name."""
    modules = {}
    for path in ROOT.rglob("*.py"):
        parts = ("connector", *path.relative_to(ROOT).with_suffix("").parts)
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return modules


def fits(module: str, patterns: Collection[str]) -> bool:
    return any(fnmatchcase(module, pattern) for pattern in patterns)


def layer(module: str) -> int | None:
    return next((LAYERS.index(name) for pattern, name in PLACES if fnmatchcase(module, pattern)), None)


def imports(source: str, modules: Collection[str]) -> Iterator[str]:
    """What a module imports, wherever in it: ``from a import b`` is ``a.b`` if that is a module, else ``a``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield f"{'.' * node.level}{node.module or ''}"
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from sorted(whole & set(modules)) or [node.module]


def complaint(module: str, imported: str) -> str | None:
    """What is wrong with `module` importing `imported`; None if nothing is."""
    top = imported.partition(".")[0]
    if imported.startswith("."):
        return f"{module} imports {imported} by a relative name: this test can't follow it"
    if top == "connector":
        own, other = layer(module), layer(imported)
        if own is None or other is None:
            return f"{module if own is None else imported} stands in no layer: add it to PLACES"
        if own < other:
            return f"{module} ({LAYERS[own]}) imports {imported} ({LAYERS[other]}): upwards"
        if fits(imported, ["connector.sandbox*"]) and not fits(module, MAY_SEE_THE_SANDBOX):
            return f"{module} imports {imported}: the sandbox is for cli, demo and tests"
    elif top not in sys.stdlib_module_names and not fits(module, HOMES.get(top, ())):
        return f"{module} imports {imported}, whose home is {', '.join(HOMES.get(top, ['nowhere']))}"
    return None


def complaints(module: str, source: str, modules: Collection[str]) -> list[str]:
    return [found for imported in imports(source, modules) if (found := complaint(module, imported)) is not None]


MODULES = sources()


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_point_downwards_and_foreign_libraries_stay_at_their_edge(module: str) -> None:
    source = MODULES[module].read_text(encoding="utf-8")
    assert complaints(module, source, MODULES) == []
    assert layer(module) is not None, f"{module} stands in no layer: add it to PLACES"


def test_every_line_of_the_tables_still_speaks_of_a_module_or_a_library() -> None:
    unused = [pattern for pattern, _ in PLACES if not any(fits(module, [pattern]) for module in MODULES)]
    assert unused == []
    used = {
        imported.partition(".")[0]
        for path in MODULES.values()
        for imported in imports(path.read_text(encoding="utf-8"), MODULES)
    }
    assert set(HOMES) - used == set()


@pytest.mark.parametrize(
    ("module", "source", "words"),
    [
        ("connector.ledger", "from connector.pipeline import Pipeline", "upwards"),
        ("connector.ledger", "from connector import target", "upwards"),
        ("connector.ledger", "import connector.app", "upwards"),
        ("connector.ledger", "def later():\n    from connector.kafka.client import x", "upwards"),
        (
            "connector.record",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from connector.ledger import Lease",
            "upwards",
        ),
        ("connector.ledger", "from . import target", "relative"),
        ("connector.target", "import httpx", "whose home is"),
        ("connector.target", "from confluent_kafka.admin import AdminClient", "whose home is"),
        ("connector.mapping.mapper", "import pydantic", "whose home is"),
        ("connector.app", "import requests", "nowhere"),
        ("connector.app", "from connector.sandbox.store import Store", "the sandbox is for"),
        ("connector.brand_new", "from connector.record import Item", "stands in no layer"),
        ("connector.app", "from connector.brand_new import x", "stands in no layer"),
    ],
)
def test_the_checker_sees_a_violation(module: str, source: str, words: str) -> None:
    (found,) = complaints(module, source, MODULES)
    assert words in found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("connector.app", "from connector.record import Item"),
        ("connector.target", "from connector.batching import Limits"),
        ("connector.demo", "from connector.sandbox.store import Store"),
        ("connector.platform.client", "import httpx, asyncio.tasks"),
        ("connector.target", "import orjson"),
    ],
)
def test_the_checker_lets_the_way_down_pass(module: str, source: str) -> None:
    assert complaints(module, source, MODULES) == []

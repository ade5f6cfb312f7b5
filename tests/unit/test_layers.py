"""Folders are layers: imports point down only, and a foreign library lives at one edge.

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

# From the ground up: what each folder may import besides itself. A row names folders above it only, so no import runs
# back up and none runs in a circle. The modules in the package's own root (app, cli) are the roof: they import all.
FOLDERS: dict[str, tuple[str, ...]] = {
    "core": (),
    "settings": ("core",),
    "runtime": ("core",),
    "flow": ("core",),
    "decode": ("core",),
    "tuzhan": ("core", "settings"),
    "mapping": ("core", "settings", "decode", "tuzhan"),
    "kafka": ("core", "settings"),
    "observe": ("core", "flow", "tuzhan"),
    "config": ("core", "settings", "tuzhan", "mapping"),
    "sandbox": ("core", "runtime"),
    "demo": ("runtime", "sandbox"),
}
ROOT_MODULES = ("__main__", "app", "cli")
# A file that may import a folder that its row does not name, with the reason.
EXCEPTIONS: dict[tuple[str, str], str] = {}

# Which modules may import which foreign library; a library that is not named may not be imported at all.
HOMES = {
    "aiohttp": ("connector.tuzhan.client",),
    "confluent_kafka": ("connector.kafka.*", "connector.demo*"),
    "httpx": ("connector.tuzhan.client",),
    "httpx_aiohttp": ("connector.tuzhan.client",),
    "orjson": ("connector.*",),
    "prometheus_client": ("connector.observe.metrics",),
    "pydantic": ("connector.settings.*", "connector.config.*", "connector.sandbox.*"),
    "pydantic_core": ("connector.settings.*", "connector.config.*"),
    "rich": ("connector.demo*",),
    "ruamel": ("connector.config.*",),
    "starlette": ("connector.runtime.web", "connector.observe.admin", "connector.sandbox.*"),
    "structlog": ("connector.observe.log",),
    "typer": ("connector.cli",),
    "uvicorn": ("connector.runtime.web", "connector.sandbox.*"),
}
MAY_IMPORT_THE_SANDBOX = ("connector.cli", "connector.demo*", "connector.sandbox*")

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


def folder(module: str) -> str:
    """The folder of a module of the connector; empty for the modules in the root."""
    parts = module.split(".")
    return "" if len(parts) == 1 or parts[1] in ROOT_MODULES else parts[1]


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
    if imported.startswith("."):
        return f"{module} imports {imported} by a relative name: this test can't follow it"
    top = imported.partition(".")[0]
    if top == "connector":
        return _internal_complaint(module, imported)
    if top not in sys.stdlib_module_names and not fits(module, HOMES.get(top, ())):
        return f"{module} imports {imported}, whose home is {', '.join(HOMES.get(top, ['nowhere']))}"
    return None


def _internal_complaint(module: str, imported: str) -> str | None:
    own, other = folder(module), folder(imported)
    unknown = [name for name in (own, other) if name and name not in FOLDERS]
    if unknown:
        return f"connector/{unknown[0]} has no row in FOLDERS: give it one"
    if fits(imported, ["connector.sandbox*"]) and not fits(module, MAY_IMPORT_THE_SANDBOX):
        return f"{module} imports {imported}: the sandbox is for cli, demo and tests"
    if not own or own == other or imported == "connector":
        return None
    if not other:
        return f"{module} imports {imported}, which is in the root: upwards"
    if other not in FOLDERS[own] and (module, other) not in EXCEPTIONS:
        return f"{module} imports {imported}, and the row of {own} does not name {other}"
    return None


def complaints(module: str, source: str, modules: Collection[str]) -> list[str]:
    return [found for imported in imports(source, modules) if (found := complaint(module, imported)) is not None]


MODULES = sources()


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_point_downwards_and_foreign_libraries_stay_at_their_edge(module: str) -> None:
    source = MODULES[module].read_text(encoding="utf-8")
    assert complaints(module, source, MODULES) == []


def test_a_row_names_only_folders_above_it() -> None:
    order = list(FOLDERS)
    upwards = [(own, other) for own in order for other in FOLDERS[own] if order.index(other) >= order.index(own)]
    assert upwards == []


def test_every_folder_has_a_row_and_says_what_lives_there() -> None:
    folders = {path.parent.name: path for path in ROOT.glob("*/__init__.py")}
    assert set(folders) == set(FOLDERS)
    for path in folders.values():
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def test_every_entry_of_the_tables_is_used() -> None:
    used = {
        (module, imported)
        for module, path in MODULES.items()
        for imported in imports(path.read_text(encoding="utf-8"), MODULES)
    }
    edges = {(folder(module), folder(imported)) for module, imported in used if imported.startswith("connector.")}
    assert {(own, other) for own, allowed in FOLDERS.items() for other in allowed} - edges == set()
    assert set(EXCEPTIONS) - {(module, folder(imported)) for module, imported in used} == set()
    assert set(HOMES) - {imported.partition(".")[0] for _, imported in used} == set()


@pytest.mark.parametrize(
    ("module", "source", "words"),
    [
        ("connector.core.ledger", "from connector.flow.pipeline import Pipeline", "does not name flow"),
        ("connector.core.ledger", "from connector.flow import target", "does not name flow"),
        ("connector.core.ledger", "import connector.app", "upwards"),
        ("connector.core.ledger", "def later():\n    from connector.kafka.bridge import x", "does not name kafka"),
        (
            "connector.core.record",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from connector.settings.models import Config",
            "does not name settings",
        ),
        ("connector.core.ledger", "from . import batching", "relative"),
        ("connector.flow.target", "import httpx", "whose home is"),
        ("connector.flow.target", "from confluent_kafka.admin import AdminClient", "whose home is"),
        ("connector.mapping.mapper", "import pydantic", "whose home is"),
        ("connector.mapping.mapper", "from connector.config.loading import load", "does not name config"),
        ("connector.app", "import requests", "nowhere"),
        ("connector.app", "from connector.sandbox.store import Store", "the sandbox is for"),
        ("connector.brand_new.thing", "from connector.core.record import Item", "no row"),
        ("connector.app", "from connector.brand_new import x", "no row"),
    ],
)
def test_the_checker_finds_a_violation(module: str, source: str, words: str) -> None:
    (found,) = complaints(module, source, MODULES)
    assert words in found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("connector.app", "from connector.core.record import Item"),
        ("connector.flow.target", "from connector.core.batching import BatchLimits"),
        ("connector.demo", "from connector.sandbox.store import Store"),
        ("connector.tuzhan.client", "import httpx, asyncio.tasks"),
        ("connector.tuzhan.client", "from connector import __version__"),
        ("connector.flow.target", "import orjson"),
    ],
)
def test_the_checker_accepts_what_points_down(module: str, source: str) -> None:
    assert complaints(module, source, MODULES) == []

"""Folders are layers: imports go down only, and a third-party library is imported by few modules.

Imports for types only count too: to understand a module, a reader has to follow them.
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

# What each folder may import besides itself, the lowest layer first. A row names folders of earlier rows only, so no
# import goes up and none is circular. The modules in the package's root may import every folder.
FOLDERS: dict[str, tuple[str, ...]] = {
    "language": (),
    "core": ("language",),
    "settings": ("language", "core"),
    "runtime": ("language", "core"),
    "pages": (),
    "flow": ("language", "core"),
    "decode": ("language", "core", "settings"),
    "tuzhan": ("language", "core", "settings"),
    "mapping": ("language", "core", "settings", "decode", "tuzhan"),
    "kafka": ("language", "core", "settings"),
    "observe": ("language", "core", "settings", "runtime", "flow", "tuzhan", "pages"),
    "config": ("language", "core", "settings", "runtime", "decode", "tuzhan", "mapping"),
    "reloading": ("language", "core", "settings", "runtime", "tuzhan", "config"),
    "dead_letters": ("language", "core", "settings", "decode", "mapping", "kafka", "observe", "config"),
    "workbench": (
        "language",
        "core",
        "settings",
        "runtime",
        "pages",
        "decode",
        "tuzhan",
        "mapping",
        "kafka",
        "observe",
        "config",
        "dead_letters",
    ),
    "sandbox": ("core", "runtime", "pages"),
    "demo": ("runtime", "sandbox"),
}
ROOT_MODULES = ("__main__", "app", "cli", "generations", "outlets", "replay")
# Modules that may import a folder that their row does not name: (module, folder) -> reason.
EXCEPTIONS: dict[tuple[str, str], str] = {}

# Which modules may import which third-party library. A library without a row may not be imported.
LIBRARIES = {
    "aiohttp": ("connector.tuzhan.client",),
    "confluent_kafka": (
        "connector.kafka.*",
        "connector.demo*",
        "connector.decode.registry_client",
        "connector.decode.registry_errors",
    ),
    "fastavro": ("connector.decode.avro",),
    "httpx": ("connector.tuzhan.client", "connector.workbench.tap.client"),
    "httpx_aiohttp": ("connector.tuzhan.client",),
    "msgspec": (
        "connector.core.record",
        "connector.decode.envelopes.change",
        "connector.decode.envelopes.projected",
        "connector.decode.json",
        "connector.flow.pending",
        "connector.mapping.generated.source",
        "connector.mapping.json_values",
        "connector.mapping.projected",
        "connector.mapping.projection",
    ),
    "opentelemetry": ("connector.observe.tracing",),
    "orjson": ("connector.*",),
    "prometheus_client": ("connector.observe.metrics",),
    "pydantic": (
        "connector.settings.*",
        "connector.config.*",
        "connector.reloading.changes",
        "connector.sandbox.*",
        "connector.workbench.*",
    ),
    "pydantic_core": ("connector.settings.*", "connector.config.*", "connector.sandbox.*"),
    "rich": (
        "connector.demo*",
        "connector.observe.summary",
        "connector.observe.terminal",
        "connector.runtime.console",
        "connector.runtime.progress",
        "connector.workbench.*",
    ),
    "ruamel": ("connector.config.*",),
    "starlette": (
        "connector.runtime.web",
        "connector.pages.files",
        "connector.observe.admin",
        "connector.observe.admin_guard",
        "connector.workbench.playground.*",
        "connector.observe.live",
        "connector.observe.tap_response",
        "connector.sandbox.*",
    ),
    "structlog": ("connector.observe.log",),
    "typer": ("connector.cli", "connector.dead_letters.commands", "connector.workbench.*.options"),
    "uvicorn": ("connector.runtime.web", "connector.runtime.connection_guard", "connector.sandbox.*"),
}
MAY_IMPORT_THE_SANDBOX = ("connector.cli", "connector.demo*", "connector.sandbox*")

ROOT = Path(connector.__file__).parent


def sources() -> dict[str, Path]:
    """Return the file of every module of the connector."""
    modules = {}
    for path in ROOT.rglob("*.py"):
        parts = ("connector", *path.relative_to(ROOT).with_suffix("").parts)
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return modules


def matches(module: str, patterns: Collection[str]) -> bool:
    return any(fnmatchcase(module, pattern) for pattern in patterns)


def folder(module: str) -> str:
    """Return the folder of a module of the connector; empty for the modules in the root."""
    parts = module.split(".")
    return "" if len(parts) == 1 or parts[1] in ROOT_MODULES else parts[1]


def imports(source: str, modules: Collection[str]) -> Iterator[str]:
    """Yield what a module imports, in functions too: ``from a import b`` is ``a.b`` if that is a module, else ``a``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield f"{'.' * node.level}{node.module or ''}"
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from sorted(whole & set(modules)) or [node.module]


def violation(module: str, imported: str) -> str | None:
    """Return why `module` may not import `imported`; None if it may."""
    if imported.startswith("."):
        return f"{module} imports {imported} by a relative name: write the full name"
    top = imported.partition(".")[0]
    if top == "connector":
        return _internal_violation(module, imported)
    if top not in sys.stdlib_module_names and not matches(module, LIBRARIES.get(top, ())):
        return f"{module} imports {imported}, which only {', '.join(LIBRARIES.get(top, ['no module']))} may import"
    return None


def _internal_violation(module: str, imported: str) -> str | None:
    own, other = folder(module), folder(imported)
    unknown = [name for name in (own, other) if name and name not in FOLDERS]
    if unknown:
        return f"connector/{unknown[0]} has no row in FOLDERS"
    if matches(imported, ["connector.sandbox*"]) and not matches(module, MAY_IMPORT_THE_SANDBOX):
        return f"{module} imports {imported}: only cli, demo and tests may import the sandbox"
    if not own or own == other or imported == "connector":
        return None
    if not other:
        return f"{module} imports {imported}, which goes up: it is in the root"
    if other not in FOLDERS[own] and (module, other) not in EXCEPTIONS:
        return f"{module} imports {imported}, and the row of {own} does not name {other}"
    return None


def violations(module: str, source: str, modules: Collection[str]) -> list[str]:
    return [found for imported in imports(source, modules) if (found := violation(module, imported)) is not None]


MODULES = sources()


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_lower_layers_and_its_own_libraries_only(module: str) -> None:
    source = MODULES[module].read_text(encoding="utf-8")
    assert violations(module, source, MODULES) == []


def test_a_row_names_only_folders_of_earlier_rows() -> None:
    order = list(FOLDERS)
    going_up = [(own, other) for own in order for other in FOLDERS[own] if order.index(other) >= order.index(own)]
    assert going_up == []


def test_every_folder_has_a_row_and_a_docstring() -> None:
    folders = {path.parent.name: path for path in ROOT.glob("*/__init__.py")}
    assert set(folders) == set(FOLDERS)
    for path in folders.values():
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def test_every_entry_of_the_tables_is_needed() -> None:
    used = {
        (module, imported)
        for module, path in MODULES.items()
        for imported in imports(path.read_text(encoding="utf-8"), MODULES)
    }
    edges = {(folder(module), folder(imported)) for module, imported in used if imported.startswith("connector.")}
    assert {(own, other) for own, allowed in FOLDERS.items() for other in allowed} - edges == set()
    assert set(EXCEPTIONS) - {(module, folder(imported)) for module, imported in used} == set()
    libraries = {(module, imported.partition(".")[0]) for module, imported in used}
    for library, patterns in LIBRARIES.items():
        for pattern in patterns:
            assert any(name == library and matches(module, [pattern]) for module, name in libraries), (library, pattern)


@pytest.mark.parametrize(
    ("module", "source", "reason"),
    [
        ("connector.core.ledger", "from connector.flow.pipeline import Pipeline", "does not name flow"),
        ("connector.core.ledger", "from connector.flow import target", "does not name flow"),
        ("connector.core.ledger", "import connector.app", "goes up"),
        ("connector.core.ledger", "def function():\n    from connector.kafka.bridge import x", "does not name kafka"),
        (
            "connector.core.record",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from connector.settings.models import Config",
            "does not name settings",
        ),
        ("connector.core.ledger", "from . import batching", "relative"),
        ("connector.flow.target", "import httpx", "which only"),
        ("connector.flow.target", "from confluent_kafka.admin import AdminClient", "which only"),
        ("connector.mapping.mapper", "import pydantic", "which only"),
        ("connector.mapping.mapper", "from connector.config.loading import load", "does not name config"),
        ("connector.app", "import requests", "no module"),
        ("connector.app", "from connector.sandbox.store import Store", "only cli, demo and tests"),
        ("connector.brand_new.thing", "from connector.core.record import Item", "no row"),
        ("connector.app", "from connector.brand_new import x", "no row"),
    ],
)
def test_the_check_finds_a_violation(module: str, source: str, reason: str) -> None:
    (found,) = violations(module, source, MODULES)
    assert reason in found


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
def test_the_check_accepts_an_allowed_import(module: str, source: str) -> None:
    assert violations(module, source, MODULES) == []

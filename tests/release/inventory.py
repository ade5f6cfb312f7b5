"""What an installed connector consists of: bill of materials, licenses, known vulnerabilities."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tests.release.environment import ROOT, ReleaseError, run, tool

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.release.environment import Environment

Entry: TypeAlias = dict[str, str]
"""What pip-licenses says of a library: `Name`, `Version`, `License`, `URL`."""
_PERMISSIVE: Final = re.compile(
    r"\b(MIT|BSD|0BSD|Apache|ISC|PSF|Python|MPL-2\.0|Mozilla Public License 2\.0|Unlicense|Zlib|CC0)\b", re.IGNORECASE
)
"""Licenses under which a library may be used and passed on with a product, its own source unchanged."""
_OTHERS: Final = re.compile(r"GPL|GNU|SSPL|Server Side Public|BUSL|Proprietary|Commercial", re.IGNORECASE)
_TEXT_OF_BSD: Final = "Redistribution and use in source and binary forms, with or without"


def write_bill_of_materials(environment: Environment, version: str, licenses: list[Entry], path: Path) -> None:
    """Write what is installed as CycloneDX JSON, without times and random numbers."""
    about = ["--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "application"]
    form = ["--output-reproducible", "--validate", "--output-file", str(path)]
    run([tool("cyclonedx-py"), "environment", *about, *form, environment.program("python")])
    document = json.loads(path.read_text(encoding="utf-8"))
    document["metadata"]["component"]["version"] = version  # pyproject.toml has none: it is in connector/__init__.py
    name_licenses(document["components"], licenses)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def name_licenses(components: list[dict[str, Any]], licenses: Iterable[Entry]) -> None:
    """Add the license to those components of a bill of materials that have none.

    cyclonedx-py does not find it where a library says it in free words.
    """
    known = {each["Name"]: named(each["License"]) for each in licenses}
    for component in components:
        if not component.get("licenses"):
            component["licenses"] = [{"license": {"name": known[component["name"]]}}]


def licenses_of(environment: Environment) -> list[Entry]:
    """Return the license of every library. Raises ReleaseError if one does not permit what we do."""
    options = [f"--python={environment.program('python')}", "--with-urls", "--from=mixed", "--format=json"]
    found: list[Entry] = json.loads(run([tool("pip-licenses"), *options, "--ignore-packages", "tuzhan-connector"]))
    refused = not_permissive(found)
    if refused:
        raise ReleaseError(f"read these licenses, and add them to tests/release/inventory.py or do without: {refused}")
    return found


def write_licenses(found: Iterable[Entry], path: Path) -> None:
    """Write the license of every library as a table."""
    rows = [f"| {each['Name']} | {each['Version']} | {named(each['License'])} | {each['URL']} |" for each in found]
    head = ["| library | version | license | |", "|---|---|---|---|"]
    path.write_text("\n".join([*head, *rows]) + "\n", encoding="utf-8")


def not_permissive(found: Iterable[Entry]) -> list[str]:
    """Return those of pip-licenses' entries whose license is not known to permit use in a product.

    Of alternatives (`MIT OR GPL-2.0`) one is enough.
    Example: `[{"Name": "x", "Version": "1", "License": "GPL-3.0"}]` gives `["x 1: GPL-3.0"]`.
    """
    return [
        f"{each['Name']} {each['Version']}: {named(each['License'])}"
        for each in found
        if not any(
            _PERMISSIVE.search(choice) and not _OTHERS.search(choice)
            for choice in re.split(r"\bOR\b|;", named(each["License"]))
        )
    ]


def named(license_: str) -> str:
    """Return the name of a license, also where a library gives its whole text instead."""
    lines = license_.strip().splitlines() or [""]
    if len(lines) == 1:
        return lines[0]
    return "BSD-3-Clause" if _TEXT_OF_BSD in " ".join(lines) else lines[0]


@dataclass(frozen=True, slots=True)
class Audit:
    """What the service of advisories says."""

    vulnerable: list[str]
    """One line per known vulnerability."""
    not_audited: list[str]
    """The libraries of which it says nothing, because it can't be reached or does not know them."""


def audit(pins: list[str], folder: Path) -> Audit:
    """Ask for the known vulnerabilities of these versions (`name==version`)."""
    requirements = folder / "pins.txt"
    requirements.write_text("\n".join(pins), encoding="utf-8")
    what = ["--requirement", str(requirements), "--no-deps", "--disable-pip"]
    return audit_of(run([tool("pip-audit"), *what, "--format=json", "--progress-spinner=off"], codes=(0, 1)), pins)


def audit_of(report: str, pins: list[str]) -> Audit:
    """Read a report of pip-audit (JSON).

    Behind a mirror that serves packages but no advisories, it skips every library, and ends as if all was well.
    """
    try:
        libraries: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (json.JSONDecodeError, KeyError):
        return Audit([], pins)
    found = [
        f"{each['name']} {each['version']}: {one['id']}, fixed in {', '.join(one['fix_versions']) or 'no version yet'}"
        for each in libraries
        for one in each.get("vulns", [])
    ]
    return Audit(found, [each["name"] for each in libraries if "vulns" not in each])

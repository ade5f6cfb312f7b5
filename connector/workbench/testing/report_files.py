"""The report of a run for programs: one JSON document, or JUnit's XML, which CI systems show."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from connector.config.located import path_text
from connector.language.message import in_language
from connector.workbench.testing.comparing import ABSENT
from connector.workbench.testing.coverage import KINDS
from connector.workbench.testing.rendering import in_yaml
from connector.workbench.testing.report import place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.config.located import LocatedProblem
    from connector.language.choice import Language
    from connector.workbench.testing.comparing import Difference
    from connector.workbench.testing.mappings import TestedMapping
    from connector.workbench.testing.running import Result

Broken = tuple[str, "LocatedProblem"]
"""A file, and something that is wrong with it."""
_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_json(
    results: Sequence[Result],
    mappings: Sequence[TestedMapping],
    broken: Sequence[Broken] = (),
    language: Language = "en",
) -> dict[str, Any]:
    """Return the report as data; `broken` is what keeps the tests from running, in a language."""
    failed = sum(not result.passed for result in results)
    return {
        "sound": not broken,
        "passed": len(results) - failed,
        "failed": failed,
        "tests": [_test(result) for result in results],
        "coverage": [_coverage(mapping) for mapping in mappings],
        "problems": [
            {
                "file": file,
                "line": problem.position.line,
                "column": problem.position.column,
                "path": path_text(problem.path),
                "message": in_language(problem.message, language),
                "code": problem.code,
            }
            for file, problem in broken
        ],
    }


def _test(result: Result) -> dict[str, Any]:
    line, column = result.position
    return {
        "file": result.file.file,
        "line": line,
        "column": column,
        "name": result.case.name,
        "config": result.file.mapping.file,
        "outcome": "passed" if result.passed else "failed",
        "made": [each.as_data() for each in result.made],
        "differences": [_difference(result, each) for each in result.differences],
        "hints": list(result.hints),
    }


def _difference(result: Result, difference: Difference) -> dict[str, Any]:
    line, column = result.file.document.position(difference.path)
    sides = {"expected": difference.expected, "made": difference.made}
    there = {name: value for name, value in sides.items() if value is not ABSENT}
    return {"line": line, "column": column, "path": path_text(difference.path), **there}


def _coverage(mapping: TestedMapping) -> dict[str, Any]:
    coverage = mapping.coverage
    counts = {}
    for kind, plural in KINDS.items():
        total = len(coverage.places(kind))
        counts[plural.replace(" ", "_")] = {"total": total, "reached": total - len(coverage.missed(kind))}
    missed = []
    for each in coverage.missed():
        line, column = mapping.document.position(each.path, at_key=each.kind in {"condition", "entry"})
        place_of = {
            "kind": each.kind,
            "route": each.route,
            "path": path_text(each.path),
            "line": line,
            "column": column,
        }
        missed.append({**place_of, "name": each.name})
    return {"config": mapping.file, "percent": coverage.percent, **counts, "missed": missed}


def as_junit(
    results: Sequence[Result],
    mappings: Sequence[TestedMapping],
    broken: Sequence[Broken] = (),
    language: Language = "en",
) -> ElementTree[Element]:
    """Return the report in JUnit's form: a suite for each file, and the coverage as a property."""
    root = Element("testsuites", name="mapping tests")
    for file, of_file in groupby(results, key=lambda each: each.file.file):
        _suite(root, file, list(of_file))
    for file, problems in groupby(broken, key=lambda each: each[0]):
        suite = SubElement(root, "testsuite", name=_xml(file), tests="1", failures="0", errors="1")
        case = SubElement(suite, "testcase", classname=_xml(file), name="the file can be run", file=_xml(file))
        lines = "\n".join(in_language(problem.line(file), language) for _, problem in problems)
        SubElement(case, "error", message=_xml(lines.partition("\n")[0])).text = _xml(lines)
    properties = Element("properties")
    for mapping in mappings:
        name = f"mapping coverage of {mapping.file}"
        SubElement(properties, "property", name=_xml(name), value=str(mapping.coverage.percent))
    for suite in root[:1]:
        suite.insert(0, properties)
    indent(root)
    return ElementTree(root)


def _suite(root: Element, file: str, results: Sequence[Result]) -> None:
    failures = str(sum(not result.passed for result in results))
    seconds = f"{sum(result.seconds for result in results):.4f}"
    counts = {"tests": str(len(results)), "failures": failures, "errors": "0", "time": seconds}
    suite = SubElement(root, "testsuite", {"name": _xml(file), **counts})
    for result in results:
        at = {"file": _xml(file), "line": str(result.position.line), "time": f"{result.seconds:.4f}"}
        case = SubElement(suite, "testcase", {"classname": _xml(file), "name": _xml(result.case.name), **at})
        if not result.passed:
            lines = [_line(result, each) for each in result.differences]
            failure = SubElement(case, "failure", message=_xml(lines[0]))
            failure.text = _xml("\n".join((*lines, *result.hints)))


def _line(result: Result, difference: Difference) -> str:
    sides = ["nothing" if each is ABSENT else in_yaml(each) for each in (difference.expected, difference.made)]
    path = path_text(difference.path[2:])
    return f"{place(result, difference)}: {path}: expected {sides[0]}, made {sides[1]}"


def _xml(text: str) -> str:
    """Return text without what XML can't hold."""
    return _NOT_IN_XML.sub("\ufffd", text)

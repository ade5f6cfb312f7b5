"""The command `test`: find the files, read them, run the tests, report."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from connector.core.errors import UsageError
from connector.core.wording import counted, why_not
from connector.language.choice import chosen
from connector.language.message import in_language, message
from connector.workbench.testing.editing import NotUpdatedError
from connector.workbench.testing.finding import find
from connector.workbench.testing.mappings import Mappings
from connector.workbench.testing.reading import BrokenFileError, read_cases
from connector.workbench.testing.report import print_report
from connector.workbench.testing.report_files import as_json, as_junit
from connector.workbench.testing.running import run
from connector.workbench.testing.updating import not_updatable, updated
from connector.workbench.testing.watching import watch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.config.located import LocatedProblem
    from connector.workbench.testing.cases import CaseFile
    from connector.workbench.testing.mappings import TestedMapping
    from connector.workbench.testing.running import Result

_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    paths: Sequence[Path]
    """Files and directories."""
    name: str = ""
    """A part of the names of the tests to run; empty: all."""
    update: bool = False
    as_json: bool = False
    junit: Path | None = None

    def wants(self, name: str) -> bool:
        """Return whether to run the test of that name."""
        return self.name.casefold() in name.casefold()


def run_tests(options: Options) -> int:
    """Run the tests once. Return the exit code: 0 all passed, 1 some failed, 2 something is wrong with a file.

    Raises:
        UsageError: there are no such tests, or the report can't be written.

    """
    with contextlib.redirect_stdout(sys.stderr):  # what a `transform` prints is no part of the report
        files, mappings, broken = _read(options)
        results = [] if broken else run(files, options.wants)
        if options.update and not all(result.passed for result in results):
            _update(files, results)
            files, mappings, _ = _read(options)
            results = run(files, options.wants)
    if broken:
        _report_broken(broken, mappings, options)
        return 2
    if not results:
        raise UsageError("-k", message("no test has '{name}' in its name", name=options.name))
    _report(results, mappings, options)
    return 0 if all(result.passed for result in results) else 1


def watch_tests(options: Options) -> int:
    """Run the tests now and after each change, until Ctrl-C. Return the last exit code."""
    arguments = ["-k", options.name] if options.name else []
    arguments += ["--update"] * options.update + ["--json"] * options.as_json
    if options.junit is not None:
        arguments += ["--junit", str(options.junit)]
    return watch(options.paths, [*arguments, "--", *map(str, options.paths)])


def _read(options: Options) -> tuple[list[CaseFile], Mappings, list[BrokenFileError]]:
    files, broken, mappings = [], [], Mappings()
    for path in find(options.paths):
        try:
            files.append(read_cases(path, mappings, may_be_open=options.update))
        except BrokenFileError as error:
            broken.append(error)
    return files, mappings, broken


def _report(results: Sequence[Result], mappings: Mappings, options: Options) -> None:
    shown = [] if options.name else mappings.tested  # a few tests say nothing about the coverage
    if options.as_json:
        _print_json(as_json(results, shown))
    else:
        print_report(results, shown, Console(file=sys.stdout, soft_wrap=True))
    if options.junit is not None:
        _write_junit(options.junit, results, shown, ())


def _report_broken(broken: Sequence[BrokenFileError], mappings: Mappings, options: Options) -> None:
    excerpts, language = sys.stderr.isatty(), chosen(os.environ)
    found: list[tuple[str, LocatedProblem]] = []
    for error in broken:
        found += [(error.file, problem) for problem in error.problems]
        for problem in error.problems:
            shown = error.excerpts.below(problem) if excerpts and error.excerpts is not None else ""
            _complain(in_language(problem.line(error.file), language) + shown)
    for checked in mappings.checked:
        if checked.config is None and checked.sha256:
            found += [(problem.file or checked.file, problem) for problem in checked.problems if not problem.warning]
            _complain(*(in_language(each, language) for each in checked.errors(excerpts=excerpts)))
    if options.as_json:
        _print_json(as_json((), (), found, language))
    if options.junit is not None:
        _write_junit(options.junit, (), (), found)


def _print_json(document: object) -> None:
    print(json.dumps(document, ensure_ascii=False, indent=2))  # noqa: T201 - what was asked for


def _write_junit(
    path: Path,
    results: Sequence[Result],
    mappings: Sequence[TestedMapping],
    broken: Sequence[tuple[str, LocatedProblem]],
) -> None:
    document = as_junit(results, mappings, broken, chosen(os.environ))
    try:
        document.write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        told = message("can't write {file}: {reason}", file=path, reason=why_not(error))
        raise UsageError("--junit", told) from error


def _update(files: Sequence[CaseFile], results: Sequence[Result]) -> None:
    for file in files:
        failed = [result for result in results if result.file is file and not result.passed]
        left = not_updatable(file, failed)
        for result in failed:
            if result.case.index in left:
                line, column = result.position
                reason = left[result.case.index]
                _complain(f"{file.file}:{line}:{column}: not updated: {reason}: change it by hand")
        failed = [result for result in failed if result.case.index not in left]
        try:
            text = updated(file, failed)
        except NotUpdatedError as error:
            _complain(f"{file.file}: not updated: {error}: change it by hand")
            continue
        if failed:
            _write(file, text, counted(len(failed), "test"))


def _write(file: CaseFile, text: str, tests: str) -> None:
    try:
        mark = _BYTE_ORDER_MARK if Path(file.file).read_bytes().startswith(_BYTE_ORDER_MARK.encode()) else ""
        _replace(file.file, (mark + text).encode())
    except OSError as error:
        _complain(f"{file.file}: not updated: {(error.strerror or 'can not be written').lower()}")
    else:
        _complain(f"{file.file}: {tests} expect now what came out: review the file")


def _replace(file: str, content: bytes) -> None:
    """Write a file as a whole or not at all; a link stays one."""
    target = Path(os.path.realpath(file))
    beside = target.with_name(f".{target.name}.new")
    try:
        beside.write_bytes(content)
        beside.chmod(target.stat().st_mode)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _complain(*lines: str) -> None:
    sys.stdout.flush()
    for line in lines:
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - stderr is for complaints

"""Mutation tests: change the pure cores and the flow in small ways, and see whether the fast tests notice.

`make mutants` runs it; `make mutants ARGS='core.retry flow.target'` runs all mutants of these two files. mutmut makes
the mutants and runs, for each, the tests that reach the changed function, in a fork and with a time limit. This module
prepares a copy of the sources in `.mutants/`, and prints what came of it: mutants killed by a test or ended by their
time limit, and survivors, per file. It exits with 1 if a file is below `GOAL_PERCENT`.

What is not mutated, by mutmut's rules: docstrings, type annotations, default values that are not literals, constants
outside of functions, decorated functions.
Properties are decorated functions, and hold much of the logic here: the copy has them as `name = property(_get_name)`.

Results are kept in `.mutants/`, so a run that was interrupted goes on where it was. Later runs test the mutants of
changed functions and all survivors again. Delete `.mutants/` after a change to tests that might let a killed mutant
live.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
COPY = ROOT / ".mutants"
COPIED = ("connector", "tests", "pyproject.toml")
GOAL_PERCENT = 90
KILLED = {"killed", "timeout"}


def main(modules: list[str]) -> int:
    """Run the mutants; `modules` are files such as `core.retry`, none for all. Return the exit code."""
    refresh_copy()
    (COPY / "mutants/mutmut-stats.json").unlink(missing_ok=True)  # which tests reach what: tests may have changed
    former_survivors = [name for name, status in statuses().items() if status not in KILLED]
    mutmut("run", *(f"connector.{module}.*" for module in modules))
    remaining = [name for name in former_survivors if name in statuses()]
    if remaining and not modules:
        mutmut("run", *remaining)
    return report(statuses())


def refresh_copy() -> None:
    """Copy what has changed, so that mutmut keeps the results of what has not."""
    for name in COPIED:
        path = ROOT / name
        for source in [path] if path.is_file() else path.rglob("*"):
            copy = COPY / source.relative_to(ROOT)
            if source.is_dir() or "__pycache__" in source.parts:
                continue
            content = source.read_bytes()
            if source.suffix == ".py" and "connector" in source.relative_to(ROOT).parts:
                content = without_property_decorators(content.decode()).encode()
            if not copy.exists() or copy.read_bytes() != content:
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(content)
    for name in COPIED:
        for copy in (COPY / name).rglob("*.py"):
            if not (ROOT / copy.relative_to(COPY)).exists():
                copy.unlink()


def without_property_decorators(source: str) -> str:
    """Write each property as a plain method and an assignment; the meaning stays.

    Example: `@property`, `def full(self) -> bool: ...` becomes `def _get_full(self) -> bool: ...`,
    `full = property(_get_full)`.
    """
    lines = source.splitlines()
    getters = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and [ast.unparse(each) for each in node.decorator_list] == ["property"]
    ]
    for node in sorted(getters, key=lambda node: node.lineno, reverse=True):
        name, indent = node.name, " " * node.col_offset
        lines.insert(node.end_lineno or node.lineno, f"{indent}{name} = property(_get_{name})")
        lines[node.lineno - 1] = lines[node.lineno - 1].replace(f"def {name}", f"def _get_{name}", 1)
        del lines[node.decorator_list[0].lineno - 1]
    return "\n".join(lines) + "\n"


def mutmut(*arguments: str, capture: bool = False) -> str:
    """Run mutmut in the copy; return what it wrote if it is captured. Raise CalledProcessError if it fails."""
    program = Path(sys.executable).with_name("mutmut")
    answer = subprocess.run([program, *arguments], cwd=COPY, capture_output=capture, text=True, check=True)
    return answer.stdout if capture else ""


def statuses() -> dict[str, str]:
    """Return the status of each mutant that was tested, by its name, as `mutmut results` tells it."""
    if not (COPY / "mutants").exists():
        return {}
    lines = mutmut("results", "--all", "true", capture=True).splitlines()
    found = dict(line.strip().split(": ", 1) for line in lines if ": " in line)
    return {name: status for name, status in found.items() if status != "not checked"}


def report(found: dict[str, str]) -> int:
    """Print the counts per file, write the survivors' diffs to a file, and return the exit code."""
    by_module: defaultdict[str, Counter[bool]] = defaultdict(Counter)
    for name, status in found.items():
        by_module[name.rpartition(".")[0]][status in KILLED] += 1
    lines = ["", f"{'module':<32} killed survived     %"]
    below = []
    for module, counts in sorted(by_module.items()):
        percent = 100 * counts[True] / counts.total()
        lines.append(f"{module:<32} {counts[True]:6} {counts[False]:8} {percent:5.1f}")
        if percent < GOAL_PERCENT:
            below.append(module)
    survivors = [name for name, status in found.items() if status not in KILLED]
    listing = COPY / "survivors.txt"
    listing.write_text("\n".join(mutmut("show", name, capture=True) for name in survivors), encoding="utf-8")
    lines += ["", f"{len(survivors)} survived: {listing.relative_to(ROOT)}"]
    if below:
        lines.append(f"below {GOAL_PERCENT} %: {', '.join(below)}")
    print("\n".join(lines))  # noqa: T201 - a report on a terminal
    return 1 if below else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

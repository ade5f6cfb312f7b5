"""The command line: many schedules, with progress; one schedule with its trace; a smaller plan that fails alike.

Examples:
    python -m tests.simulation --schedules 1000000 --seed 1 --jobs 2
    python -m tests.simulation --replay 4711      prints the plan and its trace
    python -m tests.simulation --shrink 4711      prints the smallest plan found that breaks the same rule
    python -m tests.simulation --sabotage         breaks the connector on purpose: how soon is it found?

Exit code 1 if a rule was broken.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from tests.simulation.generate import make_plan
from tests.simulation.member import replaced_edges
from tests.simulation.running import failure_of, kind_of, run, shrink
from tests.simulation.sabotage import SABOTAGES, first_failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHUNK = 50
SHOWN_PER_KIND = 3
PROGRESS_S = 10.0
Failures = list[tuple[int, str]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description="Simulate the connector.")
    parser.add_argument("--schedules", type=int, default=1000, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="the first one's; the others follow it")
    parser.add_argument("--jobs", type=int, default=1, help="processes that share the work")
    parser.add_argument("--replay", type=int, metavar="SEED", help="run one schedule and print its trace")
    parser.add_argument("--shrink", type=int, metavar="SEED", help="make a failing plan smaller and print it")
    parser.add_argument("--sabotage", action="store_true", help="find bugs that are made on purpose")
    asked = parser.parse_args(arguments)
    with replaced_edges():
        if asked.replay is not None:
            return _replay(asked.replay)
        if asked.shrink is not None:
            return _shrink(asked.shrink)
        if asked.sabotage:
            return _sabotage(range(asked.seed, asked.seed + asked.schedules))
    return _run_many(range(asked.seed, asked.seed + asked.schedules), asked.jobs)


def _replay(seed: int) -> int:
    plan = make_plan(seed)
    _print(plan.written_out())
    try:
        _print(str(run(plan, _print)))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the result
        _print(f"{type(error).__name__}: {error}")
        return 1
    return 0


def _shrink(seed: int) -> int:
    plan = shrink(make_plan(seed))
    failure = failure_of(plan, _print)
    _print(plan.written_out())
    _print(failure or "nothing fails")
    return int(bool(failure))


def _sabotage(seeds: range) -> int:
    missed = 0
    for name in SABOTAGES:
        found = first_failure(name, seeds)
        missed += found is None
        _print(f"{name}: {'not found' if found is None else f'found by schedule {found[0]}: {found[1][:100]}'}")
    return int(bool(missed))


def _run_many(seeds: range, jobs: int) -> int:
    began = time.perf_counter()
    kinds: Counter[str] = Counter()
    done, next_line_s = 0, 0.0
    for count, failures in _results(seeds, jobs):
        done += count
        for seed, text in failures:
            kinds[kind_of(text)] += 1
            if kinds[kind_of(text)] <= SHOWN_PER_KIND:
                _print(f"\nseed {seed}: {text}")
        seconds = time.perf_counter() - began
        if seconds >= next_line_s or done == len(seeds):
            next_line_s = seconds + PROGRESS_S
            rate = f"{done / seconds:.0f}/s"
            sys.stderr.write(f"{done} of {len(seeds)} schedules, {kinds.total()} failed, {seconds:.0f} s, {rate}\n")
            sys.stderr.flush()
    for kind, count in kinds.most_common():
        _print(f"{count} times: {kind}")
    return int(bool(kinds))


def _results(seeds: range, jobs: int) -> Iterator[tuple[int, Failures]]:
    chunks = [seeds[first : first + CHUNK] for first in range(0, len(seeds), CHUNK)]
    if jobs == 1:
        yield from map(_run_chunk, chunks)
        return
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        yield from pool.imap_unordered(_run_chunk, chunks)


def _run_chunk(seeds: range) -> tuple[int, Failures]:
    _stay_on_one_core()
    with replaced_edges():
        texts = [(seed, failure_of(make_plan(seed))) for seed in seeds]
    return len(seeds), [(seed, text) for seed, text in texts if text]


def _stay_on_one_core() -> None:
    """Threads that hand a baton to and fro are four times as fast if they need not wake another core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {os.getpid() % (os.cpu_count() or 1)})


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what was asked for

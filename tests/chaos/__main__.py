"""The long form: `make chaos SEED=… MINUTES=…`, which is `python -m tests.chaos`.

Rounds of a minute or more, each with the seed after the last one's and the other group protocol, until the time is
up. A round that failed is run again by its own seed and MINUTES=0. What it left behind stays in the folder that the
report names.
"""

from __future__ import annotations

import argparse
import pickle
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tests.chaos.report import report
from tests.chaos.round import Result, protocol_of, run_round
from tests.chaos.verdict import judge
from tests.kafka.access import AUTHORIZER
from tests.kafka.broker import Broker
from tests.kafka.jars import NoBrokerError

ROUND_S = 75.0


def main() -> int:
    """Run rounds until the time is up; return 1 if one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Chaos on a real broker.")
    parser.add_argument("--seed", type=int, default=1, help="the first round's seed; each round has the next one")
    parser.add_argument("--minutes", type=float, default=10, help="at least one round is run")
    parser.add_argument("--round-seconds", type=float, default=ROUND_S, help="how long faults come and go in a round")
    parser.add_argument("--again", type=Path, help="judge what a failed round left behind, and report that alone")
    arguments = parser.parse_args()
    if arguments.again is not None:
        return _judge_again(arguments.again)
    try:
        with Broker(AUTHORIZER) as broker:
            return _run(broker, arguments.seed, arguments.minutes * 60, arguments.round_seconds)
    except NoBrokerError as missing:
        _say(str(missing))
        return 1


def _run(broker: Broker, seed: int, seconds: float, round_s: float) -> int:
    end = time.monotonic() + seconds
    failed: list[int] = []
    first = seed
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f"chaos-{seed}-"))
        _say(f"--- round with seed {seed}, protocol {protocol_of(seed)}, {round_s:g} s of faults")
        result = run_round(broker, seed, round_s, folder, _say)
        _say(report(result))
        if result.verdict.breaches:
            failed.append(seed)
            (folder / "history.pickle").write_bytes(pickle.dumps(result))
            _say(f"logs and the platform's journal: {folder}; judge again by --again {folder}")
        else:
            shutil.rmtree(folder)
        seed += 1
        if time.monotonic() >= end:
            break
    _say(f"{seed - first} rounds, seeds {first} to {seed - 1}; failed: {failed or 'none'}")
    return 1 if failed else 0


def _judge_again(folder: Path) -> int:
    result: Result = pickle.loads((folder / "history.pickle").read_bytes())  # noqa: S301 - our own file
    result = replace(result, verdict=judge(result.history))
    _say(report(result))
    return 1 if result.verdict.breaches else 0


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)  # noqa: T201 - the result of this command


if __name__ == "__main__":
    sys.exit(main())

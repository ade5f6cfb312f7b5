"""`python -m tests.figures NAME`: measure one row of the table of faults in docs/guarantees.md, or of the tables in
docs/scaling.md, as one line of JSON.

Exit code 0 if the goal is met, 1 if not. Without a name, list the figures. `--times` repeats a measurement.
"""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from typing import TYPE_CHECKING

from tests.figures import interruptions, loads, outages, scale_out, starts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.figures.interruptions import Figure

FIGURES: dict[str, Callable[[], Figure]] = {
    "expired-tokens": outages.expired_tokens,
    "refuses-everything": outages.refuses_everything,
    "refuses-everything-for-an-hour": outages.refuses_everything_for_an_hour,
    "rebalance": partial(interruptions.rebalance, "classic"),
    "rebalance-kip848": partial(interruptions.rebalance, "consumer"),
    "sigterm": interruptions.sigterm,
    "kill": interruptions.kill,
    "broker": interruptions.broker,
    "freeze": interruptions.freeze,
    "latest": starts.latest,
    "dead-platform": outages.dead_platform,
    "poison-400": partial(outages.poison, 400),
    "poison-500": partial(outages.poison, 500),
    "one-batch-403": outages.one_batch_refused,
    "storm": loads.storm,
    "hot-identities": loads.hot_identities,
    "scale-out": partial(scale_out.scale_out, "classic"),
    "scale-out-kip848": partial(scale_out.scale_out, "consumer"),
}


def main() -> int:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.figures", description="Measure a row of the table of faults."
    )
    parser.add_argument("name", nargs="?", choices=FIGURES, help="the row; without it, the rows are listed")
    parser.add_argument("--times", type=int, default=1, help="how often it is measured")
    arguments = parser.parse_args()
    if arguments.name is None:
        _say("\n".join(FIGURES))
        return 0
    met = True
    for _ in range(arguments.times):
        good, result = _measure(FIGURES[arguments.name])
        _say(json.dumps({"figure": arguments.name, "met": good, **result}, ensure_ascii=False))
        met = met and good
    return 0 if met else 1


def _measure(figure: Callable[[], Figure]) -> Figure:
    """Measure it; what the figure waits for in vain is its result."""
    try:
        return figure()
    except AssertionError as failure:
        return False, {"failure": str(failure)}


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the result of this command


if __name__ == "__main__":
    sys.exit(main())

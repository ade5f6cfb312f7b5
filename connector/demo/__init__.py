"""The demo: the connector between an embedded Kafka cluster and the sandbox, with nothing to install or configure.

It sends generated shop orders, lets things go wrong, and checks that every order has the outcome it should have.
"""

from __future__ import annotations

import sys


def main(records: int, faults: bool, keep: bool, as_json: bool = False) -> int:  # noqa: FBT001, FBT002  the command line's own words
    """Run the demo with `records` orders; return the exit code: 0 only if all numbers agree."""
    print(  # noqa: T201  it must not wait for the imports below
        f"The demo sends {records:,} shop orders through Kafka, the connector and the sandbox. Loading …",
        file=sys.stderr,
        flush=True,
    )
    from connector.demo.run import run  # noqa: PLC0415  it takes a second or more to import

    return run(records, faults=faults, keep=keep, as_json=as_json)

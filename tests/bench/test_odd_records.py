"""100,000 odd records through a config with every word, both ways: see tests/unit/mapping/test_odd_records.py."""

from __future__ import annotations

import pytest

from tests.support.odd_outcomes import OddOutcomes
from tests.support.odd_records import odd_records

RECORDS = 100_000
SEED = 20_260


@pytest.mark.bench
@pytest.mark.timeout(1800)
def test_a_hundred_thousand_odd_records_have_exactly_one_outcome_each_and_the_same_both_ways(
    capsys: pytest.CaptureFixture[str],
) -> None:
    outcomes = OddOutcomes()
    items = sum(len(outcomes.map(odd)) for odd in odd_records(SEED, RECORDS))
    failed = sum(count for (_, outcome), count in outcomes.seen.items() if outcome not in {"item", "skipped"})
    with capsys.disabled():
        print(f"\n{RECORDS:,} odd records: {items:,} items, of which {failed:,} dead letters; the same both ways")  # noqa: T201 - the result
    assert outcomes.seen["", "decode_failed"] > 1000

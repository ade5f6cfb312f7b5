"""Fisher's exact test against counting, and how often it blames an innocent item."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.chance import CHANCE, SUSPICION, ControlGroup, Controls
from tests.support.builders import seeded

COUNTS = st.integers(0, 60)


@given(delivered=COUNTS, failed=COUNTS, failures=st.integers(1, 60), chance=st.sampled_from([CHANCE, SUSPICION]))
def test_chance_explains_failures_that_are_likely_among_as_many_in_any_order(
    delivered: int, failed: int, failures: int, chance: float
) -> None:
    likely = math.comb(failed + failures, failures) / math.comb(delivered + failed + failures, failures)
    if not math.isclose(likely, chance):
        assert Controls(delivered, failed).explain(failures, chance) is (likely > chance)


def test_the_examples_of_the_docstring() -> None:
    enough = {Controls(27, 0): 6, Controls(30, 30): 26, Controls(60, 540): 150}
    for controls, failures in enough.items():
        assert not controls.explain(failures, CHANCE)
    assert Controls(27, 0).explain(5, CHANCE)
    assert Controls(30, 30).explain(25, CHANCE)


def test_without_controls_chance_explains_everything() -> None:
    assert Controls().explain(1_000, CHANCE)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_an_innocent_item_is_blamed_no_more_often_than_the_test_says(share: float) -> None:
    """With a chance of 1 in 100, as the real one is too small to count."""
    random = seeded(1)
    blamed = 0
    for _ in range(2_000):
        controls, failures = Controls(), 0
        while random.random() < share:  # tries of the item, between which others are sent
            failures += 1
            for _ in range(5):
                is_failed = random.random() < share
                controls = Controls(controls.delivered + (not is_failed), controls.failed + is_failed)
            if not controls.explain(failures, SUSPICION):
                blamed += 1
                break
    assert blamed / 2_000 <= 2 * SUSPICION


def test_what_is_long_past_fades_from_the_recent_controls_but_not_from_all() -> None:
    group = ControlGroup()
    for _ in range(20):
        group.add(9)
    assert not group.rule_out(20, CHANCE)
    for _ in range(4_000):
        group.add(0)
    assert group.rule_out(4, CHANCE)
    assert group.all == Controls(4_020, 180, 180)


def test_controls_since_a_moment_are_those_that_came_later() -> None:
    group = ControlGroup()
    group.add(3)
    before = group.all
    group.add(1, 5)
    assert group.all.since(before) == Controls(1, 1, 5)
    assert group.all.since(None) == Controls(2, 4, 8)

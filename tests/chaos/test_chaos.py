"""The short form of `make chaos`: one round with each group protocol, with fixed seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chaos.report import report
from tests.chaos.round import run_round

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kafka.broker import Broker

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300, func_only=True)]

SECONDS = 20.0


@pytest.mark.parametrize("seed", [4, 7], ids=["classic", "consumer"])
def test_after_every_kind_of_fault_nothing_is_lost_and_each_repeat_has_a_cause(
    killable_broker: Broker, tmp_path: Path, seed: int
) -> None:
    result = run_round(killable_broker, seed, SECONDS, tmp_path, print)
    assert not result.verdict.breaches, report(result)

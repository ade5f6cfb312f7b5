"""Stops, crashes and rebalances in the middle of the traffic.

The platform is slow in these tests (each request takes a while, few at a time), so that there is a middle. What
must hold does not depend on how long anything takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.kafka.cluster import Cluster
from tests.kafka.stage import FAST_SESSION, Stage, assert_conserved, lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kafka.broker import Broker
    from tests.kafka.harness import Fault, Sandbox

pytestmark = pytest.mark.kafka

RECORDS = 40_000
SLOW: Fault = {"kind": "latency", "ms": 200}
BATCH, IN_FLIGHT = 100, 4


def _slowly(config: dict[str, Any]) -> dict[str, Any]:
    config["targets"]["purchases"] |= {
        "batch": {"max_records": BATCH, "max_wait": "50ms"},
        "max_in_flight": IN_FLIGHT,
        # What has been fetched gets its try at a stop: most records have to be in Kafka still.
        "queue": {"max_records": 5 * BATCH},
    }
    return config


def test_after_sigterm_in_the_middle_nothing_is_lost_and_nothing_comes_twice(kafka: Cluster, stage: Stage) -> None:
    kafka.create_topic(stage.topic)
    kafka.produce_orders(stage.topic, range(RECORDS))
    stage.sandbox.misbehave(SLOW)
    first = stage.connector(_slowly(stage.config()))
    stage.wait_stored(1_000)
    first.terminate()
    assert first.exit_code() == 0
    stored = stage.sandbox.count("stored")
    assert stored < RECORDS, "it was not in the middle"
    assert stage.committed() == stored
    stage.sandbox.behave()
    second = stage.connector()
    stage.wait_committed()
    assert lost_and_repeated(stage.sandbox.seen(), range(RECORDS)) == (0, 0)
    assert_conserved(second)


def test_after_kill_9_nothing_is_lost_and_only_what_was_in_flight_comes_twice(kafka: Cluster, stage: Stage) -> None:
    """What comes twice was stored and not committed.

    At the kill that is at most what was on the wire, what was answered after the last commit, and what was
    answered while that commit was on its way. A commit is made every 0.2 s and a request takes 0.2 s:
    about one round of requests each.
    """
    kafka.create_topic(stage.topic)
    kafka.produce_orders(stage.topic, range(RECORDS))
    stage.sandbox.misbehave(SLOW)
    first = stage.connector(_slowly(stage.config(**FAST_SESSION)))
    until(lambda: stage.committed() > 1_000, "commits in the middle")
    first.kill()
    assert stage.sandbox.count("stored") < RECORDS, "it was not in the middle"
    stage.sandbox.behave()
    stage.connector(stage.config(**FAST_SESSION))
    stage.wait_committed()
    lost, repeated = lost_and_repeated(stage.sandbox.seen(), range(RECORDS))
    assert lost == 0
    assert repeated <= 3 * IN_FLIGHT * BATCH
    assert stage.sandbox.count("repeated") == repeated, "a repeat must carry the uuid of the first"


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_member_joins_and_leaves_and_nothing_is_lost_and_nothing_comes_twice(
    kafka: Cluster, stage: Stage, protocol: str
) -> None:
    kafka.create_topic(stage.topic, partitions=6)
    kafka.produce_orders(stage.topic, range(8_000))
    stage.sandbox.misbehave(SLOW)
    config = _slowly(stage.config(group_protocol=protocol))
    first = stage.connector(config)
    stage.wait_stored(1_000)
    second = stage.connector(config)
    until(lambda: second.reasons() != {"no answer"}, "the second to answer")
    until(lambda: len(second.partitions()) == 3, "the second to have half of the partitions")
    # More arrives before each step, so that each happens in the middle.
    kafka.produce_orders(stage.topic, range(8_000, 16_000))
    until(lambda: second.records()["delivered"] > 0, "the second to deliver")
    kafka.produce_orders(stage.topic, range(16_000, 24_000))
    second.terminate()
    assert stage.sandbox.count("stored") < 24_000, "it was not in the middle"
    assert second.exit_code() == 0
    kafka.produce_orders(stage.topic, range(24_000, 25_000))
    stage.sandbox.behave()
    stage.wait_committed()
    assert lost_and_repeated(stage.sandbox.seen(), range(25_000)) == (0, 0)
    until(lambda: len(first.partitions()) == 6, "the first to have all partitions again")
    assert_conserved(first)


def test_when_the_broker_is_killed_and_comes_back_nothing_is_lost(
    mortal: Broker, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.reset()
    stage = Stage(Cluster(mortal.address), sandbox, tmp_path)
    stage.kafka.create_topic(stage.topic)
    stage.kafka.produce_orders(stage.topic, range(RECORDS))
    sandbox.misbehave(SLOW)
    connector = stage.connector(_slowly(stage.config()))
    stage.wait_stored(1_000)
    mortal.kill()
    assert stage.sandbox.count("stored") < RECORDS, "it was not in the middle"
    sandbox.behave()
    mortal.start()
    stage.kafka.produce_orders(stage.topic, range(RECORDS, RECORDS + 100))
    stage.wait_committed()
    lost, _ = lost_and_repeated(sandbox.seen(), range(RECORDS + 100))
    assert lost == 0
    assert connector.process.poll() is None, "the connector outlives its broker"
    assert_conserved(connector)
    stage.close()
    stage.kafka.close()

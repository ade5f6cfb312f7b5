"""How long it takes until no record waits: on the terminal and on the status page of a real run with a backlog."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.kafka.commands import EVENTS
from tests.kafka.processes import free_ports
from tests.support.screen import Screen

if TYPE_CHECKING:
    from tests.kafka.cluster import Cluster
    from tests.kafka.harness import KafkaHarness
    from tests.support.browser import Browser

pytestmark = pytest.mark.kafka

OFTEN = (
    "import connector.observe.history as h; h.SAMPLE_S, h.TREND_S, h.STALLED_S = 0.5, 10.0, 3.0;"
    "from connector.cli import main; main()"
)
"""The command line, which looks at the lag twice a second; three seconds in which nothing is settled are many here."""


def test_a_backlog_has_a_time_while_it_shrinks_and_none_while_nothing_is_delivered(
    browser: Browser, kafka: Cluster, harness: KafkaHarness
) -> None:
    kafka.produce_orders(kafka.create_topic(harness.topic, 2), range(20_000))
    [port] = free_ports(1)
    config = harness.config() | {"admin": {"listen": f"127.0.0.1:{port}"}}
    del config["log"]  # else lines are wanted
    config["targets"]["purchases"] |= {"max_in_flight": 1, "batch": {"max_records": 50, "max_wait": "20ms"}}
    (harness.folder / "c.yaml").write_text(json.dumps(config), encoding="utf-8")
    harness.sandbox.set_faults({"kind": "latency", "ms": 200, "endpoint": EVENTS})
    screen = Screen(harness.folder, ("-c", OFTEN, "run", "-c", "c.yaml"), {"NO_COLOR": "1"})
    try:
        screen.until(r"READY .*/s settled; lag [\d,]+ in 2 partitions, caught up in \d+ (s|min)")
        browser.open(f"http://127.0.0.1:{port}/")
        browser.wait_for_text("#catch-up", "caught up in")
        harness.sandbox.set_faults({"kind": "status", "status": 503})
        screen.until(r"NOT READY .* target_down .* lag [\d,]+ in 2 partitions, not getting less")
        browser.wait_for_text("#catch-up", "the lag does not shrink")
        harness.sandbox.clear_faults()
        screen.until("READY .* lag 0 in 2 partitions, caught up ")
        browser.wait_until(lambda: browser.text("#catch-up") == "caught up")
        assert screen.interrupt() == 0
    finally:
        screen.close()

"""A member whose group coordinator does not answer stops sending before another member gets its partitions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from connector.core.events import Notice
from connector.core.membership_guard import MembershipGuard
from connector.kafka.bridge import Bridge
from connector.kafka.consumer import ConsumerThread
from connector.settings.models import Kafka
from tests.conftest import without_broker
from tests.contract.sources import FakePipeline
from tests.contract.sources import until as until_true
from tests.kafka.broker import SASL_PASSWORD, SASL_USER, Broker
from tests.kafka.cluster import Cluster
from tests.kafka.harness import SHORT_SESSION, KafkaHarness, assert_conserved, lost_and_repeated
from tests.kafka.jars import NoBrokerError
from tests.kafka.processes import free_ports
from tests.kafka.proxy import GroupProxy
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.kafka.commands import SandboxProcess

pytestmark = pytest.mark.kafka

RECORDS, BATCH, IN_FLIGHT = 20_000, 100, 4
SLOW = {"kind": "latency", "ms": 600}


@pytest.fixture(scope="module")
def proxied() -> Iterator[tuple[Broker, GroupProxy]]:
    """A broker whose clients with a password go through the proxy."""
    [port] = free_ports(1)
    try:
        broker = Broker(sasl_proxy=f"127.0.0.1:{port}")
    except NoBrokerError as missing:
        without_broker(missing)
    with broker, GroupProxy(port, broker.sasl_address) as proxy:
        yield broker, proxy


@pytest.fixture
def proxied_harness(
    proxied: tuple[Broker, GroupProxy], sandbox: SandboxProcess, tmp_path: Path
) -> Iterator[KafkaHarness]:
    """A harness on that broker."""
    sandbox.reset()
    cluster = Cluster(proxied[0].address)
    harness = KafkaHarness(cluster, sandbox, tmp_path)
    yield harness
    proxied[1].restore()
    harness.close()
    cluster.close()


SASL = {
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": "PLAIN",
    "sasl.username": SASL_USER,
    "sasl.password": SASL_PASSWORD,
}


def _config(harness: KafkaHarness, protocol: str, proxy: GroupProxy | None = None) -> dict[str, Any]:
    session = SHORT_SESSION if protocol == "classic" else {}  # the broker's, with KIP-848
    config = harness.config(group_protocol=protocol, **session)
    batch = {"max_records": BATCH, "max_wait": "50ms"}
    config["targets"]["purchases"] |= {"batch": batch, "max_in_flight": IN_FLIGHT, "queue": {"max_records": 10 * BATCH}}
    if proxy is not None:
        config["kafka"]["bootstrap_servers"] = proxy.address
        config["kafka"]["properties"] |= SASL
    return config


@pytest.mark.timeout(180, func_only=True)
@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_member_cut_off_from_its_group_sends_nothing_once_another_has_its_partition(
    proxied: tuple[Broker, GroupProxy], proxied_harness: KafkaHarness, protocol: str
) -> None:
    """It fetches on: brokers answer everything but the requests of the group. When they do again, it works again."""
    harness, proxy = proxied_harness, proxied[1]
    harness.kafka.create_topic(harness.topic, partitions=2)
    other = harness.start_connector(_config(harness, protocol)).wait_ready()
    cut_off = harness.start_connector(_config(harness, protocol, proxy)).wait_ready()
    until(lambda: len(cut_off.partitions()) == len(other.partitions()) == 1, "both connectors to own a partition")
    harness.sandbox.set_faults(SLOW)
    harness.kafka.produce_orders(harness.topic, range(RECORDS))
    until(lambda: cut_off.metric("queued_items", target="purchases") > 2 * IN_FLIGHT * BATCH, "a queue to be full")
    proxy.silence()
    until(lambda: len(other.partitions()) == 2, "the other to own both partitions", every_s=0.02)
    sent_before = cut_off.metric("requests_total") + cut_off.metric("requests_in_flight")
    harness.sandbox.clear_faults()
    harness.wait_committed()
    assert cut_off.metric("requests_total") <= sent_before
    assert not cut_off.is_ready()
    proxy.restore()
    until(cut_off.is_ready, "it to be ready again")
    until(lambda: len(cut_off.partitions()) == len(other.partitions()) == 1, "both connectors to own a partition again")
    harness.kafka.produce_orders(harness.topic, range(RECORDS, RECORDS + 1000))
    harness.wait_committed()
    lost, _ = lost_and_repeated(harness.sandbox.orders(), range(RECORDS + 1000))
    assert lost == 0
    assert_conserved(cut_off)


@pytest.mark.parametrize("properties", [{"group.protocol": "consumer"}, SHORT_SESSION], ids=["consumer", "classic"])
def test_a_client_that_does_not_find_its_coordinator_again_is_replaced(
    proxied: tuple[Broker, GroupProxy],
    proxied_harness: KafkaHarness,
    properties: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a classic group librdkafka notices by itself that its session is over: nothing is left to be sent."""
    proxy = proxied[1]
    monkeypatch.setattr("connector.kafka.deadlines.REPLACE_CLIENT_S", 4.0)
    harness = proxied_harness
    harness.kafka.create_topic(harness.topic, partitions=2)
    events: list[object] = []

    def replaced() -> bool:
        return any("another client joins the group" in event.message for event in events if isinstance(event, Notice))

    async def main() -> None:
        pipeline = FakePipeline()
        bridge = Bridge(events.append, pipeline.close, {})
        loop = asyncio.get_running_loop()
        guard = MembershipGuard(60.0, 5.0, lambda: (loop.time(),), lambda _: None, lambda _: None)
        kafka = Kafka.model_validate(
            {"bootstrap_servers": proxy.address, "group_id": harness.group, "properties": SASL | properties}
        )
        ConsumerThread(kafka, [harness.topic], "", bridge, guard).start()
        running = asyncio.ensure_future(pipeline.run(bridge))
        await until_true(lambda: len(pipeline.live) == 2)
        proxy.silence()
        await until_true(lambda: not guard.may_start() and not pipeline.live)  # something is to be sent
        proxy.restore()
        await until_true(lambda: len(pipeline.live) == 2)
        harness.kafka.produce_orders(harness.topic, range(100))
        await until_true(lambda: len(pipeline.records()) == 100)
        bridge.commit(pipeline.live)
        await until_true(lambda: harness.committed() == 100)
        bridge.stop(5.0)
        await running

    asyncio.run(main())
    assert replaced() == (properties is not SHORT_SESSION)

"""The config is exchanged while the real process runs: nothing is lost or comes twice, and nobody leaves the group."""

from __future__ import annotations

import copy
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.kafka.cluster import order
from tests.kafka.harness import assert_conserved, lost_and_repeated
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.kafka.cluster import Cluster
    from tests.kafka.commands import ConnectorProcess
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka

Config = dict[str, Any]
BURST, BURSTS = 200, 16
IDENTITIES = 40


def ordered(config: Config) -> Config:
    config["targets"]["purchases"] |= {"ordering": "identity", "max_in_flight": 4}
    return config


def other_batches(config: Config) -> None:
    config["targets"]["purchases"] |= {"batch": {"max_records": 7, "max_wait": "20ms"}, "max_in_flight": 2}


def renamed_target(config: Config) -> None:
    config["targets"]["buys"] = config["targets"].pop("purchases")
    config["routes"][0]["to"] = "buys"


def other_mapping(config: Config) -> None:
    config["routes"][0]["name"] = "paid-orders"
    config["routes"][0]["fields"]["eventargs"]["c_plan"] = "other"


def one_route_more(config: Config) -> None:
    more = {"name": "none", "where": {"$.status": "NEVER"}, "to": "others"}
    config["targets"]["others"] = config["targets"]["purchases"]
    config["routes"].append({**config["routes"][0], **more})


def other_client_and_token(config: Config) -> None:
    config["platform"] |= {"request_timeout": "9s", "retry": {"first": "40ms", "max": "400ms"}, "rate_limit": "900/s"}


def a_mistake(config: Config) -> None:
    config["routes"][0]["feilds"] = {}


def for_a_restart(config: Config) -> None:
    config["kafka"]["start_from"] = "latest"


EDITS: list[Callable[[Config], None]] = [
    other_batches,
    renamed_target,
    other_mapping,
    one_route_more,
    other_client_and_token,
    a_mistake,
    renamed_target,
    for_a_restart,
]


def reloads(connector: ConnectorProcess) -> int:
    return int(connector.metric("config_reloads_total"))


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_under_load_none_is_lost_and_none_comes_twice_or_out_of_order_whatever_is_reloaded(
    kafka: Cluster, harness: KafkaHarness, protocol: str
) -> None:
    kafka.create_topic(harness.topic)
    base = ordered(harness.config(group_protocol=protocol))
    harness.sandbox.set_faults({"kind": "status", "status": 429, "share": 0.1}, {"kind": "latency", "ms": 20})
    connector = harness.start_connector(base).wait_ready()
    rebalances = connector.metric("rebalances_total")
    done = threading.Event()

    def produce() -> None:
        for number in range(BURSTS):
            numbers = range(number * BURST, (number + 1) * BURST)
            values = [order(one, buyer={"mobile": f"138{one % IDENTITIES:08d}"}) for one in numbers]
            messages = [
                {"value": value, "key": b"%d" % (one % IDENTITIES)} for one, value in zip(numbers, values, strict=True)
            ]
            kafka.produce_all(harness.topic, messages)
            time.sleep(0.15)
        done.set()

    producing = threading.Thread(target=produce)
    producing.start()
    count = 0
    while not done.is_set() or count < len(EDITS):
        config = copy.deepcopy(base)
        EDITS[count % len(EDITS)](config)
        connector.reload(config)
        count += 1
        until(lambda: reloads(connector) >= count, "the config to be read again")  # noqa: B023 - it is called here
    producing.join()
    harness.sandbox.clear_faults()
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(BURST * BURSTS)) == (0, 0)
    assert (harness.sandbox.count("repeated"), harness.sandbox.count("out_of_order")) == (0, 0)
    assert connector.metric("rebalances_total") == rebalances, "the group was never left"
    assert_conserved(connector)
    refused = sum(EDITS[number % len(EDITS)] in {a_mistake, for_a_restart} for number in range(count))
    assert connector.metric("config_reloads_total", result="refused") == refused
    plans = {item["eventargs"].get("c_plan") for item in harness.sandbox.items()}
    assert plans == {None, "other"}


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_topics_come_and_go_under_load_and_none_is_lost_and_none_comes_twice(
    kafka: Cluster, harness: KafkaHarness, protocol: str
) -> None:
    topics = [harness.topic, f"{harness.topic}.more"]
    for topic in topics:
        kafka.create_topic(topic, partitions=2)
    base = harness.config(*topics, group_protocol=protocol)
    connector = harness.start_connector(base).wait_ready()
    half = BURST * BURSTS // 2
    done = threading.Event()

    def produce() -> None:
        for number in range(0, half, BURST):
            for index, topic in enumerate(topics):
                kafka.produce_orders(topic, range(index * half + number, index * half + number + BURST))
            time.sleep(0.25)
        done.set()

    producing = threading.Thread(target=produce)
    producing.start()
    count = 0
    while not done.is_set():
        config = copy.deepcopy(base)
        config["routes"][0]["topics"] = [topics[:1], topics, topics[1:], ["^" + topics[0]]][count % 4]
        connector.reload(config)
        count += 1
        until(lambda: reloads(connector) >= count, "the config to be read again")  # noqa: B023 - it is called here
        time.sleep(0.3)
    producing.join()
    connector.reload(base)
    for topic in topics:
        harness.wait_committed(topic)
    connector.wait_ready()
    assert lost_and_repeated(harness.sandbox.orders(), range(2 * half)) == (0, 0)
    assert connector.records()["skipped"] == 0, "what nothing reads is not consumed"
    assert {topic for topic, _ in connector.partitions()} == set(topics)
    assert_conserved(connector)


def test_a_config_that_is_refused_changes_nothing_and_is_told_until_it_is_mended(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    kafka.create_topic(harness.topic)
    base = harness.config()
    connector = harness.start_connector(base).wait_ready()
    before = connector.status()["config"]
    broken = copy.deepcopy(base)
    a_mistake(broken)
    connector.reload(broken)
    until(lambda: connector.reasons() == {"config_refused"}, "the config to be refused")
    assert connector.is_ready()
    assert "did you mean 'fields'" in connector.remedies()["config_refused", ""]
    config = connector.status()["config"]
    assert (config["sha256"], config["generation"]) == (before["sha256"], 1)
    assert "unknown_key" in config["refused"]["errors"][0]
    connector.file.unlink()
    connector.reload()
    until(lambda: "can't read the file" in connector.remedies()["config_refused", ""], "the loss of the file")
    moved = copy.deepcopy(base)
    moved["kafka"] |= {"group_id": "another", "bootstrap_servers": "localhost:1"}
    connector.reload(moved)
    until(lambda: "restart" in connector.remedies()["config_refused", ""], "what needs a restart")
    errors = " ".join(connector.status()["config"]["refused"]["errors"])
    assert all(f"{path}: can't change" in errors for path in ("kafka.group_id", "kafka.bootstrap_servers"))
    kafka.produce_orders(harness.topic, range(100))
    harness.wait_committed()
    assert lost_and_repeated(harness.sandbox.orders(), range(100)) == (0, 0)
    connector.reload(base)
    until(lambda: connector.reasons() == set(), "the refusal to be forgotten")
    config = connector.status()["config"]
    assert (config["sha256"], config["generation"], config["refused"]) == (before["sha256"], 2, None)
    assert connector.metric("config_reloads_total", result="refused") == 3


def test_a_wrong_secret_and_a_wrong_address_are_mended_by_a_reload_and_what_waited_goes_the_new_way(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    kafka.create_topic(harness.topic)
    kafka.produce_orders(harness.topic, range(300))
    good = harness.config()
    secret, address = copy.deepcopy(good), copy.deepcopy(good)
    secret["platform"]["auth"]["app_secret"] = "${NO_SUCH_VARIABLE:-wrong}"  # noqa: S105 - a wrong one
    address["platform"]["base_url"] = "http://127.0.0.1:9/api/open"
    connector = harness.start_connector(secret)
    until(lambda: connector.reasons() == {"no_token"} and connector.records()["consumed"] == 300, "no token")
    connector.reload(good)
    harness.wait_committed()
    connector.reload(address)
    until(lambda: reloads(connector) == 2, "the wrong address")
    kafka.produce_orders(harness.topic, range(300, 600))
    until(lambda: connector.records()["in_flight"] == 300 and connector.reasons(), "nothing to be delivered")
    connector.reload(good)
    harness.wait_committed()
    connector.wait_ready()
    assert lost_and_repeated(harness.sandbox.orders(), range(600)) == (0, 0)


def test_what_a_removed_target_holds_is_neither_lost_nor_committed_and_the_rest_goes_on(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    kafka.create_topic(harness.topic, partitions=1)
    both = harness.config()
    both["targets"]["lines"] = {"endpoint": "event/batchAdd", "batch": {"max_wait": "50ms"}}
    route = copy.deepcopy(both["routes"][0])
    both["routes"].append({**route, "name": "lines", "to": "lines"})
    harness.sandbox.set_faults({"kind": "status", "status": 503, "endpoint": "event/batchAdd"})
    connector = harness.start_connector(both).wait_ready()
    kafka.produce_orders(harness.topic, range(50))
    label = "lines (earlier config)"
    until(lambda: ("target_down", "lines") in connector.remedies(), "the target to be down")
    connector.reload(harness.config())
    until(lambda: ("target_down", label) in connector.remedies(), "the removed target to be told apart")
    assert "restart" in connector.remedies()["target_down", label]
    kafka.produce_orders(harness.topic, range(50, 100))
    harness.wait_stored(100)
    until(lambda: connector.records()["in_flight"] == 50, "the others to be settled")
    assert harness.committed() == 0
    assert [one["name"] for one in connector.status()["targets"]] == ["purchases", "dead-letters", label]
    assert connector.metric("queued_items", target=label) == 50
    harness.sandbox.clear_faults()
    harness.wait_committed()
    until(lambda: len(connector.status()["targets"]) == 2, "the removed target to have ended")
    assert connector.reasons() == set()
    assert set(harness.sandbox.orders().values()) == {1, 2}
    assert_conserved(connector)


def test_watch_notices_files_that_are_written_exchanged_by_a_link_deleted_and_named_by_the_config(
    kafka: Cluster, harness: KafkaHarness
) -> None:
    kafka.create_topic(harness.topic)
    base = harness.config()
    folder = harness.folder
    (folder / "plan.yaml").write_text("c_buy: {args: {seq: number, c_order: string, c_note: string}}")
    (folder / "secret").write_text(base["platform"]["auth"]["app_secret"].removeprefix("${NO_SUCH_VARIABLE:-")[:-1])
    base["events"] = {"file": "plan.yaml"}
    base["platform"]["auth"]["app_secret"] = f"${{file:{folder}/secret}}"
    connector = harness.start_connector(base, options=["--watch"]).wait_ready()

    def generation() -> int:
        return int(connector.status()["config"]["generation"])

    text = connector.file.read_text()
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / "connector.yaml").write_text(text.replace("50ms", "60ms") if name == "two" else text)
    link, other = folder / "..data", folder / "..next"
    link.symlink_to(folder / "one")
    connector.file.unlink()
    connector.file.symlink_to(link / "connector.yaml")
    until(lambda: generation() == 2, "the link to be noticed")
    other.symlink_to(folder / "two")
    other.rename(link)  # as Kubernetes exchanges a ConfigMap
    until(lambda: generation() == 3, "the exchange to be noticed")
    (folder / "plan.yaml").write_text("c_buy: {args: {seq: number, c_order: string, c_note: string, more: string}}")
    until(lambda: generation() == 4, "the plan to be noticed")
    assert "events_changed=c_buy" in connector.stderr
    (folder / "secret").write_text((folder / "secret").read_text() + "\n\n")
    until(lambda: generation() == 5, "the secret to be noticed")
    connector.file.unlink()
    until(lambda: connector.reasons() == {"config_refused"}, "the loss to be noticed")
    connector.file.write_text(json.dumps({**json.loads(text), "shutdown_timeout": "20s"}))
    until(lambda: generation() == 6, "the return to be noticed")
    assert connector.reasons() == set(), "and with the same credentials the token is the same"

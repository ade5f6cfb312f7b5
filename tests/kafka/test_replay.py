"""`dead-letters replay` on a real broker, against the sandbox: the real command line, letters of a real `run`."""

from __future__ import annotations

import json
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.kafka.cluster import order
from tests.kafka.commands import EVENTS
from tests.kafka.dead_letter_commands import DeadLetterCommands
from tests.kafka.waiting import until
from tests.support.screen import HIDE_CURSOR, lines_left

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable
    from pathlib import Path

    from tests.kafka.broker import Broker
    from tests.kafka.cluster import Cluster
    from tests.kafka.harness import KafkaHarness

pytestmark = pytest.mark.kafka

WRONG = "$.buyer.phone"
"""Where the phone number is not."""


@pytest.fixture
def commands(harness: KafkaHarness, tmp_path: Path) -> DeadLetterCommands:
    """The commands with the config of the harness, which is right."""
    return DeadLetterCommands(harness.config(), tmp_path)


def wrong_config(harness: KafkaHarness) -> dict[str, Any]:
    """Return a config that finds no identity."""
    config = harness.config()
    config["routes"][0]["identity"][0]["value"]["from"] = WRONG
    return config


def make_letters(kafka: Cluster, harness: KafkaHarness, config: dict[str, Any], values: Iterable[bytes]) -> None:
    """Let a connector with this config make dead letters of the values."""
    if not kafka.exists(harness.topic):
        kafka.create_topic(harness.topic, partitions=2)
    kafka.produce_all(harness.topic, [{"value": value} for value in values])
    connector = harness.start_connector(config)
    harness.wait_committed()
    connector.terminate()
    assert connector.exit_code() == 0


def summary(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return what `replay --json` prints."""
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_replay_is_a_dry_run_first_then_sends_what_the_mended_config_maps_and_sends_it_once(
    kafka: Cluster, harness: KafkaHarness, commands: DeadLetterCommands
) -> None:
    make_letters(kafka, harness, wrong_config(harness), map(order, range(100)))
    dry = commands.run("replay")
    assert dry.returncode == 0
    assert "orders  identity_missing      100   100     0     0      0" in dry.stdout
    assert "to purchases: 100 items" in dry.stdout
    assert "--yes sends" in dry.stderr
    assert harness.sandbox.count("stored") == 0

    done = commands.run("replay", "--yes")
    assert (done.returncode, harness.sandbox.orders()) == (0, Counter(range(100))), done.stderr
    assert "replayed: 100 delivered, 0 skipped, 0 dead letters again" in done.stdout

    second = commands.run("replay", "--yes")
    assert (second.returncode, harness.sandbox.orders()) == (0, Counter(range(100)))
    assert "nothing to replay" in second.stderr
    assert "passed over up to 100 that were replayed before: --again sends them too" in second.stderr
    again = commands.run("replay", "--yes", "--again")
    assert again.returncode == 0
    assert harness.sandbox.count("repeated") == 100


def test_a_refused_event_is_sent_again_with_the_uuid_that_it_had(
    kafka: Cluster, harness: KafkaHarness, commands: DeadLetterCommands
) -> None:
    harness.sandbox.set_faults({"kind": "refuse", "endpoint": EVENTS, "match": {"eventargs.seq": 7}})
    make_letters(kafka, harness, harness.config(), map(order, range(20)))
    harness.sandbox.clear_faults()
    [letter] = commands.list()
    uuid = json.loads(commands.run("show", letter["place"], "--json").stdout)["uuid"]
    assert commands.run("replay", "--yes").returncode == 0
    assert {item["uuid"] for item in harness.sandbox.items() if item["eventargs"]["seq"] == 7} == {uuid}
    assert harness.sandbox.orders() == Counter(range(20))


def test_a_replay_that_was_killed_goes_on_where_it_was_and_loses_nothing(
    kafka: Cluster, harness: KafkaHarness, commands: DeadLetterCommands
) -> None:
    config = harness.config()
    config["targets"]["purchases"] |= {"max_in_flight": 2, "batch": {"max_records": 50, "max_wait": "20ms"}}
    commands.configure(config)
    make_letters(kafka, harness, wrong_config(harness), map(order, range(4000)))
    harness.sandbox.set_faults({"kind": "latency", "ms": 100, "endpoint": EVENTS})
    killed = commands.start("killed", "replay", "--yes")
    harness.wait_stored(1500)
    killed.kill()
    killed.wait()
    harness.sandbox.clear_faults()
    done = commands.run("replay", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    stored = harness.sandbox.orders()
    assert set(stored) == set(range(4000))
    repeated = stored.total() - 4000
    assert summary(done)["delivered"] < 4000
    assert repeated < 1500  # what was on the wire, and what was delivered since the last commit
    assert summary(commands.run("replay", "--json"))["letters"] == 0


def test_ctrl_c_stops_a_replay_cleanly_and_the_next_one_sends_the_rest_without_repeats(
    kafka: Cluster, harness: KafkaHarness, commands: DeadLetterCommands
) -> None:
    config = harness.config()
    config["targets"]["purchases"] |= {"max_in_flight": 2, "batch": {"max_records": 50, "max_wait": "20ms"}}
    commands.configure(config)
    make_letters(kafka, harness, wrong_config(harness), map(order, range(3000)))
    harness.sandbox.set_faults({"kind": "latency", "ms": 100, "endpoint": EVENTS})
    stopped = commands.start("stopped", "replay", "--yes")
    harness.wait_stored(200)
    harness.sandbox.clear_faults()
    stopped.send_signal(signal.SIGINT)
    assert stopped.wait(60) == 1
    assert commands.run("replay", "--yes").returncode == 0
    assert harness.sandbox.orders() == Counter(range(3000))


def test_on_a_terminal_a_replay_says_how_far_it_is_and_what_goes_wrong_and_ctrl_c_leaves_it_sane(
    kafka: Cluster, harness: KafkaHarness, commands: DeadLetterCommands
) -> None:
    config = harness.config()
    config["targets"]["purchases"] |= {"max_in_flight": 1, "batch": {"max_records": 10, "max_wait": "20ms"}}
    commands.configure(config)
    make_letters(kafka, harness, wrong_config(harness), map(order, range(3000)))
    harness.sandbox.set_faults({"kind": "latency", "ms": 200, "endpoint": EVENTS})
    screen = commands.on_a_terminal("replay", "--yes")
    try:
        screen.until(r"orders identity_missing 3,000 .* replaying .*[1-9]\d* of 3,000 letters; .* left")
        harness.sandbox.set_faults({"kind": "status", "status": 503, "endpoint": EVENTS})
        screen.until("WARNING .*purchases.* replaying .* of 3,000 letters; no progress for")
        harness.sandbox.clear_faults()
        screen.until("replaying .* of 3,000 letters; .* left")
        assert screen.interrupt() == 1
        left = lines_left(screen.text)
        assert any("replayed: " in line for line in left), screen.text
        assert not any("replaying" in line for line in left)
        assert HIDE_CURSOR not in screen.text
    finally:
        screen.close()


def test_a_pipe_gets_the_report_of_a_replay_and_no_progress(
    kafka: Cluster, harness: KafkaHarness, commands: DeadLetterCommands
) -> None:
    make_letters(kafka, harness, wrong_config(harness), map(order, range(10)))
    harness.sandbox.set_faults({"kind": "latency", "ms": 3000, "endpoint": EVENTS})
    done = commands.run("replay", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("replayed: 10 delivered, 0 skipped, 0 dead letters again\n")


def test_a_second_replay_at_the_same_time_is_refused(
    kafka: Cluster, harness: KafkaHarness, commands: DeadLetterCommands
) -> None:
    make_letters(kafka, harness, wrong_config(harness), map(order, range(10)))
    harness.sandbox.set_faults({"kind": "status", "status": 503, "endpoint": EVENTS})
    first = commands.start("first", "replay", "--yes")
    until(lambda: harness.sandbox.fault_hits() > 0, "the first replay to send")
    second = commands.run("replay", "--yes")
    assert second.returncode == 1
    assert "another replay is running" in second.stderr
    harness.sandbox.clear_faults()
    assert first.wait(60) == 0
    assert harness.sandbox.orders() == Counter(range(10))


def test_what_fails_again_is_a_new_letter_with_one_more_attempt_and_is_not_met_by_the_same_replay(
    kafka: Cluster, harness: KafkaHarness, commands: DeadLetterCommands
) -> None:
    make_letters(kafka, harness, wrong_config(harness), [*map(order, range(3)), b'{"status": "PAID", "seq": 3}'])
    done = commands.run("replay", "--yes", "--json")
    assert done.returncode == 1
    assert (summary(done)["delivered"], summary(done)["dead_lettered"]) == (3, 1)
    *_, newest = commands.list()
    assert (newest["attempt"], newest["reason"], newest["topic"]) == (2, "identity_missing", harness.topic)
    third = commands.run("replay", "--yes", "--json")
    assert summary(third)["letters"] == 1
    assert [one["attempt"] for one in commands.list("--limit", "1")] == [3]
    origins = Counter((one["topic"], one["partition"], one["offset"]) for one in commands.list())
    assert sorted(origins.values()) == [1, 1, 1, 3]


def test_only_the_route_that_failed_is_mapped_again_and_filters_select(
    kafka: Cluster, harness: KafkaHarness, commands: DeadLetterCommands
) -> None:
    right, wrong = harness.config(), wrong_config(harness)
    for config in (right, wrong):
        config["routes"].append({**harness.config()["routes"][0], "name": "sound", "event_key": "c_sound"})
    commands.configure(right)
    make_letters(kafka, harness, wrong, [*map(order, range(5)), b"no json"])
    keys = Counter(item["eventKey"] for item in harness.sandbox.items())
    assert keys == {"c_sound": 5}
    assert commands.run("replay", "--yes", "--route", "sound").returncode == 0
    assert commands.run("replay", "--yes", "--reason", "identity_missing", "--limit", "2").returncode == 0
    assert commands.run("replay", "--yes", "--route", "orders").returncode == 0
    assert Counter(item["eventKey"] for item in harness.sandbox.items()) == {"c_sound": 5, "c_buy": 5}
    rest = summary(commands.run("replay", "--json"))
    assert (rest["letters"], rest["would_fail"]) == (1, {"decode_failed": 1})


def test_of_a_list_the_elements_that_failed_are_sent_again_and_those_that_were_delivered_are_not(
    kafka: Cluster, harness: KafkaHarness, commands: DeadLetterCommands
) -> None:
    """Whether the mapping failed or the platform refused: the letter names the element."""
    right = harness.config()
    right["routes"][0] |= {"for_each": "$.lines", "event_key": {"from": "$item.key", "default": "c_line"}}
    right["routes"][0]["fields"] = {"eventargs": {"line": {"template": "{$.seq}-{$index}"}}}
    wrong = json.loads(json.dumps(right))
    wrong["routes"][0]["event_key"] = "$item.key"
    commands.configure(right)
    harness.sandbox.set_faults({"kind": "refuse", "endpoint": EVENTS, "match": {"eventargs.line": "1-2"}})
    lines = [{"key": "c_line"}, {}, {"key": "c_line"}, None, {}]
    make_letters(kafka, harness, wrong, [order(seq, lines=lines) for seq in range(3)])
    harness.sandbox.clear_faults()

    def delivered() -> Counter[str]:
        return Counter(item["eventargs"]["line"] for item in harness.sandbox.items())

    before = Counter(f"{seq}-{index}" for seq in range(3) for index in (0, 2)) - Counter(["1-2"])
    assert delivered() == before
    uuids = {item["eventargs"]["line"]: item["uuid"] for item in harness.sandbox.items()}
    letters = commands.list()
    assert Counter(letter["reason"] for letter in letters) == {"event_key_unmapped": 6, "refused": 1}
    done = commands.run("replay", "--yes", "--json")
    assert (done.returncode, summary(done)["delivered"]) == (0, 7), done.stderr
    assert delivered() == Counter(f"{seq}-{index}" for seq in range(3) for index in (0, 1, 2, 4))
    assert harness.sandbox.count("repeated") == 0
    again = {item["eventargs"]["line"]: item["uuid"] for item in harness.sandbox.items()}
    assert again | uuids == again  # the others were left alone
    assert len(set(again.values())) == 12


def test_letters_of_audience_endpoints_and_of_routes_that_are_gone_are_left(
    kafka: Cluster, harness: KafkaHarness, commands: DeadLetterCommands
) -> None:
    right = harness.config()
    right["targets"]["tags"] = {"endpoint": "audience/tag/batchAdd"}
    tags: dict[str, Any] = {
        "name": "tags",
        "topics": [harness.topic],
        "to": "tags",
        "public_params": {"optType": "add"},
        "identity": right["routes"][0]["identity"],
        "fields": {"tags": "vip"},
    }
    right["routes"].append(tags)
    wrong = json.loads(json.dumps(right))
    for route in wrong["routes"]:
        route["identity"][0]["value"]["from"] = WRONG
    wrong["routes"].append({**wrong["routes"][0], "name": "gone"})
    commands.configure(right)
    make_letters(kafka, harness, wrong, map(order, range(4)))
    done = commands.run("replay", "--yes", "--json", "--route", "orders", "--route", "tags")
    assert done.returncode == 0, done.stderr
    assert (summary(done)["delivered"], summary(done)["left"]) == (4, {"overwrites": 4})
    overwritten = commands.run("replay", "--yes", "--overwrite", "--json")
    assert overwritten.returncode == 1  # the letters of the route that is gone can't be sent
    assert (summary(overwritten)["delivered"], summary(overwritten)["left"]) == (4, {"no_route": 4})
    assert "restore the route" in commands.run("replay").stderr


def test_a_value_that_was_left_out_is_read_from_the_record_and_lost_with_it(
    kafka: Cluster, harness: KafkaHarness, commands: DeadLetterCommands
) -> None:
    kafka.create_topic(f"{harness.group}.dead-letter", 1, {"max.message.bytes": "2000"})
    kafka.create_topic(harness.topic, partitions=1)
    large = [order(n, note="x" * 3000) for n in range(3)]
    make_letters(kafka, harness, wrong_config(harness), large)
    kafka.delete_before(harness.topic, 0, 1)
    done = commands.run("replay", "--yes", "--json")
    assert (done.returncode, summary(done)["delivered"], summary(done)["left"]) == (1, 2, {"record_gone": 1})
    assert harness.sandbox.orders() == Counter([1, 2])
    assert {len(item["eventargs"]["c_note"]) for item in harness.sandbox.items()} == {3000}


def test_while_the_platform_is_away_a_replay_waits_and_says_why(
    kafka: Cluster, harness: KafkaHarness, commands: DeadLetterCommands, tmp_path: Path
) -> None:
    make_letters(kafka, harness, wrong_config(harness), map(order, range(10)))
    harness.sandbox.set_faults({"kind": "status", "status": 403, "endpoint": EVENTS})
    waiting = commands.start("waiting", "replay", "--yes")
    until(lambda: "target_held" in (tmp_path / "waiting.stderr").read_text(), "the reason to be told")
    harness.sandbox.clear_faults()
    assert waiting.wait(60) == 0
    assert harness.sandbox.orders() == Counter(range(10))


def test_a_replay_goes_on_after_the_broker_was_away(
    killable_broker: Broker, killable_harness: KafkaHarness, tmp_path: Path
) -> None:
    harness = killable_harness
    config = harness.config()
    config["targets"]["purchases"] |= {"max_in_flight": 2, "batch": {"max_records": 50, "max_wait": "20ms"}}
    commands = DeadLetterCommands(config, tmp_path)
    make_letters(harness.kafka, harness, wrong_config(harness), map(order, range(2000)))
    harness.sandbox.set_faults({"kind": "latency", "ms": 100, "endpoint": EVENTS})
    replaying = commands.start("replaying", "replay", "--yes")
    harness.wait_stored(300)
    killable_broker.kill()
    harness.wait_stored(400)
    killable_broker.start()
    code = replaying.wait(100)
    assert (code, harness.sandbox.orders()) == (0, Counter(range(2000))), (tmp_path / "replaying.stderr").read_text()
    assert summary(commands.run("replay", "--json"))["letters"] == 0

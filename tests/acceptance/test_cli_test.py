"""`tuzhan-connector test` as a subprocess: what goes where, and with which exit code."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from tests.acceptance.test_cli_check import command

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
kafka: {bootstrap_servers: "${BROKERS}", group_id: g}
platform:
  auth: {app_id: "${TUZHAN_APP_ID}", app_secret: "${file:/run/secrets/tuzhan_app_secret}"}
targets:
  purchases: {endpoint: event/v2/batchAdd}
routes:
  - name: orders
    topics: [shop.orders]
    where: {$.status: [PAID, REFUNDED]}
    to: purchases
    event_key: {from: $.status, map: {PAID: c_buy, REFUNDED: c_refund}}
    identity: [{type: phone, value: {from: $.buyer.mobile, as: phone}}]
    fields:
      eventargs: {c_price: {from: $.amount_fen, as: number, multiply: 0.01}}
"""
PASSING = """\
config: ../connector.yaml
tests:
  - name: a paid order becomes c_buy
    record: {topic: shop.orders, value: {status: PAID, buyer: {mobile: "+86 138 0000 0000"}, amount_fen: 142000}}
    expect:                         # all items, in route order
      - {target: purchases, item: {eventKey: c_buy, eventargs: {c_price: 1420}}}
  - name: an order without buyer is a dead letter
    record: {topic: shop.orders, value: {status: PAID, amount_fen: 1}}
    expect_dead_letter: {route: orders, reason: identity_missing}
"""
REFUND = """\
  - name: a refund, 退款
    record: {topic: shop.orders, value: {status: REFUNDED, buyer: {mobile: 13800000000}, amount_fen: 5}}
    expect: [{target: purchases, item: {eventKey: c_refnud}}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of a user, whose tests pass."""
    (tmp_path / "config/tests").mkdir(parents=True)
    write(tmp_path, "config/connector.yaml", CONFIG)
    write(tmp_path, "config/tests/orders.yaml", PASSING)
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")


def without_time(text: str) -> str:
    return text.rpartition(" in ")[0]


def test_tests_that_pass_end_with_0_and_need_no_variable_of_the_platform(folder: Path) -> None:
    done = command(folder, "test")
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        without_time(done.stdout)
        == """\
config/tests/orders.yaml
  ok      a paid order becomes c_buy
  ok      an order without buyer is a dead letter

mapping coverage of config/connector.yaml: 80 % (routes 1 of 1, conditions 1 of 1, map entries 1 of 2, \
identity lines 1 of 1)
  no test reaches config/connector.yaml:11:52: route orders: map entry event_key.map.REFUNDED

2 passed"""
    )


def test_a_test_that_fails_shows_what_differs_and_where_and_ends_with_1(folder: Path) -> None:
    write(folder, "config/tests/refund.yaml", PASSING[: PASSING.index("  - name")] + REFUND)
    done = command(folder, "test", "config/tests")
    assert (done.returncode, done.stderr) == (1, "")
    assert (
        without_time(done.stdout)
        == """\
config/tests/orders.yaml
  ok      a paid order becomes c_buy
  ok      an order without buyer is a dead letter
config/tests/refund.yaml
  FAILED  a refund, 退款
          config/tests/refund.yaml:5:51: expect[0].item.eventKey
            expected  c_refnud
            made      c_refund

mapping coverage of config/connector.yaml: 100 % (routes 1 of 1, conditions 1 of 1, map entries 2 of 2, \
identity lines 1 of 1)

2 passed, 1 failed"""
    )


def test_what_is_wrong_with_files_and_configs_is_told_at_once_with_2_and_nothing_runs(folder: Path) -> None:
    write(folder, "config/tests/empty.yaml", "")
    write(folder, "config/tests/typo.yaml", PASSING.replace("shop.orders", "shop.order").replace("expect:", "expects:"))
    write(folder, "config/tests/other.yaml", PASSING.replace("../connector", "../other"))
    write(folder, "config/other.yaml", CONFIG.replace("to: purchases", "to: purchase").replace("group_id", "groupid"))
    done = command(folder, "test")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "config/tests/empty.yaml:1:1: the file is empty: config and tests are required [yaml_syntax]",
        (
            "config/tests/typo.yaml:4:21: tests[0].record.topic: 'shop.order': no route reads this topic,"
            " did you mean 'shop.orders'? [unknown_name]"
        ),
        "config/tests/typo.yaml:5:5: tests[0].expects: unknown key, did you mean 'expect'? [unknown_key]",
        (
            "config/tests/typo.yaml:8:21: tests[1].record.topic: 'shop.order': no route reads this topic,"
            " did you mean 'shop.orders'? [unknown_name]"
        ),
        "config/other.yaml:1:42: kafka.groupid: unknown key, did you mean 'group_id'? [unknown_key]",
        "config/other.yaml:10:9: routes[0].to: 'purchase': no such target, did you mean 'purchases'? [unknown_name]",
    ]
    document = json.loads(command(folder, "test", "--json").stdout)
    assert (document["sound"], document["tests"]) == (False, [])
    assert [problem["code"] for problem in document["problems"]].count("unknown_name") == 3
    assert document["problems"][0]["file"] == "config/tests/empty.yaml"


def test_what_is_wrong_with_a_tracking_plan_is_told_with_its_file(folder: Path) -> None:
    write(folder, "config/connector.yaml", CONFIG + "events: {file: plan.yaml}\n")
    write(folder, "config/plan.yaml", "c_buy: {args: {c_price: {type: numbr}}}\nc_refund: {args: {c_price: number}}\n")
    done = command(folder, "test", "--json")
    assert done.returncode == 2
    [problem] = json.loads(done.stdout)["problems"]
    assert (problem["file"], problem["line"]) == ("config/plan.yaml", 1)
    assert done.stderr.startswith("config/plan.yaml:1:")
    write(folder, "config/plan.yaml", "c_buy: {args: {c_price: number}}\nc_refund: {args: {c_price: number}}\n")
    assert command(folder, "test").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "nope: there is no such file or directory"),
        (["empty"], "empty: no mapping tests here: they are YAML files with the keys config and tests"),
        (["-k", "nope"], "-k: no test has 'nope' in its name"),
        (["--junit", "nope/report.xml"], "--junit: can't write nope/report.xml: no such file or directory"),
    ],
)
def test_wrong_usage_is_told_in_a_line(folder: Path, arguments: list[str], message: str) -> None:
    (folder / "empty").mkdir()
    done = command(folder, "test", *arguments)
    assert (done.returncode, done.stderr) == (2, f"tuzhan-connector: {message}\n")


def test_some_tests_are_chosen_by_a_part_of_their_name(folder: Path) -> None:
    done = command(folder, "test", "-k", "DEAD letter")
    assert (done.returncode, done.stdout.splitlines()[:2]) == (
        0,
        ["config/tests/orders.yaml", "  ok      an order without buyer is a dead letter"],
    )
    assert "coverage" not in done.stdout  # of some tests it says nothing


def test_the_report_for_programs_has_every_test_its_place_and_the_coverage(folder: Path) -> None:
    write(folder, "config/tests/orders.yaml", PASSING + REFUND)
    done = command(folder, "test", "--json")
    document: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode, done.stderr, document["passed"], document["failed"]) == (1, "", 2, 1)
    passed, dead, failed = document["tests"]
    assert (passed["outcome"], passed["line"], passed["made"][0]["item"]["eventKey"]) == ("passed", 3, "c_buy")
    assert dead["made"][0]["dead_letter"]["reason"] == "identity_missing"
    assert failed["differences"] == [
        {
            "line": 12,
            "column": 51,
            "path": "tests[2].expect[0].item.eventKey",
            "expected": "c_refnud",
            "made": "c_refund",
        }
    ]
    [coverage] = document["coverage"]
    assert (coverage["config"], coverage["percent"], coverage["missed"]) == ("config/connector.yaml", 100, [])
    assert coverage["map_entries"] == {"total": 2, "reached": 2}


def test_junit_s_report_can_be_read_by_ci(folder: Path) -> None:
    write(folder, "config/tests/orders.yaml", PASSING + REFUND.replace("a refund, 退款", '"a \\x01 <refund>"'))
    done = command(folder, "test", "--junit", "report.xml")
    assert done.returncode == 1
    suite = ET.parse(folder / "report.xml").getroot()[0]  # noqa: S314 - our own
    assert (suite.attrib["tests"], suite.attrib["failures"], suite.attrib["errors"]) == ("3", "1", "0")
    assert suite.find("properties/property").attrib == {  # type: ignore[union-attr]
        "name": "mapping coverage of config/connector.yaml",
        "value": "100",
    }
    *_, case = suite.iter("testcase")
    assert case.attrib["line"] == "10"
    assert case[0].text == ("config/tests/orders.yaml:12:51: expect[0].item.eventKey: expected c_refnud, made c_refund")
    write(folder, "config/tests/orders.yaml", "")
    assert command(folder, "test", "--junit", "report.xml").returncode == 2
    [error] = ET.parse(folder / "report.xml").getroot().iter("error")  # noqa: S314 - our own
    assert "the file is empty" in str(error.text)


def test_update_writes_what_came_out_and_keeps_everything_else(folder: Path) -> None:
    write(
        folder,
        "config/tests/orders.yaml",
        PASSING + REFUND + "  - {name: new, record: {topic: shop.orders, value: {}}}\n",
    )
    done = command(folder, "test", "--update")
    assert (done.returncode, done.stderr) == (
        0,
        "config/tests/orders.yaml: 2 tests expect now what came out: review the file\n",
    )
    assert (folder / "config/tests/orders.yaml").read_text(encoding="utf-8") == PASSING + REFUND.replace(
        "refnud", "refund"
    ) + "  - {name: new, record: {topic: shop.orders, value: {}}, expect: []}\n"
    assert [path.name for path in (folder / "config/tests").iterdir()] == ["orders.yaml"]


def test_a_test_that_can_t_be_updated_is_left_alone_and_told(folder: Path) -> None:
    other = REFUND.replace("a refund", "b").replace("REFUNDED", "PAID")
    text = PASSING + REFUND.replace("[{target", "&all [{target") + re.sub(r"expect: .*", "expect: *all", other)
    write(folder, "config/tests/orders.yaml", text)
    done = command(folder, "test", "--update")
    assert done.returncode == 1
    assert [line.partition(": not")[0] for line in done.stderr.splitlines()] == [
        "config/tests/orders.yaml:10:11",
        "config/tests/orders.yaml:13:11",
    ]
    assert (folder / "config/tests/orders.yaml").read_text(encoding="utf-8") == text


def test_an_update_keeps_the_byte_order_mark(folder: Path) -> None:
    write(folder, "config/tests/orders.yaml", "\ufeff" + PASSING + REFUND)
    assert command(folder, "test", "--update").returncode == 0
    written = (folder / "config/tests/orders.yaml").read_text(encoding="utf-8")
    assert written == "\ufeff" + PASSING + REFUND.replace("refnud", "refund")


def test_what_a_transform_prints_is_not_in_the_report(folder: Path) -> None:
    write(folder, "mine.py", "print('imported')\n\ndef same(value):\n    print('called')\n    return value\n")
    write(folder, "config/connector.yaml", CONFIG.replace("    to:", "    transform: mine:same\n    to:"))
    python_path = os.pathsep.join((str(Path(__file__).parents[2]), str(folder)))
    done = command(folder, "test", "--json", PYTHONPATH=python_path)
    assert (done.returncode, json.loads(done.stdout)["passed"]) == (0, 2)
    assert done.stderr.splitlines() == ["imported", "called", "called"]


def test_a_name_can_t_steer_the_terminal(folder: Path) -> None:
    write(folder, "config/tests/orders.yaml", PASSING.replace("a paid order becomes c_buy", '"a \\e[31m\\npaid"'))
    done = command(folder, "test")
    assert done.stdout.splitlines()[1] == "  ok      a \ufffd[31m\ufffdpaid"


class Watching:
    """A `test --watch` that runs."""

    def __init__(self, folder: Path) -> None:
        root = str(Path(__file__).parents[2])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "connector", "test", "--watch"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": f"{root}:{folder}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self) -> str:
        """Return what the next run prints."""
        assert self.process.stdout is not None
        told = ""
        for line in self.process.stdout:
            if line.startswith("waiting for a change"):
                return told
            told += line
        pytest.fail(f"it ended with {self.process.wait()}: {told}")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture
def watching(folder: Path) -> Iterator[Watching]:
    write(folder, "mine.py", "def upper(value):\n    return {**value, 'status': value['status'].upper()}\n")
    write(folder, "config/connector.yaml", CONFIG.replace("    to:", "    transform: mine:upper\n    to:"))
    watching = Watching(folder)
    yield watching
    watching.process.kill()
    watching.process.communicate()


def test_watch_runs_again_after_each_change_of_anything_that_counts(folder: Path, watching: Watching) -> None:
    assert "2 passed in" in watching.run()
    changes = {
        "config/tests/orders.yaml": PASSING + REFUND,
        "config/connector.yaml": CONFIG.replace("REFUNDED: c_refund", "REFUNDED: c_refnud"),
        "config/tests/new.yaml": "config: nope\n",
    }
    for (name, text), expected in zip(
        changes.items(), ("1 failed", "3 passed", "there is no such config"), strict=True
    ):
        time.sleep(0.01)  # so that the time of the file differs
        write(folder, name, text)
        assert expected in watching.run()
    (folder / "config/tests/new.yaml").unlink()
    assert "3 passed" in watching.run()
    assert watching.stop() == 0


def test_watch_runs_again_after_a_change_of_a_transform(folder: Path, watching: Watching) -> None:
    assert "2 passed" in watching.run()
    write(folder, "mine.py", "def upper(value):\n    return None\n")
    assert "2 failed" in watching.run()
    assert watching.stop() == 1

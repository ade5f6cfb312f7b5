"""`tuzhan-connector explain` as a subprocess: from files and standard input, without any variable of the platform."""

from __future__ import annotations

import json
import pty
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
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
      eventargs: {c_price: {from: $.amount_fen, multiply: 0.01}, all: $.buyer.name}
"""
OTHER_ROUTE = """\
  - name: rest
    topics: ["^crm\\\\..*"]
    to: purchases
    event_key: c_any
    identity: [{type: uid, value: $offset}]
    fields: {eventargs: {all: $}}
"""
ORDER = {"status": "PAID", "buyer": {"mobile": "+86 138 0013 8000", "name": "王小明"}, "amount_fen": 142000}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "c.yaml").write_text(CONFIG)
    (tmp_path / "order.json").write_text(json.dumps(ORDER))
    return tmp_path


def explain(folder: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        [sys.executable, "-m", "connector", "explain", "-c", "c.yaml", *arguments],
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
        cwd=folder,
    )
    assert b"Traceback" not in done.stderr, done.stderr
    return done


def document(done: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_record_of_a_file_is_explained_masked_and_on_one_line_each(folder: Path) -> None:
    done = explain(folder, "order.json")
    assert (done.returncode, done.stderr) == (0, b"")
    shown = done.stdout.decode()
    assert 'identity[0] phone: $.buyer.mobile "+99 999 9999 9999" → as: phone "99999999999"\n' in shown
    assert "route orders → purchases (event/v2/batchAdd): 1 item" in shown
    assert "138" not in shown
    assert "王" not in shown


def timeless(found: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a document without what depends on the time of the call, which is the record's timestamp."""
    if isinstance(found, dict):
        return {name: timeless(each) for name, each in found.items() if name not in ("timestamp", "time", "uuid")}
    return [timeless(each) for each in found] if isinstance(found, list) else found


def test_a_value_alone_has_the_time_of_the_call_so_that_times_in_it_can_be_sound(folder: Path) -> None:
    at_ms = document(explain(folder, "order.json", "--json"))["record"]["timestamp"]
    assert abs(at_ms - time.time() * 1000) < 3_600_000


def test_standard_input_gives_the_same_as_a_file_and_json_is_one_document(folder: Path) -> None:
    from_file = document(explain(folder, "order.json", "--json"))
    from_input = document(explain(folder, "-", "--json", stdin=(folder / "order.json").read_bytes()))
    assert timeless(from_input) == timeless(from_file)
    assert from_file["routes"][0]["parts"][0]["item"]["eventKey"] == "c_buy"
    assert from_file["record"]["value"]["buyer"]["mobile"] == "+99 999 9999 9999"
    assert from_file["letter"] is None


def test_a_described_record_has_its_own_coordinates_key_and_headers(folder: Path) -> None:
    (folder / "c.yaml").write_text(CONFIG + OTHER_ROUTE)
    described = {"topic": "crm.x", "partition": 3, "offset": 77, "timestamp": None, "key": "k", "headers": {"h": "v"}}
    found = document(explain(folder, "-", "--json", stdin=json.dumps({**described, "value": ORDER}).encode()))
    assert [found["record"][name] for name in ("topic", "partition", "offset", "timestamp")] == ["crm.x", 3, 77, None]
    assert [route["route"] for route in found["routes"]] == ["rest"]
    assert found["routes"][0]["parts"][0]["item"]["identities"][0]["identityValue"] == "99"  # masked
    wrong = explain(folder, "-", stdin=json.dumps({**described, "offset": "x", "value": 1}).encode())
    assert (wrong.returncode, b"whole numbers" in wrong.stderr) == (2, True)


def test_personal_data_is_shown_after_a_question_only(folder: Path) -> None:
    refused = explain(folder, "order.json", "--unmask")
    assert (refused.returncode, refused.stdout) == (2, b"")
    assert b"add --yes" in refused.stderr
    assert "13800138000" in explain(folder, "order.json", "--unmask", "--yes").stdout.decode()
    for answer, code in ((b"n\n", 1), (b"y\n", 0)):
        ours, theirs = pty.openpty()
        with open(ours, "wb", buffering=0) as terminal, open(theirs, "r+b", buffering=0) as stdin:  # noqa: PTH123 - a descriptor
            terminal.write(answer)
            done = subprocess.run(
                [sys.executable, "-m", "connector", "explain", "-c", "c.yaml", "order.json", "--unmask"],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stdin.fileno(),
                timeout=60,
                check=False,
                cwd=folder,
            )
        assert (done.returncode, b"13800138000" in done.stdout) == (code, code == 0)


def test_the_generated_source_of_a_topic_is_printed(folder: Path) -> None:
    (folder / "c.yaml").write_text(CONFIG + OTHER_ROUTE)
    source = explain(folder, "--source", "shop.orders").stdout.decode()
    assert "def route_orders" in source
    compile(source, "printed", "exec")
    whole = explain(folder, "--source", "crm.members")
    assert (whole.returncode, whole.stdout) == (0, b"")
    assert b"no source is generated for crm.members" in whole.stderr
    unknown = explain(folder, "--source", "shop.order")
    assert (unknown.returncode, b"did you mean 'shop.orders'?" in unknown.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say which record"),
        (["order.json", "--letter", "0:1"], "say one of FILE, --letter"),
        (["--topic", "shop.orders"], "say which record"),
        (["--topic", "shop.orders", "--offset", "3"], "a place in Kafka is --topic, --partition and --offset"),
        (["nope.json"], "can't read nope.json: no such file or directory"),
        (
            ["--topic", "shop.orders", "--partition", "0", "--offset", "3"],
            "the environment variable BROKERS is not set",
        ),
        (["--letter", "nonsense"], "BROKERS"),
    ],
)
def test_what_is_missing_is_said(folder: Path, arguments: list[str], message: str) -> None:
    done = explain(folder, *arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert message in done.stderr.decode()


def test_which_topic_is_asked_where_it_is_not_plain(folder: Path) -> None:
    (folder / "c.yaml").write_text(CONFIG + OTHER_ROUTE)
    done = explain(folder, "order.json")
    assert (done.returncode, b"--topic: say of which topic" in done.stderr) == (2, True)
    assert explain(folder, "order.json", "--topic", "shop.orders").returncode == 0


def test_a_broken_config_is_told_as_check_tells_it(folder: Path) -> None:
    (folder / "c.yaml").write_text(CONFIG.replace("event_key", "event_kye"))
    done = explain(folder, "order.json")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"c.yaml:" in done.stderr
    assert b"did you mean 'event_key'?" in done.stderr


def test_the_example_of_the_page_is_what_is_printed(tmp_path: Path) -> None:
    docs = ROOT / "docs"
    config, record, printed = (
        found[1]
        for found in (
            re.search(r"```yaml\n(# config/connector.yaml\n.*?)```", (docs / "testing.md").read_text(), re.DOTALL),
            re.search(r"```json\n(.*?)```", (docs / "explain.md").read_text(), re.DOTALL),
            re.search(r"\n```\n(shop.*?)```", (docs / "explain.md").read_text(), re.DOTALL),
        )
        if found is not None
    )
    (tmp_path / "c.yaml").write_text(config)
    (tmp_path / "order.json").write_text(record.strip())
    assert explain(tmp_path, "order.json").stdout.decode() == printed

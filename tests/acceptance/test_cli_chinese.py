"""The real command line in Chinese: who gets it, and what stays as it is for scripts."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.test_cli_check import command, write
from tests.kafka.commands import ConnectorProcess, orders_config
from tests.kafka.waiting import until
from tests.unit.config.files import SOUND

if TYPE_CHECKING:
    from pathlib import Path

CHINESE = re.compile(r"[\u4e00-\u9fff]")
BROKEN = """\
kafka:
  bootstrap_servers: localhost:9092
  group_id: shop
  start_from: yesterday
  properties: {enable.auto.commit: true, sasl.password: abc, nope: 1, max.poll.interval.ms: 10}
  schema_registry: {url: registry, properties: {max.retries: 3, ssl.ca.location: /nirvana}}
platform:
  base_url: http://example.com
  auth: {app_id: "${TUZHAN_AP_ID}", app_secret: "${file:/nirvana}", token: x}
  rate_limit: fast
  retry: {first: 0s}
  request_timeout: 12
decode: {shop.orders: {format: jso, charset: gbk}, shop.order: {format: protobuf}, shop.tags: {format: avro}}
targets:
  purchases: {endpoint: event/v2/batchAd, batch: {max_record: 4, max_records: 5000}, max_in_flight: 0, queue: 3}
  $dead_letters: {endpoint: event/v2/batchAdd, public_params: 5, ordering: 1}
routes:
  - {name: 5, topics: [shop.orders, "^["], to: purchases, identity: []}
  - {name: x, to: purchase, topics: shop}
  - {name: z, to: purchase, topics: ["a b"], identity: [{type: phone, value: 1}]}
  - {name: z, to: purchase, topics: [shop.dead-letter], identity: [{type: phone, value: 1}]}
log: {level: loud, format: $.a}
admin: {listen: nowhere, allowed_hosts: ["http://a"]}
events: {a: {args: {b: strin, c: {type: number, max_length: 3}, d: 3}}}
shutdown_timeout: ${NO TIME}
log：text: 1
"""


def problems(folder: Path, text: str | bytes, **environ: str) -> list[dict[str, Any]]:
    (folder / "c.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    done = command(folder, "check", "-c", "c.yaml", "--json", **environ)
    found: list[dict[str, Any]] = json.loads(done.stdout)["problems"]
    return found


@pytest.mark.parametrize(
    "environ",
    [{"TUZHAN_LANG": "zh"}, {"LC_ALL": "", "LANG": "zh_CN.UTF-8"}, {"LC_ALL": "zh_CN.UTF-8", "PYTHONUTF8": "1"}],
    ids=["TUZHAN_LANG", "LANG", "LC_ALL"],
)
def test_whoever_has_chosen_chinese_gets_it(tmp_path: Path, environ: dict[str, str]) -> None:
    write(tmp_path, SOUND)
    done = command(tmp_path, "check", "-c", "c.yaml", SECRET="hunter2", **environ)  # noqa: S106 - stands for one
    assert (done.returncode, done.stdout, done.stderr) == (0, "c.yaml: 检查通过（1 个目标，1 条路由）\n", "")


@pytest.mark.parametrize(
    "environ",
    [{"LC_ALL": "C"}, {"LC_ALL": "", "LANG": "zh_CN.UTF-8", "TUZHAN_LANG": "en"}],
    ids=["C", "TUZHAN_LANG before LANG"],
)
def test_everybody_else_gets_english(tmp_path: Path, environ: dict[str, str]) -> None:
    write(tmp_path, SOUND)
    done = command(tmp_path, "check", "-c", "c.yaml", SECRET="hunter2", **environ)  # noqa: S106 - stands for one
    assert done.stdout == "c.yaml: sound (1 target, 1 route)\n"


def test_only_the_messages_differ_and_each_is_in_chinese(tmp_path: Path) -> None:
    english, chinese = problems(tmp_path, BROKEN), problems(tmp_path, BROKEN, TUZHAN_LANG="zh")
    assert len(english) > 35
    assert [{**each, "message": ""} for each in chinese] == [{**each, "message": ""} for each in english]
    assert [each["message"] for each in chinese if not CHINESE.search(each["message"])] == []
    words = re.compile(r"\b(expected|got|must|missing|required|such|write|remove|the|not|you)\b")
    foreign = ("Kafka 客户端拒绝它", "不是正则表达式")  # what a library says stays as it is
    left = [each["message"] for each in chinese if words.search(each["message"])]
    assert [each for each in left if not any(sentence in each for sentence in foreign)] == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "c.yaml:1:1: 文件是空的：必须有 kafka, platform, targets 和 routes [yaml_syntax]"),
        ("kafka: {a：1}\n", "c.yaml:1:10: kafka.a：1: '：' 是中文冒号（U+FF1A）：请改成半角的 ':'，后面再加一个空格"),
        ("a: {x: ${Y}}\n", """c.yaml:1:8: 请带引号写成 "${Y}"：a: {x: "${Y}"} [yaml_syntax]"""),
        ("a: [1\n", "c.yaml:1:4: 从这里开始的 '[' 没有闭合 [yaml_syntax]"),
        ("a: 1\n\tb: 2\n", "c.yaml:2:1: "),
        ("a: 1\na: 2\n", "c.yaml:2:1: a: 重复，第一次出现在第 1 行 [duplicate_name]"),
        ("kafka: \u4e3b\u9898".encode("gbk"), "c.yaml:1:8: 不是 UTF-8（字节 0xd6，像是 GBK）：请把文件另存为 UTF-8"),
    ],
    ids=["empty", "colon", "quotes", "bracket", "tab", "twice", "gbk"],
)
def test_what_is_no_yaml_is_told_in_chinese(tmp_path: Path, text: str | bytes, line: str) -> None:
    (tmp_path / "c.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    done = command(tmp_path, "check", "-c", "c.yaml", TUZHAN_LANG="zh")
    assert done.returncode == 2
    found = next(each for each in done.stderr.splitlines() if each.startswith(line))
    assert CHINESE.search(found)
    assert re.search(r" \[[a-z_]+\]$", found)


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "-c", "c.yaml"),
        ("preview", "-c", "c.yaml", "--file", "r.jsonl"),
        ("explain", "-c", "c.yaml", "r.jsonl"),
        ("dead-letters", "list", "-c", "c.yaml"),
        ("test", "tests.yaml"),
        ("health", "-c", "c.yaml"),
    ],
    ids=lambda arguments: str(arguments[0]),
)
def test_each_command_that_reads_a_config_says_in_chinese_what_is_wrong(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    write(tmp_path, SOUND + "admin: {listen: nowhere}\nlog: {level: loud}\n")
    (tmp_path / "r.jsonl").write_text('{"topic": 5, "value": 1}\n')
    tests = "config: c.yaml\ntests: [{name: a, record: {topic: shop.orders, value: 1}, expect: []}]\n"
    (tmp_path / "tests.yaml").write_text(tests)
    done = command(tmp_path, *arguments, TUZHAN_LANG="zh")
    assert done.returncode == 2
    told = [line for line in done.stderr.splitlines() if line.startswith("c.yaml:")]
    assert told
    assert [line for line in told if not CHINESE.search(line)] == []


def test_a_file_that_is_not_there_is_told_in_chinese(tmp_path: Path) -> None:
    done = command(tmp_path, "run", "-c", "c.yaml", TUZHAN_LANG="zh")
    assert (done.returncode, done.stderr) == (2, "c.yaml:1:1: 无法读取文件：文件或目录不存在 [unreadable_file]\n")


def test_a_wrong_option_is_told_in_chinese(tmp_path: Path) -> None:
    write(tmp_path, SOUND)
    done = command(tmp_path, "preview", "-c", "c.yaml", "--file", "no.jsonl", TUZHAN_LANG="zh")
    assert (done.returncode, done.stderr) == (2, "tuzhan-connector: --file: 无法读取 no.jsonl：文件或目录不存在\n")


def test_a_broken_file_of_tests_is_told_in_chinese_also_to_programs(tmp_path: Path) -> None:
    write(tmp_path, SOUND)
    (tmp_path / "tests.yaml").write_text("config: c.yaml\ntests: [{name: a, recod: 1}]\n")
    done = command(tmp_path, "test", "tests.yaml", "--json", "--junit", "report.xml", TUZHAN_LANG="zh")
    assert done.returncode == 2
    texts = [each["message"] for each in json.loads(done.stdout)["problems"]]
    assert texts
    assert all(CHINESE.search(text) for text in texts)
    assert texts[0] in (tmp_path / "report.xml").read_text(encoding="utf-8")


def test_a_config_that_is_refused_while_it_runs_is_told_in_chinese(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUZHAN_LANG", "zh")
    config = orders_config("127.0.0.1:1", "http://127.0.0.1:9", ["orders"], "group")
    config["log"]["format"] = "json"
    connector = ConnectorProcess(config, tmp_path)
    connector.start()
    try:
        until(connector.is_alive, "the admin port")
        connector.reload({**config, "targets": {"purchases": {"endpoint": "event/batchAd"}}})
        until(lambda: ("config_refused", "") in connector.remedies(), "the refusal")
        [error] = connector.status()["config"]["refused"]["errors"]
        assert re.search(r":1:\d+: targets.purchases.endpoint: .*没有这个接口.* \[unknown_name\]$", error)
        assert error in connector.remedies()["config_refused", ""]
        connector.terminate()
        assert connector.exit_code() == 0
        lines = [json.loads(line) for line in connector.stderr.splitlines() if line.startswith("{")]
        assert [line["errors"] for line in lines if line["event"].startswith("config refused")] == [error]
    finally:
        connector.close()

"""`run` on a real terminal (a pty): a summary instead of lines, unless nobody can read it or the config wants lines."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from rich.cells import cell_len

from tests.kafka.processes import free_ports
from tests.support.screen import HIDE_CURSOR, TIMEOUT_S, Screen

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
kafka: {bootstrap_servers: "127.0.0.1:1", group_id: g}
platform: {auth: {app_id: a, app_secret: "${NO_SUCH_VARIABLE:-s}"}, base_url: "http://127.0.0.1:2/api/open"}
admin: {listen: "127.0.0.1:0"}
targets: {purchases: {endpoint: event/v2/batchAdd}}
routes: [{name: orders, topics: [t], to: purchases, event_key: c_buy, identity: [{type: openid, value: $.o}]}]
"""
RUN = ("-m", "connector", "run", "-c", "c.yaml")


def running(folder: Path, config: str, environ: dict[str, str]) -> Screen:
    """Start `run` on a terminal of its own."""
    (folder / "c.yaml").write_text(config, encoding="utf-8")
    return Screen(folder, RUN, environ)


def test_a_terminal_shows_why_it_is_not_ready_and_what_to_do_and_ctrl_c_stops(tmp_path: Path) -> None:
    screen = running(tmp_path, CONFIG, {"NO_COLOR": "1", "LC_ALL": "C", "PYTHONUTF8": "0"})
    try:
        screen.until("WARNING not ready code=kafka_unreachable")
        screen.until(
            "NOT READY c.yaml, starting.* kafka_unreachable, for .* 127.0.0.1:1: nothing listens there; check the port"
            ".* records consumed 0, .* no partition assigned target purchases"
        )
        assert "\x1b[31" not in screen.text
        assert HIDE_CURSOR not in screen.text  # a process that is killed would leave the cursor hidden
        screen.resize(30)
        screen.until("NOT READY c.yaml.* consumed 0")
        assert screen.interrupt() == 0
        assert '{"at"' not in screen.text
        assert "Traceback" not in screen.text
    finally:
        screen.close()


@pytest.mark.parametrize("environ", [{"TUZHAN_LANG": "zh"}, {"TUZHAN_LANG": "", "LANG": "zh_CN.UTF-8", "LC_ALL": ""}])
def test_in_chinese_the_summary_fits_the_terminal_and_remedies_are_chinese(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    screen = running(tmp_path, CONFIG, {"NO_COLOR": "1", "PYTHONUTF8": "1", **environ})
    try:
        screen.until("WARNING not ready code=kafka_unreachable remedy=.?127.0.0.1:1：该地址没有服务在监听；请检查")
        screen.resize(60)
        screen.until("未就绪 c.yaml，启动中，已运行 .*kafka_unreachable，已持续 .*记录 消费 0，.*目标 purchases 正常")
        screen.until("未就绪")  # what is drawn from now on knows the width
        # The last line of a drawing has no line feed: what moves the cursor up ends it.
        shown = re.split(r"\x1b\[[0-9;?]*[A-Za-ln-z]|[\r\n]", re.sub(r"\x1b\[[0-9;]*m", "", screen.text))
        assert max(map(cell_len, shown)) <= 60
        assert screen.interrupt() == 0
    finally:
        screen.close()


@pytest.mark.parametrize(
    ("config", "environ"), [(f"{CONFIG}log: {{level: info}}\n", {}), (CONFIG, {"TERM": "dumb"})], ids=["log", "dumb"]
)
def test_lines_are_written_if_the_config_says_how_or_the_terminal_is_dumb(
    tmp_path: Path, config: str, environ: dict[str, str]
) -> None:
    screen = running(tmp_path, config, environ)
    try:
        screen.until('"event":"started"')
        assert "NOT READY" not in screen.text
        assert screen.interrupt() == 0
    finally:
        screen.close()


def test_a_terminal_that_is_paused_holds_nothing_up(tmp_path: Path) -> None:
    [port] = free_ports(1)
    screen = running(tmp_path, CONFIG.replace("127.0.0.1:0", f"127.0.0.1:{port}"), {})
    try:
        screen.until("NOT READY")
        screen.type(b"\x13")  # Ctrl-S
        time.sleep(2)  # for a drawing to begin, which the terminal blocks
        for _ in range(3):
            assert httpx.get(f"http://127.0.0.1:{port}/livez", timeout=10).status_code == 200
        screen.process.terminate()
        assert screen.process.wait(TIMEOUT_S) == 0
    finally:
        screen.close()

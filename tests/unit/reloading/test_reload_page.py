"""docs/reload.md: its commands exist, its log lines are those of the log, its table names what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from connector.cli import app
from connector.core.events import ConfigReload
from connector.core.ledger import MAX_OPEN_OFFSETS
from connector.flow.target_alarm import RETIRED
from connector.generations import MAX_RETIRING
from connector.reloading.changes import changes
from connector.reloading.reloader import WATCH_S
from tests.unit.observe.test_log import line_of
from tests.unit.reloading.configs import config

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/reload.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"(?m)^    (\S.*)$", PAGE)
LINES = [json.loads(line) for line in re.findall(r"```json\n(.*)\n```", PAGE)]


def test_the_commands_are_those_of_unit_compose_file_and_command_line() -> None:
    assert COMMANDS == [
        "kill -HUP PID",
        "systemctl reload tuzhan-connector@orders",
        "docker compose -f compose/compose.sidecar.yaml kill -s HUP connector",
        "tuzhan-connector run -c orders.yaml --watch",
    ]
    unit = (ROOT / "compose/systemd/tuzhan-connector@.service").read_text(encoding="utf-8")
    assert "ExecReload=/bin/kill -HUP $MAINPID\n" in unit
    sidecar = YAML(typ="safe").load(ROOT / "compose/compose.sidecar.yaml")
    assert "connector" in sidecar["services"]
    assert "--watch" in CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "200"}).stdout


def test_the_log_lines_are_those_of_the_log() -> None:
    ok, refused = LINES
    told = {name: text for name, text in ok.items() if name not in {"level", "event", "config"}}
    for line, event in (
        (ok, ConfigReload("ok", ok["config"] + "0" * 52, changes=told)),
        (refused, ConfigReload("refused", refused["config"] + "0" * 52, errors=[refused["errors"]])),
    ):
        assert line_of(event) == line


EDITS: dict[str, Callable[[dict[str, Any]], object]] = {
    "kafka.*": lambda data: data["kafka"].update(group_id="other"),
    "admin.*": lambda data: data.update(admin={"listen": "127.0.0.1:1"}),
    "dead_letter.topic": lambda data: data.update(dead_letter={"topic": "letters"}),
    "decode.*": lambda data: data.update(decode={"r1": {"format": "avro"}}),
    "targets.*.ordering": lambda data: data["targets"]["tags"].update(ordering="key"),
}


def test_the_table_names_what_needs_a_restart() -> None:
    table = PAGE.partition("## What needs a restart")[2].partition("## Files")[0]
    assert re.findall(r"(?m)^\| `(\S+)`", table) == list(EDITS)


@pytest.mark.parametrize("setting", EDITS)
def test_what_the_table_names_is_refused(setting: str) -> None:
    pattern = setting.replace(".", r"\.").replace("*", r"\w+")
    assert any(re.fullmatch(pattern, path) for path in changes(config(), config(EDITS[setting])).need_restart)


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    assert f"`NAME{RETIRED}`" in PAGE
    assert f"{MAX_OPEN_OFFSETS:,} of its records" in PAGE
    assert f"at most {MAX_RETIRING} targets" in PAGE
    assert WATCH_S == 0.5, "twice a second"

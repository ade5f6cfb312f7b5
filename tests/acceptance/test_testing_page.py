"""docs/testing.md: its files and commands do what it says."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from tests.acceptance.test_cli_check import command

PAGE = (Path(__file__).parents[2] / "docs/testing.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^```yaml\n# (\S+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
COMMANDS = re.findall(r"tuzhan-connector (test[^`\n]*)", PAGE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of the page, before anything is updated."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n{text}", encoding="utf-8")
    return tmp_path


def test_the_page_has_files_and_commands() -> None:
    assert list(FILES) == ["config/connector.yaml", "config/tests/orders.yaml", "config/tests/refunds.yaml"]
    assert set(COMMANDS) == {
        *("test config/tests", "test --update config/tests", "test -k refund", "test config", "test"),
        *("test --watch", "test --junit report.xml", "test --json"),
    }


def test_the_first_run_prints_what_the_page_shows(folder: Path) -> None:
    (folder / "config/tests/refunds.yaml").unlink()
    [shown] = re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    done = command(folder, "test", "config/tests")
    assert (done.returncode, done.stderr) == (1, "")
    assert _without_time(done.stdout) == _without_time(shown)


def test_update_writes_what_the_page_shows(folder: Path) -> None:
    done = command(folder, "test", "--update", "config/tests")
    assert done.returncode == 0
    [written] = re.findall(r"^```yaml\n( .*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    name = "config/tests/refunds.yaml"
    assert (folder / name).read_text(encoding="utf-8") == f"# {name}\n{FILES[name]}{written}"
    name = "config/tests/orders.yaml"
    expected = f"# {name}\n{FILES[name]}".replace("c_price: 142}", "c_price: 1420}")
    assert (folder / name).read_text(encoding="utf-8") == expected


@pytest.mark.parametrize("line", sorted({each for each in COMMANDS if "watch" not in each}))
def test_every_other_command_works(folder: Path, line: str) -> None:
    command(folder, "test", "--update")
    done = command(folder, *line.split())
    assert (done.returncode, done.stderr) == (0, "")
    assert "passed" in done.stdout
    assert (folder / "report.xml").exists() == ("--junit" in line)


def _without_time(text: str) -> str:
    return textwrap.dedent(text).rpartition(" in ")[0]

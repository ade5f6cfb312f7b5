"""The real command line, as a subprocess: what goes where, and with which exit code."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from connector import __version__
from tests.unit.config.files import SOUND, changed

SECRET = "hunter2-hunter2"  # noqa: S105 - no secret, but what stands for one


def command(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TUZHAN", "KAFKA", "SECRET"))}
    return subprocess.run(
        [sys.executable, "-m", "connector", *arguments],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(Path(__file__).parents[2]), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def on_terminal(folder: Path, *arguments: str, **environ: str) -> tuple[int, str]:
    """The exit code and stderr of a command whose stderr is a terminal."""
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "connector", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environ},
        stdout=subprocess.PIPE,
        stderr=theirs,
        timeout=60,
        check=False,
    )
    os.close(theirs)
    told = os.read(ours, 1 << 16).decode().replace("\r\n", "\n")
    os.close(ours)
    return done.returncode, told


def write(folder: Path, text: str) -> Path:
    path = folder / "c.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_sound_config_is_reported_on_stdout_with_its_counts(tmp_path: Path) -> None:
    write(tmp_path, SOUND)
    done = command(tmp_path, "check", "-c", "c.yaml", SECRET=SECRET)
    assert (done.returncode, done.stdout, done.stderr) == (0, "c.yaml: sound (1 target, 1 route)\n", "")


def test_warnings_go_to_stderr_and_the_config_is_sound_all_the_same(tmp_path: Path) -> None:
    write(tmp_path, changed("routes:\n", "  spare:\n    endpoint: event/batchAdd\nroutes:\n"))
    done = command(tmp_path, "check", "--config", "c.yaml", SECRET=SECRET)
    assert (done.returncode, done.stdout) == (0, "c.yaml: sound (2 targets, 1 route)\n")
    assert done.stderr == "c.yaml:9:3: targets.spare: no route feeds this target [unused]\n"


def test_a_broken_config_is_reported_on_stderr_all_at_once_with_exit_2(tmp_path: Path) -> None:
    write(tmp_path, changed("  group_id: shop\n", "  groupid: shop\n").replace("to: purchases", "to: purchase"))
    done = command(tmp_path, "check", "-c", "c.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "c.yaml:3:3: kafka.groupid: unknown key, did you mean 'group_id'? [unknown_key]",
        (
            "c.yaml:5:35: platform.auth.app_secret: the environment variable SECRET is not set:"
            " export SECRET=…, or give a default: ${SECRET:-…} [missing_variable]"
        ),
        "c.yaml:12:9: routes[0].to: 'purchase': no such target, did you mean 'purchases'? [unknown_name]",
    ]


@pytest.mark.parametrize("command_name", ["check", "run"])
def test_a_terminal_shows_the_line_of_the_file_with_a_caret(tmp_path: Path, command_name: str) -> None:
    write(tmp_path, changed("topics: [shop.orders]", "topics: [订单, shop.orders]"))
    assert on_terminal(tmp_path, command_name, "-c", "c.yaml", SECRET=SECRET) == (
        2,
        (
            "c.yaml:11:14: routes[0].topics[0]: '订单': not a topic name (letters, digits, '.', '_', '-');"
            " a regular expression begins with ^ [bad_value]\n"
            "   11 |     topics: [订单, shop.orders]\n"
            "      |              ^\n"
        ),
    )


def test_run_refuses_a_broken_config_with_the_same_lines_and_exit_2(tmp_path: Path) -> None:
    write(tmp_path, changed("  group_id: shop\n", "  groupid: shop\n"))
    done = command(tmp_path, "run", "-c", "c.yaml", SECRET=SECRET)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "c.yaml:3:3: kafka.groupid: unknown key, did you mean 'group_id'? [unknown_key]\n"


def test_json_is_one_document_on_stdout(tmp_path: Path) -> None:
    write(tmp_path, changed("to: purchases", "to: purchase"))
    done = command(tmp_path, "check", "-c", "c.yaml", "--json", SECRET=SECRET)
    assert (done.returncode, done.stderr) == (2, "")
    document = json.loads(done.stdout)
    assert (document["file"], document["sound"]) == ("c.yaml", False)
    assert re.fullmatch(r"[0-9a-f]{64}", document["sha256"])
    assert document["problems"] == [
        {
            "line": 12,
            "column": 9,
            "path": "routes[0].to",
            "message": "'purchase': no such target, did you mean 'purchases'?",
            "code": "unknown_name",
            "severity": "error",
        }
    ]


def test_json_of_a_sound_config_has_no_problems(tmp_path: Path) -> None:
    write(tmp_path, SOUND)
    done = command(tmp_path, "check", "-c", "c.yaml", "--json", SECRET=SECRET)
    assert done.returncode == 0
    assert json.loads(done.stdout)["problems"] == []


@pytest.mark.parametrize("command_name", ["check", "run"])
@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\x01", "组: 店\n".encode("gbk"), b"a: {b: ${X}", b"[" * 3000, b"a: &a [*a]", b"\xff\xfea\x00", b"- 1"],
    ids=["empty", "binary", "GBK", "slip", "deep", "self", "UTF-16", "list"],
)
def test_no_file_makes_a_traceback(tmp_path: Path, command_name: str, content: bytes) -> None:
    (tmp_path / "c.yaml").write_bytes(content)
    done = command(tmp_path, command_name, "-c", "c.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert all(re.fullmatch(r"c\.yaml:\d+:\d+: .+ \[[a-z_]+\]", line) for line in done.stderr.splitlines())
    assert done.stderr


@pytest.mark.parametrize("name", ["none.yaml", "."])
def test_a_file_that_cannot_be_read_is_reported_with_exit_2(tmp_path: Path, name: str) -> None:
    done = command(tmp_path, "check", "-c", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(rf"{re.escape(name)}:1:1: can't read the file: .+ \[unreadable_file\]\n", done.stderr)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["chekc"],
        ["check"],
        ["check", "-c"],
        ["check", "-c", "a", "b"],
        ["run"],
        ["run", "--confg", "x"],
        ["demo", "--faults", "maybe"],
        ["demo", "--records", "0"],
        ["demo", "--records", "many"],
    ],
)
def test_wrong_usage_is_exit_2_with_a_hint_and_no_traceback(tmp_path: Path, arguments: list[str]) -> None:
    done = command(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Error: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_secret_is_shown_in_no_output(tmp_path: Path) -> None:
    write(tmp_path, changed("event/v2/batchAdd", '"${SECRET}"').replace("to: purchases", "to: ${SECRET}"))
    for arguments in (["check", "-c", "c.yaml"], ["check", "-c", "c.yaml", "--json"], ["run", "-c", "c.yaml"]):
        done = command(tmp_path, *arguments, SECRET=SECRET)
        assert done.returncode == 2
        assert SECRET not in done.stdout + done.stderr


def test_a_terminal_that_cannot_show_a_character_gets_it_escaped(tmp_path: Path) -> None:
    write(tmp_path, SOUND + "订单: 1\n")
    done = command(tmp_path, "check", "-c", "c.yaml", SECRET=SECRET, PYTHONIOENCODING="latin-1")
    assert done.returncode == 2
    assert done.stderr == "c.yaml:17:1: \\u8ba2\\u5355: unknown key [unknown_key]\n"


def test_the_schema_goes_to_stdout(tmp_path: Path) -> None:
    done = command(tmp_path, "schema")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "connector", "schema"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    ("raised", "code", "told"),
    [
        ("KeyboardInterrupt()", 1, ""),
        ("errors.StartError('the port is taken')", 1, "tuzhan-connector: the port is taken\n"),
        ("errors.ConfigError(['a:1:1: x', 'a:2:1: y'])", 2, "a:1:1: x\na:2:1: y\n"),
    ],
)
def test_what_a_command_raises_becomes_an_exit_code_and_no_traceback(
    tmp_path: Path, raised: str, code: int, told: str
) -> None:
    script = (
        "from connector import cli\n"
        "from connector.core import errors\n"
        "from connector.config import schema\n"
        f"def raising(_language): raise {raised}\n"
        "schema.schema_text = raising\n"
        "cli.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "schema"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, "", told)


def test_the_version_is_printed(tmp_path: Path) -> None:
    done = command(tmp_path, "--version")
    assert (done.returncode, done.stdout) == (0, f"tuzhan-connector {__version__}\n")


def test_help_names_the_commands(tmp_path: Path) -> None:
    done = command(tmp_path, "--help")
    assert done.returncode == 0
    assert all(f"\n  {name} " in done.stdout for name in ("run", "check", "schema", "sandbox", "demo"))


def test_the_command_line_itself_imports_nothing_heavy(tmp_path: Path) -> None:
    heavy = ("rich", "pydantic", "ruamel", "confluent_kafka", "httpx", "aiohttp", "starlette", "uvicorn", "structlog")
    code = f"import sys, connector.cli; print(*[name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "\n"


@pytest.mark.parametrize("listen", ["9100", "127.0.0.1:99999", "127.0.0.1:http"])
def test_an_invalid_address_is_wrong_usage(tmp_path: Path, listen: str) -> None:
    done = command(tmp_path, "sandbox", "--listen", listen)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert "write host:port, such as" in done.stderr

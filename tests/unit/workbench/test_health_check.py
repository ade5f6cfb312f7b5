"""The health command: follows `admin.listen`, says why not, and has a remedy where no connector answers."""

from __future__ import annotations

import asyncio
import http.server
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

import pytest

from connector.core.errors import CommandError, ConfigError
from connector.runtime.web import bind, running_server
from connector.workbench.health_check import admin_address, check_health
from tests.unit.config.files import SOUND
from tests.unit.observe.test_admin import AdminHarness

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def write(folder: Path, listen: str | None) -> Path:
    path = folder / "c.yaml"
    path.write_text(SOUND + ("" if listen is None else f'admin: {{listen: "{listen}"}}\n'), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("listen", "asked"),
    [
        ("0.0.0.0:8081", ("127.0.0.1", 8081)),
        ("[::]:8081", ("::1", 8081)),
        ("10.1.2.3:8081", ("10.1.2.3", 8081)),
        ("localhost:8081", ("localhost", 8081)),
        ("${TUZHAN_ADMIN:-127.0.0.1:8082}", ("127.0.0.1", 8082)),
        (None, ("127.0.0.1", 8080)),
    ],
)
def test_the_address_is_that_of_the_config(tmp_path: Path, listen: str | None, asked: tuple[str, int]) -> None:
    assert admin_address(write(tmp_path, listen)) == asked


def test_no_secret_of_the_config_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET", raising=False)
    assert admin_address(write(tmp_path, None)) == ("127.0.0.1", 8080)


@pytest.mark.parametrize(
    ("listen", "message"),
    [
        ("8080", 'c.yaml:17:17: admin.listen: "8080": expected host:port'),
        ("127.0.0.1:0", 'c.yaml:17:17: admin.listen: "127.0.0.1:0": port 0 is any free port'),
        ("${NO_SUCH_VARIABLE}", "c.yaml:17:17: admin.listen: the environment variable NO_SUCH_VARIABLE is not set"),
    ],
)
def test_a_listen_address_that_cannot_be_asked_is_reported_with_its_place(
    tmp_path: Path, listen: str, message: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        admin_address(write(tmp_path, listen))
    [line] = raised.value.lines
    assert message in line


@pytest.mark.parametrize("text", [None, "", "- a list\n", "admin: [\n"])
def test_a_file_that_is_no_config_is_reported(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "c.yaml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"c\.yaml:"):
        admin_address(path)


@pytest.mark.parametrize("text", ["admin:\n", "admin: 8080\n", "admin: {}\n"])
def test_without_an_address_the_default_is_asked(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(SOUND + text, encoding="utf-8")
    assert admin_address(path) == ("127.0.0.1", 8080)


def test_the_answer_of_the_admin_port_is_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    admin = AdminHarness()
    sock = bind("127.0.0.1:0")
    path = write(tmp_path, f"127.0.0.1:{sock.getsockname()[1]}")

    async def ask(*, ready: bool) -> tuple[int, str]:
        code = await asyncio.to_thread(check_health, path, ready=ready)
        return code, capsys.readouterr().out

    async def main() -> None:
        async with running_server(admin.app, sock):
            assert await ask(ready=False) == (0, "live\n")
            code, told = await ask(ready=True)
            assert code == 1
            assert told.startswith("not ready\nstarting: wait")
            admin.now = 31.5
            assert await ask(ready=False) == (1, "not live\nkafka thread: no sign of life for 31.5 s\n")

    asyncio.run(main())


def test_where_nothing_listens_the_remedy_is_told(tmp_path: Path) -> None:
    sock = bind("127.0.0.1:0")
    path = write(tmp_path, f"127.0.0.1:{sock.getsockname()[1]}")
    sock.close()
    with pytest.raises(CommandError, match=r"connection refused; start it with this config"):
        check_health(path, ready=False)


class Stranger(http.server.BaseHTTPRequestHandler):
    """Another program's port."""

    body: ClassVar[bytes] = b""

    def do_GET(self) -> None:
        """Answer with what is no document of an admin port."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def stranger(body: bytes) -> Iterator[int]:
    server = http.server.HTTPServer(("127.0.0.1", 0), type("Handler", (Stranger,), {"body": body}))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"status": "ok"}'])
def test_another_program_at_the_port_is_not_taken_for_a_connector(tmp_path: Path, body: bytes) -> None:
    with stranger(body) as port, pytest.raises(CommandError, match="is not a connector"):
        check_health(write(tmp_path, f"127.0.0.1:{port}"), ready=False)

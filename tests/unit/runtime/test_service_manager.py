"""What systemd is told: the start, the readiness as a line, and signs of life only while there are some."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING

import pytest

from connector.language.message import verbatim
from connector.observe.snapshot import Reason, readiness_line
from connector.runtime import service_manager
from connector.runtime.service_manager import notifications

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _short_period(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_manager, "_PERIOD_S", 0.01)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """The manager's end of the socket, at `notify` in the test's folder."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(0)
        yield sock


def told(sock: socket.socket) -> list[str]:
    lines = []
    while True:
        try:
            lines.append(sock.recv(4096).decode())
        except BlockingIOError:
            return lines


class Process:
    """What the task is told of the process that it speaks for."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.silent: list[str] = []
        self.status = "not ready: starting"
        [self.run] = notifications(environ, lambda: self.silent, lambda: self.status).values()

    async def go_on(self) -> None:
        """Let the task look a few times."""
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1234"}])
def test_without_a_manager_that_wants_to_know_there_is_no_task(environ: dict[str, str]) -> None:
    assert notifications(environ, list, str) == {}


def test_the_start_is_told_and_then_each_change_of_the_status(manager: socket.socket) -> None:
    process = Process({"NOTIFY_SOCKET": manager.getsockname()})

    async def main() -> None:
        task = asyncio.create_task(process.run())
        await process.go_on()
        assert told(manager) == ["READY=1", "STATUS=not ready: starting"]
        process.status = "ready"
        await process.go_on()
        assert told(manager) == ["STATUS=ready"]
        task.cancel()

    asyncio.run(main())


def test_signs_of_life_end_when_a_part_of_the_process_is_silent(manager: socket.socket) -> None:
    environ = {"WATCHDOG_USEC": "50000", "WATCHDOG_PID": str(os.getpid())}
    process = Process({"NOTIFY_SOCKET": manager.getsockname(), **environ})

    async def main() -> None:
        task = asyncio.create_task(process.run())
        await process.go_on()
        assert told(manager).count("WATCHDOG=1") >= 2
        process.silent = ["kafka"]
        told(manager)
        await process.go_on()
        assert "WATCHDOG=1" not in told(manager)
        task.cancel()

    asyncio.run(main())


@pytest.mark.parametrize("environ", [{}, {"WATCHDOG_USEC": "x"}, {"WATCHDOG_USEC": "50000", "WATCHDOG_PID": "1"}])
def test_without_a_watchdog_of_this_process_there_are_no_signs_of_life(
    manager: socket.socket, environ: dict[str, str]
) -> None:
    process = Process({"NOTIFY_SOCKET": manager.getsockname(), **environ})

    async def main() -> None:
        task = asyncio.create_task(process.run())
        await process.go_on()
        assert "WATCHDOG=1" not in told(manager)
        task.cancel()

    asyncio.run(main())


def test_a_manager_that_is_gone_ends_nothing(tmp_path: Path) -> None:
    process = Process({"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_USEC": "50000"})

    async def main() -> None:
        task = asyncio.create_task(process.run())
        await process.go_on()
        assert not task.done()
        task.cancel()

    asyncio.run(main())


def test_a_start_that_the_manager_has_no_room_for_is_told_again(tmp_path: Path) -> None:
    process = Process({"NOTIFY_SOCKET": str(tmp_path / "late")})

    async def main() -> None:
        task = asyncio.create_task(process.run())
        await process.go_on()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as late:
            late.bind(str(tmp_path / "late"))
            late.settimeout(0)
            await process.go_on()
            assert told(late)[0] == "READY=1"
        task.cancel()

    asyncio.run(main())


def test_a_status_of_many_lines_is_told_as_one_that_is_not_too_long(manager: socket.socket) -> None:
    process = Process({"NOTIFY_SOCKET": manager.getsockname()})
    process.status = "not ready:\nREADY=0\n" + "x" * 10_000

    async def main() -> None:
        task = asyncio.create_task(process.run())
        await process.go_on()
        task.cancel()

    asyncio.run(main())
    [_, status] = told(manager)
    assert status.startswith("STATUS=not ready: READY=0 xxx")
    assert len(status) <= 410
    assert "\n" not in status


def test_the_line_names_each_reason_with_what_it_is_about() -> None:
    reasons = [Reason("target_held", "tags", 0.0, verbatim("grant it")), Reason("no_token", "", 0.0, verbatim("wait"))]
    assert readiness_line(reasons) == "not ready: target_held (tags), no_token"
    assert readiness_line([]) == "ready"
    assert readiness_line([Reason("config_refused", "", 0.0, verbatim("mend it"))]) == "ready: config_refused"

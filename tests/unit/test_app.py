"""The `run` command without a broker: what ends it before it starts, and what building does. See also tests/kafka."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from connector.app import build, run
from connector.config.loading import load
from connector.core.record import DEAD_LETTERS
from connector.runtime.web import bind
from tests.unit.config.files import ENVIRON, SOUND

if TYPE_CHECKING:
    from pathlib import Path

    from connector.observe.snapshot import Status


pytestmark = pytest.mark.usefixtures("restored_logging")


def write(folder: Path, listen: str) -> Path:
    path = folder / "connector.yaml"
    text = SOUND.replace("localhost:9092", "127.0.0.1:1")
    path.write_text(f'{text}admin: {{listen: "{listen}"}}\n', encoding="utf-8")
    return path


def test_a_config_with_errors_ends_with_2_and_one_line_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "connector.yaml"
    path.write_text(SOUND.replace("group_id", "group"), encoding="utf-8")
    assert run(str(path)) == 2
    assert "unknown key" in capsys.readouterr().err


def test_an_admin_port_that_is_taken_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", ENVIRON["SECRET"])
    with bind("127.0.0.1:0") as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert run(str(write(tmp_path, address))) == 1
    assert address in capsys.readouterr().err


def test_building_makes_every_target_and_starts_no_task(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, "127.0.0.1:0"), ENVIRON)

    async def main() -> tuple[int, Status]:
        with bind(loaded.config.admin.listen) as sock:
            app = build(loaded, sock)
            tasks = len(asyncio.all_tasks())
            status = app.status.read(asyncio.get_running_loop().time())
            await app.close()
        return tasks, status

    tasks, status = asyncio.run(main())
    assert tasks == 1, "only the task of the test itself"
    assert status.state == "starting"
    assert [(target.name, target.queued) for target in status.targets] == [("purchases", 0), (DEAD_LETTERS, 0)]

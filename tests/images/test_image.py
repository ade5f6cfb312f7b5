"""The connector's image alone, run by podman: read-only, without rights, without a network."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.images.workshop import CommandFailedError, run
from tests.kafka.waiting import until
from tests.unit.compose.files import COMPOSE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFINED = [
    *("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),  # noqa: S108 - in it
    *("--memory", "512m", "--pids-limit", "128", "--network", "none"),
]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """The options that mount a config, which listens at another port than the default, and its secret."""
    text = (COMPOSE / "connector.yaml").read_text(encoding="utf-8").replace("0.0.0.0:8080", "0.0.0.0:8099")
    config, secret = tmp_path / "connector.yaml", tmp_path / "secret"
    config.write_text(text, encoding="utf-8")
    secret.write_text("s", encoding="utf-8")
    mounts = [f"{config}:/etc/tuzhan/connector.yaml:ro", f"{secret}:/run/secrets/tuzhan_app_secret:ro"]
    return [option for mount in mounts for option in ("--volume", mount)]


@contextmanager
def started(image: str, files: list[str]) -> Iterator[str]:
    name = run(["podman", "run", "--detach", *CONFINED, *files, image]).strip()
    try:
        yield name
    finally:
        run(["podman", "rm", "--force", "--time", "0", name])


def healthy(name: str) -> bool:
    try:
        run(["podman", "healthcheck", "run", name])
    except CommandFailedError:
        return False
    return True


def test_it_starts_with_nothing_to_write_on_and_its_health_check_follows_the_config(
    image: str, files: list[str]
) -> None:
    with started(image, files) as name:
        until(lambda: healthy(name), "the health check to pass", every_s=0.5)
        status = run(["podman", "exec", name, "cat", "/proc/1/status"])
        facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert {facts[each] for each in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
        assert (facts["NoNewPrivs"], facts["Uid"].split()) == ("1", ["10001"] * 4)
        with pytest.raises(CommandFailedError, match="Read-only file system"):
            run(["podman", "exec", name, "touch", "/opt/connector/x"])


def test_sigterm_ends_it_with_0_and_before_it_would_be_killed(image: str, files: list[str]) -> None:
    with started(image, files) as name:
        until(lambda: healthy(name), "the health check to pass", every_s=0.5)
        run(["podman", "stop", "--time", "35", name])
        state = json.loads(run(["podman", "inspect", "--format", "{{json .State}}", name]))
        assert state["ExitCode"] == 0
        logs = run(["podman", "logs", name], errors_too=True)
        assert json.loads(logs.splitlines()[-1])["event"] == "stopped"


def test_without_a_connector_the_health_check_fails(image: str, files: list[str]) -> None:
    with pytest.raises(CommandFailedError, match=r"no connector answers at 127\.0\.0\.1:8099"):
        run(["podman", "run", "--rm", *CONFINED, *files, image, "health", "-c", "/etc/tuzhan/connector.yaml"])


def test_a_config_that_is_wrong_ends_it_with_its_line(image: str, tmp_path: Path) -> None:
    (tmp_path / "connector.yaml").write_text("kafak: {}\n", encoding="utf-8")
    mount = ["--volume", f"{tmp_path}/connector.yaml:/etc/tuzhan/connector.yaml:ro"]
    with pytest.raises(CommandFailedError, match=r": 2\n(.*\n)*/etc/tuzhan/connector.yaml:1:1: kafak: unknown key"):
        run(["podman", "run", "--rm", *CONFINED, *mount, image])


def test_the_demo_runs_in_it(image: str) -> None:
    told = run(["podman", "run", "--rm", *CONFINED, image, "demo", "--records", "500"])
    assert "500" in told

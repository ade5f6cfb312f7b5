"""The unit under a real systemd, in a container: its confinement lets everything through that the connector needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.images.workshop import CommandFailedError, run, systemd_image
from tests.kafka.waiting import until
from tests.unit.compose.files import COMPOSE

if TYPE_CHECKING:
    from collections.abc import Iterator

UNIT = COMPOSE / "systemd/tuzhan-connector@.service"
SERVICE = "tuzhan-connector@orders"
CONFIG = "/etc/tuzhan-connector/orders.yaml"
ASK_HEALTH = f"/opt/connector/bin/tuzhan-connector health -c {CONFIG}"


class Machine:
    """A container whose first process is systemd."""

    def __init__(self, name: str) -> None:
        self._name = name

    def run(self, *command: str, given: str | None = None) -> str:
        """Run a command in it."""
        return run(["podman", "exec", "--interactive", self._name, *command], given)

    def write(self, path: str, text: str) -> None:
        """Write a file in it."""
        self.run(
            "sh", "-c", f"umask 077; cat > '{path}'; chmod {'600' if 'secret' in path else '644'} '{path}'", given=text
        )

    def show(self, name: str) -> str:
        """Return a property of the service."""
        return self.run("systemctl", "show", "-P", name, SERVICE).strip()

    def is_up(self) -> bool:
        """Whether systemd has started everything."""
        try:
            return self.run("systemctl", "is-system-running").strip() == "running"
        except CommandFailedError:
            return False


@pytest.fixture(scope="module")
def machine(image: str) -> Iterator[Machine]:
    name = run(
        [
            *("podman", "run", "--detach", "--systemd=always", "--privileged", "--network", "none"),
            *("--volume", "/sys/fs/cgroup:/sys/fs/cgroup:ro", systemd_image(image)),
        ]
    ).strip()
    try:
        machine = Machine(name)
        until(machine.is_up, "systemd to be up", every_s=0.5)
        machine.run("mount", "--make-rshared", "/")  # as systemd does itself where it is not in a container
        config = (COMPOSE / "connector.yaml").read_text(encoding="utf-8")
        secret = "${CREDENTIALS_DIRECTORY}/app_secret"  # noqa: S105 - a path
        machine.write(CONFIG, config.replace("/run/secrets/tuzhan_app_secret", secret))
        machine.write("/etc/tuzhan-connector/orders.secret", "s\n")
        machine.write("/etc/systemd/system/tuzhan-connector@.service", UNIT.read_text(encoding="utf-8"))
        machine.run("systemctl", "daemon-reload")
        yield machine
    finally:
        run(["podman", "rm", "--force", "--time", "0", name])


@pytest.fixture
def service(machine: Machine) -> Iterator[Machine]:
    """The machine with the service started; it returns once systemd has been told so."""
    machine.run("systemctl", "start", SERVICE)
    yield machine
    machine.run("systemctl", "stop", SERVICE)


def test_it_starts_tells_its_status_and_stops_with_0(service: Machine) -> None:
    assert service.show("ActiveState") == "active"
    until(lambda: "kafka_unreachable" in service.show("StatusText"), "the status to name the reason", every_s=0.5)
    assert service.show("StatusText").startswith("not ready: ")
    service.run("systemctl", "stop", SERVICE)
    assert (service.show("Result"), service.show("ExecMainStatus")) == ("success", "0")


def test_it_has_no_rights_and_metrics_of_its_process_all_the_same(service: Machine) -> None:
    status = service.run("cat", f"/proc/{service.show('MainPID')}/status")
    assert "CapEff:\t0000000000000000\n" in status
    assert "Uid:\t0\t" not in status
    ask = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8080/metrics').read().decode())"
    assert "\nprocess_resident_memory_bytes " in service.run("/opt/connector/bin/python", "-c", ask)


def test_a_reload_reaches_the_process_and_does_not_restart_it(service: Machine) -> None:
    until(lambda: service.run("sh", "-c", f"{ASK_HEALTH} || true") == "live\n", "the service to be live", every_s=0.5)
    before, text = service.show("MainPID"), service.run("cat", CONFIG)
    try:
        # Without Kafka only a refusal is told at once: a sound config takes over with the first connection.
        service.write(CONFIG, text.replace("kafka:", "kafak:", 1))
        service.run("systemctl", "reload", SERVICE)
        until(lambda: "config_refused" in service.show("StatusText"), "the refusal in the status", every_s=0.5)
        assert service.show("MainPID") == before
    finally:
        service.write(CONFIG, text)


def test_one_that_stands_still_is_restarted_by_the_watchdog(service: Machine) -> None:
    before = service.show("MainPID")
    service.run("kill", "-STOP", before)
    until(
        lambda: service.show("MainPID") not in {before, "0"} and service.show("ActiveState") == "active",
        "a new process",
        timeout_s=150,
        every_s=1,
    )
    assert int(service.show("NRestarts")) >= 1


def test_a_config_that_is_wrong_is_not_tried_again(machine: Machine) -> None:
    text = machine.run("cat", CONFIG)
    machine.write(CONFIG, text.replace("kafka:", "kafak:", 1))
    try:
        with pytest.raises(CommandFailedError):
            machine.run("systemctl", "start", SERVICE)
        assert (machine.show("ActiveState"), machine.show("ExecMainStatus")) == ("failed", "2")
        assert f"{CONFIG}:" in machine.run("journalctl", "-u", SERVICE)
    finally:
        machine.write(CONFIG, text)
        machine.run("systemctl", "reset-failed", SERVICE)


def test_the_demo_runs_confined_as_the_service_is(machine: Machine) -> None:
    others = {
        "Type": "oneshot",
        "Restart": "no",
        "ExecStart": "/opt/tuzhan-connector/bin/tuzhan-connector demo --records 500",
        "WatchdogSec": "0",
    }
    lines = [line.partition("=") for line in UNIT.read_text(encoding="utf-8").splitlines()]
    unit = [f"{name}{equals}{others.get(name, value)}" for name, equals, value in lines]
    machine.write("/etc/systemd/system/demo@.service", "\n".join(unit) + "\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "demo@orders")

"""A Docker daemon of our own, in a network namespace of its own, and the stack that it runs.

Nothing of it reaches the machine's network or its other containers, and nothing outside reaches it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

from tests.images.workshop import CACHE, CommandFailedError, root_file_system, run
from tests.kafka.jars import jars, tools_jar
from tests.kafka.processes import start
from tests.kafka.waiting import until
from tests.support.tools import installed_tool
from tests.unit.compose.files import COMPOSE, model

REGISTRY = "stand-in.example"
"""Stands where a mirror of the public registry would."""
STAND_INS = ("kafka", "prometheus", "grafana")
_GET = "import sys, urllib.request as u; sys.stdout.write(u.urlopen(sys.argv[1], timeout=10).read().decode())"


class Daemon:
    """A running dockerd; its images stay in `.cache/images/docker`."""

    def __init__(self) -> None:
        self._namespace = f"tuzhan-images-{os.getpid()}"
        self.inside = ["nsenter", f"--net=/run/netns/{self._namespace}"]
        """What to put before a command so that it runs in the daemon's network."""
        # The paths of its sockets must be short.
        self._folder = Path(tempfile.mkdtemp(prefix="tuzhan-", dir="/run"))
        self.host = f"unix://{self._folder}/docker.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            run(["ip", "netns", "add", self._namespace])
            # Not `ip netns exec`, which hides the cgroups.
            run([*self.inside, "ip", "link", "set", "lo", "up"])
            roots = ["--data-root", str(CACHE / "docker"), "--exec-root", str(self._folder / "exec")]
            where = ["--host", self.host, "--pidfile", str(self._folder / "pid"), "--bip", "172.30.0.1/24"]
            options = [*roots, *where, "--exec-opt", "native.cgroupdriver=cgroupfs"]
            with (CACHE / "dockerd.log").open("wb") as log:
                self._process = start([*self.inside, "dockerd", *options], log, log)
            until(self._answers, "dockerd to answer (its log: .cache/images/dockerd.log)", every_s=0.2)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=60)
        subprocess.run(["ip", "netns", "delete", self._namespace], check=False, capture_output=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def docker(self, *arguments: str | Path) -> str:
        """Run a command of Docker's."""
        return run(["env", "DOCKER_BUILDKIT=0", "docker", "--host", self.host, *arguments])

    def load(self, image: str) -> None:
        """Load an image that buildah has, under its name without `localhost/`."""
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            archive = Path(folder) / "image.tar"
            run(["buildah", "push", "--quiet", image, f"docker-archive:{archive}:{image.removeprefix('localhost/')}"])
            self.docker("load", "--quiet", "--input", archive)

    def build_stand_ins(self) -> None:
        """Make the images of Kafka, Prometheus and Grafana, under the names that the stack has with our registry."""
        archive = root_file_system("openjdk-17-jre-headless", "prometheus", "python3", "wget")
        services = f"stand-in/services:{archive.stem}"
        if not self.docker("images", "--quiet", services).strip():
            self.docker("import", archive, services)
        described = model("compose.yaml", IMAGE_REGISTRY=REGISTRY)["services"]
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            context = Path(folder) / "context"
            shutil.copytree(Path(__file__).with_name("stand_ins"), context)
            shutil.copytree(jars(), context / "jars")
            shutil.copy(tools_jar(), context / "jars")
            for name in STAND_INS:
                build = ["build", "--quiet", "--build-arg", f"SERVICES={services}", "--target", name]
                self.docker(*build, "--tag", described[name]["image"], context)

    def get(self, url: str) -> str:
        """Return the body that a URL has in the daemon's network, which stands for the host of the containers."""
        return run([*self.inside, sys.executable, "-c", _GET, url])

    def get_json(self, url: str) -> Any:  # noqa: ANN401 - a document
        """Return the document that a URL has."""
        return json.loads(self.get(url))

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise AssertionError(f"dockerd ended: {(CACHE / 'dockerd.log').read_text()[-1500:]}")
        try:
            self.docker("version")
        except CommandFailedError:
            return False
        return True


class Stack:
    """One of the stacks in `compose/`, run by Docker Compose."""

    def __init__(self, daemon: Daemon, file: str = "compose.yaml", **variables: str) -> None:
        self.daemon = daemon
        self._variables = {"DOCKER_HOST": daemon.host, "IMAGE_REGISTRY": REGISTRY, **variables}
        self._command = [installed_tool("docker-compose"), "--env-file", os.devnull, "-f", str(COMPOSE / file)]
        self.up_s = 0.0
        """How long it took until all were healthy."""

    def __enter__(self) -> Self:
        began = time.monotonic()
        try:
            self.up()
        except BaseException:
            self.__exit__()
            raise
        self.up_s = time.monotonic() - began
        return self

    def __exit__(self, *_: object) -> None:
        self.compose("down", "--volumes", "--timeout", "40")

    def up(self, *options: str, **variables: str) -> None:
        """Start what does not run, and return once all are healthy."""
        self.compose("up", "--detach", "--wait", "--no-build", "--pull", "never", *options, **variables)

    def compose(self, *arguments: str, given: str | None = None, **variables: str) -> str:
        """Run a command of Docker Compose."""
        settings = [f"{name}={value}" for name, value in {**self._variables, **variables}.items()]
        return run(["env", *settings, *self._command, *arguments], given)

    def containers(self, service: str = "") -> list[dict[str, Any]]:
        """Return what Docker says of the containers, those that have ended too."""
        names = self.compose("ps", "--all", "--quiet", *filter(None, [service])).split()
        found: list[dict[str, Any]] = json.loads(self.daemon.docker("inspect", *names))
        return found

"""What a real broker and a real schema registry consist of: fetched once by Maven, kept in a folder that git ignores.

Processes that need them at the same time wait for each other; an interrupted fetch leaves no incomplete folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import subprocess
import tarfile
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_POM = Path(__file__).with_name("pom.xml")
_CACHE = Path(__file__).parents[2] / ".cache"
_REGISTRY_VERSION = "2.6.13.Final"
"""Of Apicurio Registry, which has Confluent's API; 3.x needs Java 21."""
_FETCH_TIMEOUT_S = 600


class NoBrokerError(Exception):
    """A broker can't be started on this machine; the message says what to do."""


def java() -> str:
    """Return the path of a Java that can run a broker. Raises NoBrokerError."""
    found = shutil.which("java")
    if found is None:
        raise NoBrokerError("no java on PATH: install Java 17 or newer, or set KAFKA_BOOTSTRAP_SERVERS")
    output = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', output)
    if version is None or int(version[1]) < 17:
        raise NoBrokerError("the java on PATH is older than 17: install 17, or set KAFKA_BOOTSTRAP_SERVERS")
    return found


def jars() -> Path:
    """Return the folder of the broker's jars, which is fetched if it is missing. Raises NoBrokerError."""
    return _cached(_CACHE / "kafka" / hashlib.sha256(_POM.read_bytes()).hexdigest()[:12], _fetch_jars)


def tools_jar() -> Path:
    """Return the jar of Kafka's command-line tools, which needs `jars()` too. Raises NoBrokerError."""
    version = re.search(r"<artifactId>kafka_[\d.]+</artifactId>\s*<version>([\d.]+)<", _POM.read_text(encoding="utf-8"))
    assert version is not None, f"{_POM} names no version of Kafka"
    folder = _cached(_CACHE / "kafka-tools" / version[1], partial(_fetch_tools, version[1]))
    return folder / f"kafka-tools-{version[1]}.jar"


def registry_jar() -> Path:
    """Return the jar that starts a schema registry, which is fetched if it is missing. Raises NoBrokerError."""
    folder = _cached(_CACHE / "registry" / _REGISTRY_VERSION, _fetch_registry)
    return folder / f"apicurio-registry-app-{_REGISTRY_VERSION}-runner.jar"


def _cached(folder: Path, fetch: Callable[[Path], None]) -> Path:
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            partial = Path(tempfile.mkdtemp(prefix="partial-", dir=folder.parent))
            try:
                fetch(partial)
                partial.chmod(0o755)
                partial.rename(folder)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    return folder


def _fetch_jars(folder: Path) -> None:
    _maven("-f", str(_POM), "dependency:copy-dependencies", f"-DoutputDirectory={folder}")
    if not list(folder.glob("kafka_*.jar")):
        raise NoBrokerError("Maven has fetched no jar of a broker")


def _fetch_tools(version: str, folder: Path) -> None:
    _maven("dependency:copy", f"-Dartifact=org.apache.kafka:kafka-tools:{version}", f"-DoutputDirectory={folder}")


def _fetch_registry(folder: Path) -> None:
    artifact = f"io.apicurio:apicurio-registry-app:{_REGISTRY_VERSION}:tar.gz:all"
    # Outside of a project, so that the test run needs no folder of Maven's.
    _maven("dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={folder}")
    [archive] = folder.glob("*.tar.gz")
    with tarfile.open(archive) as members:
        members.extractall(folder, filter="data")
    archive.unlink()


def _maven(*arguments: str) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise NoBrokerError("no mvn on PATH: install Maven, or set KAFKA_BOOTSTRAP_SERVERS")
    try:
        done = subprocess.run(
            [maven, "-q", "-B", *arguments],
            capture_output=True,
            text=True,
            timeout=_FETCH_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as slow:
        raise NoBrokerError(f"Maven took more than {_FETCH_TIMEOUT_S} s to fetch what the tests run") from slow
    if done.returncode:
        raise NoBrokerError(f"Maven could not fetch what the tests run: is there a network? {_tail(done)}")


def _tail(done: subprocess.CompletedProcess[str]) -> str:
    return " / ".join((done.stdout + done.stderr).strip().splitlines()[-5:])

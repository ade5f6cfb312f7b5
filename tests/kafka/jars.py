"""The jars of a real broker: fetched once by Maven, kept in a folder that git ignores.

Processes that need them at the same time wait for each other; an interrupted fetch leaves no incomplete folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

_POM = Path(__file__).with_name("pom.xml")
_CACHE = Path(__file__).parents[2] / ".cache" / "kafka"
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
    folder = _CACHE / hashlib.sha256(_POM.read_bytes()).hexdigest()[:12]
    if folder.is_dir():
        return folder
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _fetch(folder)
    return folder


def _fetch(folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise NoBrokerError("no mvn on PATH: install Maven, or set KAFKA_BOOTSTRAP_SERVERS")
    partial = Path(tempfile.mkdtemp(prefix="partial-", dir=_CACHE))
    try:
        done = subprocess.run(
            [maven, "-q", "-B", "-f", str(_POM), "dependency:copy-dependencies", f"-DoutputDirectory={partial}"],
            capture_output=True,
            text=True,
            timeout=_FETCH_TIMEOUT_S,
            check=False,
        )
        if done.returncode or not list(partial.glob("kafka_*.jar")):
            raise NoBrokerError(f"Maven could not fetch the broker's jars: is there a network? {_tail(done)}")
        partial.chmod(0o755)
        partial.rename(folder)
    except subprocess.TimeoutExpired as slow:
        raise NoBrokerError(f"Maven took more than {_FETCH_TIMEOUT_S} s to fetch the broker's jars") from slow
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _tail(done: subprocess.CompletedProcess[str]) -> str:
    return " / ".join((done.stdout + done.stderr).strip().splitlines()[-5:])

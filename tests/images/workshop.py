"""Where images are made and kept, and the programs that make and run them without a daemon (buildah, podman)."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache/images"
DEBIAN = "bookworm"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

_STORAGE = '[storage]\ndriver = "overlay"\ngraphroot = "{0}/storage"\nrunroot = "{0}/run"\n'
_ENGINE = """\
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "file"
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
"""


class CommandFailedError(Exception):
    """A program ended with another code than 0; the message has the end of what it wrote."""


def run(
    command: Sequence[str | Path], given: str | None = None, *, errors_too: bool = False, timeout_s: float = 900
) -> str:
    """Run a program to its end and return what it wrote to stdout (and to stderr). Raises CommandFailedError."""
    done = subprocess.run(
        [str(part) for part in command],
        input=given or "",
        env={**os.environ, **environment()},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    if done.returncode:
        told = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
        raise CommandFailedError(f"{' '.join(map(str, command))}: {done.returncode}\n{told}")
    return done.stdout + (done.stderr if errors_too else "")


def environment() -> dict[str, str]:
    """Return the variables by which buildah and podman keep everything in our folder."""
    return {
        "CONTAINERS_STORAGE_CONF": str(CACHE / "storage.conf"),
        "CONTAINERS_CONF": str(CACHE / "containers.conf"),
        "DISABLE_HC_SYSTEMD": "true",
    }


def prepare() -> None:
    """Make the folder and what configures the programs."""
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / "storage.conf").write_text(_STORAGE.format(CACHE), encoding="utf-8")
    (CACHE / "containers.conf").write_text(_ENGINE, encoding="utf-8")


def root_file_system(*packages: str) -> Path:
    """Return an archive of a small Debian with these packages, made once."""
    recipe = [DEBIAN, "--variant=minbase", f"--include={','.join(packages)}", "--dpkgopt=path-exclude=/usr/share/doc/*"]
    archive = CACHE / f"{hashlib.sha256(' '.join(recipe).encode()).hexdigest()[:12]}.tar"
    if not archive.exists():
        partial = archive.with_suffix(".partial.tar")
        suite, *options = recipe
        run(["mmdebstrap", *options, suite, partial])
        partial.rename(archive)
    return archive


def python_base() -> str:
    """Return the name of an image that stands in for `python:…-slim`: Debian's own Python, called `python`.

    It trusts the certificates that this machine trusts, as the base image of a company does.
    """
    archive = root_file_system("python3", "python3-venv", "ca-certificates")
    name = f"localhost/stand-in/python:{archive.stem}"
    if run(["buildah", "images", "--quiet", "--filter", f"reference={name}"]).strip():
        return name
    settings = CACHE / "pip.conf"
    settings.write_text(f"[global]\ncert = {CERTIFICATES}\n", encoding="utf-8")
    container = run(["buildah", "from", "scratch"]).strip()
    try:
        run(["buildah", "add", "--quiet", container, archive, "/"])
        run(["buildah", "run", "--isolation", "chroot", container, "--", "ln", "-s", "python3", "/usr/bin/python"])
        run(["buildah", "copy", "--quiet", container, settings, "/etc/pip.conf"])
        run(["buildah", "copy", "--quiet", container, CERTIFICATES, CERTIFICATES])
        run(["buildah", "commit", "--quiet", container, name])
    finally:
        run(["buildah", "rm", container])
    return name


def build(name: str) -> None:
    """Build the connector's image from `compose/Dockerfile`, as a user would who has a base image of his own."""
    command = ["buildah", "build", "--isolation", "chroot", "--pull-never", "--layers", "--format", "docker"]
    dockerfile = str(ROOT / "compose/Dockerfile")
    files = ["--file", dockerfile, "--ignorefile", f"{dockerfile}.dockerignore"]
    arguments = ["--build-arg", f"PYTHON_IMAGE={python_base()}"]
    mirror = os.environ.get("PIP_INDEX_URL")
    if mirror:
        arguments += ["--build-arg", f"PIP_INDEX_URL={mirror}"]
    run([*command, *files, *arguments, "--tag", name, ROOT])


def systemd_image(image: str) -> str:
    """Return the name of an image that boots systemd and has the connector of `image` where the unit expects it."""
    name = f"{image}-systemd"
    archive = root_file_system("systemd", "procps", "python3", "python3-venv", "ca-certificates")
    container = run(["buildah", "from", "scratch"]).strip()
    prepare_it = "ln -s python3 /usr/bin/python && ln -s connector /opt/tuzhan-connector && mkdir /etc/tuzhan-connector"
    try:
        run(["buildah", "add", "--quiet", container, archive, "/"])
        run(["buildah", "copy", "--quiet", "--from", image, container, "/opt/connector", "/opt/connector"])
        run(["buildah", "run", "--isolation", "chroot", container, "--", "sh", "-c", prepare_it])
        run(["buildah", "config", "--cmd", "/lib/systemd/systemd", container])
        run(["buildah", "commit", "--quiet", container, name])
    finally:
        run(["buildah", "rm", container])
    return name

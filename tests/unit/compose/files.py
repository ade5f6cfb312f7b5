"""The files of `compose/`, read: as YAML, and as Docker Compose understands them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from tests.support.tools import installed_tool

if TYPE_CHECKING:
    from connector.settings.models import Config

from connector.config.loading import load

ROOT = Path(__file__).parents[3]
COMPOSE = ROOT / "compose"


def read_yaml(path: Path) -> Any:  # noqa: ANN401 - a parsed file has no narrower type
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def read_documents(text: str) -> list[Any]:
    return [document for document in YAML(typ="safe").load_all(text) if document is not None]


def compose(file: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Docker Compose on a file of `compose/`; of the environment it sees these variables alone, and no `.env`."""
    command = [installed_tool("docker-compose"), "--env-file", os.devnull, "-f", str(COMPOSE / file)]
    environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **variables}
    return subprocess.run([*command, *arguments], env=environ, capture_output=True, text=True, check=False)


def model(file: str, **variables: str) -> dict[str, Any]:
    """Return what a file of `compose/` says once variables and `extends` are resolved."""
    done = compose(file, "config", "--format", "json", **variables)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def load_with_secrets(path: Path, folder: Path, environ: dict[str, str]) -> Config:
    """Load a config whose secrets are files in /run/secrets; here each of them holds `from-a-file`."""
    text = path.read_text(encoding="utf-8")
    secrets = folder / "secrets"
    secrets.mkdir()
    for name in ("tuzhan_app_secret", "tuzhan/app_id", "tuzhan/app_secret"):
        file = secrets / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("from-a-file\n", encoding="utf-8")
    copy = folder / path.name
    copy.write_text(text.replace("/run/secrets", str(secrets)), encoding="utf-8")
    return load(copy, environ).config

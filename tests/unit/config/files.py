"""Config files for tests: a small sound one, and what differs from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.config.loading import CONFIG_KEYS, Checked, check
from connector.config.source_text import SourceText
from connector.config.yaml_source import YamlSource, read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SOUND = """\
kafka:
  bootstrap_servers: localhost:9092
  group_id: shop
platform:
  auth: {app_id: app, app_secret: "${SECRET}"}
targets:
  purchases:
    endpoint: event/v2/batchAdd
routes:
  - name: orders
    topics: [shop.orders]
    to: purchases
    event_key: c_buy
    identity: [{type: openid, value: $.mobile}]
    fields:
      time: $.paid_at
"""
ENVIRON = {"SECRET": "hunter2"}


def changed(old: str, new: str) -> str:
    """The sound file with one piece of it replaced."""
    assert SOUND.count(old) == 1, f"{old!r} stands {SOUND.count(old)} times in the sound file"
    return SOUND.replace(old, new)


def read(text: str) -> YamlSource:
    """A text read as YAML."""
    return read_yaml(SourceText(text), CONFIG_KEYS)


def checked(folder: Path, text: str | bytes, environ: Mapping[str, str] = ENVIRON) -> Checked:
    """The result of checking a file with this text, which is called c.yaml."""
    path = folder / "c.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return check(path, environ)


def lines(folder: Path, text: str | bytes, environ: Mapping[str, str] = ENVIRON) -> list[str]:
    """All problems as lines, as if the command had been given `c.yaml`."""
    return [problem.line("c.yaml") for problem in checked(folder, text, environ).problems]


class Broken:
    """The sound file with one piece replaced, and the lines that report it."""

    def __init__(self, name: str, old: str, new: str, *expected: str) -> None:
        self.name = name
        self.text = changed(old, new)
        self.expected = [f"c.yaml:{line}" for line in expected]

    def found(self, folder: Path) -> list[str]:
        """The lines that are in fact reported."""
        return lines(folder, self.text)

"""Config files for tests: a small sound one, and what differs from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.config.loading import Checked, check

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
    identity: [{type: phone, value: $.mobile}]
    fields:
      time: $.paid_at
"""
ENVIRON = {"SECRET": "hunter2"}


def changed(old: str, new: str) -> str:
    """The sound file with one piece of it replaced."""
    assert SOUND.count(old) == 1, f"{old!r} stands {SOUND.count(old)} times in the sound file"
    return SOUND.replace(old, new)


def checked(folder: Path, text: str | bytes, environ: Mapping[str, str] = ENVIRON) -> Checked:
    """What a look at a file with this text brings; the file is called c.yaml."""
    path = folder / "c.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return check(path, environ)


def lines(folder: Path, text: str | bytes, environ: Mapping[str, str] = ENVIRON) -> list[str]:
    """All findings as lines, as if the command had been given `c.yaml`."""
    return [finding.line("c.yaml") for finding in checked(folder, text, environ).findings]


class Broken:
    """The sound file with one piece replaced, and the lines that tell what is wrong then."""

    def __init__(self, name: str, old: str, new: str, *expected: str) -> None:
        self.name = name
        self.text = changed(old, new)
        self.expected = [f"c.yaml:{line}" for line in expected]

    def found(self, folder: Path) -> list[str]:
        """The lines that are really told."""
        return lines(folder, self.text)

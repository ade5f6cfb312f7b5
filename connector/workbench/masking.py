"""What the workbench shows of records: personal data masked as `dead-letters show` does, unless the user wants it.

Texts that the config itself contains are shown: `status: PAID` says why a record was wanted, and who reads the preview
has the config. Such a text stays hidden if it may be personal data itself (a number of five digits, a mail address).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from connector.core.errors import CommandError, UsageError
from connector.dead_letters.masking import CUT, MOST_DEPTH, mask_bytes, mask_json, mask_numbers, mask_text
from connector.language.message import message
from connector.mapping.references import is_reference
from connector.settings.types import InterpolatedStr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.mapping.json_values import Json
    from connector.settings.models import Config

_SHOWN_FIELD: Final = "time"
"""The time of an event: a wrong unit can be seen by it."""


class Mask:
    """Masks records and items of one config, or of several; with `unmask`, nothing."""

    def __init__(self, *configs: Config, unmask: bool = False) -> None:
        self.unmask = unmask
        parts = [part.model_dump() for config in configs for part in (*config.routes, *config.targets.values())]
        parts += [{"events": list(config.events or ())} for config in configs]  # the keys of the tracking plan
        self._shown = frozenset(text for text in _texts(parts) if mask_numbers(text) == text)

    def value(self, value: Json) -> Json:
        """Return a decoded value."""
        return _cut(value, MOST_DEPTH) if self.unmask else mask_json(value, self._shown)

    def item(self, item: Json) -> Json:
        """Return an item."""
        if self.unmask or not isinstance(item, dict):
            return self.value(item)
        kept = {name: each for name, each in item.items() if name == _SHOWN_FIELD and isinstance(each, int)}
        return self.value(item) | kept

    def text(self, text: str) -> str:
        """Return a text of a record, such as a path in it."""
        return text if self.unmask or text in self._shown else mask_text(text)

    @property
    def shown(self) -> frozenset[str]:
        """The texts of the configs, which are never masked."""
        return self._shown

    def sentence(self, text: str) -> str:
        """Return a sentence of the connector about a record."""
        return text if self.unmask else mask_numbers(text)

    def bytes(self, data: bytes | None) -> str | None:
        """Return a key, a header, or a value that can't be decoded."""
        if data is None:
            return None
        return data.decode(errors="backslashreplace") if self.unmask else mask_bytes(data).decode()


def _texts(part: object) -> Iterator[str]:
    """Yield the literal texts of a part of a config; what came from a variable may be a secret."""
    if isinstance(part, dict):
        for key, each in part.items():
            yield from _texts(key)
            yield from _texts(each)
    elif isinstance(part, list):
        for each in part:
            yield from _texts(each)
    elif isinstance(part, str) and not isinstance(part, InterpolatedStr) and not is_reference(part):
        yield str(part)


def _cut(value: Json, depth: int) -> Json:
    """Return the value without what is deeper, as a masked one is."""
    if isinstance(value, dict | list) and not depth:
        return CUT
    if isinstance(value, dict):
        return {name: _cut(each, depth - 1) for name, each in value.items()}
    return [_cut(each, depth - 1) for each in value] if isinstance(value, list) else value


def confirm_unmask(*, yes: bool) -> None:
    """Ask whether to show personal data.

    Raises:
        UsageError: there is nobody to ask, and the command line does not say `--yes`.
        CommandError: the answer is no.

    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        told = message("personal data would be shown, and there is no terminal to ask on: add --yes")
        raise UsageError("--unmask", told)
    sys.stderr.write("Show personal data of the records? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise CommandError(message("not shown; without --unmask, personal data is masked"))

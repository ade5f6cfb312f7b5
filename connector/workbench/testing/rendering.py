"""Values as YAML: what reports show of them, and what `--update` writes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from connector.mapping.json_values import Json

_PLAIN: Final = re.compile(r"(?!(?:null|true|false)$)[^\W\d][\w.-]*(?: [\w.-]+)*", re.IGNORECASE)
"""Text that needs no quotes, wherever it stands."""


def in_yaml(value: Json) -> str:
    """Return a JSON value as YAML on one line, which reads as the same value: ``{c_goods: 手机, c_price: 14.2}``."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{in_yaml(str(key))}: {in_yaml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(in_yaml, value)) + "]"
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) else _quoted(value)
    return json.dumps(value)


def in_lines(value: Json, width: int) -> list[str]:
    """Return a table or a list as lines of YAML: each entry on one line, if it is not longer than `width`."""
    lines = []
    entries = [(f"{in_yaml(str(key))}:", each) for key, each in value.items()] if isinstance(value, dict) else None
    for head, each in entries if entries is not None else [("-", each) for each in value]:
        line = f"{head} {in_yaml(each)}"
        if len(line) <= width or not each or not isinstance(each, dict | list):
            lines.append(line)
            continue
        inner = [f"  {line}" for line in in_lines(each, width - 2)]
        lines += [head, *inner] if head != "-" else [f"- {inner[0].strip()}", *inner[1:]]
    return lines


def _quoted(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(each if each.isprintable() else _escaped(each) for each in quoted)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

"""An item of the tap on a terminal: how it ended, and what came and what was made of it side by side."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from connector.core.wording import counted
from connector.workbench.preview.report import console, made_lines, printable, side_by_side

if TYPE_CHECKING:
    from connector.workbench.tap.client import Data

_STYLES: Final = {"delivered": "green", "skipped": "yellow", "dead_lettered": "red"}
_LEFT_OUT: Final = {
    "sampled_out": "not in the sample (--sample, --rate)",
    "without_value": "without the value",
    "over_budget": "left out to spare the connector's time",
    "too_large": "too large to be searched for the value",
    "dropped": "dropped: this reader is too slow",
}


class Printer:
    """Prints items to stdout."""

    def __init__(self) -> None:
        self._out = console()

    def item(self, document: Data) -> None:
        """Print one item."""
        style = _STYLES.get(document["outcome"], "magenta")
        self._out.print(Text(printable(headline(document)), f"bold {style}"))
        record = document["record"]
        left, right = Text(_record_text(record)), Text(_made_text(document), style if document["item"] is None else "")
        self._out.print(side_by_side((_heading(record), left), ("became", right)))


def headline(document: Data) -> str:
    """Return in one line how an item ended."""
    way = " → ".join(filter(None, (document["route"], document["target"])))
    if document["endpoint"]:
        way += f" ({document['endpoint']})"
    import_batch = document["import_batch"]
    return "  ".join(
        filter(
            None,
            (
                document["outcome"],
                way,
                ": ".join(filter(None, (document["reason"], document["field"]))),
                document["detail"],
                f"import batch {import_batch}" if import_batch else "",
            ),
        )
    )


def counts_text(counts: Data) -> str:
    """Return what was shown, and why not all that matched."""
    left_out = [f"{counts[name]:,} {text}" for name, text in _LEFT_OUT.items() if counts.get(name)]
    shown = f"{counts.get('shown', 0):,} of {counted(counts.get('matched', 0), 'item')} shown"
    return "; ".join((shown, ", ".join(left_out))) if left_out else shown


def _heading(record: Data) -> str:
    timestamp = record.get("timestamp")
    try:
        at = "" if timestamp is None else datetime.fromtimestamp(timestamp / 1000, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        at = str(timestamp)
    parts = [f"{record['topic']}[{record['partition']}]@{record['offset']}", at]
    parts += [f"key {record['key']}"] if record.get("key") is not None else []
    parts += [f"{name}: {data}" for name, data in record.get("headers", ())]
    return "  ".join(filter(None, parts))


def _record_text(record: Data) -> str:
    if omitted := record.get("omitted_bytes"):
        return f"({counted(omitted, 'byte')}: too large to be shown)"
    value: Any = record.get("value")
    if isinstance(value, str) and not record.get("decoded"):
        return printable(value)
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return "\n".join(map(printable, text.split("\n")))


def _made_text(document: Data) -> str:
    if document["item"] is not None:
        return made_lines(document)
    if document["outcome"] == "skipped":
        record = document["record"]
        place = f"--topic {record['topic']} --partition {record['partition']} --offset {record['offset']}"
        return f"nothing: no route makes an item of it. Why, says\ntuzhan-connector explain -c CONFIG {place}"
    return "nothing" if "omitted_item_bytes" not in document else "(too large to be shown)"

"""The page at `/`: the counts, the youngest items, and forms for faults and switches. Plain HTML, no script.

Everything shown came from a client, and is escaped.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import orjson
from pydantic import ValidationError

from connector.sandbox import faults
from connector.sandbox.store import Wanted
from connector.sandbox.switches import Switches, change

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from connector.sandbox.platform import Sandbox

_SHOWN_ITEMS = 20
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #ddd; padding: .3rem .6rem; text-align: left; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
textarea { width: 100%; font: 13px/1.4 monospace; }
.error { background: #fdd; padding: .5rem; }
"""


def render(sandbox: Sandbox, stats: dict[str, Any], errors: Sequence[str] = ()) -> str:
    """Give the whole page."""
    items = reversed(sandbox.store.find(Wanted(limit=_SHOWN_ITEMS)))
    entries = [entry.model_dump(exclude_unset=True) for entry in sandbox.faults.entries]
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Tuzhan sandbox</title>",
        f"<style>{_STYLE}</style></head><body><h1>Tuzhan sandbox</h1>",
        *(f"<p class='error'>{escape(error)}</p>" for error in errors),
        "<h2>Counts</h2>",
        _counts(stats),
        _tokens(stats["tokens"], sandbox.app_id),
        _button("reset", "Forget everything"),
        f"<h2>The last {_SHOWN_ITEMS} items</h2>",
        _table(["endpoint", "item"], ([item["endpoint"], _pretty(item["item"])] for item in items)),
        "<h2>Faults</h2><p>Kinds: status, code, latency, hang, reset, truncate, html, refuse.</p>",
        _editor("faults", _pretty(entries), "Put these faults"),
        _hits(sandbox.faults),
        "<h2>Switches</h2><p>What the platform's documents leave open.</p>",
        _switches(sandbox.switches),
        _editor("switches", _pretty(sandbox.switches.model_dump()), "Put these switches"),
        "</body></html>",
    ]
    return "\n".join(parts)


def act(sandbox: Sandbox, body: bytes) -> list[str]:
    """Do what one of the page's forms asks for; gives what is wrong with it."""
    form = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
    text = form.get("text", [""])[0].encode()
    try:
        match form.get("action", [""])[0]:
            case "faults":
                sandbox.faults.put(faults.parse(text))
            case "switches":
                sandbox.switches = change(sandbox.switches, text)
            case "expire-tokens":
                sandbox.tokens.expire_all()
            case "reset":
                sandbox.reset()
            case other:
                return [f"unknown action '{other}'"]
    except ValidationError as error:
        return faults.explain(error, "switches")
    except ValueError as error:
        return str(error).splitlines()
    return []


def _counts(stats: dict[str, Any]) -> str:
    by_endpoint: dict[str, dict[str, int]] = stats["by_endpoint"]
    names = list(next(iter(by_endpoint.values())))
    rows = [["in all", *(stats[name] for name in names)]]
    rows += [[path, *counts.values()] for path, counts in by_endpoint.items()]
    return _table(["endpoint", *names], rows)


def _tokens(tokens: dict[str, int], app_id: str) -> str:
    told = ", ".join(f"{name} {count}" for name, count in tokens.items())
    return f"<p>Tokens of {escape(app_id)}: {told}</p>{_button('expire-tokens', 'Expire all tokens')}"


def _hits(listed: faults.Faults) -> str:
    report = listed.report()
    return _table(["fault", "hits"], ([entry["kind"], entry["hits"]] for entry in report)) if report else ""


def _switches(switches: Switches) -> str:
    return _table(
        ["switch", "value", "meaning"],
        (
            [name, _pretty(getattr(switches, name)), field.description or ""]
            for name, field in Switches.model_fields.items()
        ),
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table><tr>{names}</tr>{lines}</table>"


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f"<td class='number'>{value:,}</td>"
    return f"<td><pre>{escape(str(value))}</pre></td>"


def _editor(action: str, text: str, label: str) -> str:
    rows = min(text.count("\n") + 2, 24)
    return (
        f"<form method='post' action='/'><textarea name='text' rows='{rows}' aria-label='{action}'>"
        f"{escape(text)}</textarea><button name='action' value='{action}'>{label}</button></form>"
    )


def _button(action: str, label: str) -> str:
    return f"<form method='post' action='/'><button name='action' value='{action}'>{label}</button></form>"


def _pretty(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()

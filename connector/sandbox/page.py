"""The page at `/`: counts, the latest items, a form for each kind of fault, and the switches. Plain HTML, no script.

Everything shown is escaped: it comes from clients.
"""

from __future__ import annotations

import inspect
import re
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import orjson

from connector.sandbox.fault_list import FaultList, parse_faults
from connector.sandbox.faults import KINDS, Fault
from connector.sandbox.store import ItemQuery
from connector.sandbox.switches import Switches, change

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from connector.sandbox.platform import Sandbox

_SHOWN_ITEMS = 20
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #ddd; padding: .3rem .6rem; text-align: left; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
textarea { box-sizing: border-box; width: 100%; font: 13px/1.4 monospace; }
form.fault { border-bottom: 1px solid #ddd; display: flex; flex-wrap: wrap; gap: .3rem .8rem; padding: .5rem 0; }
form.fault p { flex-basis: 100%; margin: 0; }
form.fault input { width: 7rem; }
form.fault input[name=match] { width: 14rem; }
.error { background: #fdd; padding: .5rem; }
"""


def render(sandbox: Sandbox, errors: Sequence[str] = ()) -> str:
    """Return the whole page, with `errors` on top."""
    stats = sandbox.stats()
    items = reversed(sandbox.store.find(ItemQuery(limit=_SHOWN_ITEMS)))
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Tuzhan sandbox</title>",
        f"<style>{_STYLE}</style></head><body><h1>Tuzhan sandbox</h1>",
        *(f"<p class='error'>{escape(error)}</p>" for error in errors),
        "<h2>Counts</h2>",
        _counts(stats),
        _tokens(stats["tokens"], sandbox.app_id),
        _button("reset", "Remove everything"),
        f"<h2>The last {_SHOWN_ITEMS} items</h2>",
        _table(["endpoint", "item"], ([item["endpoint"], _pretty(item["item"])] for item in items)),
        "<h2>Faults</h2><p>Each request meets the faults of this list in order, up to the first that ends it.</p>",
        _faults(sandbox.faults),
        *map(_fault_form, KINDS.values()),
        "<p>Fields that every kind has:</p>",
        _table(["field", "meaning"], _common_fields()),
        "<details><summary>Edit the list as JSON (<a href='/_sandbox/faults/schema'>schema</a>)</summary>",
        _editor("faults", _pretty([fault.to_json() for fault in sandbox.faults.faults]), "Replace the list"),
        "</details><h2>Switches</h2><p>What the platform documents leave open.</p>",
        _switches(sandbox.switches),
        _editor("switches", _pretty(sandbox.switches.model_dump()), "Change the switches"),
        "</body></html>",
    ]
    return "\n".join(parts)


def apply_form(sandbox: Sandbox, body: bytes) -> list[str]:
    """Apply one of the page's forms; return its errors."""
    form = {name: values[0] for name, values in parse_qs(body.decode(errors="replace"), keep_blank_values=True).items()}
    action = form.pop("action", "")
    text = form.get("text", "").encode()
    try:
        match action:
            case "add-fault":
                sandbox.faults.add(_parse_fault_form(form))
            case "faults":
                sandbox.faults.replace(parse_faults(text))
            case "clear-faults":
                sandbox.faults.replace([])
            case "switches":
                sandbox.switches = change(sandbox.switches, text)
            case "expire-tokens":
                sandbox.tokens.expire_all()
            case "reset":
                sandbox.reset()
            case _:
                return [f"unknown action '{action}'"]
    except ValueError as error:
        return str(error).splitlines()
    return []


def _parse_fault_form(form: Mapping[str, str]) -> Fault:
    """Parse the form of one kind: an empty input is not sent, one that reads as JSON is JSON, any other is text."""
    entry = {name: _json_or_text(value.strip()) for name, value in form.items() if value.strip()}
    try:
        (fault,) = parse_faults(orjson.dumps([entry]))
    except ValueError as error:
        raise ValueError(re.sub(r"(?m)^0", form.get("kind", ""), str(error))) from error
    return fault


def _json_or_text(value: str) -> object:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


def _counts(stats: dict[str, Any]) -> str:
    by_endpoint: dict[str, dict[str, int]] = stats["by_endpoint"]
    names = list(next(iter(by_endpoint.values())))
    rows = [["total", *(stats[name] for name in names)]]
    rows += [[path, *counts.values()] for path, counts in by_endpoint.items()]
    return _table(["endpoint", *names], rows)


def _tokens(tokens: dict[str, int], app_id: str) -> str:
    counts = ", ".join(f"{name} {count}" for name, count in tokens.items())
    return f"<p>Tokens of {escape(app_id)}: {counts}</p>{_button('expire-tokens', 'Expire all tokens')}"


def _faults(faults: FaultList) -> str:
    if not faults.faults:
        return "<p>No fault is switched on.</p>"
    rows = (
        [orjson.dumps(fault.to_json()).decode(), entry["hits"]]
        for fault, entry in zip(faults.faults, faults.report(), strict=True)
    )
    return _table(["fault", "hits"], rows) + _button("clear-faults", "Clear all faults")


def _common_fields() -> Iterator[tuple[str, str]]:
    for name, field in Fault.model_fields.items():
        if field.description:
            yield name, field.description


def _fault_form(kind: type[Fault]) -> str:
    """Return the form that adds a fault of this kind: its own fields first, then those that all kinds have."""
    schema = kind.model_json_schema()
    properties: dict[str, dict[str, Any]] = schema["properties"]
    name = properties.pop("kind")["default"]
    own = [field for field in properties if field not in Fault.model_fields]
    doc = inspect.cleandoc(kind.__doc__ or "")
    inputs = "".join(
        _input(field, properties[field], required=field in schema.get("required", ()))
        for field in [*own, *(field for field in properties if field in Fault.model_fields)]
    )
    return (
        f"<form class='fault' method='post' action='/'><p><b>{escape(name)}</b> {escape(doc)}</p>"
        f"<input type='hidden' name='kind' value='{escape(name)}'>{inputs}"
        f"<button name='action' value='add-fault'>Add</button></form>"
    )


def _input(name: str, schema: Mapping[str, Any], *, required: bool) -> str:
    attributes = f"name='{escape(name)}' title='{escape(schema.get('description', ''))}'{' required' * required}"
    if "enum" in schema:
        options = "".join(f"<option>{escape(value or '')}</option>" for value in [None, *filter(None, schema["enum"])])
        return f"<label>{escape(name)} <select {attributes}>{options}</select></label>"
    example = escape((schema.get("examples") or [str(schema.get("default") or "")])[0])
    return f"<label>{escape(name)} <input {attributes} placeholder='{example}'></label>"


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

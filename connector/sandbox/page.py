"""The page at `/`: counts, the latest items, a form for each kind of fault, and the switches. Plain HTML, no script.

Everything shown is escaped: it comes from clients.
"""

from __future__ import annotations

import inspect
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import orjson

from connector.sandbox.controls import ControlError, change_switches, parse_faults
from connector.sandbox.faults import FAULT_ENDPOINTS, KINDS, Fault
from connector.sandbox.store import ItemQuery
from connector.sandbox.switches import Switches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pydantic.fields import FieldInfo

    from connector.sandbox.platform import Sandbox

_SHOWN_ITEMS = 20
_COMMON_FIELDS = [name for name in Fault.model_fields if name != "kind"]
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
    faults = [fault.to_json() for fault in sandbox.faults.faults]
    hits = [entry["hits"] for entry in sandbox.faults.report()]
    switches = sandbox.switches.model_dump()
    meanings = [[name, _pretty(value), Switches.model_fields[name].description] for name, value in switches.items()]
    return f"""<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Tuzhan sandbox</title>
<style>{_STYLE}</style></head><body><h1>Tuzhan sandbox</h1>
{"".join(f"<p class='error'>{escape(error)}</p>" for error in errors)}
<h2>Counts</h2>
{_counts(stats)}
<p>Tokens of {escape(sandbox.app_id)}: {", ".join(f"{name} {count}" for name, count in stats["tokens"].items())}</p>
{_button("expire-tokens", "Expire all tokens")}
{_button("reset", "Remove everything")}
<h2>The last {_SHOWN_ITEMS} items</h2>
{_table(["endpoint", "item"], ([item["endpoint"], _pretty(item["item"])] for item in items))}
<h2>Faults</h2><p>Each request meets the faults of this list in order, up to the first that ends it.</p>
{_table(["fault", "hits"], zip((orjson.dumps(fault).decode() for fault in faults), hits, strict=True))}
{_button("clear-faults", "Clear all faults")}
{"".join(map(_fault_form, KINDS.values()))}
<p>Fields that every kind has:</p>
{_table(["field", "meaning"], ([name, Fault.model_fields[name].description] for name in _COMMON_FIELDS))}
<details><summary>Edit the list as JSON (<a href='/_sandbox/faults/schema'>schema</a>)</summary>
{_editor("faults", faults, "Replace the list")}
</details><h2>Switches</h2><p>What the platform documents leave open.</p>
{_table(["switch", "value", "meaning"], meanings)}
{_editor("switches", switches, "Change the switches")}
</body></html>"""


def apply_form(sandbox: Sandbox, body: bytes) -> None:
    """Apply one of the page's forms. Raise ControlError if it is invalid."""
    form = {name: values[0] for name, values in parse_qs(body.decode(errors="replace"), keep_blank_values=True).items()}
    action = form.pop("action", "")
    text = form.get("text", "").encode()
    match action:
        case "add-fault":
            sandbox.faults.add(_parse_fault_form(form))
        case "faults":
            sandbox.faults.replace(parse_faults(text))
        case "clear-faults":
            sandbox.faults.replace([])
        case "switches":
            sandbox.switches = change_switches(sandbox.switches, text)
        case "expire-tokens":
            sandbox.tokens.expire_all()
        case "reset":
            sandbox.reset()
        case _:
            raise ControlError([f"unknown action '{action}'"])


def _parse_fault_form(form: Mapping[str, str]) -> Fault:
    """Parse the form of one kind: an empty input is not sent, one that reads as JSON is JSON, any other is text."""
    entry = {name: _json_or_text(value.strip()) for name, value in form.items() if value.strip()}
    try:
        (fault,) = parse_faults(orjson.dumps([entry]))
    except ControlError as error:
        kind = form.get("kind", "")
        raise ControlError([kind + message.removeprefix("0") for message in error.messages]) from error
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


def _fault_form(kind: type[Fault]) -> str:
    """Return the form that adds a fault of this kind: its own fields first, then those that all kinds have."""
    own = {name: field for name, field in kind.model_fields.items() if name not in Fault.model_fields}
    common = {name: kind.model_fields[name] for name in _COMMON_FIELDS}
    name = escape(kind.model_fields["kind"].default)
    inputs = "".join(_input(*field) for field in (own | common).items())
    return f"""<form class='fault' method='post' action='/'>
<p><b>{name}</b> {escape(inspect.cleandoc(kind.__doc__ or ""))}</p>
<input type='hidden' name='kind' value='{name}'>{inputs}<button name='action' value='add-fault'>Add</button></form>"""


def _input(name: str, field: FieldInfo) -> str:
    required = " required" if field.is_required() else ""
    attributes = f"name='{name}' title='{escape(field.description or '')}'{required}"
    if name == "endpoint":
        options = "".join(f"<option>{path}</option>" for path in ["", *FAULT_ENDPOINTS])
        return f"<label>{name} <select {attributes}>{options}</select></label>"
    default = "" if field.is_required() or field.default is None else field.default
    example = escape(str(field.examples[0] if field.examples else default))
    return f"<label>{name} <input {attributes} placeholder='{example}'></label>"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table><tr>{names}</tr>{lines}</table>"


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f"<td class='number'>{value:,}</td>"
    return f"<td><pre>{escape(str(value))}</pre></td>"


def _editor(action: str, content: object, label: str) -> str:
    text = _pretty(content)
    rows = min(text.count("\n") + 2, 24)
    return f"""<form method='post' action='/'>
<textarea name='text' rows='{rows}' aria-label='{action}'>{escape(text)}</textarea>
<button name='action' value='{action}'>{label}</button></form>"""


def _button(action: str, label: str) -> str:
    return f"<form method='post' action='/'><button name='action' value='{action}'>{label}</button></form>"


def _pretty(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()

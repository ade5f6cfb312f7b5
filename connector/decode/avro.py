"""Avro's binary encoding, by fastavro: a schema becomes a function from bytes to a value.

fastavro decodes, and `logical_types.py` decides what a value becomes. For that the schema is rewritten before it is
parsed: it keeps what decoding needs, and each type whose values JSON does not have gets a logical type of our own, for
which fastavro calls our function. Defaults, aliases and documentation are left out: a value is read with the schema
that it was written with, so that what other libraries let pass there is no reason to refuse it.

A schema that contains itself is read by fastavro's Python code: its C code ends the *process* on a value of some
thousand levels, which ten kilobytes are enough for.
"""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import fastavro
from fastavro import _read_py

from connector.core.errors import DecodeError
from connector.decode import logical_types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from connector.decode.schemas import ReadData

_OWN: Final = "connector-"
"""What the names of our logical types begin with."""
_NAMED: Final = frozenset({"record", "error", "enum", "fixed"})
_PRIMITIVE: Final = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
_KINDS: Final = _PRIMITIVE | _NAMED | {"array", "map"}
_KEPT: Final = ("name", "namespace", "symbols", "size")


class SchemaError(Exception):
    """A schema can't be used; the message says why."""


def reader(schema: str, references: Iterable[str] = ()) -> ReadData:
    """Return what decodes values that were written with a schema; `references` are the schemas it refers to, in order.

    Raises SchemaError.
    """
    named: dict[str, Any] = {}
    try:
        for each in references:
            fastavro.parse_schema(_prepared(_loaded(each)), named_schemas=named, _write_hint=False)
        parsed = fastavro.parse_schema(_prepared(_loaded(schema)), named_schemas=named)
    except RecursionError as error:
        raise SchemaError("it is nested too deep") from error
    except Exception as error:
        raise SchemaError(f"{type(error).__name__}: {str(error)[:200]}") from error
    _register()
    module = _read_py if _is_recursive(parsed, named) else fastavro
    return _reader(module.schemaless_reader, parsed)


def _reader(read: Callable[..., Any], parsed: Any) -> ReadData:  # noqa: ANN401 - fastavro's own form of a schema
    def read_data(data: bytes) -> Any:  # noqa: ANN401 - any value of JSON
        stream = BytesIO(data)
        try:
            value = read(stream, parsed, None)
        except Exception as error:
            raise DecodeError(f"the value does not fit its schema: {_what_is_wrong(error)}") from error
        if left := len(data) - stream.tell():
            raise DecodeError(f"the value does not fit its schema: it is {left} bytes longer")
        return value

    return read_data


def _what_is_wrong(error: Exception) -> str:
    """Return what is wrong without any part of the value."""
    if isinstance(error, EOFError):
        return "it ends too early"
    if isinstance(error, IndexError):
        return "it has a branch of a union, or a symbol of an enum, that the schema lacks, or ends too early"
    if isinstance(error, UnicodeDecodeError):
        return "a text in it is not UTF-8"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    return type(error).__name__


def _loaded(schema: str) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(schema)
    except ValueError:
        return schema.strip()  # the name of a type, without quotes


def _prepared(node: Any) -> Any:  # noqa: ANN401 - JSON
    """Return the schema with our own logical types, and without what decoding does not need."""
    if isinstance(node, list):
        return [_prepared(branch) for branch in node]
    if not isinstance(node, dict):
        return {"type": node, "logicalType": _OWN + node} if node in logical_types.PLAIN else node
    kind = node.get("type")
    if isinstance(kind, (dict, list)) or kind not in _KINDS:
        return _prepared(kind)  # a name may stand there too: {"type": "shop.Buyer"}
    kept = {key: node[key] for key in _KEPT if key in node} if kind in _NAMED else {}
    return {"type": kind, **kept, **_below(node), **_logical(str(kind), node)}


def _below(node: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of a type that are types themselves."""
    kind = node["type"]
    if kind in {"record", "error"}:
        return {"fields": [{"name": field["name"], "type": _prepared(field["type"])} for field in node["fields"]]}
    parts = {"array": ("items",), "map": ("values",)}.get(str(kind), ())
    return {part: _prepared(node[part]) for part in parts}


def _logical(kind: str, node: dict[str, Any]) -> dict[str, Any]:
    logical, scale = node.get("logicalType"), node.get("scale", 0)
    if kind in {"bytes", "fixed"} and logical == "decimal" and isinstance(scale, int) and scale >= 0:
        return {"logicalType": f"{_OWN}decimal", "scale": scale}
    if (kind, logical) in logical_types.LOGICAL and node.get("size", 16) == 16:
        return {"logicalType": f"{_OWN}{logical}"}
    return {"logicalType": _OWN + kind} if kind in logical_types.PLAIN else {}


def _register() -> None:
    """Tell fastavro our logical types. It has one table for the whole process, where only we use these names."""
    table = fastavro.read.LOGICAL_READERS
    if f"bytes-{_OWN}decimal" in table:
        return
    for kind, plain in logical_types.PLAIN.items():
        table[f"{kind}-{_OWN}{kind}"] = _ignoring_schemas(plain)
    for (kind, logical), convert in logical_types.LOGICAL.items():
        table[f"{kind}-{_OWN}{logical}"] = _ignoring_schemas(convert)
    for kind in ("fixed", "bytes"):
        table[f"{kind}-{_OWN}decimal"] = _decimal


def _ignoring_schemas(convert: Callable[..., object]) -> Callable[..., object]:
    return lambda value, _writer=None, _reader=None: convert(value)


def _decimal(value: bytes, writer: dict[str, Any] | None = None, _reader: object = None) -> object:
    return logical_types.decimal(value, (writer or {}).get("scale", 0))


def _is_recursive(parsed: Any, named: dict[str, Any], around: tuple[str, ...] = ()) -> bool:  # noqa: ANN401 - as above
    """Return whether a type below `parsed` contains itself; `around` are the types that `parsed` stands in."""
    if isinstance(parsed, list):
        return any(_is_recursive(branch, named, around) for branch in parsed)
    if isinstance(parsed, str):
        return parsed in around or (parsed in named and _is_recursive(named[parsed], named, around))
    if parsed["type"] in {"record", "error"}:
        within = (*around, parsed["name"])
        return any(_is_recursive(field["type"], named, within) for field in parsed["fields"])
    return any(_is_recursive(parsed[key], named, around) for key in ("items", "values") if key in parsed)

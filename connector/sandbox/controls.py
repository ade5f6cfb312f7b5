"""Parses what clients send to the controls: the list of faults, switches to change, a query for items.

Each function raises ControlError if it is invalid.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import operator
from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from connector.sandbox.faults import KINDS, Fault
from connector.sandbox.store import ItemQuery
from connector.sandbox.switches import Switches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic_core import ErrorDetails


class ControlError(ValueError):
    """What was sent is invalid; it changes nothing."""

    def __init__(self, messages: Sequence[str]) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages


def parse_faults(text: bytes) -> list[Fault]:
    """Parse the body of `PUT /_sandbox/faults`."""
    with _errors_of("faults"):
        return _fault_list_type().validate_json(text)


def parse_fault(text: bytes) -> Fault:
    """Parse the body of `POST /_sandbox/faults`, one entry of the list."""
    try:
        (fault,) = parse_faults(b"[" + text + b"]")
    except ControlError as error:
        raise ControlError([message.removeprefix("0.").removeprefix("0: ") for message in error.messages]) from error
    except ValueError as error:
        raise ControlError(["expected one fault"]) from error
    return fault


def fault_kinds() -> list[dict[str, Any]]:
    """Return every kind of fault with what it does, its own fields and an example; the last entry has what all have."""
    kinds = [
        {
            "kind": name,
            "description": inspect.cleandoc(kind.__doc__ or ""),
            "example": {"kind": name, **kind.example},
            "fields": {field: info.description for field, info in kind.model_fields.items() if _is_own(field)},
        }
        for name, kind in KINDS.items()
    ]
    common = {field: info.description for field, info in Fault.model_fields.items() if field != "kind"}
    return [*kinds, {"kind": None, "fields": common}]


def _is_own(field: str) -> bool:
    return field not in Fault.model_fields


def faults_schema() -> dict[str, Any]:
    """Return the JSON Schema of the list of faults."""
    return _fault_list_type().json_schema()


def change_switches(switches: Switches, text: bytes) -> Switches:
    """Return `switches`, changed by the body of `PUT /_sandbox/switches`; those that it does not name stay."""
    with _errors_of("switches"):
        changes = Switches.model_validate_json(text)
    return switches.model_copy(update=changes.model_dump(exclude_unset=True))


def parse_query(params: Mapping[str, str]) -> ItemQuery:
    """Parse the query string of `GET /_sandbox/items`; an empty parameter counts as missing."""
    with _errors_of("items"):
        return ItemQuery.model_validate({name: value for name, value in params.items() if value})


def _fault_list_type() -> TypeAdapter[list[Fault]]:
    """Build the list's type from the kinds that are known now: a union that `kind` decides."""
    kinds: Any = functools.reduce(operator.or_, KINDS.values())
    entries: Any = GenericAlias(list, (Annotated[kinds, Field(discriminator="kind")],))
    return TypeAdapter(entries)


@contextlib.contextmanager
def _errors_of(whole: str) -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise ControlError([_describe(entry, whole) for entry in found]) from error


def _describe(error: ErrorDetails, whole: str) -> str:
    """Return `place: message` for one error; its place in a list of faults is (index, kind, field, …)."""
    place = error["loc"]
    match error["type"]:
        case "union_tag_not_found":
            return f"{place[0]}.kind: Field required"
        case "union_tag_invalid":
            return f"{place[0]}.kind: Input should be {error['ctx']['expected_tags']}"
        case "missing":
            return f"{place[0]}: a fault of kind '{place[1]}' needs '{place[2]}'"
    where = ".".join(map(str, (*place[:1], *place[2:]))) or whole
    return f"{where}: {error['msg'].removeprefix('Value error, ')}"

"""Who did it: a route's `identity` lines, written as the endpoint writes identities.

The lines stand in the user's order of preference. A value that is missing, blank or can't be converted counts as
absent (the last is counted: marketplaces mask phone numbers). Flat endpoints get one field for each type
that is present and, for exact matching, the `identityType` of the first; the newer ones get every identity
that is present in `identities[]`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.core.record import Record
from connector.mapping.conversions.numbers import boolean
from connector.mapping.errors import ConversionError, MappingError
from connector.mapping.json_values import text_form
from connector.mapping.location import Json
from connector.mapping.values import Value, compile_value
from connector.tuzhan.endpoints import FLAT_ONLY_TYPES, WECHAT_PLATFORMS, Endpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.mapping.location import Location
    from connector.mapping.references import Getter

IdentityWriter = Callable[[Json, Record, dict[str, Json], bool], tuple[str, ...] | None]
"""Writes a record's identities into an item (the last argument: for exact matching). Gives what orders the item,
`type=value` of each identity, or () if nothing asks for it; None if no identity is there."""

NoteInvalid = Callable[[str], None]
"""Told the type of an identity that could not be converted."""

_LIST_ONLY = ("platform", "mpid", "isWeChatEcosystem")
_KEYS = ("type", "value", *_LIST_ONLY)


@dataclass(frozen=True, slots=True)
class IdentityRule:
    """One identity line, compiled."""

    type: str
    get: Getter
    field: str = ""
    """Flat: the item field."""
    identity_type: str | None = None
    """Flat: what `identityType` says."""
    extra: tuple[tuple[str, Getter], ...] = ()
    """List: platform, mpid, isWeChatEcosystem, as far as they are there."""


def compile_identity(raw: Sequence[Json], endpoint: Endpoint, location: Location) -> list[IdentityRule]:
    """Compile the lines for an endpoint; what is wrong is noted."""
    lines = [_line(line, endpoint, location.at(index)) for index, line in enumerate(raw)]
    return [line for line in lines if line is not None]


def identifier(
    lines: Sequence[IdentityRule], endpoint: Endpoint, note: NoteInvalid, *, ordered: bool
) -> IdentityWriter:
    """The function that writes the lines' identities."""
    if endpoint.flat_identities is not None:
        return _flat(lines, note, ordered=ordered)
    return _listed(lines, note, ordered=ordered)


def _line(raw: Json, endpoint: Endpoint, location: Location) -> IdentityRule | None:
    if not isinstance(raw, dict):
        location.add("an identity line is a table, like {type: phone, value: $.mobile}", "wrong_type")
        return None
    for key in raw:
        if key not in _KEYS:
            location.at(key).unknown_key(_KEYS)
    kind = _type(raw, location)
    if "value" not in raw:
        location.at("value").add("an identity line needs a value", "missing_key")
    if kind is None or "value" not in raw:
        return None
    value = compile_value(raw["value"], location.at("value").named(f"identity.{kind}"))
    if endpoint.flat_identities is None:
        return _list_line(kind, value, raw, endpoint, location)
    return _flat_line(kind, value, raw, endpoint, location)


def _type(raw: dict[Json, Json], location: Location) -> str | None:
    kind = raw.get("type")
    if kind is None:
        location.at("type").add("an identity line needs a type: phone, openid, unionid, uid, …", "missing_key")
    elif not isinstance(kind, str) or not kind or kind.startswith("$"):
        location.at("type").add("a type is a name: phone, openid, unionid, uid, …", "wrong_type")
        return None
    return kind


def _flat_line(
    kind: str, value: Value, raw: dict[Json, Json], endpoint: Endpoint, location: Location
) -> IdentityRule | None:
    known = endpoint.flat_identities or {}
    for key in _LIST_ONLY:
        if key in raw:
            message = f"{endpoint.path} has no '{key}' of an identity: drop it"
            location.at(key).add(message, "not_for_this_endpoint", at_key=True)
    if kind not in known:
        message = f"{endpoint.path} has no identity type '{kind}', only {', '.join(known)}: drop the line"
        location.at("type").add(message, "not_for_this_endpoint")
        return None
    return IdentityRule(kind, value.compiled(), field=known[kind].field, identity_type=known[kind].identity_type)


def _list_line(
    kind: str, value: Value, raw: dict[Json, Json], endpoint: Endpoint, location: Location
) -> IdentityRule | None:
    if kind in FLAT_ONLY_TYPES:
        message = f"{endpoint.path} has no identity type '{kind}': drop the line"
        location.at("type").add(message, "not_for_this_endpoint")
        return None
    extra = []
    for key in _LIST_ONLY:
        if key in raw:
            compiled = compile_value(raw[key], location.at(key).named(f"identity.{kind}.{key}"))
            if compiled.constant and key == "isWeChatEcosystem" and not isinstance(compiled.literal, bool):
                location.at(key).add("true or false", "wrong_type")
            extra.append((key, compiled.get))
    if "mpid" in raw and "isWeChatEcosystem" not in raw and "platform" not in raw:
        message = "with mpid, isWeChatEcosystem is required: name it, or the platform that it follows from"
        location.at("isWeChatEcosystem").add(message, "missing_key")
    return IdentityRule(kind, value.compiled(), extra=tuple(extra))


def _count_invalid(failure: MappingError, kind: str, note: NoteInvalid) -> None:
    """Count a value that can't be converted; any other failure is the record's."""
    if failure.reason != "conversion_failed":
        raise failure
    note(kind)


def _as_text(got: Json, kind: str, note: NoteInvalid) -> str | None:
    """The text of what is not text, or is blank: the less usual ways for an identity to be."""
    if got is None or got.__class__ is str:
        return None if not got or got.isspace() else str(got)
    text = text_form(got)
    if text is None:
        note(kind)
    return text


def _flat(lines: Sequence[IdentityRule], note: NoteInvalid, *, ordered: bool) -> IdentityWriter:
    def identify(
        value: Json,
        record: Record,
        body: dict[str, Json],
        exact: bool,  # noqa: FBT001 - called for each record
    ) -> tuple[str, ...] | None:
        keys: list[str] | None = None
        for line in lines:
            if line.field in body:
                continue
            try:
                got = line.get(value, record)
            except MappingError as failure:
                _count_invalid(failure, line.type, note)
                continue
            if got.__class__ is not str or not got or got.isspace():
                got = _as_text(got, line.type, note)
                if got is None:
                    continue
            if keys is None:
                keys = []
                if exact and line.identity_type is not None:
                    body["identityType"] = line.identity_type
            body[line.field] = got
            if ordered:
                keys.append(f"{line.type}={got}")
        return None if keys is None else tuple(keys)

    return identify


def _listed(lines: Sequence[IdentityRule], note: NoteInvalid, *, ordered: bool) -> IdentityWriter:
    prepared = [(line.type, line.get, line) for line in lines]

    def identify(
        value: Json,
        record: Record,
        body: dict[str, Json],
        _exact: bool,  # noqa: FBT001 - called for each record
    ) -> tuple[str, ...] | None:
        identities = []
        for kind, get, line in prepared:
            try:
                got = get(value, record)
            except MappingError as failure:
                _count_invalid(failure, kind, note)
                continue
            if got.__class__ is not str or not got or got.isspace():
                got = _as_text(got, kind, note)
                if got is None:
                    continue
            identity: dict[str, Json] = {"identityValue": got, "identityType": kind}
            if line.extra:
                _add_extra(identity, line, value, record)
            identities.append(identity)
        if not identities:
            return None
        body["identities"] = identities
        return _order_keys(identities) if ordered else ()

    return identify


def _order_keys(identities: Sequence[dict[str, Json]]) -> tuple[str, ...]:
    return tuple(f"{identity['identityType']}={identity['identityValue']}" for identity in identities)


def _add_extra(identity: dict[str, Json], line: IdentityRule, value: Json, record: Record) -> None:
    for key, get in line.extra:
        got = get(value, record)
        if got is None:
            continue
        if key == "isWeChatEcosystem":
            try:
                identity[key] = boolean(got)
            except ConversionError as error:
                field = f"identity.{line.type}.{key}"
                raise MappingError("item_invalid", field, str(error)) from error
        elif (text := text_form(got)) is not None and text.strip():
            identity[key] = text
    if "mpid" in identity and "isWeChatEcosystem" not in identity:
        identity["isWeChatEcosystem"] = identity.get("platform") in WECHAT_PLATFORMS

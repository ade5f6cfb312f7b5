"""Identities: a route's `identity` rules, written as the endpoint expects them.

The rules stand in the user's order of preference. A value that is missing, blank or can't be converted counts as
absent; the last case is counted (marketplaces mask phone numbers). Flat endpoints get one field per type that is
present and, for exact matching, the `identityType` of the first one. Newer endpoints get every identity that is
present in `identities[]`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.core.record import Record
from connector.language.message import message
from connector.mapping.codegen import compiled
from connector.mapping.errors import MappingError
from connector.mapping.inspection import report_identity
from connector.mapping.json_values import Json, text_form, type_name
from connector.mapping.kinds import KINDS, converted
from connector.mapping.values import compile_value
from connector.mapping.wording import both_of
from connector.settings.problems import did_you_mean
from connector.tuzhan.endpoints import ENDPOINTS, FLAT_ONLY_TYPES, PLATFORMS, WECHAT_PLATFORMS, Endpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.mapping.expressions import Value
    from connector.mapping.location import Location
    from connector.mapping.lookup import Getter
    from connector.tuzhan.endpoints import FlatIdentity

IdentityWriter = Callable[[Json, Record, dict[str, Json], bool], tuple[str, ...] | None]
"""Writes a record's identities into an item; the last argument: for exact matching.

Returns the item's order keys, `type=value` of each identity, or () if the target is not ordered by identity; None if
the record has no identity.
"""

CountInvalid = Callable[[str], None]
"""Called with the type of an identity that could not be converted."""

_LIST_ONLY = ("platform", "mpid", "isWeChatEcosystem")
KEYS = {
    "type": "phone, openid, unionid, uid; v2 endpoints: any type that is configured on the platform; older audience"
    " endpoints: audienceUserId, identityId",
    "value": "A value of the record; missing, blank or not convertible counts as absent",
    "platform": f"v2: {', '.join(PLATFORMS)}",
    "mpid": "v2: the id of the official account or mini program",
    "isWeChatEcosystem": "v2: with mpid, by default true for the platforms "
    + ", ".join(each for each in PLATFORMS if each in WECHAT_PLATFORMS),
}
"""The keys of a rule, and what they mean."""


@dataclass(frozen=True, slots=True)
class IdentityRule:
    """One compiled rule."""

    type: str
    value: Value
    get: Getter
    flat: FlatIdentity | None = None
    """How a flat endpoint writes the identity."""
    extra: tuple[tuple[str, Value], ...] = ()
    """Other endpoints: platform, mpid, isWeChatEcosystem, as far as the rule has them."""


def compile_identity(raw: Sequence[Json], endpoint: Endpoint, location: Location) -> list[IdentityRule]:
    """Compile the rules for an endpoint, or report what is wrong with them."""
    rules = [_rule(each, endpoint, location.at(index)) for index, each in enumerate(raw)]
    return [rule for rule in rules if rule is not None]


def _rule(raw: Json, endpoint: Endpoint, location: Location) -> IdentityRule | None:
    if not isinstance(raw, dict):
        location.add(message("expected an identity rule, like {{type: phone, value: $.mobile}}"), "wrong_type")
        return None
    for key in raw:
        if key not in KEYS:
            location.at(key).unknown_key(KEYS)
    kind = _type(raw, location)
    if "value" not in raw:
        location.at("value").add(message("an identity rule needs a value"), "missing_key")
    if kind is None or "value" not in raw:
        return None
    at = location.at("value").named(f"identity.{kind}")
    before = len(location.problems.found)
    value = compile_value(_absent_on_error(raw["value"]), at.of_one_value())
    if len(location.problems.found) == before:
        report_identity(kind, raw["value"], at)
    value = location.observed("identity", value)
    if endpoint.flat_identities is not None:
        return _flat_rule(kind, value, raw, endpoint, location)
    if kind in FLAT_ONLY_TYPES:
        types = both_of(sorted(FLAT_ONLY_TYPES))
        told = message("{endpoint} does not take {types}: drop the rule", endpoint=endpoint.path, types=types)
        location.at("type").add(told, "not_for_this_endpoint")
        return None
    hint = "" if kind in _known_types() else did_you_mean(kind, _known_types())
    if hint:
        told = message("no type that the platform has by itself{hint}", hint=hint)
        location.at("type").add(told, "suspicious")
    return IdentityRule(kind, value, compiled(value), extra=_extra(kind, raw, location))


def _known_types() -> tuple[str, ...]:
    """Return the identity types that need no configuration on the platform."""
    return tuple(ENDPOINTS["event/batchAdd"].flat_identities or ())


def _absent_on_error(raw: Json) -> Json:
    """Return a value without `on_error: omit`, which every identity has: what can't be converted is absent."""
    if isinstance(raw, dict) and raw.get("on_error") == "omit" and "as" in raw:
        return {key: each for key, each in raw.items() if key != "on_error"}
    return raw


def _type(raw: dict[Json, Json], location: Location) -> str | None:
    kind = raw.get("type")
    if kind is None:
        location.at("type").add(message("an identity rule needs a type: phone, openid, unionid, uid, …"), "missing_key")
    elif not isinstance(kind, str) or not kind or kind.startswith("$"):
        location.at("type").add(message("expected the name of a type: phone, openid, unionid, uid, …"), "wrong_type")
        return None
    return kind


def _flat_rule(
    kind: str, value: Value, raw: dict[Json, Json], endpoint: Endpoint, location: Location
) -> IdentityRule | None:
    known = endpoint.flat_identities or {}
    for key in _LIST_ONLY:
        if key in raw:
            told = message("{endpoint} has no '{key}' of an identity: drop it", endpoint=endpoint.path, key=key)
            location.at(key).add(told, "not_for_this_endpoint", at_key=True)
    if kind in known:
        return IdentityRule(kind, value, compiled(value), known[kind])
    told = message(
        "{endpoint} takes only the identity types {types}: drop the rule",
        endpoint=endpoint.path,
        types=", ".join(known),
    )
    location.at("type").add(told, "not_for_this_endpoint")
    return None


def _extra(kind: str, raw: dict[Json, Json], location: Location) -> tuple[tuple[str, Value], ...]:
    extra = []
    for key in _LIST_ONLY:
        if key in raw:
            given = compile_value(raw[key], location.at(key).named(f"identity.{kind}.{key}"))
            if given.constant and key == "isWeChatEcosystem" and not isinstance(given.literal, bool):
                location.at(key).add(message("expected true or false"), "wrong_type")
            if given.constant and key == "platform" and given.literal not in PLATFORMS:
                hint = did_you_mean(str(given.literal), PLATFORMS) or message(": {names}", names=", ".join(PLATFORMS))
                location.at(key).add(message("not one of the documented platforms{hint}", hint=hint), "suspicious")
            extra.append((key, given))
    if "mpid" in raw and "isWeChatEcosystem" not in raw and "platform" not in raw:
        told = message("mpid requires isWeChatEcosystem, or a platform from which it follows")
        location.at("isWeChatEcosystem").add(told, "missing_key")
    return tuple(extra)


def identity_writer(
    rules: Sequence[IdentityRule], endpoint: Endpoint, count_invalid: CountInvalid, *, ordered: bool
) -> IdentityWriter:
    """Return the function that writes the identities of a record."""
    write = _list_writer if endpoint.flat_identities is None else _flat_writer
    return write(rules, count_invalid, ordered=ordered)


def _flat_writer(rules: Sequence[IdentityRule], count_invalid: CountInvalid, *, ordered: bool) -> IdentityWriter:
    prepared = [(rule.type, rule.get, rule.flat.field, rule.flat.identity_type) for rule in rules if rule.flat]

    def write(
        value: Json,
        record: Record,
        body: dict[str, Json],
        exact: bool,  # noqa: FBT001 - called for each record
    ) -> tuple[str, ...] | None:
        keys: list[str] | None = None
        for kind, get, field, identity_type in prepared:
            if field in body:
                continue
            try:
                got = get(value, record)
            except MappingError as error:
                count_failed(error, kind, count_invalid)
                continue
            if got.__class__ is not str or not got or got.isspace():
                got = as_text(got, kind, count_invalid)
                if got is None:
                    continue
            if keys is None:
                keys = []
                if exact and identity_type is not None:
                    body["identityType"] = identity_type
            body[field] = got
            if ordered:
                keys.append(f"{kind}={got}")
        return None if keys is None else tuple(keys)

    return write


def _list_writer(rules: Sequence[IdentityRule], count_invalid: CountInvalid, *, ordered: bool) -> IdentityWriter:
    prepared = [(rule.type, rule.get, rule.extra) for rule in rules]

    def write(
        value: Json,
        record: Record,
        body: dict[str, Json],
        _exact: bool,  # noqa: FBT001 - called for each record
    ) -> tuple[str, ...] | None:
        identities = []
        for kind, get, extra in prepared:
            try:
                got = get(value, record)
            except MappingError as error:
                count_failed(error, kind, count_invalid)
                continue
            if got.__class__ is not str or not got or got.isspace():
                got = as_text(got, kind, count_invalid)
                if got is None:
                    continue
            identity: dict[str, Json] = {"identityValue": got, "identityType": kind}
            if extra:
                add_extra(identity, extra, value, record)
            identities.append(identity)
        if not identities:
            return None
        body["identities"] = identities
        if not ordered:
            return ()
        return tuple(f"{identity['identityType']}={identity['identityValue']}" for identity in identities)

    return write


def without_identity(rules: Sequence[IdentityRule], value: Json, record: Record) -> str:
    """Return why no rule found an identity, rule by rule: absent, or not convertible and by which conversion."""
    return "; ".join(f"{rule.type}: {_failure_of(rule, value, record)}" for rule in rules)


def _failure_of(rule: IdentityRule, value: Json, record: Record) -> str:
    try:
        got = rule.get(value, record)
    except MappingError as error:
        return f"not convertible ({error.detail})"
    return "absent" if got is None or isinstance(got, str) else f"not convertible (expected text, got {type_name(got)})"


def count_failed(error: MappingError, kind: str, count_invalid: CountInvalid) -> None:
    """Count a failed conversion, after which the identity is missing; raise any other error again."""
    if error.reason != "conversion_failed":
        raise error
    count_invalid(kind)


def as_text(got: Json, kind: str, count_invalid: CountInvalid) -> str | None:
    """Return an identity that is missing, blank or not text as text, or None."""
    if got is None or got.__class__ is str:
        return None
    text = text_form(got)
    if text is None:
        count_invalid(kind)
    return text


def add_extra(identity: dict[str, Json], extra: Sequence[tuple[str, Value]], value: Json, record: Record) -> None:
    """Write a rule's platform, mpid and isWeChatEcosystem beside its identity."""
    for key, given in extra:
        got = given.get(value, record)
        if got is None:
            continue
        if key == "isWeChatEcosystem":
            identity[key] = converted(KINDS["boolean"], got, f"identity.{identity['identityType']}.{key}")
        elif (text := text_form(got)) is not None and text.strip():
            identity[key] = text
    if "mpid" in identity and "isWeChatEcosystem" not in identity:
        identity["isWeChatEcosystem"] = identity.get("platform") in WECHAT_PLATFORMS

"""The text of the config: what was found, each line with what it means, and the places that only the user can fill.

A place that is left to the user has a comment that begins with `TODO(you):`, on its line or on the one before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from unicodedata import east_asian_width
from zoneinfo import ZoneInfo

from connector.core.wording import counted
from connector.mapping.conversions.timestamps import timestamp
from connector.mapping.errors import ConversionError
from connector.mapping.json_values import text_form
from connector.workbench.init import values as look
from connector.workbench.init.fields import EVERY
from connector.workbench.init.names import Role, normal
from connector.workbench.testing.rendering import in_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.workbench.init.fields import Field
    from connector.workbench.init.inference import Amount, Identity, Proposal

TODO: Final = "TODO(you):"
PLACEHOLDER: Final = "c_todo"
"""How an event key begins that the user has not named yet."""
EVENTS: Final = "event/v2/batchAdd"
PROFILES: Final = "audience/info/v2/batchAdd"
_COLUMN: Final = 64
_LINE: Final = 120
_PLAIN: Final = re.compile(r"\$[\w.-]*\w")
_WORD: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*", re.ASCII)
_NOT_A_WORD: Final = re.compile(r"[^a-z0-9]+")
_PROFILE_FIELDS: Final = {Role.NAME: "realName", Role.SEX: "sex", Role.BIRTHDAY: "birthday", Role.ADDRESS: "address"}
_PLATFORM_HINT: Final = "platform: gzh (official account) or contentminiapp (mini program), and mpid: its appid"


@dataclass(frozen=True, slots=True)
class Source:
    """Where the records are from, and how the connector is to reach them."""

    topic: str
    is_guessed: bool
    """The topic is only the name of a file."""
    description: str
    """``the newest 200 records of shop.orders``."""
    brokers: str
    """As the config has them: `${KAFKA_BOOTSTRAP_SERVERS:-localhost:9092}`."""
    properties: Mapping[str, str] = field(default_factory=dict)
    """As the config has them; secrets as `${…}`."""
    decode: Mapping[str, str] = field(default_factory=dict)
    """The entry of the topic; empty: JSON."""


class _Lines:
    """Lines of YAML with comments in one column."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, text: str, comment: str = "") -> None:
        """Add a line; the comment stands before it if it is too long to stand beside it."""
        if comment:
            comment = f"# {comment}"
            if _width(text) >= _COLUMN or _COLUMN + _width(comment) > _LINE:
                indent = " " * (len(text) - len(text.lstrip()))
                self.lines += [f"{indent}{comment}", text]
                return
            text += " " * (_COLUMN - _width(text)) + comment
        self.lines.append(text)


def _width(text: str) -> int:
    """Return how many columns a terminal needs: two for a Chinese character."""
    return sum(2 if east_asian_width(each) in "WF" else 1 for each in text)


def config_text(found: Proposal, source: Source) -> str:
    """Return the config."""
    lines = _Lines()
    lines.add(f"# A first config, written by `tuzhan-connector init` from {source.description}.")
    lines.add(
        f"# What only you know is marked {TODO[:-1]}; nothing else has to be changed. Every key: docs/mapping.md."
    )
    _write_kafka(lines, source)
    _write_platform(lines)
    _write_target(lines, found)
    _write_route(lines, found, source)
    return "\n".join(lines.lines) + "\n"


def _write_kafka(lines: _Lines, source: Source) -> None:
    lines.add("kafka:")
    lines.add(f"  bootstrap_servers: {source.brokers}", "from the environment, or this default")
    lines.add(
        f"  group_id: {in_yaml('tuzhan-' + source.topic)}", "the consumer group; its members share the partitions"
    )
    if source.properties:
        lines.add("  properties:", "librdkafka's own names")
        for name, value in source.properties.items():
            note = f"{TODO} put the secret into this file" if value.startswith("${file:") else ""
            lines.add(f"    {name}: {in_yaml(value)}", note)
    if source.decode.get("format", "json") != "json":
        lines.add("  schema_registry:", "needs: pip install 'tuzhan-connector[registry]'")
        lines.add("    url: ${SCHEMA_REGISTRY_URL:?the address of the schema registry}", f"{TODO} set this variable")
    if source.decode:
        lines.add("decode:", "how values are read; recognised by their form")
        lines.add(f"  {in_yaml(source.topic)}: {in_yaml(dict(source.decode))}")


def _write_platform(lines: _Lines) -> None:
    lines.add("platform:")
    lines.add("  auth:")
    lines.add(
        "    app_id: ${TUZHAN_APP_ID:?the AppID of the self-built app}", f"{TODO} set this variable: AppID (自建应用)"
    )
    lines.add("    app_secret: ${file:/run/secrets/tuzhan_app_secret}", f"{TODO} put its secret into this file")


def _write_target(lines: _Lines, found: Proposal) -> None:
    lines.add("targets:")
    if not found.is_profile:
        lines.add("  events:")
        lines.add(f"    endpoint: {EVENTS}", "each record becomes an event of a customer")
        return
    lines.add("  profiles:")
    lines.add(f"    endpoint: {PROFILES}", "each record updates the profile of a customer")
    lines.add("    public_params:")
    lines.add("      importMode: 2", f"{TODO} 1 complete import (完全导入), 2 incomplete (不完全导入)")


def _write_route(lines: _Lines, found: Proposal, source: Source) -> None:
    topic = in_yaml(source.topic)
    lines.add("routes:")
    lines.add(f"  - name: {topic}", "the name in metrics, logs and dead letters")
    lines.add(f"    topics: [{topic}]", f"{TODO} the topic of these records" if source.is_guessed else "")
    envelope = "envelope" in source.decode
    if envelope:
        lines.add("    where:")
        wanted = "[insert, update, snapshot]" if found.is_profile else "[insert, update]"
        lines.add(f"      $change.op: {wanted}", "no deletes" + (", no old rows" if not found.is_profile else ""))
    for each in found.lists:
        lines.add(
            f"    # for_each: {quoted(each.reference)}",
            "one item per element; then $item.x is a field of it",
        )
    lines.add(f"    to: {'profiles' if found.is_profile else 'events'}")
    if not found.is_profile:
        _write_event_key(lines, found, envelope=envelope)
    _write_identities(lines, found)
    _write_fields(lines, found, envelope=envelope)


def _write_event_key(lines: _Lines, found: Proposal, *, envelope: bool) -> None:
    what = f"{TODO} the keys of your events on the platform (元数据管理)"
    if found.event is not None:
        codes = [(code, counted(seen, "record")) for code, seen in found.event.codes]
        source, note = quoted(found.event.field.reference), _seen(found.event.field, found)
    elif envelope:
        codes, source, note = [("insert", ""), ("update", "")], "$change.op", "insert, update, delete or snapshot"
    else:
        lines.add(f"    event_key: {PLACEHOLDER}_event", what)
        return
    lines.add("    event_key:")
    lines.add(f"      from: {source}", note)
    lines.add("      map:", f"{what}; a value that is not listed is a dead letter")
    for code, key in event_keys([code for code, _ in codes]).items():
        lines.add(f"        {in_yaml(code)}: {key}", dict(codes)[code])
    if found.event is not None and found.event.left_out:
        more = counted(found.event.left_out, "other value")
        lines.lines.append(f"      # {TODO} it has {more}: add them, or `otherwise: $skip`")


def event_keys(codes: Sequence[str]) -> dict[str, str]:
    """Return a placeholder for the event of each code."""
    made: dict[str, str] = {}
    for number, code in enumerate(codes, 1):
        key = f"{PLACEHOLDER}_{_slug(code) or number}"
        made[code] = f"{key}_{number}" if key in made.values() else key
    return made


def _slug(name: str) -> str:
    found = _NOT_A_WORD.sub("_", normal(name)).strip("_")
    return found if name.isascii() and (_WORD.fullmatch(found) or found.isdecimal()) else ""


def _write_identities(lines: _Lines, found: Proposal) -> None:
    lines.add("    identity:", "who the customer is: all that a record has are sent")
    if not found.identities:
        lines.add(
            "      - type: phone", f"{TODO} no field looks like an identity: name one (phone, openid, unionid, uid)"
        )
        lines.add("        value: {from: $.todo_phone, as: phone}")
    for one in found.identities:
        _write_identity(lines, one, found)


def _write_identity(lines: _Lines, one: Identity, found: Proposal) -> None:
    refs = _references(one.fields)
    value = (
        f"{{from: {refs}, as: phone}}"
        if one.role is Role.PHONE
        else f"{{from: {refs}}}"
        if len(one.fields) > 1
        else refs
    )
    lines.add(f"      - type: {one.role.value}", _seen_all(one.fields, found))
    lines.add(
        f"        value: {value}", "to 11 digits; what is none counts as absent" if one.role is Role.PHONE else ""
    )
    if one.by_value:
        _remark(lines, f"{TODO} found by its values: is it the customer's?")
    if one.of_receiver:
        _remark(lines, f"{TODO} who gets the goods: is that the customer?")
    if one.masked:
        _remark(lines, f"{counted(one.masked, 'value')} masked with stars: these identify nobody")
    if one.role in {Role.OPENID, Role.UNIONID}:
        _remark(lines, f"{TODO} add {_PLATFORM_HINT}")
    if one.role is Role.UID:
        _remark(lines, f"{TODO} uid, or what this identity is called in 身份类型管理")


def _remark(lines: _Lines, text: str) -> None:
    lines.lines.append(f"        # {text}")


def _write_fields(lines: _Lines, found: Proposal, *, envelope: bool) -> None:
    if found.is_profile:
        _write_profile(lines, found)
        return
    lines.add("    fields:", "the platform's own names")
    if envelope:
        lines.add("      time: $change.ts", "when the row changed")
    elif found.times:
        zone = ", zone: Asia/Shanghai" if _is_local(found.times) else ""
        note = _seen_all(found.times, found) + (f"; {TODO} the zone of this clock" if zone else "")
        lines.add(f"      time: {{from: {_references(found.times)}, as: timestamp{zone}}}", note)
    else:
        lines.add(
            "      # time: {from: $.when, as: timestamp}", "no field looks like a time: the Kafka timestamp is sent"
        )
    _write_arguments(lines, found)


def _write_arguments(lines: _Lines, found: Proposal) -> None:
    """Write the arguments that are surely wanted, and the others as comments."""
    names: set[str] = set()
    live = [(f"{_argument(each, names)}: {quoted(each.reference)}", _seen(each, found)) for each in found.order]
    live += [_amount(one, names, found) for one in found.amounts]
    others = [
        (f"{_argument(each, names)}: {quoted(each.reference)}", f"{_kind(each)}, {_seen(each, found)}")
        for each in found.others
    ]
    sign = "" if live else "# "
    lines.add(f"      {sign}eventargs:", f"{TODO} the arguments as your events define them (c_…)")
    for text, note in live:
        lines.add(f"        {text}", note)
    for text, note in others:
        lines.add(f"      #   {text}", note)


def _amount(one: Amount, names: set[str], found: Proposal) -> tuple[str, str]:
    note = _seen(one.field, found)
    if one.in_fen:
        note += "; fen to yuan"
    elif one.may_be_fen:
        note += f"; {TODO} if these are fen, add multiply: 0.01"
    factor = ", multiply: 0.01" if one.in_fen else ""
    return f"{_argument(one.field, names)}: {{from: {quoted(one.field.reference)}, as: number{factor}}}", note


def _write_profile(lines: _Lines, found: Proposal) -> None:
    if not found.profile:
        lines.add("    fields: {}", f"{TODO} realName, sex, address, birthday, remark, customFields")
        return
    lines.add("    fields:", "the platform's own names; customFields and remark are there too")
    for role, each in found.profile.items():
        source = quoted(each.reference)
        value = source
        if role is Role.SEX:
            known = {text_form(one) or "" for one in each.values.values()} & look.SEXES.keys()
            table = {code: look.SEXES[code] for code in look.SEXES if code in known}
            value = f"{{from: {source}, map: {in_yaml(table)}}}"
        if role is Role.BIRTHDAY:
            value = f"{{from: {source}, as: date, on_error: omit}}"
        lines.add(f"      {_PROFILE_FIELDS[role]}: {value}", _seen(each, found))


def _references(fields: Sequence[Field]) -> str:
    """Return a reference, or several of which the first that is there counts."""
    found = [quoted(each.reference) for each in fields]
    return found[0] if len(found) == 1 else f"[{', '.join(found)}]"


def quoted(text: str) -> str:
    """Return a reference as YAML."""
    return text if _PLAIN.fullmatch(text) else "'" + text.replace("'", "''") + "'"


def _argument(each: Field, names: set[str]) -> str:
    """Return a name for an argument that is not used yet."""
    slug = _slug(each.name)
    name = f"c_{slug}" if slug else f"c_arg_{len(names) + 1}"
    while name in names:
        name = f"c_{_slug('_'.join(part for part in each.path if part != EVERY)) or 'arg'}_{len(names) + 1}"
    names.add(name)
    return name


def _is_local(fields: Sequence[Field]) -> bool:
    """Whether a time is text without an offset, so that a zone counts."""
    texts = [value for each in fields for value in each.values.values() if isinstance(value, str)]
    return any(_differs_by_zone(text) for text in texts)


def _differs_by_zone(text: str) -> bool:
    try:
        return bool(_IN_UTC(text) != _IN_SHANGHAI(text))
    except ConversionError:
        return False


_IN_UTC: Final = timestamp(ZoneInfo("UTC"))
_IN_SHANGHAI: Final = timestamp(ZoneInfo("Asia/Shanghai"))


def _seen(each: Field, found: Proposal) -> str:
    return f"in {len(each.values):,} of {counted(found.records, 'record')}"


def _seen_all(fields: Sequence[Field], found: Proposal) -> str:
    seen = {number for each in fields for number in each.values}
    return f"in {len(seen):,} of {counted(found.records, 'record')}"


def _kind(each: Field) -> str:
    first = next(iter(each.values.values()))
    return "true or false" if isinstance(first, bool) else "text" if isinstance(first, str) else "a number"

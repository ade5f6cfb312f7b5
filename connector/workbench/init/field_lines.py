"""The part of the config under `fields`: time and arguments of an event, or the fields of a profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from connector.mapping.conversions.timestamps import timestamp
from connector.mapping.errors import ConversionError
from connector.mapping.json_values import text_form
from connector.workbench.init import values as look
from connector.workbench.init.fields import EVERY
from connector.workbench.init.lines import TODO, quoted, references, seen, seen_in_any, slug
from connector.workbench.init.names import Role
from connector.workbench.testing.rendering import in_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.workbench.init.fields import Field
    from connector.workbench.init.inference import Amount, Proposal
    from connector.workbench.init.lines import Lines

_PROFILE_FIELDS: Final = {Role.NAME: "realName", Role.SEX: "sex", Role.BIRTHDAY: "birthday", Role.ADDRESS: "address"}
_IN_UTC: Final = timestamp(ZoneInfo("UTC"))
_IN_SHANGHAI: Final = timestamp(ZoneInfo("Asia/Shanghai"))


def write_fields(lines: Lines, found: Proposal, *, envelope: bool) -> None:
    """Write what a route has under `fields`."""
    if found.is_profile:
        _write_profile(lines, found)
        return
    lines.add("    fields:", "the platform's own names")
    if envelope:
        lines.add("      time: $change.ts", "when the row changed")
    elif found.times:
        zone = ", zone: Asia/Shanghai" if _is_local(found.times) else ""
        note = seen_in_any(found.times, found) + (f"; {TODO} the zone of this clock" if zone else "")
        lines.add(f"      time: {{from: {references(found.times)}, as: timestamp{zone}}}", note)
    else:
        lines.add(
            "      # time: {from: $.when, as: timestamp}", "no field looks like a time: the Kafka timestamp is sent"
        )
    _write_arguments(lines, found)


def _write_arguments(lines: Lines, found: Proposal) -> None:
    """Write the arguments that are surely wanted, and the others as comments."""
    names: set[str] = set()
    live = [(f"{_argument(each, names)}: {quoted(each.reference)}", seen(each, found)) for each in found.order]
    live += [_amount(one, names, found) for one in found.amounts]
    others = [
        (f"{_argument(each, names)}: {quoted(each.reference)}", f"{_kind(each)}, {seen(each, found)}")
        for each in found.others
    ]
    sign = "" if live else "# "
    lines.add(f"      {sign}eventargs:", f"{TODO} the arguments as your events define them (c_…)")
    for text, note in live:
        lines.add(f"        {text}", note)
    for text, note in others:
        lines.add(f"      #   {text}", note)


def _amount(one: Amount, names: set[str], found: Proposal) -> tuple[str, str]:
    note = seen(one.field, found)
    if one.in_fen:
        note += "; fen to yuan"
    elif one.may_be_fen:
        note += f"; {TODO} if these are fen, add multiply: 0.01"
    factor = ", multiply: 0.01" if one.in_fen else ""
    return f"{_argument(one.field, names)}: {{from: {quoted(one.field.reference)}, as: number{factor}}}", note


def _write_profile(lines: Lines, found: Proposal) -> None:
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
        lines.add(f"      {_PROFILE_FIELDS[role]}: {value}", seen(each, found))


def _argument(each: Field, names: set[str]) -> str:
    """Return a name for an argument that is not used yet."""
    number = len(names) + 1
    own, whole = slug(each.name), slug("_".join(part for part in each.path if part != EVERY))
    tried = [f"c_{text}" for text in (own, whole) if text] + [f"c_arg_{other}" for other in range(number, 2 * number)]
    name = next(each for each in tried if each not in names)
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


def _kind(each: Field) -> str:
    first = next(iter(each.values.values()))
    return "true or false" if isinstance(first, bool) else "text" if isinstance(first, str) else "a number"

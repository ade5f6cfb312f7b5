"""The text of the config: what was found, each line with what it means, and the places that only the user can fill.

A place that is left to the user has a comment that begins with `TODO(you):`, on its line or on the one before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from connector.core.wording import counted
from connector.mapping.events import PLACEHOLDER
from connector.workbench.init.field_lines import write_fields
from connector.workbench.init.lines import TODO, Lines, quoted, references, seen, seen_in_any, slug
from connector.workbench.init.names import Role
from connector.workbench.testing.rendering import in_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.workbench.init.inference import Identity, Proposal

EVENTS: Final = "event/v2/batchAdd"
PROFILES: Final = "audience/info/v2/batchAdd"
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


def config_text(found: Proposal, source: Source) -> str:
    """Return the config."""
    lines = Lines()
    description = source.description if source.description.isprintable() else "records"
    lines.add(f"# A first config, written by `tuzhan-connector init` from {description}.")
    lines.add(
        f"# What only you know is marked {TODO[:-1]}; nothing else has to be changed. Every key: docs/mapping.md."
    )
    _write_kafka(lines, source)
    _write_platform(lines)
    _write_target(lines, found)
    _write_route(lines, found, source)
    return "\n".join(lines.lines) + "\n"


def _write_kafka(lines: Lines, source: Source) -> None:
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


def _write_platform(lines: Lines) -> None:
    lines.add("platform:")
    lines.add("  auth:")
    lines.add(
        "    app_id: ${TUZHAN_APP_ID:?the AppID of the self-built app}", f"{TODO} set this variable: AppID (自建应用)"
    )
    lines.add("    app_secret: ${TUZHAN_APP_SECRET:?the AppSecret of that app}", f"{TODO} set this variable: AppSecret")


def _write_target(lines: Lines, found: Proposal) -> None:
    lines.add("targets:")
    if not found.is_profile:
        lines.add("  events:")
        lines.add(f"    endpoint: {EVENTS}", "each record becomes an event of a customer")
        return
    lines.add("  profiles:")
    lines.add(f"    endpoint: {PROFILES}", "each record updates the profile of a customer")
    lines.add("    public_params:")
    lines.add("      importMode: 2", f"{TODO} 1 complete import (完全导入), 2 incomplete (不完全导入)")


def _write_route(lines: Lines, found: Proposal, source: Source) -> None:
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
    write_fields(lines, found, envelope=envelope)


def _write_event_key(lines: Lines, found: Proposal, *, envelope: bool) -> None:
    what = f"{TODO} the keys of your events on the platform (元数据管理)"
    if found.event is not None:
        codes = [(code, str(counted(seen, "record"))) for code, seen in found.event.codes]
        source, note = quoted(found.event.field.reference), seen(found.event.field, found)
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
    lines.add("      # otherwise: $skip", "no item for a value that is not listed")
    if found.event is not None and found.event.left_out:
        more = counted(found.event.left_out, "other value")
        lines.lines.append(f"      # {TODO} it has {more}: add them, or `otherwise: $skip`")


def event_keys(codes: Sequence[str]) -> dict[str, str]:
    """Return a placeholder for the event of each code."""
    made: dict[str, str] = {}
    for number, code in enumerate(codes, 1):
        key = f"{PLACEHOLDER}_{slug(code) or number}"
        made[code] = f"{key}_{number}" if key in made.values() else key
    return made


def _write_identities(lines: Lines, found: Proposal) -> None:
    lines.add("    identity:", "who the customer is: all that a record has are sent")
    if not found.identities:
        lines.add(
            "      - type: phone", f"{TODO} no field looks like an identity: name one (phone, openid, unionid, uid)"
        )
        lines.add("        value: {from: $.todo_phone, as: phone}")
    for one in found.identities:
        _write_identity(lines, one, found)


def _write_identity(lines: Lines, one: Identity, found: Proposal) -> None:
    refs = references(one.fields)
    value = (
        f"{{from: {refs}, as: phone}}"
        if one.role is Role.PHONE
        else f"{{from: {refs}}}"
        if len(one.fields) > 1
        else refs
    )
    lines.add(f"      - type: {one.role.value}", seen_in_any(one.fields, found))
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


def _remark(lines: Lines, text: str) -> None:
    lines.lines.append(f"        # {text}")

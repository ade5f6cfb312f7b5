"""Routes that read change data capture: whether `$change` has a meaning, and what is suspicious about them.

Whether two patterns have a topic in common is judged by how they begin: it is assumed unless that excludes it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from connector.decode.decoding import entry_of, matches
from connector.decode.envelopes.change import DELETE, INSERT, OPERATIONS, SNAPSHOT, UPDATE
from connector.language.message import message
from connector.mapping.references import CHANGE_OP, mentions_change
from connector.mapping.vocabulary import DEAD_LETTER, SKIP
from connector.settings.problems import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.mapping.json_values import Json
    from connector.mapping.location import Location
    from connector.settings.models import Decode, Route

_EQUALITY = ("", "eq", "ne", "in", "not_in")
_SHORT = {"c": INSERT, "u": UPDATE, "d": DELETE, "r": SNAPSHOT}
_LITERAL = re.compile(r"(?:[A-Za-z0-9_-]|\\[^A-Za-z0-9])(?![*?{])")


def envelope_of(topic: str, decode: Mapping[str, Decode]) -> str | None:
    """Return the envelope of a topic, or one that topics of a ^pattern may have; None if there is none."""
    if not topic.startswith("^"):
        key = entry_of(topic, decode)
        return None if key is None else decode[key].envelope
    envelopes = (each.envelope for key, each in decode.items() if each.envelope and _may_overlap(topic, key))
    return next(envelopes, None)


def _may_overlap(pattern: str, entry: str) -> bool:
    if not entry.startswith("^"):
        return matches(pattern, entry)
    one, other = _beginning(pattern), _beginning(entry)
    return one.startswith(other) or other.startswith(one)


def _beginning(pattern: str) -> str:
    """Return how each topic begins that a pattern matches, as far as that is plain to see."""
    found = ""
    position = 1
    while "|" not in pattern and (match := _LITERAL.match(pattern, position)) is not None:
        found += match[0][-1]
        position = match.end()
    return found


def report_changes(route: Route, decode: Mapping[str, Decode], location: Location) -> None:
    """Report a route of changes that sends snapshots like any other change, and topics that have no `$change`."""
    with_envelope = [topic for topic in route.topics if envelope_of(topic, decode)]
    if with_envelope and not _bounds_op(route.where) and not _maps_op(route):
        topic = with_envelope[0]
        told = message(
            "{topic} is change data capture ({envelope}), and `where` has no condition on `$change.op`: a snapshot"
            " would send history as new events; add `$change.op: [insert, update]`",
            topic=topic,
            envelope=envelope_of(topic, decode),
        )
        location.at("topics" if route.where is None else "where").add(told, "cdc_without_op")
    if with_envelope:
        _report_operations(route.where, location.at("where"))
        for key in ("event_key", "public_params", "fields", "identity"):
            _report_mapped_operations(getattr(route, key), location.at(key))
    if not with_envelope or not mentions_change(route.model_dump(exclude={"topics"})):
        return
    for position, topic in enumerate(route.topics):
        if topic not in with_envelope:
            told = message("this topic has no `envelope` under `decode`: `$change` is missing in its records")
            location.at("topics", position).add(told, "suspicious")


def _report_operations(raw: Json, location: Location) -> None:
    """Report the conditions on the operation with something else than one: `c`, or INSERT."""
    for key, each in raw.items() if isinstance(raw, dict) else enumerate(raw) if isinstance(raw, list) else ():
        if key in ("any", "all", "not") or isinstance(raw, list):
            _report_operations(each, location.at(key))
        elif key == CHANGE_OP:
            for name, operand in each.items() if isinstance(each, dict) else [("", each)]:
                if name in _EQUALITY:
                    for text in operand if isinstance(operand, list) else [operand]:
                        _report_operation(text, location.at(key, name) if name else location.at(key))


def _report_mapped_operations(raw: Json, location: Location) -> None:
    """Report the entries of a `map` of the operation for something else than one."""
    if isinstance(raw, dict) and raw.get("from") == CHANGE_OP and isinstance(raw.get("map"), dict):
        for text in raw["map"]:
            _report_operation(text, location.at("map", text), at_key=True)
    elif isinstance(raw, dict | list):
        for key, each in raw.items() if isinstance(raw, dict) else enumerate(raw):
            _report_mapped_operations(each, location.at(key))


def _report_operation(text: Json, location: Location, *, at_key: bool = False) -> None:
    known = any(each.path == location.path for each in location.problems.found)  # as unreachable
    if isinstance(text, str) and not text.startswith("$") and text not in OPERATIONS and not known:
        meant = _SHORT.get(text, text.lower())
        hint = did_you_mean(meant, OPERATIONS)
        told = message("no operation, so it is never found: {names}{hint}", names=", ".join(OPERATIONS), hint=hint)
        location.add(told, "suspicious", at_key=at_key)


def _bounds_op(raw: Json, *, negated: bool = False) -> bool:
    """Return whether a table of conditions can't hold (`negated`: can't fail) without a condition on the operation."""
    if not isinstance(raw, dict):
        return False
    parts = [_entry_bounds_op(key, each, negated=negated) for key, each in raw.items()]
    return bool(parts) and (all(parts) if negated else any(parts))


def _entry_bounds_op(key: Json, raw: Json, *, negated: bool) -> bool:
    if key == "not":
        return _bounds_op(raw, negated=not negated)
    if key in ("any", "all"):
        parts = [_bounds_op(each, negated=negated) for each in raw] if isinstance(raw, list) else []
        return bool(parts) and (all(parts) if (key == "any") != negated else any(parts))
    return bool(key == CHANGE_OP)


def _maps_op(route: Route) -> bool:
    """Return whether a map of the operation gives the event key, or a parameter: it has the chosen operations only."""
    values = (route.event_key, *route.public_params.values())
    return any(
        isinstance(each, dict)
        and each.get("from") == CHANGE_OP
        and isinstance(each.get("map"), dict)
        and ("snapshot" in each["map"] or each.get("otherwise", SKIP) in (SKIP, DEAD_LETTER))
        and each.get("default", SKIP) in (SKIP, DEAD_LETTER)
        for each in values
    )

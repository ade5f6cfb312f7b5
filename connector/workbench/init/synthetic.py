"""A record for a mapping test: of the shape of a real one, every value a stand-in. Pure.

Texts keep their form (`A-123` is `A-999`), numbers their number of digits, times become the first day of 2024 in the
form that they have, a mobile number 13800000000. Codes that the config names, true and false stay.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from connector.dead_letters.masking import mask_text
from connector.mapping.json_values import text_form
from connector.workbench.init import values as look
from connector.workbench.init.fields import EVERY, Path, is_plain_name, unfolded
from connector.workbench.init.names import Role

if TYPE_CHECKING:
    from collections.abc import Collection

    from connector.mapping.json_values import Json
    from connector.workbench.init.inference import Proposal
    from connector.workbench.init.shapes import Row

PHONE: Final = "13800000000"
TIME_MS: Final = 1_704_067_200_000
"""2024-01-01T00:00:00Z, which is also the Kafka timestamp of a test's record."""
_TIMES: Final = {8: "20240101", 10: "1704067200", 13: "1704067200000", 14: "20240101080000", 16: "1704067200000000"}
_NANOSECONDS: Final = "1704067200000000000"
_DATE: Final = re.compile(r"\d{4}(\D{1,2})\d{1,2}(\D{1,2})\d{1,2}")
_DAY: Final = "2024-01-01"
_DIGIT: Final = re.compile(r"\d")
_MOST_TEXT: Final = 40
_MOST_ENTRIES: Final = 60
_MOST_DEPTH: Final = 10
_OPERATIONS: Final = {
    "insert": ("INSERT", "c"),
    "update": ("UPDATE", "u"),
    "delete": ("DELETE", "d"),
    "snapshot": ("INIT", "r"),
}
_ADDED_TIMES: Final = ("__ts_ms", "__source_ts_ms")


@dataclass(frozen=True, slots=True)
class StandIns:
    """Makes the records of a test from real ones."""

    roles: dict[Path, Role]
    """Of the fields that the config reads."""
    known: Collection[Path]
    """Paths that several records have; empty: too few records to tell."""

    @classmethod
    def of(cls, found: Proposal) -> StandIns:
        """Return what knows the roles that were found."""
        roles = {each.path: one.role for one in found.identities for each in one.fields}
        roles |= dict.fromkeys((each.path for each in found.times), Role.TIME)
        roles |= dict.fromkeys((each.path for each in found.order), Role.ORDER)
        roles |= {one.field.path: Role.AMOUNT for one in found.amounts}
        roles |= {each.path: role for role, each in found.profile.items()} if found.is_profile else {}
        roles |= {found.event.field.path: Role.EVENT} if found.event is not None else {}
        common = {each.path for each in found.fields if len(each.values) != 1 or each.is_list}
        known = {path[:end] for path in (*common, *roles) for end in range(1, len(path) + 1)}
        return cls(roles, known if found.records > _FEW else frozenset())

    def row(self, value: Json, code: str = "") -> Json:
        """Return the stand-in of a row; `code` is what its event field has."""
        return self._of(value, (), code)

    def message(self, row: Row, envelope: str, code: str = "", op: str = "") -> Json:
        """Return the stand-in of a decoded value: of the row, and of what is around it."""
        made = self.row(row.value, code)
        return made if not envelope else _around(made, row, envelope, op or row.op)

    def _of(self, value: Any, at: Path, code: str) -> Json:  # noqa: ANN401 - JSON is anything
        if isinstance(value, dict) and len(at) < _MOST_DEPTH:
            names = [name for name in value if self._is_shown((*at, name))]
            names.sort(key=lambda name: not self._is_read((*at, name)))
            kept = set(names[:_MOST_ENTRIES])
            return {name: self._of(each, (*at, name), code) for name, each in value.items() if name in kept}
        if isinstance(value, list) and len(at) < _MOST_DEPTH:
            return [self._of(each, (*at, EVERY), code) for each in value[:1]]
        if isinstance(value, dict | list):
            return type(value)()
        held = unfolded(value)
        if held is not value:
            return json.dumps(self._of(held, at, code), ensure_ascii=False)
        return stand_in(value, self.roles.get(at), code)

    def _is_shown(self, path: Path) -> bool:
        return is_plain_name(path[-1]) and (not self.known or path in self.known)

    def _is_read(self, path: Path) -> bool:
        return any(read[: len(path)] == path for read in self.roles)


_FEW: Final = 10


def stand_in(value: Any, role: Role | None, code: str = "") -> Json:  # noqa: ANN401 - JSON is anything
    """Return what stands for a scalar."""
    if value is None or isinstance(value, bool):
        return value
    if (role is Role.EVENT and code) or role is Role.PHONE or look.is_phone(value):
        return _like(value, code if role is Role.EVENT and code else PHONE)
    if role is Role.SEX and text_form(value) in look.SEXES:
        return value if isinstance(value, int) else text_form(value)
    if role is Role.AMOUNT and not look.is_number(value):
        return "1"
    if role in {Role.TIME, Role.BIRTHDAY} or (role is None and _looks_like_time(value)):
        return _time(value)
    return _text(value) if isinstance(value, str) else _number(value)


def _like(value: Json, text: str) -> Json:
    """Return a text in the type of a value."""
    return int(text) if isinstance(value, int | float) and text.lstrip("-").isdecimal() else text


def _looks_like_time(value: Json) -> bool:
    return look.is_time(value) and (isinstance(value, str) or abs(value) > _SMALLEST_TIME)


_SMALLEST_TIME: Final = 10**9


def _time(value: Json) -> Json:
    text = str(value).strip()
    digits = text.split(".", 1)[0]
    if digits.isdecimal():
        made = _TIMES.get(len(digits), _NANOSECONDS if len(digits) > max(_TIMES) else _TIMES[13])
        return made if isinstance(value, str) else int(made)
    found = _DATE.match(text)
    made = f"2024{found[1]}01{found[2]}01{_DIGIT.sub('0', text[found.end() :])}" if found is not None else ""
    return made if look.is_date(made) else _DAY  # what reads as a date has no other words


def _text(text: str) -> str:
    if look.is_number(text):
        return _ones(text)
    masked = mask_text(text)[:_MOST_TEXT]
    return "".join(each for each in masked if each.isprintable()) or "a"


def _ones(text: str) -> str:
    return "".join("1" if each.isnumeric() else each for each in text.strip())[:_MOST_TEXT]


def _number(value: float) -> float:
    if isinstance(value, int):
        return int("1" * min(len(str(abs(value))), _MOST_DIGITS))
    return int("1" * min(len(str(int(abs(value)))), _MOST_DIGITS)) + 0.5 if abs(value) < _LARGE else 1.5


_MOST_DIGITS: Final = 18
_LARGE: Final = 1e15


def _around(row: Json, given: Row, envelope: str, op: str) -> Json:
    """Return a message with one row, in the form of the one that it is from."""
    message: Any = given.message
    canal_type, letter = _OPERATIONS[op]
    if envelope == "canal":
        old: dict[str, Json] = {"old": [{}]} if op == "update" else {}
        return {
            "type": canal_type, "database": "db", "table": _table(message), "isDdl": False,
            "es": TIME_MS, "ts": TIME_MS, "data": [row], **old,
        }  # fmt: skip
    with_schema = message.keys() == {"schema", "payload"}
    payload = message["payload"] if with_schema else message
    if "__op" in payload:
        added = {"__op": letter} | {name: TIME_MS for name in _ADDED_TIMES if name in payload}
        return {**{name: each for name, each in row.items() if not name.startswith("__")}, **added}
    as_text = any(isinstance(payload.get(name), str) for name in ("before", "after"))
    shown = json.dumps(row, ensure_ascii=False) if as_text else row
    event = {
        "before": shown if op == "delete" else None,
        "after": None if op == "delete" else shown,
        "source": {"table": _table(payload.get("source")), "ts_ms": TIME_MS},
        "op": letter,
        "ts_ms": TIME_MS,
    }
    return {"schema": None, "payload": event} if with_schema else event


def _table(message: Any) -> str:  # noqa: ANN401 - JSON is anything
    name = message.get("table") or message.get("collection") if isinstance(message, dict) else None
    return name if isinstance(name, str) and is_plain_name(name) else "t"

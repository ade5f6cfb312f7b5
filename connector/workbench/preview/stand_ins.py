"""Records with stand-ins for personal data, of which the same becomes: what a mapping test may hold.

Every text and every number of five digits or more is replaced by one of its form; a mobile number by one that is still
a mobile number. Texts of the config stay. What the mapping depends on (a time, a number, a word) is put back, one by
one; never a mobile number, a mail address, or other text.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from connector.core.record import UNREADABLE_HEADERS
from connector.dead_letters.masking import mask_numbers, mask_text
from connector.mapping.conversions.phone import phone
from connector.mapping.errors import ConversionError
from connector.mapping.lookup import parsed
from connector.workbench.preview.outcomes import names_of

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

    from connector.core.record import Record
    from connector.mapping.json_values import Json
    from connector.workbench.preview.given import Given
    from connector.workbench.preview.outcomes import Outcome

Path = tuple[str | int, ...]

_MOST_TRIED: Final = 300
_KEPT_DIGITS: Final = 3
_MOST_VISIBLE: Final = 9999
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z_-]{0,23}")
_MAY_BE_A_CARD: Final = re.compile(r"\d{15,}")
"""The number of a person or of an account."""
_TIME_OR_NUMBER: Final = re.compile(r"[-+]?[\d.:/ 年月日时分秒TZ+-]{1,40}")


def signature(outcome: Outcome) -> object:
    """Return what must be the same for a record with stand-ins: everything but values."""
    return outcome.kind, names_of(outcome)


def with_stand_ins(outcome: Outcome, outcome_of: Callable[[Given], Outcome], shown: Container[str]) -> Outcome | None:
    """Return the outcome of the record with stand-ins; None if something else becomes of that.

    `outcome_of` maps a record, `shown` are the texts that stay.
    """
    wanted = signature(outcome)
    given = replace(
        outcome.given, record=_without_key(outcome.given.record, shown), is_decoded=True, decoded=outcome.decoded
    )

    def made_of(value: Json) -> Outcome:
        return outcome_of(replace(given, decoded=value))

    masked = _masked(outcome.decoded, shown)
    found = made_of(masked)
    if signature(found) == wanted:
        return found
    value = masked
    leaves = [path for path, leaf in _leaves(outcome.decoded, ()) if _may_stay(leaf)][:_MOST_TRIED]
    for path in leaves:
        value = _with(value, path, _at(outcome.decoded, path))
    if signature(made_of(value)) != wanted:
        return None
    for path in leaves:
        tried = _with(value, path, _at(masked, path))
        if signature(made_of(tried)) == wanted:
            value = tried
    return made_of(value)


def stand_in(text: str) -> str:
    """Return a text of the same form; a mobile number stays one."""
    try:
        if phone(text) is not None:
            digits = [index for index, each in enumerate(text) if each.isnumeric()]
            hidden = set(digits[_KEPT_DIGITS - 11 :])
            return "".join("0" if index in hidden else each for index, each in enumerate(text))
    except ConversionError:
        pass
    return mask_text(text)


def _without_key(record: Record, shown: Container[str]) -> Record:
    key = None if record.key is None else _masked_bytes(record.key, shown)
    if record.headers is UNREADABLE_HEADERS:
        return record.replace(key=key)
    headers = tuple((name, None if data is None else _masked_bytes(data, shown)) for name, data in record.headers)
    return record.replace(key=key, headers=headers)


def _masked_bytes(data: bytes, shown: Container[str]) -> bytes:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data  # a mapping reads nothing of it, and no test can hold it
    return (text if text in shown else stand_in(text)).encode()


def _masked(value: Json, shown: Container[str]) -> Json:
    if isinstance(value, dict):
        return {mask_numbers(name): _masked(each, shown) for name, each in value.items()}
    if isinstance(value, list):
        return [_masked(each, shown) for each in value]
    if isinstance(value, str):
        return value if value in shown else _masked_text(value, shown)
    return value if isinstance(value, bool) or value is None else _masked_number(value)


def _masked_text(text: str, shown: Container[str]) -> str:
    held = parsed(text)
    return stand_in(text) if held is None else json.dumps(_masked(held, shown), ensure_ascii=False)


def _masked_number(value: float) -> float:
    if abs(value) <= _MOST_VISIBLE or not math.isfinite(value):
        return value
    if isinstance(value, int):
        return int(stand_in(str(value)))
    return float(stand_in(str(int(value)) if value.is_integer() else f"{value:.2f}"))


def _may_stay(leaf: Json) -> bool:
    """Whether a leaf may be put back: a time, a number or a word, but no mobile number."""
    text = str(leaf)
    try:
        if phone(text) is not None:
            return False
    except ConversionError:
        pass
    if isinstance(leaf, str):
        if _MAY_BE_A_CARD.search(text):
            return False
        return _WORD.fullmatch(text) is not None or _TIME_OR_NUMBER.fullmatch(text) is not None
    return isinstance(leaf, int | float)


def _leaves(value: Json, at: Path) -> Iterator[tuple[Path, Json]]:
    """Yield the leaves whose names are not masked."""
    if isinstance(value, dict):
        for name, each in value.items():
            if mask_numbers(name) == name:
                yield from _leaves(each, (*at, name))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _leaves(each, (*at, index))
    else:
        yield at, value


def _at(value: Json, path: Path) -> Json:
    for name in path:
        value = value[name]
    return value


def _with(value: Json, path: Path, leaf: Json) -> Json:
    """Return a copy of the value with another leaf."""
    if not path:
        return leaf
    copied = value.copy()
    copied[path[0]] = _with(value[path[0]], path[1:], leaf)
    return copied

"""The conversion to a mainland mobile number."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from unicodedata import category, normalize

from connector.mapping.conversions.conversion import Conversion
from connector.mapping.errors import ConversionError
from connector.mapping.expressions import Usual
from connector.mapping.json_values import type_name

if TYPE_CHECKING:
    from connector.mapping.json_values import Json

_BEGINNINGS = frozenset(f"{prefix}1{digit}" for prefix in ("", "+86", "0086", "86", "0") for digit in "3456789")
_PREFIXED = re.compile(r"(?:\+86|0086|86|0)?(1[3-9][0-9]{9})")
_DROPPED_MARKS = frozenset("\t\r\n.·•")
_DROPPED_KINDS = frozenset({"Cf", "Zs", "Pd", "Ps", "Pe"})
"""Format characters, spaces, dashes, opening and closing brackets."""
_LONGEST = 64
_ASCII_DROPPED = bytes(
    code for code in range(128) if chr(code) in _DROPPED_MARKS or category(chr(code)) in _DROPPED_KINDS
)


def phone(value: Json) -> Json:
    """Return a mobile number of 11 digits, which matches 1[3-9] and nine digits.

    Accepts text and whole numbers. Text is normalised: NFKC; format characters, spaces, dashes, dots and brackets are
    dropped, and one prefix of +86, 0086, 86 or 0.
    """
    if value.__class__ is str and len(value) <= _LONGEST and value.isascii():
        # What almost all records have, without a regular expression, which takes longer.
        dialled = value.replace(" ", "").replace("-", "")
        if dialled[:-9] in _BEGINNINGS and (digits := dialled[-11:]).isdecimal():
            return digits
    if value.__class__ is int:
        text = str(value)
    elif value.__class__ is float and value.is_integer():
        text = str(int(value))
    elif isinstance(value, str) and len(value) <= _LONGEST:
        text = _cleaned(value)
    else:
        raise _refused(value)
    match = _PREFIXED.fullmatch(text)
    if match is None:
        raise _refused(value)
    return match[1]


def _refused(value: Json) -> ConversionError:
    return ConversionError("expected a mainland mobile number of 11 digits, got {kind}", kind=type_name(value))


def _cleaned(text: str) -> str:
    if text.isascii():
        return text.encode().translate(None, _ASCII_DROPPED).decode()  # half the time of str.translate
    if not any(map(str.isnumeric, text)):
        return ""  # a name, say: to normalise it takes five times as long
    return "".join(
        character
        for character in normalize("NFKC", text)
        if character not in _DROPPED_MARKS and category(character) not in _DROPPED_KINDS
    )


TABLE = (
    Conversion(
        "phone",
        phone,
        "A mainland mobile number of 11 digits; a prefix (+86 0086 86 0), blanks, dashes, dots, brackets are dropped.",
        (("+86 138-0000-0000", "13800000000"), ("（0086）13800000000", "13800000000"), (13800000000, "13800000000")),
        impossible=("138****0000", "+1 380 000 0000"),
        settled=True,
        usual=lambda _given: Usual(str, result="{1}({0})", bound=phone, text=True, may_fail=True),
    ),
)

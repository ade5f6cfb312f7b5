"""Numbers, exactly: the conversions to them, and `multiply` and `round`.

Nothing here goes through binary fractions: whole numbers are multiplied as whole numbers, others as the
decimal text that they are written with, and the result is whole where it is whole, else the one float whose
shortest text is the exact result: 142000 * 0.01 is 1420, and 1999 * 0.01 is 19.99.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING

from connector.mapping.errors import ConversionError, type_name

if TYPE_CHECKING:
    from connector.mapping.location import Json

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_LONGEST = 400
_EXACT = Context(prec=4 * _LONGEST, rounding=ROUND_HALF_UP)
"""Room for any product and quotient of what `decimal_of` lets in: nothing is ever rounded unasked."""
_EXACTLY_DIVISIBLE = 1 << 128
_TRUE = frozenset({"true", "t", "yes", "y", "on", "1", "是"})
_FALSE = frozenset({"false", "f", "no", "n", "off", "0", "否"})

Arithmetic = Callable[["Json"], "Json"]


def decimal_of(value: Json) -> Decimal | None:
    """The exact number that a number or numeric text is; None for anything else (a boolean is no number)."""
    kind = value.__class__
    if kind is int:
        return Decimal(value) if value.bit_length() <= _LONGEST else None
    if kind is float:
        return Decimal(repr(value))
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    text = value.strip()
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    if _NUMBER.fullmatch(text) is None:
        return None
    exact = Decimal(text)
    return exact if abs(exact.adjusted()) <= _LONGEST else None


def plain_number(exact: Decimal) -> int | float:
    """An exact number as JSON has it: whole if it is whole, else the nearest float. May raise ConversionError."""
    if exact == exact.to_integral_value():
        return int(exact)
    nearest = float(exact)
    if math.isinf(nearest):
        raise ConversionError("the number is too large")
    return nearest


def number(value: Json) -> Json:
    """A number, from one or from its text."""
    if value.__class__ is int or value.__class__ is float:
        return value
    exact = decimal_of(value)
    if exact is None:
        raise ConversionError(f"{type_name(value)} is not a number")
    return plain_number(exact)


def integer(value: Json) -> Json:
    """A whole number, from one (12.0 is one) or from its text."""
    if value.__class__ is int:
        return value
    exact = decimal_of(value)
    if exact is None or exact != exact.to_integral_value():
        raise ConversionError(f"{type_name(value)} is not a whole number")
    return int(exact)


def boolean(value: Json) -> Json:
    """A boolean, from one, from 1 and 0, or from the usual words."""
    if value.__class__ is bool:
        return value
    if value.__class__ is int and value in (0, 1):
        return value == 1
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
    raise ConversionError(f"{type_name(value)} is not true or false")


def arithmetic(factor: Decimal, digits: int | None) -> Arithmetic:
    """A function that multiplies by `factor`, then rounds to `digits` decimal places, halves away from zero."""
    numerator, denominator = factor.as_integer_ratio()
    unit = None if digits is None else Decimal(1).scaleb(-digits)

    def compute(value: Json) -> Json:
        if unit is None and value.__class__ is int:
            product = value * numerator
            quotient, rest = divmod(product, denominator)
            if rest == 0:
                return quotient
            if -_EXACTLY_DIVISIBLE < product < _EXACTLY_DIVISIBLE:
                return product / denominator  # of two integers this is the nearest float, exactly
        exact = decimal_of(value)
        if exact is None:
            raise ConversionError(f"{type_name(value)} is not a number")
        exact = _EXACT.multiply(exact, factor)
        return plain_number(exact if unit is None else exact.quantize(unit, context=_EXACT))

    return compute

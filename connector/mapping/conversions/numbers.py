"""Conversions to numbers and booleans, and the exact arithmetic of `multiply` and `round`.

Nothing is computed in binary fractions: integers are multiplied as integers, other numbers as the decimal text that
they are written with. A whole result is an integer, any other the float whose shortest text is the exact result:
142000 * 0.01 is 1420, and 1999 * 0.01 is 19.99.
"""

from __future__ import annotations

import math
import re
import unicodedata
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING

from connector.mapping.conversions.conversion import Conversion
from connector.mapping.errors import ConversionError
from connector.mapping.expressions import Usual
from connector.mapping.json_values import type_name

if TYPE_CHECKING:
    from connector.mapping.conversions.conversion import Convert
    from connector.mapping.json_values import Json

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_LONGEST = 400
_EXACT = Context(prec=4 * _LONGEST, rounding=ROUND_HALF_UP)
"""Enough digits for the product of any two numbers that `decimal_of` returns: only `round` rounds."""
_EXACTLY_DIVISIBLE = 1 << 128
_TRUE = frozenset({"true", "t", "yes", "y", "on", "1", "是"})
_FALSE = frozenset({"false", "f", "no", "n", "off", "0", "否"})


def decimal_of(value: Json) -> Decimal | None:
    """Return the exact value of a number or of numeric text; None for anything else, booleans included."""
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
    """Return an exact number for JSON: an integer if it is whole, else the nearest float. May raise ConversionError."""
    if exact == exact.to_integral_value():
        return int(exact)
    nearest = float(exact)
    if math.isinf(nearest):
        raise ConversionError("the number is too large")
    return nearest


def number(value: Json) -> Json:
    """Return a number, from a number or its text."""
    if value.__class__ is int or value.__class__ is float:
        return value
    exact = decimal_of(value)
    if exact is None:
        raise ConversionError("expected a number, got {kind}", kind=type_name(value))
    return plain_number(exact)


def integer(value: Json) -> Json:
    """Return an integer, from a whole number (12.0 is one) or its text."""
    if value.__class__ is int:
        return value
    exact = decimal_of(value)
    if exact is None or exact != exact.to_integral_value():
        raise ConversionError("expected a whole number, got {kind}", kind=type_name(value))
    return int(exact)


def boolean(value: Json) -> Json:
    """Return a boolean, from a boolean, 1 and 0, or the usual words."""
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
    raise ConversionError("expected true or false, got {kind}", kind=type_name(value))


def arithmetic(factor: Decimal, digits: int | None) -> Convert:
    """Return a function that multiplies by `factor`, then rounds to `digits` decimal places, halves away from zero."""
    numerator, denominator = factor.as_integer_ratio()
    unit = None if digits is None else Decimal(1).scaleb(-digits)

    def compute(value: Json) -> Json:
        if unit is None and value.__class__ is int:
            product = value * numerator
            quotient, rest = divmod(product, denominator)
            if rest == 0:
                return quotient
            if -_EXACTLY_DIVISIBLE < product < _EXACTLY_DIVISIBLE:
                return product / denominator  # the division of two integers is correctly rounded
        exact = decimal_of(value)
        if exact is None:
            raise ConversionError("expected a number, got {kind}", kind=type_name(value))
        exact = _EXACT.multiply(exact, factor)
        return plain_number(exact if unit is None else exact.quantize(unit, context=_EXACT))

    return compute


def usual_product(factor: Decimal) -> Usual:
    """Return what `arithmetic` makes of integers of 30 bits, as source: larger ones are compared in twice the time."""
    numerator, denominator = factor.as_integer_ratio()
    largest = min(_EXACTLY_DIVISIBLE // max(1, abs(numerator)), (1 << 30) - 1)
    product = "{0}" if numerator == 1 else f"{{0}} * {numerator}"
    quotient = f"({product} / {denominator} if {product} % {denominator} else {product} // {denominator})"
    return Usual(int, f"{-largest} < {{0}} < {largest}", quotient)


TABLE = (
    Conversion(
        "integer",
        integer,
        "A whole number, from one or from its text.",
        ((12.0, 12), ("12", 12), ("98765432109876543210", 98765432109876543210)),
        impossible=("12.5", True),
        yields=int,
        settled=True,
        usual=lambda _given: Usual(int),
    ),
    Conversion(
        "number",
        number,
        "A number, from one or from its text, exactly.",
        (("12.50", 12.5), ("１２.５", 12.5)),
        impossible=("1,420.00", "12 yuan", False),
        yields=float,
        settled=True,
        usual=lambda _given: Usual(int),
    ),
    Conversion(
        "boolean",
        boolean,
        "true or false, from 1 and 0 and the usual words: "
        f"{' '.join(sorted(_TRUE))} are true, {' '.join(sorted(_FALSE))} are false.",
        (("yes", True), ("否", False), (1, True)),
        impossible=("perhaps", 2),
        yields=bool,
        settled=True,
        usual=lambda _given: Usual(bool),
    ),
)

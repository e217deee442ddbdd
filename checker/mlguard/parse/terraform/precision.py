"""Terraform's numbers: floating point with 512 bits, written with as many digits as tell them apart.

Whole numbers of up to 512 bits are Python's `int`; every other number is a `Real`.
https://developer.hashicorp.com/terraform/language/expressions/types
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from fractions import Fraction
from typing import Self

from mlguard.parse.terraform.failure import FailureError, NotEvaluatedError

BITS = 512
DOUBLE = 53
"""The bits of a number that comes from a function which computes with Go's float64."""
_BIGGEST = 10**1000
_FLOAT = Fraction(sys.float_info.max)
_LONGEST = 2_000
_SURE = 100  # so many digits are a whole number of less than 512 bits
_DIGITS = Context(prec=10_000, Emax=100_000, Emin=-100_000, rounding=ROUND_HALF_EVEN)
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,9})?")


class Real(float):
    """A number that is not a whole one of up to 512 bits: the nearest float, and what it stands for exactly."""

    __slots__ = ("bits", "exact")
    bits: int
    exact: Fraction

    def __new__(cls, exact: Fraction, bits: int = BITS) -> Self:
        """Make a number of a fraction that is rounded to its bits already."""
        made = super().__new__(cls, max(-_FLOAT, min(exact, _FLOAT)))
        made.exact = exact
        made.bits = bits
        return made

    def __str__(self) -> str:
        """Write the number as Terraform does."""
        return written(self)


def exact(value: float) -> Fraction:
    """Give what a number stands for."""
    return value.exact if isinstance(value, Real) else Fraction(value)


def bits_of(value: float) -> int:
    """Give how many bits a number is kept with."""
    return value.bits if isinstance(value, Real) else BITS


def rounded(value: Fraction | int, bits: int = BITS) -> int | float:
    """Give the number of so many bits that is nearest; NotEvaluatedError for one beyond all reason."""
    if isinstance(value, int) and value.bit_length() <= bits:
        return value
    size = abs(Fraction(value))
    if size > _BIGGEST or 0 < size * _BIGGEST < 1:
        raise NotEvaluatedError("the number is too large or too small to be computed with")
    nearest = _nearest(Fraction(value), bits)
    whole = nearest.denominator == 1 and nearest.numerator.bit_length() <= bits
    return nearest.numerator if whole else Real(nearest, bits)


def _exponent(value: Fraction) -> int:
    """Give the power of two that a number lies just above, or at."""
    guess = value.numerator.bit_length() - value.denominator.bit_length()
    return guess if value >= Fraction(2) ** guess else guess - 1


def _nearest(value: Fraction, bits: int) -> Fraction:
    size = abs(Fraction(value))
    unit = Fraction(2) ** (_exponent(size) - bits + 1)
    nearest = round(size / unit) * unit  # halves go to the even neighbour
    return nearest if value > 0 else -nearest


def parsed(text: str) -> int | float:
    """Read a number; FailureError where the text is none."""
    if text.isdigit() and text.isascii() and len(text) <= _SURE:
        return int(text)
    if len(text) > _LONGEST or _NUMBER.fullmatch(text) is None or not text.isascii():
        raise FailureError("a number was expected")
    mantissa, _, exponent = text.lower().partition("e")
    power = int(exponent or 0)
    if abs(power) > _LONGEST:
        raise NotEvaluatedError("the number is too large or too small to be computed with")
    whole, _, part = mantissa.lstrip("+-").partition(".")
    found = int(whole + part or "0") * Fraction(10) ** (power - len(part))
    return rounded(-found if text.startswith("-") else found)


_OF_INTEGERS: dict[str, Callable[[int, int], int]] = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__}


def arithmetic(operator: str, left: float, right: float) -> int | float:
    """Compute; FailureError for a division by zero."""
    if isinstance(left, int) and isinstance(right, int) and operator in _OF_INTEGERS:
        return rounded(_OF_INTEGERS[operator](left, right))
    one, other = exact(left), exact(right)
    bits = max(bits_of(left), bits_of(right))
    if operator == "+":
        return rounded(one + other, bits)
    if operator == "-":
        return rounded(one - other, bits)
    if operator == "*":
        return rounded(one * other, bits)
    if other == 0:
        return _by_zero(operator, left)
    quotient = one / other
    if operator == "/":
        return rounded(quotient, bits)
    return rounded(one - int(exact(rounded(quotient, bits))) * other, bits)


def _by_zero(operator: str, left: float) -> int | float:
    """Divide by zero: the rest is then the number itself, and only 0 / 0 is refused; the others are infinite."""
    if operator == "%":
        return left
    raise NotEvaluatedError("a division by zero") if left else FailureError("a division of zero by zero")


def written(value: float) -> str:
    """Write a number without an exponent."""
    if isinstance(value, int):
        return str(value)
    digits, point = shortest(value)
    sign = "-" if value < 0 else ""
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if point >= len(digits):
        return f"{sign}{digits}{'0' * (point - len(digits))}"
    return f"{sign}{digits[:point]}.{digits[point:]}"


def shortest(value: float) -> tuple[str, int]:
    """Give the fewest digits that stand for a number and for no other of its bits, and where their point is."""
    size = abs(exact(value))
    if size == 0:
        return "0", 1
    half = Fraction(2) ** (_exponent(size) - bits_of(value))
    inclusive = (size / half).numerator & 2 == 0
    bounds = (size, size - half, size + half)
    places = max(bound.denominator.bit_length() - 1 for bound in bounds)
    digits, lower, upper = (str(int(bound * 10**places)) for bound in bounds)
    width = len(upper)
    digits = digits.zfill(width)
    head = _cut("0" + digits, "0" + lower.zfill(width).rstrip("0"), "0" + upper.rstrip("0"), inclusive=inclusive)
    first = len(head) - len(head.lstrip("0"))
    return head.strip("0"), width + 1 - places - first


def _cut(digits: str, lower: str, upper: str, *, inclusive: bool) -> str:
    """Give the first digits that lie between the bounds, as Go's printer of big floats chooses them."""
    for at in range(len(digits) - len(digits.lstrip("0")), len(digits.rstrip("0"))):
        digit, below, above = (found[at] if at < len(found) else "0" for found in (digits, lower, upper))
        down = below != digit or (inclusive and at + 1 == len(lower))
        up = digit != above and (inclusive or int(digit) + 1 < int(above) or at + 1 < len(upper))
        if not down and not up:
            continue
        if down and up:
            rest = digits[at + 1 :].rstrip("0")
            up = rest > "5" or (rest == "5" and int(digit) % 2 == 1)
        return str(int(digits[: at + 1]) + up).zfill(at + 1)
    return digits


def fixed(value: float, places: int) -> str:
    """Write a number with so many digits after its point."""
    with localcontext(_DIGITS):
        return format(_as_decimal(value), f".{places}f")


def scientific(value: float, places: int) -> str:
    """Write a number with an exponent of at least two digits."""
    if value == 0:
        return f"{0:.{places}e}"
    with localcontext(_DIGITS):
        mantissa, _, exponent = format(_as_decimal(value), f".{places}e").partition("e")
    return f"{mantissa}e{exponent[0]}{exponent[1:].zfill(2)}"


_PLAIN_FROM = -4


def general(value: float, digits: int | None = None) -> str:
    """Write a number with so many digits, or as few as tell it apart, and with an exponent where it has a large one."""
    if value == 0:
        return "0"
    if digits is None:
        kept, point = shortest(value)
        limit = 6
    else:
        mantissa, _, exponent = scientific(value, max(digits, 1) - 1).partition("e")
        kept = mantissa.lstrip("-").replace(".", "").rstrip("0") or "0"
        point = int(exponent) + 1
        limit = len(kept) if digits > len(kept) >= point else max(digits, 1)
    sign = "-" if value < 0 else ""
    if not _PLAIN_FROM <= point - 1 < limit:
        rest = "." + kept[1:] if len(kept) > 1 else ""
        return f"{sign}{kept[0]}{rest}e{point - 1:+03d}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{kept}"
    return f"{sign}{kept[:point].ljust(point, '0')}" + ("." + kept[point:] if len(kept) > point else "")


def _as_decimal(value: float) -> Decimal:
    found = exact(value)
    places = found.denominator.bit_length() - 1
    return Decimal(found.numerator * 5**places).scaleb(-places)

"""Numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from mlguard.parse.terraform.failure import FailureError, NotEvaluatedError
from mlguard.parse.terraform.functions.signature import Call, Function, Run, function, known, seen
from mlguard.parse.terraform.precision import DOUBLE, Real, arithmetic, exact, rounded
from mlguard.parse.terraform.values import number, unknown, whole
from mlguard.value import Content, Items, Node

_RANGE = 1024
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CASELESS = 36
_LONGEST = 400
_HALF = 0.5
_SMALLEST, _LARGEST = -4096, 4096
_MOST = 2.0**63


def _double(value: float) -> int | float:
    """Give the result of a computation with Go's float64."""
    if not math.isfinite(value):
        raise NotEvaluatedError("the number is too large")
    found = rounded(Fraction(value), DOUBLE)
    return found if isinstance(found, Real) or abs(found) < 1 << DOUBLE else Real(Fraction(value), DOUBLE)


def _pow(base: float, exponent: float) -> int | float:
    try:
        return _double(_power(float(base), float(exponent)))
    except (OverflowError, ValueError, ZeroDivisionError):
        raise NotEvaluatedError("the number is too large, or none") from None


def _power(base: float, exponent: float) -> float:
    """Raise to a power as Go does, so that the result is rounded alike."""
    if exponent == 0 or base == 1:
        return 1.0
    if base == 0 or abs(exponent) == _HALF:
        return float(base**exponent)
    part, count = math.modf(abs(exponent))
    if (part and base < 0) or count >= _MOST:
        raise ValueError
    if part > _HALF:
        part, count = part - 1, count + 1
    found, power = _squared(math.exp(part * _logarithm(base)) if part else 1.0, base, int(count))
    return math.ldexp(1 / found, -power) if exponent < 0 else math.ldexp(found, power)


def _squared(found: float, base: float, count: int) -> tuple[float, int]:
    """Multiply with a power by squaring the fraction of its base; gives the result and a power of two."""
    power = 0
    fraction, shift = math.frexp(base)
    while count:
        if not _SMALLEST <= shift <= _LARGEST:
            return found, power + shift
        if count & 1:
            found, power = found * fraction, power + shift
        fraction, shift, count = fraction * fraction, shift * 2, count >> 1
        if fraction < _HALF:
            fraction, shift = fraction + fraction, shift - 1
    return found, power


_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_EVEN = (6.666666666666735130e-01, 2.857142874366239149e-01, 1.818357216161805012e-01, 1.479819860511658591e-01)
_ODD = (3.999999999940941908e-01, 2.222219843214978396e-01, 1.531383769920937332e-01)


def _logarithm(value: float) -> float:
    """Give the natural logarithm with the rounding of Go, which is that of FreeBSD's library."""
    if value <= 0:
        raise ValueError
    fraction, power = math.frexp(value)
    if fraction < math.sqrt(2) / 2:
        fraction, power = fraction * 2, power - 1
    fraction -= 1
    ratio = fraction / (2 + fraction)
    square = ratio * ratio
    fourth = square * square
    even = square * (_EVEN[0] + fourth * (_EVEN[1] + fourth * (_EVEN[2] + fourth * _EVEN[3])))
    odd = fourth * (_ODD[0] + fourth * (_ODD[1] + fourth * _ODD[2]))
    half = 0.5 * fraction * fraction
    return power * _LN2_HIGH - ((half - (ratio * (half + (even + odd)) + power * _LN2_LOW)) - fraction)


def _log(value: float, base: float) -> int | float:
    try:
        below = _logarithm(base)
        return _double(_logarithm(value) / below) if below else _by_log_of_one(value)
    except ValueError:
        if value > 0 and base == 0:
            return 0
        raise NotEvaluatedError("the logarithm is infinite, or none") from None


def _by_log_of_one(value: float) -> int | float:
    raise FailureError("the base is 1") if value == 1 else NotEvaluatedError("the logarithm is infinite")


def _signum(value: float) -> int:
    found = whole(value)
    return (found > 0) - (found < 0)


def _parseint(text: object, base: object) -> int:
    radix = whole(base)
    if not isinstance(text, str) or not 2 <= radix <= len(_DIGITS):  # noqa: PLR2004  (digits that differ)
        raise FailureError("a text and a base of 2 to 62 were expected")
    if len(text) > _LONGEST:
        raise NotEvaluatedError("the number is too large")
    digits = text[1:] if text[:1] in ("+", "-") else text
    values = [_DIGITS.find(digit.lower() if radix <= _CASELESS else digit) for digit in digits]
    if not values or not all(0 <= value < radix for value in values):
        raise FailureError("not a number of that base")
    found = 0
    for value in values:
        found = found * radix + value
    return -found if text.startswith("-") else found


def _range(*bounds: float) -> list[int | float]:
    """Count as Terraform does: never more than 1,024 numbers."""
    if not 1 <= len(bounds) <= 3:  # noqa: PLR2004  (start, limit, step)
        raise FailureError("one to three numbers were expected")
    start, limit = (0, bounds[0]) if len(bounds) == 1 else (bounds[0], bounds[1])
    step = bounds[2] if len(bounds) > 2 else (1 if exact(start) <= exact(limit) else -1)  # noqa: PLR2004  (as above)
    if step == 0 or (exact(limit) - exact(start)) * exact(step) < 0:
        raise FailureError("the step never reaches the limit")
    found: list[int | float] = []
    while (exact(start) < exact(limit)) if step > 0 else (exact(start) > exact(limit)):
        if len(found) == _RANGE:
            raise FailureError(f"more than {_RANGE:,} numbers")
        found.append(start)
        start = arithmetic("+", start, step)
    return found


def _sum(call: Call) -> Node | Content:
    found = call[0].content
    if not isinstance(found, Items) or (not found.nodes and found.rest is None):
        raise FailureError("a list or a set of numbers was expected")
    total: int | float = 0
    for node in found.nodes:
        if not unknown(node.content):
            total = arithmetic("+", total, number(node.content))
    return call.hidden() if found.rest or any(unknown(node.content) for node in found.nodes) else total


def _extreme(choose: Callable[..., float]) -> Run:
    def of_all(*values: float) -> float:
        if not values:
            raise FailureError("a number was expected")
        return choose(values, key=exact)

    return known(of_all)


_TABLE: tuple[tuple[str, str, Run], ...] = (
    ("abs", "number -> number", known(lambda value: arithmetic("*", value, -1) if value < 0 else value)),
    ("ceil", "number -> number", known(lambda value: math.ceil(exact(value)))),
    ("floor", "number -> number", known(lambda value: math.floor(exact(value)))),
    ("log", "number number -> number", known(_log)),
    ("max", "number* -> number", _extreme(max)),
    ("min", "number* -> number", _extreme(min)),
    ("parseint", "any number -> number", known(_parseint)),
    ("pow", "number number -> number", known(_pow)),
    ("range", "number* -> list(number)", known(_range)),
    ("signum", "number -> number", known(_signum)),
    ("sum", "any -> number", seen(_sum)),
)
NUMERIC: dict[str, Function] = {name: function(name, signature, run) for name, signature, run in _TABLE}

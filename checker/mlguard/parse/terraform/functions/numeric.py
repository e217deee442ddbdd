"""Numbers."""

from __future__ import annotations

import math
from collections.abc import Callable

from mlguard.parse.terraform.values import FailureError, number, tidy

_MAX_EXPONENT = 400
_MAX_DIGITS = 400
_BASES = (2, 36)
_RANGE = 1024


def _numbers(values: tuple[object, ...]) -> list[int | float]:
    if not values:
        raise FailureError("a number was expected")
    return [number(value) for value in values]


def _pow(base: object, exponent: object) -> int | float:
    first, second = number(base), number(exponent)
    if abs(second) > _MAX_EXPONENT:
        raise FailureError("the exponent is too large")
    return tidy(float(first) ** float(second))


def _log(value: object, base: object) -> int | float:
    return tidy(math.log(number(value)) / math.log(number(base)))


def _signum(value: object) -> int:
    found = number(value)
    return (found > 0) - (found < 0)


def _parseint(text: object, base: object) -> int:
    radix = number(base)
    if not isinstance(text, str) or len(text) > _MAX_DIGITS or not _BASES[0] <= radix <= _BASES[1] or "_" in text:
        raise FailureError("not a number of that base")
    return int(text, int(radix))


def _range(*values: object) -> list[int | float]:
    """Count as Terraform does: never more than 1,024 numbers."""
    bounds = _numbers(values)
    start, limit = (0, bounds[0]) if len(bounds) == 1 else (bounds[0], bounds[1])
    step = bounds[2] if len(bounds) > 2 else (1 if start <= limit else -1)  # noqa: PLR2004  (start, limit, step)
    if step == 0:
        raise FailureError("the step is 0")
    found: list[int | float] = []
    while (start < limit) if step > 0 else (start > limit):
        if len(found) == _RANGE:
            raise FailureError(f"more than {_RANGE:,} numbers")
        found.append(start)
        start += step
    return found


NUMERIC: dict[str, Callable[..., object]] = {
    "abs": lambda value: abs(number(value)),
    "ceil": lambda value: math.ceil(number(value)),
    "floor": lambda value: math.floor(number(value)),
    "log": _log,
    "max": lambda *values: max(_numbers(values)),
    "min": lambda *values: min(_numbers(values)),
    "parseint": _parseint,
    "pow": _pow,
    "range": _range,
    "signum": _signum,
    "sum": lambda values: tidy(float(sum(_numbers(tuple(values))))),
}

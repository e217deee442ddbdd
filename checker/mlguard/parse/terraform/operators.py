"""Arithmetic and comparison of known numbers."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from mlguard.parse.terraform.values import (
    FailureError,
    tidy,
)

_BIGGEST = 10**40


def compute(operator: str, left: float, right: float) -> int | float | bool:
    """Apply an operator to two numbers; FailureError for a division by zero and for results beyond reason."""
    if operator in _COMPARE:
        return _COMPARE[operator](left, right)
    if operator in ("/", "%") and right == 0:
        raise FailureError("division by zero")
    try:
        result = _exact(operator, left, right)
    except OverflowError:
        raise FailureError("the number is too large") from None
    if abs(result) > _BIGGEST:
        raise FailureError("the number is too large")
    return tidy(result) if isinstance(result, float) else result


def _exact(operator: str, left: float, right: float) -> float:
    """Compute with decimals where floats would show their rounding: `0.1 + 0.2` is `0.3`."""
    if operator in "+-*" and (isinstance(left, float) or isinstance(right, float)):
        return float(_ARITHMETIC[operator](Decimal(repr(left)), Decimal(repr(right))))
    return float(_ARITHMETIC[operator](left, right)) if operator == "/" else _ARITHMETIC[operator](left, right)


def _remainder(left: float, right: float) -> int | float:
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
}


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "%": _remainder,
}

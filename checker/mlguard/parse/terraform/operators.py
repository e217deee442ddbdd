"""Arithmetic and comparison of known numbers."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from mlguard.parse.terraform.precision import arithmetic, exact


def compute(operator: str, left: float, right: float) -> int | float | bool:
    """Apply an operator to two numbers; FailureError where there is no result."""
    compare = _COMPARE.get(operator)
    return compare(exact(left), exact(right)) if compare else arithmetic(operator, left, right)


_COMPARE: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
}

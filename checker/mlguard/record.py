"""The class of values that are made by the hundred thousand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def record(*, eq: bool = True, order: bool = False) -> Callable[[type[T]], type[T]]:
    """Make a dataclass that is frozen to the type checker alone: at run time that makes each one four times as dear."""
    return dataclass(slots=True, eq=eq, order=order, unsafe_hash=eq)

"""Write values down, so that two which differ in anything are written differently."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from pathlib import Path

from mlguard.record import field_names


def description(value: object) -> list[str | float | None]:
    """Give a value part by part, plain ones with their class; TypeError for what cannot be looked into."""
    return list(_written(value))


def _written(value: object) -> Iterator[str | float | None]:
    if value is None or (isinstance(value, str | int | float) and not isinstance(value, Enum)):
        yield from (type(value).__name__, value)
        return
    yield f"{type(value).__qualname__}("
    if isinstance(value, frozenset | set):
        yield from sorted("\0".join(map(str, _written(one))) for one in value)
    elif isinstance(value, Enum | Path | re.Pattern):
        yield repr(value)
    else:
        for part in _parts(value):
            yield from _written(part)
    yield ")"


def _parts(value: object) -> Iterator[object]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from (key, below)
    elif isinstance(value, tuple | list):
        yield from value
    elif callable(value):
        yield from _of_function(value)
    else:
        names = field_names(type(value))
        if not names:
            raise TypeError(f"{type(value).__name__} cannot be looked into")
        yield from (getattr(value, name) for name in names)


def _of_function(value: Callable[..., object]) -> Iterator[object]:
    """Give what a function does by its name, of a method the record that it is of, too."""
    written = getattr(value, "__func__", value)
    name = getattr(written, "__qualname__", "<locals>")
    if "<locals>" in name or "<lambda>" in name:
        raise TypeError(f"{name} cannot be looked into")
    yield f"{written.__module__}.{name}"
    if written is not value:
        yield getattr(value, "__self__", None)

"""Records as JSON and back: of the classes that are named beforehand, so that reading makes nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlguard.record import field_names

Apart = Mapping[type, tuple[Callable[[Any], object], Callable[[Any], Any]]]
"""Classes with a form of their own: what is written of a value, and how that is read."""
_TUPLE, _LIST, _SET, _CLASSES = 0, 1, 2, 3
_MADE_OF = frozenset((dict, list))


class JsonForm:
    """How values are written: plain ones as they are, all others as a list that begins with the number of their class.

    A reader must be made with the same `classes` in the same order: records, enums, and those that are kept `apart`.
    """

    def __init__(self, classes: Sequence[type], apart: Apart | None = None) -> None:
        apart = apart or {}
        self._classes = (*classes, *apart)
        self._numbers = {one: number for number, one in enumerate(self._classes, _CLASSES)}
        self._writers = {self._numbers[one]: write for one, (write, _) in apart.items()}
        self._readers = {self._numbers[one]: read for one, (_, read) in apart.items()}

    def encoded(self, value: object) -> object:
        """Turn a value into JSON; TypeError for what it cannot be made of again."""
        kind = type(value)
        if value is None or kind in {str, bool, int, float}:
            return value
        if isinstance(value, Mapping):
            if any(type(key) is not str for key in value):
                raise TypeError("only texts are keys")
            return {key: self.encoded(below) for key, below in value.items()}
        if isinstance(value, tuple | list):
            return [_TUPLE if kind is tuple else _LIST, *map(self.encoded, value)]
        if isinstance(value, frozenset):
            return [_SET, *sorted(map(self.encoded, value))]  # type: ignore[type-var]  # texts
        number = self._numbers.get(kind)
        if number is None:
            raise TypeError(f"{kind.__name__} has no form in JSON")
        if number in self._writers:
            return [number, self._writers[number](value)]
        names = field_names(kind)
        content = [getattr(value, name) for name in names] if names else [value.value]  # type: ignore[attr-defined]  # an enum
        return [number, *map(self.encoded, content)]

    def decoded(self, value: Any) -> Any:  # noqa: ANN401  (JSON, and what it was made of)
        """Make the value again."""
        if type(value) is dict:
            return {key: self.decoded(one) if type(one) in _MADE_OF else one for key, one in value.items()}
        if type(value) is not list:
            return value
        head = value[0]
        if head in self._readers:
            return self._readers[head](value[1])
        content = [self.decoded(one) if type(one) in _MADE_OF else one for one in value[1:]]
        if head >= _CLASSES:
            return self._classes[head - _CLASSES](*content)
        if head == _TUPLE:
            return tuple(content)
        return content if head == _LIST else frozenset(content)

"""Policies, vocabulary and parameters in a form that is read ten times faster than their YAML.

The build of a wheel writes `compiled.json` beside the YAML files, from them. A checkout has none and reads YAML, so
that a policy that is edited there is what runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from mlguard.bundled import policies_folder
from mlguard.record import field_names

FILE_NAME = "compiled.json"
_TUPLE, _LIST, _CLASSES = 0, 1, 2


def compiled(part: str, classes: Sequence[type]) -> Any | None:  # noqa: ANN401  (what was compiled)
    """Give a part of the compiled form, None where there is none; `classes` are those that it was compiled with."""
    content = _content()
    return None if content is None else _decoded(content[part], classes)


@cache
def _content() -> Any | None:  # noqa: ANN401  (JSON)
    try:
        text = (policies_folder() / FILE_NAME).read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    return json.loads(text)


def encoded(value: object, classes: Sequence[type]) -> object:
    """Turn records, tuples, lists and mappings into JSON from which they can be made again."""
    if isinstance(value, type(None) | str | bool | float) or type(value) is int:
        return value
    if isinstance(value, Mapping):
        return {key: encoded(below, classes) for key, below in value.items()}
    if isinstance(value, tuple | list):
        return [_TUPLE if isinstance(value, tuple) else _LIST, *(encoded(below, classes) for below in value)]
    names = field_names(type(value))
    content = [getattr(value, name) for name in names] if names else [value.value]  # type: ignore[attr-defined]  # an enum
    return [classes.index(type(value)) + _CLASSES, *(encoded(below, classes) for below in content)]


def _decoded(value: Any, classes: Sequence[type]) -> Any:  # noqa: ANN401  (JSON)
    if type(value) is dict:
        return {key: _decoded(below, classes) for key, below in value.items()}
    if type(value) is not list:
        return value
    head = value[0]
    content = [below if type(below) is str else _decoded(below, classes) for below in value[1:]]
    if head == _TUPLE:
        return tuple(content)
    return content if head == _LIST else classes[head - _CLASSES](*content)
